package list

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/inventory"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/table"
)

// column is a column of a list, which can be sorted by it: by the number, if it has one, or by the text.
type column[T any] struct {
	name   string
	text   func(T) string
	number func(T) float64
	right  bool
	shrink bool
	least  int // the width of a terminal that has room for it
	empty  bool
}

var programColumns = []column[*inventory.Program]{
	{name: "id", text: func(p *inventory.Program) string { return fmt.Sprint(p.ID) }, right: true,
		number: func(p *inventory.Program) float64 { return float64(p.ID) }},
	{name: "type", text: func(p *inventory.Program) string { return p.Type }},
	{name: "name", text: func(p *inventory.Program) string { return name(p.Name, p.NameCut) }, shrink: true},
	{name: "cpu", text: func(p *inventory.Program) string {
		return rate(p, func(r *inventory.Rates) string { return percent(r.CPUPercent) })
	},
		number: func(p *inventory.Program) float64 { return rates(p).CPUPercent }, right: true, empty: true},
	{name: "runs/s", text: func(p *inventory.Program) string {
		return rate(p, func(r *inventory.Rates) string { return decimals(r.RunsPerSecond) })
	},
		number: func(p *inventory.Program) float64 { return rates(p).RunsPerSecond }, right: true, empty: true},
	{name: "ns/run", text: func(p *inventory.Program) string {
		return rate(p, func(r *inventory.Rates) string { return unlessZero(fmt.Sprintf("%.0f", r.NSPerRun)) })
	}, number: func(p *inventory.Program) float64 { return rates(p).NSPerRun }, right: true, empty: true},
	{name: "memory", text: func(p *inventory.Program) string { return bytes(p.MemoryBytes) }, right: true,
		number: func(p *inventory.Program) float64 { return float64(p.MemoryBytes) }},
	{name: "instructions", text: func(p *inventory.Program) string { return unlessZero(fmt.Sprint(p.Instructions)) }, right: true,
		number: func(p *inventory.Program) float64 { return float64(p.Instructions) }, least: 160},
	{name: "runs", text: func(p *inventory.Program) string { return unlessZero(fmt.Sprint(p.RunCount)) }, right: true,
		number: func(p *inventory.Program) float64 { return float64(p.RunCount) }, least: 100, empty: true},
	{name: "run time", text: func(p *inventory.Program) string { return duration(p.RunTimeNS) }, right: true,
		number: func(p *inventory.Program) float64 { return float64(p.RunTimeNS) }, least: 100, empty: true},
	{name: "average", text: func(p *inventory.Program) string { return duration(p.AverageNS) }, right: true,
		number: func(p *inventory.Program) float64 { return float64(p.AverageNS) }, least: 120, empty: true},
	{name: "loaded", text: func(p *inventory.Program) string { return since(p.LoadedAt) },
		number: func(p *inventory.Program) float64 { return float64(p.LoadedAt.UnixMilli()) }, least: 140},
	{name: "uid", text: func(p *inventory.Program) string { return fmt.Sprint(p.UID) }, right: true,
		number: func(p *inventory.Program) float64 { return float64(p.UID) }, least: 140},
	{name: "tag", text: func(p *inventory.Program) string { return p.Tag }, least: 180},
	{name: "attached to", text: attached, shrink: true},
	{name: "held by", text: func(p *inventory.Program) string { return p.Words() }, shrink: true, least: 100},
}

var mapColumns = []column[*inventory.Map]{
	{name: "id", text: func(m *inventory.Map) string { return fmt.Sprint(m.ID) }, right: true,
		number: func(m *inventory.Map) float64 { return float64(m.ID) }},
	{name: "type", text: func(m *inventory.Map) string { return m.Type }},
	{name: "name", text: func(m *inventory.Map) string { return name(m.Name, m.NameCut) }, shrink: true},
	{name: "key", text: func(m *inventory.Map) string { return fmt.Sprint(m.KeySize) }, right: true,
		number: func(m *inventory.Map) float64 { return float64(m.KeySize) }, least: 100},
	{name: "value", text: func(m *inventory.Map) string { return fmt.Sprint(m.ValueSize) }, right: true,
		number: func(m *inventory.Map) float64 { return float64(m.ValueSize) }, least: 100},
	{name: "max", text: func(m *inventory.Map) string { return fmt.Sprint(m.MaxEntries) }, right: true,
		number: func(m *inventory.Map) float64 { return float64(m.MaxEntries) }},
	{name: "memory", text: func(m *inventory.Map) string { return bytes(m.MemoryBytes) }, right: true,
		number: func(m *inventory.Map) float64 { return float64(m.MemoryBytes) }},
	{name: "flags", text: func(m *inventory.Map) string { return mapFlags(m) }, least: 140},
	{name: "types", text: mapTypes, shrink: true, least: 160},
	{name: "held by", text: func(m *inventory.Map) string { return m.Words() }, shrink: true},
}

