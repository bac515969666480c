package run

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/btf/decode"
)

// dump is a map whose content is shown.
type dump struct {
	name   string
	key    *decode.Type // nil if it is not known
	value  *decode.Type
	data   bool // the map is a section of global data: one element, whose key is not shown
	perCPU bool // the map has a value for each CPU
	sum    bool // the sum of the CPUs' values is shown

	// The columns of the key, then the column of the CPU, if there is one, then the columns of the value.
	columns []decode.Column
	cpuAt   int // -1 for no such column
	valueAt int
	sortBy  int // a column, or -1 for the key
	desc    bool
	top     int // rows to show, or 0 for all
}

// row is an element of a map, or the value of one CPU in it.
type row struct {
	key, value []byte
	cpu        int
}

// walkable tells whether maps of this type can be read key by key.
func walkable(t libbpf.MapType) bool {
	switch t {
	case libbpf.MapTypeRingBuf, libbpf.MapTypeUserRingBuf, libbpf.MapTypePerfEventArray, libbpf.MapTypeStructOps,
		libbpf.MapTypeSKStorage, libbpf.MapTypeInodeStorage, libbpf.MapTypeTaskStorage, libbpf.MapTypeCgrpStorage,
		libbpf.MapTypeArena, libbpf.MapTypeInsnArray, libbpf.MapTypeCgroupArray:
		return false
	}
	return !t.IsKeyless()
}

// newDump prepares to show a map.
func newDump(name string, m *libbpf.OpenMap, types *decode.Types, opts *runOptions) (*dump, error) {
	t, err := m.Type()
	if err != nil {
		return nil, err
	}
	if created, err := m.Autocreate(); err != nil {
		return nil, err
	} else if !created {
		return nil, fmt.Errorf("--dump %s: the object does not create the map", name)
	}
	if !walkable(t) {
		return nil, fmt.Errorf("--dump %s: a map of type %s can't be read key by key", name, t)
	}
	d := &dump{name: name, perCPU: t.IsPerCPU(), sortBy: -1, desc: opts.sortDesc, top: opts.top}
	if types != nil {
		// If the type is not known, keys and values are shown in hexadecimal.
		if id, err := m.KeyTypeID(); err == nil && id != 0 {
			d.key, _ = types.Type(btf.TypeID(id))
		}
		if id, err := m.ValueTypeID(); err == nil && id != 0 {
			d.value, _ = types.Type(btf.TypeID(id))
		}
	}
	d.data = strings.HasPrefix(d.value.Name(), ".") && d.key == nil
	d.sum = d.perCPU && !opts.perCPU && d.value.Summable()
	d.makeColumns()
	return d, nil
}

func (d *dump) makeColumns() {
	name := func(columns []decode.Column, name string) []decode.Column {
		for i := range columns {
			columns[i].Name = cmp.Or(columns[i].Name, name)
		}
		return columns
	}
	if !d.data {
		d.columns = name(d.key.Columns(), "key")
	}
	d.cpuAt = -1
	if d.perCPU && !d.sum {
		d.cpuAt = len(d.columns)
		d.columns = append(d.columns, decode.Column{Name: "cpu", Right: true})
	}
	d.valueAt = len(d.columns)
	d.columns = append(d.columns, name(d.value.Columns(), "value")...)
}

// sortColumn sorts the dump by the column with that name. It returns false if there is no such column.
func (d *dump) sortColumn(name string) bool {
	d.sortBy = slices.IndexFunc(d.columns, func(c decode.Column) bool { return c.Name == name })
	return d.sortBy >= 0
}

// read reads all elements and sorts them.
func (d *dump) read(m *libbpf.Map) ([]row, error) {
	var rows []row
	var err error
	size := int(m.ValueSize())
	for key, value := range m.All(&err) {
		key, value := bytes.Clone(key), bytes.Clone(value) // the iteration writes the next ones over them
		if !d.perCPU {
			rows = append(rows, row{key: key, value: value})
			continue
		}
		var values [][]byte // each CPU's, which is filled up to a multiple of eight bytes
		for slot := range slices.Chunk(value, (size+7)&^7) {
			values = append(values, slot[:size])
		}
		if d.sum {
			rows = append(rows, row{key: key, value: d.value.Sum(values)})
			continue
		}
		for cpu, value := range values {
			rows = append(rows, row{key: key, value: value, cpu: cpu})
		}
	}
	slices.SortStableFunc(rows, d.compare)
	return rows, err
}

func (d *dump) compare(a, b row) int {
	order := 0
	switch {
	case d.sortBy < 0:
	case d.sortBy == d.cpuAt:
		order = cmp.Compare(a.cpu, b.cpu)
	case d.sortBy < d.valueAt:
		order = d.key.CompareColumn(d.sortBy, a.key, b.key)
	default:
		order = d.value.CompareColumn(d.sortBy-d.valueAt, a.value, b.value)
	}
	byKey := d.key.Compare(a.key, b.key)
	switch {
	case d.sortBy < 0 && d.desc:
		return -byKey
	case d.desc:
		return cmp.Or(-order, byKey)
	default:
		return cmp.Or(order, byKey)
	}
}

// show shows the map's content. n is how often it was shown.
func (d *dump) show(m *libbpf.Map, out *output, n int, interval bool) error {
	rows, err := d.read(m)
	if err != nil {
		return fmt.Errorf("--dump %s: %w", d.name, err)
	}
	elements := len(rows)
	if d.cpuAt >= 0 {
		elements = len(slices.CompactFunc(slices.Clone(rows), func(a, b row) bool { return bytes.Equal(a.key, b.key) }))
	}
	left := 0
	if d.top > 0 && len(rows) > d.top {
		left = len(rows) - d.top
		rows = rows[:d.top]
	}
	if out.json.On {
		for _, r := range rows {
			out.jsonLine(d.rowJSON(r, n))
		}
		return nil
	}

	var heading strings.Builder
	if interval {
		heading.WriteString(time.Now().Format("15:04:05 "))
	}
	fmt.Fprintf(&heading, "%s: %s", d.name, m.Type())
	if !d.data {
		fmt.Fprintf(&heading, ", %d %s", elements, plural(elements, "entry", "entries"))
	}
	if d.sum {
		heading.WriteString(", values of all CPUs summed")
	}
	footer := ""
	if left > 0 {
		footer = fmt.Sprintf("... and %d more\n", left)
	}
	cells := make([][]string, len(rows))
	for i, r := range rows {
		if !d.data {
			cells[i] = d.key.Cells(r.key)
		}
		if d.cpuAt >= 0 {
			cells[i] = append(cells[i], strconv.Itoa(r.cpu))
		}
		cells[i] = append(cells[i], d.value.Cells(r.value)...)
	}
	out.table(heading.String(), d.columns, cells, footer)
	return nil
}

func (d *dump) rowJSON(r row, n int) []byte {
	line := strconv.AppendInt([]byte(`{"dump":`), int64(n), 10)
	line = decode.AppendJSONString(append(line, `,"map":`...), d.name)
	if !d.data {
		line = d.key.AppendJSON(append(line, `,"key":`...), r.key)
	}
	if d.cpuAt >= 0 {
		line = strconv.AppendInt(append(line, `,"cpu":`...), int64(r.cpu), 10)
	}
	line = d.value.AppendJSON(append(line, `,"value":`...), r.value)
	line = appendFitJSON(line, d.value.Fit(r.value))
	return append(line, '}')
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
