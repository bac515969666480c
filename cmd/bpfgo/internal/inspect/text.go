package inspect

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/kernel"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/table"
)

// show writes objects as tables.
func show(env *cli.Env, opts *options, objects []*object) error {
	for i, o := range objects {
		if i > 0 {
			if _, err := io.WriteString(env.Stdout, "\n"); err != nil {
				return err
			}
		}
		text := o.text(env, opts)
		if _, err := io.WriteString(env.Stdout, text); err != nil {
			return err
		}
		for _, w := range o.Warnings {
			env.Note("%s: %s", o.File, w)
		}
	}
	return nil
}

// writer writes sections of tables.
type writer struct {
	strings.Builder
	env *cli.Env
}

func (w *writer) section(heading string, t *table.Table) {
	if len(t.Rows) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s\n%s", w.env.Paint(cli.Bold, heading), t.Text(w.env, w.env.Width()))
}

func (o *object) text(env *cli.Env, opts *options) string {
	w := &writer{env: env}
	license := "no license"
	if o.License != "" {
		license = "license " + o.License
	}
	parts := []string{size(o.Size), o.ByteOrder, license}
	if o.KernelVersion != "" {
		parts = append(parts, "for kernel "+o.KernelVersion)
	}
	if o.Types > 0 {
		parts = append(parts, fmt.Sprintf("BTF with %s", count(o.Types, "type")))
	} else {
		parts = append(parts, "no BTF")
	}
	fmt.Fprintf(w, "%s: %s\n", cli.Safe(o.File), cli.Safe(strings.Join(parts, ", ")))
	w.section("PROGRAMS", programTable(o.Programs))
	maps := o.Maps
	if o.Types > 0 { // then the table of variables has their content
		maps = slices.DeleteFunc(slices.Clone(maps), func(m mapping) bool { return m.Internal })
	}
	w.section("MAPS", mapTable(maps))
	w.section("CALLBACKS", callbackTable(o.Maps))
	w.section("VARIABLES", variableTable(o.Variables))
	w.section("EXTERNS", externTable(o.Externs))
	if o.Relocations != nil && o.Relocations.Total > 0 {
		fmt.Fprintf(w, "\n%s\n%s\n", env.Paint(cli.Bold, "CO-RE RELOCATIONS"), o.Relocations)
		shown := o.Relocations.bad
		if opts.relocations {
			shown = o.Relocations.All
		}
		if len(shown) > 0 {
			t := relocationTable(shown)
			w.WriteString(t.Text(env, env.Width()))
		}
	}
	whose := "THIS KERNEL"
	if opts.kernelBTF != "" {
		whose = "THAT KERNEL"
	}
	w.section(whose+" LACKS", lackTable(o.Lacks, cli.Red))
	w.section("UNKNOWN", lackTable(o.Unknown, cli.Yellow))
	if len(o.Lacks) == 0 && len(o.Unknown) == 0 {
		fmt.Fprintf(w, "\n%s lacks nothing that was looked for.\n", whose[:1]+strings.ToLower(whose[1:]))
	}
	return w.String()
}

