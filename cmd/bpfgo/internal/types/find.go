package types

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cdecl"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/privilege"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/table"
)

// finding is a type, a member or an enumerator that was found, as JSON.
type finding struct {
	Kind        string     `json:"kind"`
	Name        string     `json:"name"`
	Where       string     `json:"where"` // vmlinux, a module or a file
	ID          btf.TypeID `json:"id"`
	Size        *int       `json:"size,omitempty"` // bytes
	Declaration string     `json:"declaration"`
	Member      *memberOf  `json:"member,omitempty"`
	Enumerator  *valueOf   `json:"enumerator,omitempty"`
	// lines are the definition's lines, with the offsets of members.
	lines []string
}

// memberOf is a member, as JSON.
type memberOf struct {
	Name        string `json:"name"`
	BitOffset   uint32 `json:"bit_offset"`
	Size        *int   `json:"size,omitempty"` // bytes, not of a bit field
	Bits        uint32 `json:"bits,omitempty"` // of a bit field
	Declaration string `json:"declaration"`
}

// valueOf is an enumerator, as JSON.
type valueOf struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// finder is one "bpfgo btf find".
type finder struct {
	env        *cli.Env
	mode       *cli.JSON
	from       source
	allModules bool
	kind       string
	found      []finding
	warnings   []string
}

func findCommand(env *cli.Env) *cobra.Command {
	f := &finder{env: env}
	cmd := &cobra.Command{
		Use:   "find PATTERN...",
		Short: "look for types, members, functions and enumerators by name",
		Long: `Looks for types, functions, variables and enumerators by name, in the types (BTF) of the running kernel or of a file. A
PATTERN is a name, which may have *, ? and [...] in it, as in a shell; a kind may be in front of it, and behind a dot
the name of a member:

  task_struct              everything with this name, with its whole definition
  'struct bpf_*'           all structs of these names
  'struct *.pid_ns*'       all members of these names, of all structs
  BPF_MAP_TYPE_HASH        an enumerator

The kinds are ` + kindWords + `. If nothing is found, the exit status is 1.`,
		Example: `  bpfgo btf find task_struct
  bpfgo btf find 'func tcp_*' --all-modules
  bpfgo btf find 'task_struct.*pid*' --file 5.10.btf`,
		Args: cli.Operands(1, cli.Any, "a pattern"),
	}
	f.from.add(cmd.Flags())
	cmd.Flags().BoolVar(&f.allModules, "all-modules", false, "also look into the types of all modules of the running kernel")
	cmd.Flags().StringVar(&f.kind, "kind", "", "only look for this `KIND`: "+kindWords)
	f.mode = env.JSONFlag(cmd, `write {"schema_version":1,"types":[{"kind":...,"name":...,"where":...,"declaration":...}]}`)
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		patterns, err := f.patterns(args)
		if err != nil {
			return err
		}
		return f.run(patterns)
	}
	return cmd
}

func (f *finder) patterns(args []string) ([]pattern, error) {
	if err := f.from.check("btf find"); err != nil {
		return nil, err
	}
	if f.allModules && f.from != (source{}) {
		return nil, cli.Usagef("btf find: --all-modules is about the running kernel, and excludes --file, --module and --id")
	}
	if f.kind != "" && !slices.Contains(kinds, f.kind) {
		return nil, cli.Usagef("--kind %s: the kinds are %s", f.kind, kindWords)
	}
	var patterns []pattern
	for _, arg := range args {
		p, err := parsePattern(arg)
		if err != nil {
			return nil, err
		}
		if p.kind == "" {
			p.kind = f.kind
		}
		patterns = append(patterns, p)
	}
	return patterns, nil
}

