// Package view shows the content of maps: elements as rows, with a column for each part of their keys and values.
package view

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/btf/decode"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/table"
)

// Map is what has to be known of a map to show its content.
type Map struct {
	Name               string
	Type               libbpf.MapType
	KeySize, ValueSize uint32
	Key, Value         *decode.Type // nil for what is not known
	// ProgramName and MapName name what the kernel has under an id. They may be nil, and may return "".
	ProgramName, MapName func(id uint32) string
}

// Options are what the user wants to see.
type Options struct {
	PerCPU bool // the value of each CPU, also where the values can be added up
	Raw    bool // the bytes, beside the values
	Sort   Sort
	Top    int // rows, or 0 for all
}

// View is a map, and how to show its content.
type View struct {
	Map
	opts   Options
	key    Format
	value  Format
	data   bool // the map is a section of global data: one element, whose key is not shown
	perCPU bool // the map has a value for each CPU
	sum    bool // the sum of the CPUs' values is shown

	// The columns of the key, then the column of the CPU, if there is one, then the columns of the value, then those
	// of the bytes.
	columns []decode.Column
	cpuAt   int // -1 for no such column
	valueAt int
	rawAt   int
	order   order
}

// Row is an element of a map, or the value of one CPU in it.
type Row struct {
	Key, Value []byte
	CPU        int // -1 for none
}

// Walkable returns an error that says why the content of maps of this type can't be read, or nil.
func Walkable(t libbpf.MapType) error {
	why := ""
	switch t {
	case libbpf.MapTypeRingBuf, libbpf.MapTypeUserRingBuf, libbpf.MapTypePerfEventArray:
		why = "it is a buffer: whoever reads its records takes them away"
	case libbpf.MapTypeQueue, libbpf.MapTypeStack:
		why = "it has no keys"
	case libbpf.MapTypeBloomFilter:
		why = "it can only tell whether it has a value"
	case libbpf.MapTypeSKStorage, libbpf.MapTypeInodeStorage, libbpf.MapTypeTaskStorage, libbpf.MapTypeCgrpStorage:
		why = "its elements belong to objects of the kernel"
	case libbpf.MapTypeArena, libbpf.MapTypeInsnArray, libbpf.MapTypeCgroupArray:
	default:
		return nil
	}
	if why != "" {
		why = ": " + why
	}
	return fmt.Errorf("a map of type %s can't be read key by key%s", t, why)
}

// New prepares to show a map. It returns an error if the content can't be read, or can't be sorted in this way.
func New(m Map, opts Options) (*View, error) {
	if err := Walkable(m.Type); err != nil {
		return nil, err
	}
	v := &View{Map: m, opts: opts, key: keyFormat(m), value: valueFormat(m), perCPU: m.Type.IsPerCPU()}
	v.data = strings.HasPrefix(m.Value.Name(), ".") && m.Key == nil
	v.sum = v.perCPU && !opts.PerCPU && m.Value.Summable()
	v.makeColumns()
	var err error
	if v.order, err = v.orderBy(opts.Sort); err != nil {
		return nil, err
	}
	return v, nil
}

func (v *View) makeColumns() {
	name := func(columns []decode.Column, name string) []decode.Column {
		for i := range columns {
			columns[i].Name = cmp.Or(columns[i].Name, name)
		}
		return columns
	}
	if !v.data {
		v.columns = name(v.key.Columns(), "key")
	}
	v.cpuAt = -1
	if v.perCPU && !v.sum {
		v.cpuAt = len(v.columns)
		v.columns = append(v.columns, decode.Column{Name: "cpu", Right: true})
	}
	v.valueAt = len(v.columns)
	v.columns = append(v.columns, name(v.value.Columns(), "value")...)
	v.rawAt = len(v.columns)
	if v.opts.Raw && !v.data {
		v.columns = append(v.columns, decode.Column{Name: "key bytes"}, decode.Column{Name: "value bytes"})
	}
}

// Data tells whether the map is a section of global data, which has one element.
func (v *View) Data() bool { return v.data }

// Summed tells whether the values of all CPUs are added up.
func (v *View) Summed() bool { return v.sum }