var linkColumns = []column[*inventory.Link]{
	{name: "id", text: func(l *inventory.Link) string { return fmt.Sprint(l.ID) }, right: true,
		number: func(l *inventory.Link) float64 { return float64(l.ID) }},
	{name: "type", text: func(l *inventory.Link) string { return l.Type }},
	{name: "program", text: func(l *inventory.Link) string {
		if l.ProgramID == 0 {
			return ""
		}
		return fmt.Sprintf("%d %s", l.ProgramID, l.ProgramName)
	}, shrink: true},
	{name: "target", text: func(l *inventory.Link) string { return l.Target.Words }, shrink: true},
	{name: "held by", text: func(l *inventory.Link) string { return l.Words() }, shrink: true},
}

var btfColumns = []column[*inventory.BTF]{
	{name: "id", text: func(b *inventory.BTF) string { return fmt.Sprint(b.ID) }, right: true,
		number: func(b *inventory.BTF) float64 { return float64(b.ID) }},
	{name: "kind", text: func(b *inventory.BTF) string { return b.Kind }},
	{name: "name", text: func(b *inventory.BTF) string { return b.Name }, shrink: true},
	{name: "size", text: func(b *inventory.BTF) string { return bytes(uint64(b.Bytes)) }, right: true,
		number: func(b *inventory.BTF) float64 { return float64(b.Bytes) }},
	{name: "held by", text: func(b *inventory.BTF) string { return b.Words() }, shrink: true},
}

// columnNames are the columns of a kind.
func columnNames(kind string) []string {
	switch kind {
	case "programs":
		return namesOf(programColumns)
	case "maps":
		return namesOf(mapColumns)
	case "links":
		return namesOf(linkColumns)
	}
	return namesOf(btfColumns)
}

func namesOf[T any](columns []column[T]) []string {
	var all []string
	for _, c := range columns {
		all = append(all, c.name)
	}
	return all
}

// checkSort checks that one of the lists has the column.
func checkSort(wanted []string, by string) error {
	by, _ = splitSort(by)
	var all []string
	for _, kind := range wanted {
		for _, name := range columnNames(kind) {
			if !slices.Contains(all, name) {
				all = append(all, name)
			}
		}
	}
	if !slices.Contains(all, by) {
		return cli.Usagef("list: --sort %s: the columns are %s", by, strings.Join(all, ", "))
	}
	return nil
}

// splitSort takes the direction off a column's name: 1 for :asc, -1 for :desc, 0 for none.
func splitSort(text string) (by string, direction int) {
	if by, found := strings.CutSuffix(text, ":desc"); found {
		return by, -1
	}
	if by, found := strings.CutSuffix(text, ":asc"); found {
		return by, 1
	}
	return text, 0
}

// order sorts by a column, if there is it, and leaves the first ones. Amounts are sorted from the largest to the smallest,
// and all else the other way, if nothing else is wanted. What costs most is first if it was measured.
func order[T any](all []T, columns []column[T], by string, top int) []T {
	by, direction := splitSort(by)
	i := slices.IndexFunc(columns, func(c column[T]) bool { return c.name == by })
	if by == "" {
		i = slices.IndexFunc(columns, func(c column[T]) bool { return c.name == "cpu" })
	}
	if i >= 0 {
		c := columns[i]
		slices.SortStableFunc(all, func(a, b T) int {
			switch {
			case c.number == nil:
				return cmp.Or(direction, 1) * cmp.Compare(c.text(a), c.text(b))
			case c.name == "id": // which is no amount
				return cmp.Or(direction, 1) * cmp.Compare(c.number(a), c.number(b))
			}
			return cmp.Or(direction, -1) * cmp.Compare(c.number(a), c.number(b))
		})
	}
	if top > 0 && len(all) > top {
		all = all[:top]
	}
	return all
}

// count is how many of a kind there are.
func count(s *inventory.Snapshot, kind string) int {
	switch kind {
	case "programs":
		return len(s.Programs)
	case "maps":
		return len(s.Maps)
	case "links":
		return len(s.Links)
	}
	return len(s.BTFs)
}

