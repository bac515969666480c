package types

import (
	"bufio"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cdecl"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
)

// difference is how two sets of types differ, as JSON.
type difference struct {
	Added   []namedType   `json:"added"`
	Removed []namedType   `json:"removed"`
	Changed []changedType `json:"changed"`
}

// namedType is a type that only one side has, as JSON.
type namedType struct {
	Kind        string `json:"kind"`
	Name        string `json:"name"`
	Declaration string `json:"declaration,omitempty"` // of a function, a variable or a typedef
}

// changedType is a type that both sides have, as JSON.
type changedType struct {
	Kind    string       `json:"kind"`
	Name    string       `json:"name"`
	OldSize *int         `json:"old_size,omitempty"` // if it changed
	NewSize *int         `json:"new_size,omitempty"`
	Old     string       `json:"old,omitempty"` // the declaration of a function, a variable or a typedef
	New     string       `json:"new,omitempty"`
	Parts   []partChange `json:"parts,omitempty"` // members, or enumerators
}

// partChange is how a member or an enumerator changed, as JSON.
type partChange struct {
	Change string `json:"change"` // "added", "removed", "moved", "retyped" or, of an enumerator, "changed"
	Name   string `json:"name"`
	Old    string `json:"old,omitempty"` // the type, or the value of an enumerator
	New    string `json:"new,omitempty"`
	// OldBit and NewBit are the offsets of a member, in bits.
	OldBit *uint32 `json:"old_bit_offset,omitempty"`
	NewBit *uint32 `json:"new_bit_offset,omitempty"`
}

func diffCommand(env *cli.Env) *cobra.Command {
	var only string
	var exitCode, verbose bool
	cmd := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "show how the types of two kernels or objects differ",
		Long: `Shows which types, functions and variables were added, removed or changed from one file with BTF to another: members
that were added, removed, moved or have another type, enumerators with another value, and functions with other
parameters. Files are raw BTF, such as /sys/kernel/btf/vmlinux, or ELF files with BTF, such as an object.

Types are compared by their names: a struct has not changed if only a struct that it points to has. Members that only
moved are counted; --verbose lists them.`,
		Example: `  bpfgo btf diff 6.1.btf /sys/kernel/btf/vmlinux --type 'struct task_struct'
  bpfgo btf diff old.bpf.o new.bpf.o --exit-code`,
		Args: cli.Operands(2, 2, "two files with BTF"),
	}
	cmd.Flags().StringVar(&only, "type", "", "only compare types that match this `PATTERN`, as for 'bpfgo btf find'")
	cmd.Flags().BoolVar(&verbose, "verbose", false, "list members that only moved")
	cmd.Flags().BoolVar(&exitCode, "exit-code", false, "end with the exit status 5 if there are differences")
	mode := env.JSONFlag(cmd, `write {"schema_version":1,"diff":{"added":[...],"removed":[...],"changed":[...]}}`)
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		wanted := pattern{name: "*"}
		if only != "" {
			var err error
			if wanted, err = parsePattern(only); err != nil {
				return err
			}
			if wanted.member != "" {
				return cli.Usagef("--type %s: name a type, not a member", only)
			}
		}
		d, err := diffFiles(args[0], args[1], wanted)
		if err != nil {
			return err
		}
		if mode.On {
			err = env.WriteDocument(mode, cli.Document{Name: "diff", Value: d})
		} else {
			err = d.write(env, verbose)
		}
		if err == nil && exitCode && len(d.Added)+len(d.Removed)+len(d.Changed) > 0 {
			return cli.Exit(cli.StatusRejected)
		}
		return err
	}
	return cmd
}

func diffFiles(before, after string, wanted pattern) (difference, error) {
	var sides [2]*collection
	for i, path := range []string{before, after} {
		types, err := btf.Parse(path)
		if err != nil {
			return difference{}, err
		}
		defer types.Close()
		if sides[i], err = collect(types, wanted); err != nil {
			return difference{}, fmt.Errorf("%s: %w", path, err)
		}
	}
	return diff(sides[0], sides[1]), nil
}