// Names are the names of the columns.
func (v *View) Names() []string {
	var names []string
	for _, c := range v.columns {
		names = append(names, c.Name)
	}
	return names
}

// Rows calls f for the rows of a map, in no order. What they refer to is valid until f returns. The error is that of
// reading, or else that of f.
func (v *View) Rows(m libbpf.MapCore, f func(Row) error) error {
	var err error
	for key, image := range m.All(&err) {
		if failed := v.Element(key, image, f); failed != nil {
			return failed
		}
	}
	return err
}

// Element calls f for the rows of an element. The image of a per-CPU value has those of all CPUs, as the kernel lays
// them out.
func (v *View) Element(key, image []byte, f func(Row) error) error {
	if !v.perCPU {
		return f(Row{key, image, -1})
	}
	var values [][]byte // each CPU's, which is filled up to a multiple of eight bytes
	size := int(v.ValueSize)
	for slot := range slices.Chunk(image, (size+7)&^7) {
		values = append(values, slot[:size])
	}
	if v.sum {
		return f(Row{key, v.Map.Value.Sum(values), -1})
	}
	for cpu, value := range values {
		if err := f(Row{key, value, cpu}); err != nil {
			return err
		}
	}
	return nil
}

// Content is what was read from a map.
type Content struct {
	Rows    []Row
	Entries int // elements of the map
	Left    int // rows beyond those wanted
}

// Read reads all rows, and sorts them. With an error, the content is what was read before it.
func (v *View) Read(m libbpf.MapCore) (Content, error) {
	return v.Collect(func(f func(Row) error) error { return v.Rows(m, f) })
}

// Collect is Read for rows from elsewhere. It keeps little more than the rows that are wanted.
func (v *View) Collect(rows func(func(Row) error) error) (Content, error) {
	const more = 1000
	var c Content
	err := rows(func(r Row) error {
		c.Add(r)
		if v.opts.Top > 0 && len(c.Rows) >= 2*v.opts.Top+more {
			v.Arrange(&c)
		}
		return nil
	})
	v.Arrange(&c)
	return c, err
}

// Each calls f for each row.
func (c Content) Each(f func(Row) error) error {
	for _, r := range c.Rows {
		if err := f(r); err != nil {
			return err
		}
	}
	return nil
}

// Add adds a copy of a row.
func (c *Content) Add(r Row) {
	if r.CPU <= 0 {
		c.Entries++
	}
	c.Rows = append(c.Rows, Row{bytes.Clone(r.Key), bytes.Clone(r.Value), r.CPU})
}

// Arrange sorts the rows, and leaves out those that are not wanted.
func (v *View) Arrange(c *Content) {
	slices.SortStableFunc(c.Rows, v.compare)
	if v.opts.Top > 0 && len(c.Rows) > v.opts.Top {
		c.Left += len(c.Rows) - v.opts.Top
		c.Rows = c.Rows[:v.opts.Top]
	}
}

// Heading tells what the content is of, in one line. The number of entries is -1 if it is not known yet.
func (v *View) Heading(entries int) string {
	heading := fmt.Sprintf("%s: %s", v.Name, v.Type)
	if !v.data && entries >= 0 {
		heading += fmt.Sprintf(", %d %s", entries, Plural(entries, "entry", "entries"))
	}
	if v.sum {
		heading += ", values of all CPUs summed"
	}
	return heading
}

// Rank is how many rows are wanted, or 0 for all.
func (v *View) Rank() int { return v.opts.Top }

// Plural is the word for so many of something.
func Plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// Table is a table with these rows. A section of global data has a row for each variable.
func (v *View) Table(rows []Row) *table.Table {
	t := &table.Table{}
	if v.data {
		t.Columns = []table.Column{{Name: "variable"}, {Name: "value"}}
		for _, r := range rows {
			columns, cells := v.value.Columns(), v.value.Cells(r.Value)
			for i, c := range columns {
				t.Add(c.Name, cells[i])
			}
		}
		return t
	}
	for _, c := range v.columns {
		t.Columns = append(t.Columns, table.Column{Name: c.Name, Right: c.Right})
	}
	for _, r := range rows {
		t.Add(v.Cells(r)...)
	}
	return t
}