func (f *finder) run(patterns []pattern) error {
	types, err := f.from.load()
	if err != nil {
		return err
	}
	defer types.Close()
	if err := f.search(types, f.from.where(), patterns); err != nil {
		return err
	}
	if f.allModules {
		if err := f.searchModules(types, patterns); err != nil {
			return err
		}
	}
	if f.mode.On {
		if f.found == nil {
			f.found = []finding{}
		}
		err = f.env.WriteDocument(f.mode, cli.Document{Name: "types", Value: f.found, Warnings: f.warnings})
	} else {
		for _, w := range f.warnings {
			f.env.Note("%s", w)
		}
		err = f.write(patterns)
	}
	if err == nil && len(f.found) == 0 {
		if f.mode.On {
			return cli.Exit(cli.StatusFailed)
		}
		return errors.New("nothing of this name is found in " + f.from.where())
	}
	return err
}

// where names the source.
func (s source) where() string {
	switch {
	case s.file != "":
		return s.file
	case s.module != "":
		return s.module
	case s.id != 0:
		return fmt.Sprintf("BTF %d", s.id)
	}
	return "vmlinux"
}

// searchModules searches what the modules of the running kernel add to its types.
func (f *finder) searchModules(kernel *btf.BTF, patterns []pattern) error {
	var err error
	for info := range libbpf.BTFInfos(&err) {
		if !info.Kernel || info.Name == "vmlinux" {
			continue
		}
		types, failed := btf.LoadModule(info.Name, kernel)
		if failed == nil {
			failed = f.search(types, info.Name, patterns)
			_ = types.Close()
		}
		if failed != nil {
			f.warnings = append(f.warnings, fmt.Sprintf("module %s: %v", info.Name, failed))
		}
	}
	return privilege.Need(err, privilege.SysAdmin)
}

// search adds what matches a pattern. Of split types it looks at those that are not in the base.
func (f *finder) search(types *btf.BTF, where string, patterns []pattern) error {
	first := 1
	if base := types.Base(); base != nil {
		first += base.NumTypes()
	}
	for id := first; id <= types.NumTypes(); id++ {
		t, err := types.TypeByID(btf.TypeID(id))
		if err != nil {
			return err
		}
		kind := word(t)
		if kind == "" {
			continue
		}
		for _, p := range patterns {
			if p.kind == "" || p.kind == kind {
				f.match(types, where, kind, t, p)
			}
		}
	}
	return nil
}

func (f *finder) match(types *btf.BTF, where, kind string, t btf.Type, p pattern) {
	found := finding{Kind: kind, Name: t.Name(), Where: where, ID: t.ID()}
	if size, err := types.Size(t.ID()); err == nil && kind != "func" {
		found.Size = &size
	}
	if p.member != "" {
		composite, ok := t.(*btf.Composite)
		if !ok || !matches(p.name, t.Name()) || t.Name() == "" {
			return
		}
		for _, m := range members(types, composite) {
			if matches(p.member, m.Name) {
				one := found
				one.Member = describeMember(types, m)
				one.Declaration = one.Member.Declaration
				f.found = append(f.found, one)
			}
		}
		return
	}
	if t.Name() != "" && matches(p.name, t.Name()) {
		found.Declaration = cdecl.Definition(types, t.ID())
		found.lines = definition(types, t, found.Declaration)
		f.found = append(f.found, found)
		return
	}
	if enum, ok := t.(*btf.Enum); ok {
		for _, v := range enum.Values {
			if matches(p.name, v.Name) {
				one := found
				one.Enumerator = &valueOf{v.Name, cdecl.EnumValue(enum, v.Value)}
				one.Declaration = strings.TrimSpace("enum "+enum.Name()) + " { " + v.Name + " = " + one.Enumerator.Value + " }"
				f.found = append(f.found, one)
			}
		}
	}
}

func describeMember(types *btf.BTF, m btf.Member) *memberOf {
	d := &memberOf{Name: m.Name, BitOffset: m.BitOffset, Bits: m.BitfieldSize, Declaration: cdecl.Member(types, m)}
	if size, err := types.Size(m.Type); err == nil && m.BitfieldSize == 0 {
		d.Size = &size
	}
	return d
}