// tables are the lists, each under a heading if there are several.
func (l *lister) tables(s *inventory.Snapshot, width int) string {
	var text strings.Builder
	for i, kind := range l.wanted {
		if !l.alone {
			if i > 0 {
				text.WriteString("\n")
			}
			text.WriteString(l.env.Paint(cli.Bold, kind) + "\n")
		}
		if count(s, kind) == 0 {
			text.WriteString("none\n")
			continue
		}
		switch kind {
		case "programs":
			text.WriteString(rows(l.env, width, s.Programs, programColumns))
		case "maps":
			text.WriteString(rows(l.env, width, s.Maps, mapColumns))
		case "links":
			text.WriteString(rows(l.env, width, s.Links, linkColumns))
		case "btf":
			text.WriteString(rows(l.env, width, s.BTFs, btfColumns))
		}
	}
	return text.String()
}

// rows is the table of one kind. Columns that the terminal has no room for are left out, and so are some where nothing
// is in them.
func rows[T any](env *cli.Env, width int, all []T, columns []column[T]) string {
	var t table.Table
	var shown []column[T]
	for _, c := range columns {
		fits := width == 0 || width >= c.least
		if !fits || c.empty && !slices.ContainsFunc(all, func(one T) bool { return c.text(one) != "" }) {
			continue
		}
		shown = append(shown, c)
		t.Columns = append(t.Columns, table.Column{Name: c.name, Right: c.right, Shrink: c.shrink})
	}
	for _, one := range all {
		var row []string
		for _, c := range shown {
			row = append(row, c.text(one))
		}
		t.Add(row...)
	}
	return t.Text(env, width)
}

func name(text string, cut bool) string {
	if cut {
		return text + "…"
	}
	return text
}

func attached(p *inventory.Program) string {
	if made := p.Function + p.Tracepoint; len(p.Attached) == 0 && made != "" {
		return "(for " + made + ")"
	}
	return strings.Join(p.Attached, ", ")
}

func mapFlags(m *inventory.Map) string {
	flags := slices.Clone(m.Flags)
	if m.Frozen {
		flags = append(flags, "frozen")
	}
	return strings.Join(flags, ",")
}

func mapTypes(m *inventory.Map) string {
	switch {
	case m.KeyType == "" && m.ValueType == "":
		return ""
	case m.KeyType == "":
		return m.ValueType
	}
	return m.KeyType + " → " + m.ValueType
}

func rates(p *inventory.Program) inventory.Rates {
	if p.Rates == nil {
		return inventory.Rates{CPUPercent: -1, RunsPerSecond: -1, NSPerRun: -1}
	}
	return *p.Rates
}

func rate(p *inventory.Program, text func(*inventory.Rates) string) string {
	if p.Rates == nil {
		return ""
	}
	return text(p.Rates)
}

func unlessZero(text string) string {
	if text == "0" {
		return ""
	}
	return text
}

// percent has as many digits as matter.
func percent(n float64) string {
	switch {
	case n == 0:
		return "0%"
	case n < 0.01:
		return "<0.01%"
	case n < 10:
		return fmt.Sprintf("%.2f%%", n)
	}
	return fmt.Sprintf("%.1f%%", n)
}

func decimals(n float64) string {
	if n == 0 || n >= 10 {
		return fmt.Sprintf("%.0f", n)
	}
	return fmt.Sprintf("%.1f", n)
}

func duration(ns uint64) string {
	if ns == 0 {
		return ""
	}
	d := time.Duration(ns)
	switch {
	case d > time.Minute:
		return d.Round(time.Second).String()
	case d > time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d > time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	case d > time.Microsecond:
		return d.Round(10 * time.Nanosecond).String()
	}
	return d.String()
}

// bytes is a size, with the units of 1024.
func bytes(n uint64) string {
	switch {
	case n == 0:
		return ""
	case n < 1<<10:
		return fmt.Sprintf("%d B", n)
	case n < 10<<20:
		return fmt.Sprintf("%d KiB", n>>10)
	case n < 10<<30:
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d GiB", n>>30)
}

// since is the time of an event: the time of today, or the date.
func since(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	t = t.Local()
	if now := time.Now(); t.Year() == now.Year() && t.YearDay() == now.YearDay() {
		return t.Format(time.TimeOnly)
	}
	return t.Format(time.DateOnly)
}