// Cells are the texts of a row's columns.
func (v *View) Cells(r Row) []string {
	cells := make([]string, 0, len(v.columns))
	if !v.data {
		cells = append(cells, v.key.Cells(r.Key)...)
	}
	if v.cpuAt >= 0 {
		cells = append(cells, strconv.Itoa(r.CPU))
	}
	cells = append(cells, v.value.Cells(r.Value)...)
	if len(v.columns) > v.rawAt {
		cells = append(cells, hex.EncodeToString(r.Key), hex.EncodeToString(r.Value))
	}
	return cells
}

// AppendJSON appends the members of a row as JSON, without braces: "key", "cpu" and "value", and the bytes if they are
// wanted.
func (v *View) AppendJSON(dst []byte, r Row) []byte {
	if !v.data {
		dst = append(v.key.AppendJSON(append(dst, `"key":`...), r.Key), ',')
	}
	if v.cpuAt >= 0 {
		dst = append(strconv.AppendInt(append(dst, `"cpu":`...), int64(r.CPU), 10), ',')
	}
	dst = v.value.AppendJSON(append(dst, `"value":`...), r.Value)
	dst = AppendFitJSON(dst, v.Map.Value.Fit(r.Value))
	if v.opts.Raw {
		dst = append(hex.AppendEncode(append(dst, `,"raw_key":"`...), r.Key), '"')
		dst = append(hex.AppendEncode(append(dst, `,"raw_value":"`...), r.Value), '"')
	}
	return dst
}

// AppendFitJSON appends how data and type did not go together, as members behind others.
func AppendFitJSON(dst []byte, fit decode.Fit) []byte {
	if fit.Truncated {
		dst = append(dst, `,"truncated":true`...)
	}
	if len(fit.Extra) > 0 {
		dst = append(hex.AppendEncode(append(dst, `,"extra":"`...), fit.Extra), '"')
	}
	return dst
}

// KeyText is a key as text that stands alone.
func (v *View) KeyText(key []byte) string { return text(v.key, key) }

// ValueText is a value as text that stands alone.
func (v *View) ValueText(value []byte) string { return text(v.value, value) }

// AppendKeyJSON and AppendValueJSON append a key, or a value, as JSON.

func (v *View) AppendKeyJSON(dst, key []byte) []byte     { return v.key.AppendJSON(dst, key) }
func (v *View) AppendValueJSON(dst, value []byte) []byte { return v.value.AppendJSON(dst, value) }

// Difference is a part of a value that changed.
type Difference struct {
	Name          string // of the part; empty where it is the value as a whole
	Before, After string
}

// Differences are the parts of a value that changed. A nil value is one that is not there: its parts are empty.
func (v *View) Differences(before, after []byte) []Difference {
	var all []Difference
	columns := v.value.Columns()
	cells := func(value []byte) []string {
		if value == nil {
			return make([]string, len(columns))
		}
		return v.value.Cells(value)
	}
	a, b := cells(before), cells(after)
	for i, c := range columns {
		if a[i] != b[i] {
			all = append(all, Difference{c.Name, a[i], b[i]})
		}
	}
	if len(all) == 0 { // what changed is not shown, such as bytes between members
		all = append(all, Difference{"", decode.Hex(before), decode.Hex(after)})
	}
	return all
}

func text(f Format, data []byte) string {
	if t, ok := f.(*decode.Type); ok {
		return t.Text(data)
	}
	return strings.TrimSpace(strings.Join(f.Cells(data), " "))
}

// Text is the content as text: a heading, a table, and how many rows are left out.
func (v *View) Text(env *cli.Env, c Content) string {
	var text strings.Builder
	text.WriteString(cli.Safe(v.Heading(c.Entries)) + "\n")
	if len(c.Rows) > 0 {
		text.WriteString(v.Table(c.Rows).Text(env, env.Width()))
	}
	if c.Left > 0 {
		fmt.Fprintf(&text, "... and %d more\n", c.Left)
	}
	return text.String()
}
