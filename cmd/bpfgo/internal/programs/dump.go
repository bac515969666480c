package programs

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/kallsyms"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/names"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/pick"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/privilege"
)

// line is an instruction of a program: of BPF, or of the machine.
type line struct {
	Function string  `json:"function,omitempty"` // of which it is the first instruction
	Source   *source `json:"source,omitempty"`   // of which it is the first instruction
	Index    *int    `json:"index,omitempty"`    // counted in instructions
	Address  string  `json:"address,omitempty"`
	Offset   *int    `json:"offset,omitempty"` // in the function's machine code, in bytes
	Opcodes  string  `json:"opcodes"`
	Text     string  `json:"text"`
}

// source is a line of the source.
type source struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	Text   string `json:"text"`
}

func dumpCommand(env *cli.Env) *cobra.Command {
	var jited, opcodes, graph bool
	cmd := &cobra.Command{
		Use:   "dump PROG [flags]",
		Short: "show the instructions of a program, between the lines of its source",
		Long: `Shows the instructions of a program as they are after verification, below the lines of its source, if its BTF has
them. Maps, helpers and functions have their names. With --jited, it shows the machine code that the kernel made of
them. With --cfg, it writes how the blocks of instructions follow each other, for dot(1).

It needs CAP_SYS_ADMIN. Machine code and the names of helpers need addresses, which the kernel hides without CAP_SYSLOG,
and always if kernel.kptr_restrict is 2. The exit status is 4 if there is no machine code, or no disassembler for it.

` + operand,
		Example: `  bpfgo prog dump on_exec

  # the machine code, with its bytes
  bpfgo prog dump 42 --jited --opcodes

  bpfgo prog dump 42 --cfg | dot -Tsvg >graph.svg`,
		Args:              cli.Operands(1, 1, "one program"),
		ValidArgsFunction: pick.CompleteProgram,
	}
	cmd.Flags().BoolVar(&jited, "jited", false, "show the machine code")
	cmd.Flags().BoolVar(&opcodes, "opcodes", false, "show the bytes of the instructions, too")
	cmd.Flags().BoolVar(&graph, "cfg", false, "write the graph of the blocks, in the language of dot(1)")
	cmd.MarkFlagsMutuallyExclusive("jited", "cfg")
	mode := env.JSONFlag(cmd, "write JSON")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		if graph && mode.On {
			return cli.Usagef("prog dump: --cfg and --json exclude each other")
		}
		p, err := pick.Program(args[0])
		if err != nil {
			return err
		}
		defer p.Close()
		d, err := newDumper(p)
		if err != nil {
			return err
		}
		defer d.close()
		var lines []line
		if jited {
			lines, err = d.jited()
		} else {
			lines, err = d.xlated()
		}
		if err != nil {
			return err
		}
		var warnings []string
		if d.hiddenCalls {
			warnings = append(warnings, hidden("which functions are called"))
		}
		answer := cli.Document{Name: "program", Value: struct {
			ID           uint32 `json:"id"`
			Name         string `json:"name,omitempty"`
			Instructions []line `json:"instructions"`
		}{d.info.ID, p.Name(), lines}, Warnings: warnings}
		return env.Answer(mode, answer, func() string {
			if graph {
				return d.graph(p.Name(), lines)
			}
			return listing(env, lines, opcodes)
		})
	}
	return cmd
}

// listing is the text of instructions.
func listing(env *cli.Env, lines []line, opcodes bool) string {
	var text strings.Builder
	width := 0
	for _, l := range lines {
		width = max(width, len(l.place()))
	}
	var shown source
	for i, l := range lines {
		if l.Function != "" {
			shown = source{}
			if i > 0 {
				text.WriteString("\n")
			}
			heading := l.Function + ":"
			if l.Address != "" {
				heading += "  " + l.Address
			}
			text.WriteString(env.Paint(cli.Bold, cli.Safe(heading)) + "\n")
		}
		// Neighbours often come from several places in one line.
		if s := l.Source; s != nil && s.Line != 0 && (s.File != shown.File || s.Line != shown.Line) {
			shown = *s
			text.WriteString(env.Paint(cli.Green, cli.Safe(fmt.Sprintf("; %s  %s:%d", strings.TrimSpace(s.Text),
				filepath.Base(s.File), s.Line))) + "\n")
		}
		bytes := ""
		if opcodes {
			const columns = 8 * 3
			bytes = fmt.Sprintf("  %-*s", columns, spaced(l.Opcodes))
		}
		fmt.Fprintf(&text, "%*s:%s  %s\n", width+2, l.place(), bytes, cli.Safe(l.Text))
	}
	return text.String()
}