// identity is what types are compared by. There may be several of one identity, as of structs that only one source file
// knows.
type identity struct{ kind, name string }

func (a identity) compare(b identity) int {
	return cmp.Or(slices.Index(kinds, a.kind)-slices.Index(kinds, b.kind), strings.Compare(a.name, b.name))
}

// collection is the types of one side.
type collection struct {
	types  *btf.BTF
	byName map[identity][]btf.Type
	names  map[btf.TypeID]string // of types as members have them
}

func collect(types *btf.BTF, wanted pattern) (*collection, error) {
	c := &collection{types, map[identity][]btf.Type{}, map[btf.TypeID]string{}}
	var err error
	for t := range types.Types(&err) {
		kind := word(t)
		if kind == "" || t.Name() == "" || wanted.kind != "" && wanted.kind != kind || !matches(wanted.name, t.Name()) {
			continue
		}
		id := identity{kind, t.Name()}
		c.byName[id] = append(c.byName[id], t)
	}
	return c, err
}

// name is a type as a member has it.
func (c *collection) name(id btf.TypeID) string {
	name, known := c.names[id]
	if !known {
		name = strings.Join(strings.Fields(cdecl.Declaration(c.types, id, "")), " ")
		c.names[id] = name
	}
	return name
}

func diff(before, after *collection) difference {
	d := difference{Added: []namedType{}, Removed: []namedType{}, Changed: []changedType{}}
	all := map[identity]bool{}
	for id := range before.byName {
		all[id] = true
	}
	for id := range after.byName {
		all[id] = true
	}
	ids := make([]identity, 0, len(all))
	for id := range all {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, identity.compare)
	for _, id := range ids {
		a, b := before.byName[id], after.byName[id]
		switch {
		case len(a) == 0:
			d.Added = append(d.Added, after.describe(id, b[0]))
		case len(b) == 0:
			d.Removed = append(d.Removed, before.describe(id, a[0]))
		default:
			d.Changed = append(d.Changed, changedTypes(id, before, after, a, b)...)
		}
	}
	return d
}

// describe is a type that only this side has.
func (c *collection) describe(id identity, t btf.Type) namedType {
	n := namedType{Kind: id.kind, Name: id.name}
	switch t.(type) {
	case *btf.Func, *btf.Var, *btf.Typedef:
		n.Declaration = c.declare(t)
	}
	return n
}

func (c *collection) declare(t btf.Type) string {
	return strings.Join(strings.Fields(cdecl.Definition(c.types, t.ID())), " ")
}

// changedTypes compares the types of one name. Where there are several, those that are the same on both sides belong
// together, and the others in the order that they have.
func changedTypes(id identity, before, after *collection, a, b []btf.Type) []changedType {
	b = slices.Clone(b)
	var left []btf.Type
	for _, t := range a {
		same := slices.IndexFunc(b, func(other btf.Type) bool {
			_, differ := changed(id, before, after, t, other)
			return !differ
		})
		if same >= 0 {
			b = slices.Delete(b, same, same+1)
		} else {
			left = append(left, t)
		}
	}
	var all []changedType
	for i := range min(len(left), len(b)) {
		if c, differ := changed(id, before, after, left[i], b[i]); differ {
			all = append(all, c)
		}
	}
	return all
}

// changed compares two types of one name.
func changed(id identity, before, after *collection, a, b btf.Type) (c changedType, differ bool) {
	c = changedType{Kind: id.kind, Name: id.name}
	switch a := a.(type) {
	case *btf.Composite:
		b := b.(*btf.Composite)
		c.resize(int(a.Size), int(b.Size))
		c.Parts = changedMembers(before, after, a, b)
	case *btf.Enum:
		b := b.(*btf.Enum)
		c.resize(int(a.Size), int(b.Size))
		c.Parts = changedValues(a, b)
	case *btf.Int:
		b, ok := b.(*btf.Int)
		if !ok || a.Size != b.Size || a.Signed != b.Signed || a.Bool != b.Bool {
			c.Old, c.New = describeInt(a), "a float"
			if ok {
				c.New = describeInt(b)
			}
		}
	case *btf.Float:
		if b, ok := b.(*btf.Float); !ok {
			c.Old, c.New = "a float", "an integer"
		} else {
			c.resize(int(a.Size), int(b.Size))
		}
	case *btf.Func:
		if !samePrototype(before, after, a.Proto, b.(*btf.Func).Proto) {
			c.Old, c.New = before.declare(a), after.declare(b)
		}
	case *btf.Var:
		if before.name(a.Type) != after.name(b.(*btf.Var).Type) {
			c.Old, c.New = before.declare(a), after.declare(b)
		}
	case *btf.Typedef:
		if before.name(a.Target) != after.name(b.(*btf.Typedef).Target) {
			c.Old, c.New = before.declare(a), after.declare(b)
		}
	}
	return c, c.OldSize != nil || c.Old != c.New || len(c.Parts) > 0
}