func size(n int) string {
	if n < 1024 {
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%.1f KiB", float64(n)/1024)
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

func here(answer *kernel.Answer) table.Cell {
	if answer == nil {
		return table.Cell{Text: "-"}
	}
	style := map[kernel.State]cli.Style{kernel.No: cli.Red, kernel.Unknown: cli.Yellow}[answer.State]
	return table.Cell{Text: string(answer.State), Style: style}
}

func programTable(programs []program) *table.Table {
	t := &table.Table{Columns: []table.Column{
		{Name: "name"}, {Name: "type"}, {Name: "attaches to", Shrink: true}, {Name: "here"},
		{Name: "instructions", Right: true}, {Name: "flags"},
	}}
	for _, p := range programs {
		flags := p.Flags
		if !p.Autoload {
			flags = append([]string{"not loaded by default"}, flags...)
		}
		if !p.Autoattach {
			flags = append([]string{"not attached by default"}, flags...)
		}
		t.Rows = append(t.Rows, []table.Cell{
			{Text: p.Name}, {Text: p.Type}, {Text: p.Attach.String()}, here(p.Attach.Here),
			{Text: strconv.Itoa(p.Instructions)}, {Text: strings.Join(flags, ", ")},
		})
	}
	return t
}

func mapTable(maps []mapping) *table.Table {
	t := &table.Table{Columns: []table.Column{
		{Name: "name"}, {Name: "type"}, {Name: "key", Shrink: true}, {Name: "value", Shrink: true},
		{Name: "entries", Right: true}, {Name: "flags"},
	}}
	for _, m := range maps {
		notes := m.Flags
		if m.PinPath != "" {
			notes = append(notes, "pinned at "+m.PinPath)
		}
		if !m.Autocreate {
			notes = append(notes, "not created by default")
		}
		if m.Inner != nil {
			notes = append(notes, fmt.Sprintf("of %s maps with %s, %s and %d entries", m.Inner.Type,
				typed("keys", "", m.Inner.KeySize), typed("values", "", m.Inner.ValueSize), m.Inner.MaxEntries))
		}
		value := typed("", m.ValueType, m.ValueSize)
		if m.RecordType != "" {
			value = "records: " + m.RecordType
		}
		t.Add(m.Name, m.Type, typed("", m.KeyType, m.KeySize), value, strconv.FormatUint(uint64(m.MaxEntries), 10),
			strings.Join(notes, ", "))
	}
	return t
}

// typed is the type and size of a key or value.
func typed(what, name string, size uint32) string {
	switch {
	case size == 0:
		return "-"
	case what != "":
		return fmt.Sprintf("%s of %s", what, count(int(size), "byte"))
	case name == "":
		return count(int(size), "byte")
	}
	return fmt.Sprintf("%s (%s)", name, count(int(size), "byte"))
}

func callbackTable(maps []mapping) *table.Table {
	t := &table.Table{Columns: []table.Column{{Name: "map"}, {Name: "struct"}, {Name: "member"}, {Name: "program"}}}
	for _, m := range maps {
		for _, c := range m.Callbacks {
			t.Add(m.Name, m.ValueType, c.Member, c.Program)
		}
	}
	return t
}

func variableTable(variables []variable) *table.Table {
	t := &table.Table{Columns: []table.Column{{Name: "section"}, {Name: "name"}, {Name: "type"}, {Name: "value", Shrink: true}}}
	for _, v := range variables {
		t.Add(v.Section, v.Name, v.Type, v.text)
	}
	return t
}

func externTable(externs []extern) *table.Table {
	t := &table.Table{Columns: []table.Column{
		{Name: "name"}, {Name: "kind"}, {Name: "here"}, {Name: "value", Shrink: true}, {Name: "if missing"},
	}}
	for _, e := range externs {
		missing := "not loaded"
		if e.Weak {
			missing = "zero"
		}
		t.Rows = append(t.Rows, []table.Cell{
			{Text: e.Name}, {Text: e.Kind}, here(&e.Here), {Text: cmp.Or(e.Value, e.Here.Why, "-")}, {Text: missing},
		})
	}
	return t
}

func (f *relocations) String() string {
	text := count(f.Total, "relocation")
	for _, part := range []struct {
		n    int
		what string
	}{
		{f.Same, "unchanged"}, {f.Changed, "changed"}, {f.Absent, "answered with no"}, {f.Poisoned, "poisoned"},
		{f.Failed, "failed"},
	} {
		if part.n > 0 {
			text += fmt.Sprintf(", %d %s", part.n, part.what)
		}
	}
	return text
}

func relocationTable(all []relocation) table.Table {
	t := table.Table{Columns: []table.Column{
		{Name: "function"}, {Name: "instruction", Right: true}, {Name: "kind"}, {Name: "what", Shrink: true}, {Name: "becomes"},
	}}
	for _, r := range all {
		becomes := r.State
		switch {
		case r.Error != "":
			becomes = "error: " + r.Error
		case r.New != nil:
			becomes = fmt.Sprintf("%d -> %d", r.Old, *r.New)
		}
		t.Add(r.Function, strconv.Itoa(r.Instruction), r.Kind, r.Spec, becomes)
	}
	return t
}

func lackTable(lacks []lack, style cli.Style) *table.Table {
	t := &table.Table{Columns: []table.Column{{Name: "what"}, {Name: "why", Shrink: true}, {Name: "needed by"}}}
	for _, l := range lacks {
		t.Rows = append(t.Rows, []table.Cell{
			{Text: l.What, Style: style}, {Text: l.Why}, {Text: strings.Join(l.Programs, ", ")},
		})
	}
	return t
}
