package programs

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/inventory"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/names"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/pick"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/table"
)

// detail is all about one program.
type detail struct {
	*inventory.Program
	Maps        []reference `json:"maps,omitempty"`
	Links       []reference `json:"links,omitempty"`
	Functions   []function  `json:"functions,omitempty"`
	SourceFiles []string    `json:"source_files,omitempty"`
	SourceLines int         `json:"source_lines,omitempty"` // how many places in the source the instructions come from
}

// reference names another object.
type reference struct {
	ID   uint32 `json:"id"`
	Type string `json:"type"`
	Name string `json:"name,omitempty"`
}

// function is a function of a program.
type function struct {
	Name        string `json:"name,omitempty"`
	Instruction int    `json:"instruction"` // its first one
	Tag         string `json:"tag,omitempty"`
	Address     string `json:"address,omitempty"` // of its machine code
	JITedBytes  uint32 `json:"jited_bytes,omitempty"`
}

func showCommand(env *cli.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show PROG",
		Short: "show all that the kernel knows about a program",
		Long: `Shows all that the kernel knows about a program: what it is, where it runs, who holds it, its maps, its functions,
and what it cost while run-time statistics were on. It needs CAP_SYS_ADMIN. Addresses need CAP_SYSLOG.

` + operand,
		Example: `  bpfgo prog show on_exec

  bpfgo prog show /sys/fs/bpf/filter --json`,
		Args:              cli.Operands(1, 1, "one program"),
		ValidArgsFunction: pick.CompleteProgram,
	}
	mode := env.JSONFlag(cmd, "write JSON")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		d, warnings, err := find(args[0])
		if err != nil {
			return err
		}
		answer := cli.Document{Name: "program", Value: d, Warnings: warnings}
		return env.Answer(mode, answer, func() string { return describe(env, d) })
	}
	return cmd
}

// find reads all about the program that the user names.
func find(what string) (*detail, []string, error) {
	p, err := pick.Program(what)
	if err != nil {
		return nil, nil, err
	}
	d := &detail{}
	info, err := p.Info(libbpf.IncludeFuncInfo | libbpf.IncludeLineInfo | libbpf.IncludeFuncTags |
		libbpf.IncludeJITedKsyms | libbpf.IncludeJITedFuncLens)
	if err == nil {
		d.readSource(info)
	}
	if err = errors.Join(err, p.Close()); err != nil { // so that bpfgo is none of the holders
		return nil, nil, err
	}
	var r inventory.Reader
	defer r.Close()
	s, err := r.Read()
	if err != nil {
		return nil, nil, err
	}
	if d.Program = s.Program(info.ID); d.Program == nil {
		return nil, nil, fmt.Errorf("program %d is gone: %w", info.ID, os.ErrNotExist)
	}
	for _, id := range d.MapIDs {
		if m := s.Map(id); m != nil {
			d.Maps = append(d.Maps, reference{id, m.Type, m.Name})
		}
	}
	for _, id := range d.LinkIDs {
		if l := s.Link(id); l != nil {
			d.Links = append(d.Links, reference{id, l.Type, l.Target.Words})
		}
	}
	return d, s.Warnings, nil
}

// readSource reads the functions and the source of a program, as far as its BTF has them.
func (d *detail) readSource(info libbpf.ProgramInfo) {
	var types *btf.BTF
	if info.BTFID != 0 {
		if read, err := btf.FromID(info.BTFID); err == nil {
			types = read
			defer types.Close()
		}
	}
	for i := range max(len(info.FuncInfo), len(info.FuncTags), len(info.JITedKsyms)) {
		f := function{}
		if i < len(info.FuncInfo) {
			f.Instruction = int(info.FuncInfo[i].InstructionOffset)
			f.Name = names.Type(types, info.FuncInfo[i].TypeID)
		}
		if i < len(info.FuncTags) {
			f.Tag = info.FuncTags[i].String()
		}
		if i < len(info.JITedKsyms) && info.JITedKsyms[i] != 0 {
			f.Address = fmt.Sprintf("%#x", info.JITedKsyms[i])
		}
		if i < len(info.JITedFuncLens) {
			f.JITedBytes = info.JITedFuncLens[i]
		}
		d.Functions = append(d.Functions, f)
	}
	d.SourceLines = len(info.LineInfo)
	if types == nil {
		return
	}
	for _, l := range info.LineInfo {
		line, err := l.Source(types)
		if err == nil && !slices.Contains(d.SourceFiles, line.File) {
			d.SourceFiles = append(d.SourceFiles, line.File)
		}
	}
}

func describe(env *cli.Env, d *detail) string {
	var f table.Fields
	f.Add("id", fmt.Sprint(d.ID))
	f.Add("type", d.Type)
	name := d.Name
	if d.NameCut {
		name += "…"
	}
	f.Add("name", name)
	f.Add("tag", d.Tag)
	f.Add("made for", d.Function)
	if d.Tracepoint != "" {
		f.Add("made for", "tracepoint "+d.Tracepoint)
	}
	for _, l := range d.Links {
		f.Add("link", fmt.Sprintf("%d %s", l.ID, l.Name))
	}
	for _, words := range d.Attached {
		if !slices.ContainsFunc(d.Links, func(l reference) bool { return l.Name == words }) {
			f.Add("attached to", words)
		}
	}
	f.Add("offloaded to", d.OffloadedTo)
	f.Add("loaded", fmt.Sprintf("%s by uid %d", d.LoadedAt.Local().Format(time.DateTime), d.UID))
	if d.GPLCompatible {
		f.Add("license", "compatible with the GPL")
	} else {
		f.Add("license", "not compatible with the GPL")
	}
	verified := ""
	if d.VerifiedInstructions > 0 {
		verified = fmt.Sprintf("; the verifier processed %d", d.VerifiedInstructions)
	}
	f.Add("instructions", fmt.Sprintf("%d%s", d.Instructions, verified))
	if d.JITedBytes > 0 {
		f.Add("machine code", fmt.Sprintf("%d bytes", d.JITedBytes))
	} else {
		f.Add("machine code", "none: it is interpreted")
	}
	f.Add("memory", fmt.Sprintf("%d bytes", d.MemoryBytes))
	if d.RunCount > 0 {
		f.Add("ran", fmt.Sprintf("%d times, %s, %s each, while statistics were on", d.RunCount,
			time.Duration(d.RunTimeNS), time.Duration(d.AverageNS)))
	}
	if d.RecursionMisses > 0 {
		f.Add("skipped", fmt.Sprintf("%d times, because it was running", d.RecursionMisses))
	}
	if d.BTFID != 0 {
		f.Add("btf", fmt.Sprint(d.BTFID))
	}
	if d.SourceLines > 0 {
		f.Add("source", fmt.Sprintf("%d lines of %s", d.SourceLines, strings.Join(d.SourceFiles, ", ")))
	}
	for _, m := range d.Maps {
		f.Add("map", fmt.Sprintf("%d %s (%s)", m.ID, m.Name, m.Type))
	}
	for _, fn := range d.Functions {
		text := strings.TrimSpace(fmt.Sprintf("%s at instruction %d", fn.Name, fn.Instruction))
		if fn.Address != "" {
			text += fmt.Sprintf(", %d bytes at %s", fn.JITedBytes, fn.Address)
		}
		f.Add("function", text)
	}
	for _, h := range d.Holders {
		f.Add("held by", h.String())
	}
	for _, words := range d.HeldBy {
		if !strings.HasPrefix(words, "link ") { // they are above
			f.Add("held by", words)
		}
	}
	for _, path := range d.Pins {
		f.Add("pin", path)
	}
	return f.Text(env)
}