func (c *changedType) resize(before, after int) {
	if before != after {
		c.OldSize, c.NewSize = &before, &after
	}
}

func describeInt(t *btf.Int) string {
	switch {
	case t.Bool:
		return fmt.Sprintf("a bool of %d bytes", t.Size)
	case t.Signed:
		return fmt.Sprintf("signed, %d bytes", t.Size)
	}
	return fmt.Sprintf("unsigned, %d bytes", t.Size)
}

// samePrototype compares the types of parameters and result: other names of parameters change nothing.
func samePrototype(before, after *collection, a, b btf.TypeID) bool {
	prototype := func(c *collection, id btf.TypeID) *btf.FuncProto {
		t, err := c.types.TypeByID(id)
		if err != nil {
			return nil
		}
		proto, _ := t.(*btf.FuncProto)
		return proto
	}
	old, now := prototype(before, a), prototype(after, b)
	if old == nil || now == nil {
		return old == now
	}
	return before.name(old.Return) == after.name(now.Return) &&
		slices.EqualFunc(old.Params, now.Params, func(a, b btf.Param) bool { return before.name(a.Type) == after.name(b.Type) })
}

// flat is a member of a struct, or of a struct without a name that a member has.
type flat struct {
	name, typ string
	bit       uint32
}

// flatten are the members of a struct. A member whose type has no name is replaced by its members, with names such as
// "outer.inner".
func (c *collection) flatten(t *btf.Composite) []flat {
	var all []flat
	left := maxMembers
	var add func(t *btf.Composite, prefix string, offset uint32, depth int)
	add = func(t *btf.Composite, prefix string, offset uint32, depth int) {
		for _, m := range t.Members {
			if left--; left < 0 {
				return
			}
			name := prefix + m.Name
			inner, err := c.types.TypeByID(m.Type)
			if composite, ok := inner.(*btf.Composite); err == nil && ok && composite.Name() == "" && depth < maxDepth {
				within := prefix
				if m.Name != "" {
					within = name + "."
				}
				add(composite, within, offset+m.BitOffset, depth+1)
				continue
			}
			typ := c.name(m.Type)
			if m.BitfieldSize != 0 {
				typ += fmt.Sprintf(" : %d", m.BitfieldSize)
			}
			all = append(all, flat{name, typ, offset + m.BitOffset})
		}
	}
	add(t, "", 0, 0)
	return all
}

func changedMembers(before, after *collection, a, b *btf.Composite) []partChange {
	old, now := before.flatten(a), after.flatten(b)
	if slices.Equal(old, now) {
		return nil
	}
	there := map[string]flat{}
	for _, m := range now {
		there[m.name] = m
	}
	var all []partChange
	had := map[string]bool{}
	for _, m := range old {
		had[m.name] = true
		switch n, ok := there[m.name]; {
		case !ok:
			all = append(all, partChange{Change: "removed", Name: m.name, Old: m.typ, OldBit: &m.bit})
		case m.typ != n.typ:
			c := partChange{Change: "retyped", Name: m.name, Old: m.typ, New: n.typ, OldBit: &m.bit, NewBit: &n.bit}
			all = append(all, c)
		case m.bit != n.bit:
			all = append(all, partChange{Change: "moved", Name: m.name, OldBit: &m.bit, NewBit: &n.bit})
		}
	}
	for _, m := range now {
		if !had[m.name] {
			all = append(all, partChange{Change: "added", Name: m.name, New: m.typ, NewBit: &m.bit})
		}
	}
	return all
}

