package view

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
)

// Sort is how rows are sorted. The zero value sorts by key.
type Sort struct {
	Column     string // "key" and "value" are all of these; "key.a" and "value.a" are members of one name
	Descending bool
}

// SortUsage describes a flag that sorts.
const SortUsage = "sort by this column instead of by key; with :desc behind it, the largest comes first. Where key and " +
	"value have a member of one name, write key.NAME or value.NAME"

// ParseSort reads the value of a flag: COLUMN, COLUMN:desc or COLUMN:asc.
func ParseSort(text string) Sort {
	column, descending := strings.CutSuffix(text, ":desc")
	if !descending {
		column = strings.TrimSuffix(column, ":asc")
	}
	return Sort{column, descending}
}

// ErrNoColumn says that a view has no column of that name.
var ErrNoColumn = errors.New("no such column")

// order is how a view's rows are compared.
type order struct {
	column     int // or one of the following
	descending bool
}

const (
	byKey   = -1
	byValue = -2
)

// orderBy finds the column to sort by.
func (v *View) orderBy(s Sort) (order, error) {
	o := order{byKey, s.Descending}
	switch s.Column {
	case "", "key":
		return o, nil
	case "value":
		o.column = byValue
		return o, nil
	}
	var found []int
	for i, c := range v.columns[:v.rawAt] {
		if s.Column == c.Name || s.Column == v.qualified(i) {
			found = append(found, i)
		}
	}
	switch len(found) {
	case 0:
		err := fmt.Errorf("--sort %s: %w; the columns are %s", s.Column, ErrNoColumn, strings.Join(v.Names(), ", "))
		return o, cli.WithStatus(err, cli.StatusUsage)
	case 1:
		o.column = found[0]
		return o, nil
	}
	return o, cli.Usagef("--sort %s: both the key and the value have such a member: use %s or %s", s.Column,
		v.qualified(found[0]), v.qualified(found[1]))
}

// qualified is the name of a column that says whether it is of the key or of the value.
func (v *View) qualified(column int) string {
	switch name := v.columns[column].Name; {
	case column == v.cpuAt:
		return name
	case column < v.valueAt:
		return "key." + name
	default:
		return "value." + name
	}
}

func (v *View) compare(a, b Row) int {
	byItsKey := v.key.Compare(a.Key, b.Key)
	var order int
	switch column := v.order.column; {
	case column == byKey:
		order = byItsKey
	case column == byValue:
		order = v.value.Compare(a.Value, b.Value)
	case column == v.cpuAt:
		order = cmp.Compare(a.CPU, b.CPU)
	case column < v.valueAt:
		order = v.key.CompareColumn(column, a.Key, b.Key)
	default:
		order = v.value.CompareColumn(column-v.valueAt, a.Value, b.Value)
	}
	if v.order.descending {
		order = -order
	}
	return cmp.Or(order, byItsKey, cmp.Compare(a.CPU, b.CPU))
}

// CompareKeys orders two keys.
func (v *View) CompareKeys(a, b []byte) int { return v.key.Compare(a, b) }