// place is where an instruction is, for people.
func (l *line) place() string {
	if l.Index != nil {
		return fmt.Sprint(*l.Index)
	}
	return fmt.Sprintf("%x", *l.Offset)
}

// spaced has a space between the bytes.
func spaced(text string) string {
	var spaced strings.Builder
	for i := 0; i+1 < len(text); i += 2 {
		if i > 0 {
			spaced.WriteByte(' ')
		}
		spaced.WriteString(text[i : i+2])
	}
	return spaced.String()
}

// dumper has what the instructions of a program refer to.
type dumper struct {
	info  libbpf.ProgramInfo
	types *btf.BTF // of the program, or nil
	known names.Types

	functions map[int]string // by their first instructions
	sources   map[int]source // by the first instructions that come from them
	maps      map[uint32]string
	symbols   *kallsyms.Table // nil if not yet read
	callBase  uint64          // the address to which those of helpers are relative; 0 if it is not known

	hiddenCalls bool // there are calls whose targets the kernel hides
}

func newDumper(p *libbpf.ProgramHandle) (*dumper, error) {
	info, err := p.Info(libbpf.IncludeAll)
	if err != nil {
		return nil, privilege.Need(err, privilege.SysAdmin)
	}
	d := &dumper{info: info, functions: map[int]string{}, sources: map[int]source{}, maps: map[uint32]string{}}
	d.types = d.known.Get(info.BTFID)
	for _, f := range info.FuncInfo {
		d.functions[int(f.InstructionOffset)] = names.Type(d.types, f.TypeID)
	}
	if len(info.FuncInfo) == 0 {
		d.functions[0] = p.Name()
	}
	if d.types != nil {
		for _, l := range info.LineInfo {
			if s, err := l.Source(d.types); err == nil {
				d.sources[s.InstructionOffset] = source{s.File, s.Line, s.Column, s.Text}
			}
		}
	}
	for _, id := range info.MapIDs {
		m, err := libbpf.MapHandleFromID(id)
		if err != nil {
			continue
		}
		if info, err := m.Info(); err == nil {
			d.maps[id] = d.known.Map(info).Text
		}
		_ = m.Close()
	}
	return d, nil
}

func (d *dumper) close() { d.known.Close() }

// hidden says that the kernel hides something that has addresses, and why.
func hidden(what string) string {
	why := "the process lacks CAP_SYSLOG"
	if text, err := os.ReadFile("/proc/sys/kernel/kptr_restrict"); err == nil && strings.TrimSpace(string(text)) == "2" {
		why = "kernel.kptr_restrict is 2"
	}
	return fmt.Sprintf("the kernel hides %s: %s", what, why)
}

// hiddenError is the error for instructions or machine code that the kernel hides.
func hiddenError(what string) error {
	return cli.WithStatus(errors.New(hidden(what)), cli.StatusPermission)
}

// uncompiled is the error for a program without machine code.
func uncompiled() error {
	why := "the kernel did not compile it"
	switch text, err := os.ReadFile("/proc/sys/net/core/bpf_jit_enable"); {
	case err != nil:
		why = "this kernel has no compiler for BPF"
	case strings.TrimSpace(string(text)) == "0":
		why = "net.core.bpf_jit_enable is 0"
	}
	return fmt.Errorf("the program has no machine code: %s: %w", why, errors.ErrUnsupported)
}

func hexBytes(bytes []byte) string { return hex.EncodeToString(bytes) }