// offset is the offset of a member: bytes and, if it does not begin at one, bits.
func (m *memberOf) offset() string {
	text := strconv.FormatUint(uint64(m.BitOffset/8), 10)
	if m.Bits != 0 {
		text += ":" + strconv.FormatUint(uint64(m.BitOffset%8), 10)
	}
	return text
}

// extent is the size of a member in bytes, or in bits.
func (m *memberOf) extent() string {
	switch {
	case m.Bits == 1:
		return "1 bit"
	case m.Bits != 0:
		return fmt.Sprintf("%d bits", m.Bits)
	case m.Size != nil:
		return strconv.Itoa(*m.Size)
	}
	return ""
}

// definition are the lines of a definition. The members of a struct have their offset and size beside them.
func definition(types *btf.BTF, t btf.Type, text string) []string {
	composite, ok := t.(*btf.Composite)
	if !ok {
		return strings.Split(text+";", "\n")
	}
	type row struct{ code, comment string }
	rows := []row{{code: composite.Kind().String() + " " + t.Name() + " {"}}
	longest := 0
	for _, m := range composite.Members {
		d := describeMember(types, m)
		lines := strings.Split(d.Declaration+";", "\n")
		for i, line := range lines {
			r := row{code: "    " + strings.ReplaceAll(line, "\t", "    ")}
			if i == len(lines)-1 {
				r.comment = fmt.Sprintf("/* %4s %5s */", d.offset(), d.extent())
				longest = max(longest, len(r.code))
			}
			rows = append(rows, r)
		}
	}
	rows = append(rows, row{code: "};"})
	longest = min(longest, 60)
	var all []string
	for _, r := range rows {
		if r.comment != "" {
			r.code = fmt.Sprintf("%-*s  %s", longest, r.code, r.comment)
		}
		all = append(all, r.code)
	}
	return all
}

// write shows whole definitions for a single name, and a table for a pattern with many.
func (f *finder) write(patterns []pattern) error {
	out := bufio.NewWriter(f.env.Stdout)
	brief := false
	for _, p := range patterns {
		brief = brief || p.isGlob() || p.member != ""
	}
	if brief {
		f.writeTable(out)
		return out.Flush()
	}
	for i, found := range f.found {
		if i > 0 {
			fmt.Fprintln(out)
		}
		about := fmt.Sprintf("%s, type %d", found.Where, found.ID)
		if found.Size != nil {
			about += fmt.Sprintf(", %d bytes", *found.Size)
		}
		fmt.Fprintln(out, f.env.Paint(cli.Faint, cli.Safe("/* "+about+" */")))
		lines := found.lines
		if lines == nil {
			lines = []string{found.Declaration}
		}
		for _, line := range lines {
			fmt.Fprintln(out, cli.Safe(strings.ReplaceAll(line, "\t", "    ")))
		}
	}
	return out.Flush()
}

func (f *finder) writeTable(out io.Writer) {
	if len(f.found) == 0 {
		return
	}
	t := &table.Table{Columns: []table.Column{
		{Name: "where"}, {Name: "offset", Right: true}, {Name: "size", Right: true}, {Name: "type"}, {Name: "declaration"},
	}}
	for _, found := range f.found {
		offset, size := "", ""
		if found.Size != nil {
			size = strconv.Itoa(*found.Size)
		}
		name, declaration := found.Kind+" "+found.Name, ""
		switch {
		case found.Member != nil:
			offset, size = found.Member.offset(), found.Member.extent()
			declaration = found.Declaration
		case found.Enumerator != nil:
			declaration = found.Enumerator.Name + " = " + found.Enumerator.Value
		case found.Kind == "func" || found.Kind == "var":
			name, declaration = found.Kind, found.Declaration // which has the name
		case found.Kind == "typedef":
			name, declaration = found.Kind, strings.TrimPrefix(found.Declaration, "typedef ")
		}
		t.Add(found.Where, offset, size, strings.TrimSpace(name), strings.Join(strings.Fields(declaration), " "))
	}
	t.DropEmpty()
	_, _ = io.WriteString(out, t.Text(f.env, f.env.Width()))
}