func changedValues(a, b *btf.Enum) []partChange {
	there := map[string]string{}
	for _, v := range b.Values {
		there[v.Name] = cdecl.EnumValue(b, v.Value)
	}
	var all []partChange
	had := map[string]bool{}
	for _, v := range a.Values {
		had[v.Name] = true
		old := cdecl.EnumValue(a, v.Value)
		switch now, ok := there[v.Name]; {
		case !ok:
			all = append(all, partChange{Change: "removed", Name: v.Name, Old: old})
		case old != now:
			all = append(all, partChange{Change: "changed", Name: v.Name, Old: old, New: now})
		}
	}
	for _, v := range b.Values {
		if !had[v.Name] {
			all = append(all, partChange{Change: "added", Name: v.Name, New: there[v.Name]})
		}
	}
	return all
}

// write writes the differences as lines that begin with +, - or ~.
func (d difference) write(env *cli.Env, verbose bool) error {
	out := bufio.NewWriterSize(env.Stdout, 1<<16)
	line := func(style cli.Style, format string, args ...any) {
		fmt.Fprintln(out, env.Paint(style, cli.Safe(fmt.Sprintf(format, args...))))
	}
	for _, t := range d.Added {
		line(cli.Green, "+ %s", t.text())
	}
	for _, t := range d.Removed {
		line(cli.Red, "- %s", t.text())
	}
	for _, t := range d.Changed {
		size := ""
		if t.OldSize != nil {
			size = fmt.Sprintf(": %d -> %d bytes", *t.OldSize, *t.NewSize)
		}
		line(cli.Yellow, "~ %s %s%s", t.Kind, t.Name, size)
		if t.Old != t.New {
			line(cli.Red, "    - %s", t.Old)
			line(cli.Green, "    + %s", t.New)
		}
		moved := 0
		for _, p := range t.Parts {
			if p.Change == "moved" && !verbose {
				moved++
				continue
			}
			style, text := p.text()
			line(style, "    %s", text)
		}
		if moved == 1 {
			line(cli.Plain, "    1 member moved")
		} else if moved > 1 {
			line(cli.Plain, "    %d members moved", moved)
		}
	}
	line(cli.Plain, "%d added, %d removed, %d changed", len(d.Added), len(d.Removed), len(d.Changed))
	return out.Flush()
}

func (t namedType) text() string {
	if t.Declaration != "" {
		return t.Kind + " " + t.Declaration
	}
	return t.Kind + " " + t.Name
}

func (p partChange) text() (cli.Style, string) {
	switch {
	case p.Change == "moved":
		return cli.Plain, fmt.Sprintf("~ %s moved from %s to %s", p.Name, bytesAndBits(*p.OldBit), bytesAndBits(*p.NewBit))
	case p.Change == "added" && p.NewBit != nil:
		return cli.Green, fmt.Sprintf("+ %s: %s at %s", p.Name, p.New, bytesAndBits(*p.NewBit))
	case p.Change == "removed" && p.OldBit != nil:
		return cli.Red, fmt.Sprintf("- %s: %s at %s", p.Name, p.Old, bytesAndBits(*p.OldBit))
	case p.Change == "added":
		return cli.Green, fmt.Sprintf("+ %s = %s", p.Name, p.New)
	case p.Change == "removed":
		return cli.Red, fmt.Sprintf("- %s = %s", p.Name, p.Old)
	case p.Change == "changed":
		return cli.Yellow, fmt.Sprintf("~ %s = %s -> %s", p.Name, p.Old, p.New)
	}
	return cli.Yellow, fmt.Sprintf("~ %s: %s -> %s", p.Name, p.Old, p.New)
}

// bytesAndBits is an offset: bytes and, if it is not at the beginning of one, bits.
func bytesAndBits(bit uint32) string {
	if bit%8 == 0 {
		return fmt.Sprint(bit / 8)
	}
	return fmt.Sprintf("%d:%d", bit/8, bit%8)
}
