package programs

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/btf/decode"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/pick"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/privilege"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/table"
)

// testRun is what a run of a program gave.
type testRun struct {
	ProgramID   uint32  `json:"program_id"`
	ReturnValue uint32  `json:"return_value"`
	ReturnName  string  `json:"return_name,omitempty"`
	Repeat      int     `json:"repeat"`
	DurationNS  int64   `json:"duration_ns"` // the mean
	Data        *string `json:"data,omitempty"`
	Context     *string `json:"context,omitempty"`
}

// runOptions are the flags.
type runOptions struct {
	data, context string
	members       []string // of the context
	repeat        int
	cpu           int
}

// smallestPacket is what programs for packets get without --data: the smallest Ethernet frame, of zeros.
const smallestPacket = 64

// room is for packets that a program makes larger.
const room = 64 << 10

func runCommand(env *cli.Env) *cobra.Command {
	o := runOptions{repeat: 1, cpu: -1}
	cmd := &cobra.Command{
		Use:   "run PROG [flags]",
		Short: "run a program once or many times on given data",
		Long: `Runs a program in the kernel on the packet and the context that are given, and shows what it returned, how long it took,
and what became of the packet and the context. What the program changes otherwise, as in its maps, stays changed.
Without --data, programs for packets get a frame of 64 zero bytes.

It needs CAP_SYS_ADMIN. The exit status is 4 if the kernel can't run programs of this type.

` + operand,
		Example: `  bpfgo prog run drop_all --data @packet.bin --repeat 1000000

  # members of the context by name, as in struct __sk_buff
  bpfgo prog run classify --ctx mark=7 --ctx priority=0x10 --json

  # the arguments of a raw tracepoint, on CPU 2
  bpfgo prog run on_exit --ctx arg0=0 --ctx arg1=3 --cpu 2`,
		Args:              cli.Operands(1, 1, "one program"),
		ValidArgsFunction: pick.CompleteProgram,
	}
	cli.Func(cmd.Flags(), "data", "HEX|@FILE|-", "the packet; - is standard input", func(text string) error {
		if o.data = text; text == "" {
			return errors.New("must not be empty")
		}
		return nil
	})
	cli.Func(cmd.Flags(), "ctx", "HEX|@FILE|NAME=VALUE",
		"the context, or members of it (repeat the flag); arg0=VALUE for arguments of a raw tracepoint",
		func(text string) error {
			if text == "" {
				return errors.New("must not be empty")
			}
			if strings.Contains(text, "=") && !strings.HasPrefix(text, "@") {
				o.members = append(o.members, text)
			} else {
				o.context = text
			}
			return nil
		})
	cli.Func(cmd.Flags(), "repeat", "N", "run it N times", cli.Count(&o.repeat))
	cli.Func(cmd.Flags(), "cpu", "N", "run it on this CPU; for raw tracepoints", func(text string) error {
		n, err := strconv.ParseUint(text, 10, 31)
		if err != nil {
			return errors.New("must be the number of a CPU")
		}
		o.cpu = int(n)
		return nil
	})
	mode := env.JSONFlag(cmd, "write JSON")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		p, err := pick.Program(args[0])
		if err != nil {
			return err
		}
		defer p.Close()
		result, err := o.run(env, p)
		if err != nil {
			return privilege.Need(err, privilege.BPF)
		}
		answer := cli.Document{Name: "run", Value: result}
		return env.Answer(mode, answer, func() string { return describeRun(env, result) })
	}
	return cmd
}

func (o *runOptions) run(env *cli.Env, p *libbpf.ProgramHandle) (*testRun, error) {
	info, err := p.Info(0)
	if err != nil {
		return nil, err
	}
	options := libbpf.TestRunOptions{Repeat: o.repeat}
	if o.data != "" {
		if options.Data, err = readBytes(env.In, "--data", o.data); err != nil {
			return nil, err
		}
	} else if takesPackets(p.Type()) {
		options.Data = make([]byte, smallestPacket)
	}
	if options.Context, err = o.contextOf(p.Type()); err != nil {
		return nil, err
	}
	if o.cpu >= 0 {
		options.CPU, options.Flags = o.cpu, libbpf.TestRunOnCPU
	}
	raw := p.Type() == libbpf.ProgramTypeRawTracepoint || p.Type() == libbpf.ProgramTypeTracing
	switch {
	case raw || p.Type() == libbpf.ProgramTypeSyscall:
		options.Repeat = 0 // these run once
		if o.repeat > 1 {
			return nil, cli.Usagef("prog run: a program of type %s can't be repeated", p.Type())
		}
	case options.Data != nil:
		options.DataOut = make([]byte, len(options.Data)+room)
	}
	if options.Context != nil && !raw {
		options.ContextOut = make([]byte, len(options.Context))
	}
	result, err := p.TestRun(options)
	if err != nil {
		return nil, unsupported(p.Type(), err)
	}
	r := &testRun{
		ProgramID: info.ID, ReturnValue: result.ReturnValue, ReturnName: returnName(p.Type(), result.ReturnValue),
		Repeat: o.repeat, DurationNS: result.Duration.Nanoseconds(),
	}
	if options.DataOut != nil {
		text := hex.EncodeToString(result.Data)
		r.Data = &text
	}
	if options.ContextOut != nil {
		text := hex.EncodeToString(result.Context)
		r.Context = &text
	}
	return r, nil
}

// unsupported says of an error that the kernel can't run programs of this type, if that is what it means.
func unsupported(t libbpf.ProgramType, err error) error {
	// What is attached to functions runs on the kernel's own functions for tests; EFAULT is for the rest of the type.
	if errors.Is(err, errors.ErrUnsupported) || t == libbpf.ProgramTypeTracing && errors.Is(err, unix.EFAULT) {
		return cli.WithStatus(fmt.Errorf("the kernel can't run programs of type %s: %w", t, err), cli.StatusUnsupported)
	}
	return err
}

// takesPackets tells whether programs of this type run on packets.
func takesPackets(t libbpf.ProgramType) bool {
	switch t {
	case libbpf.ProgramTypeSocketFilter, libbpf.ProgramTypeSchedCls, libbpf.ProgramTypeSchedAct, libbpf.ProgramTypeXDP,
		libbpf.ProgramTypeCgroupSKB, libbpf.ProgramTypeLWTIn, libbpf.ProgramTypeLWTOut, libbpf.ProgramTypeLWTXmit,
		libbpf.ProgramTypeLWTSeg6Local, libbpf.ProgramTypeFlowDissector, libbpf.ProgramTypeNetfilter:
		return true
	}
	return false
}

// contextOf is the context that the flags give, or nil.
func (o *runOptions) contextOf(t libbpf.ProgramType) ([]byte, error) {
	var context []byte
	if o.context != "" {
		var err error
		if context, err = readBytes(nil, "--ctx", o.context); err != nil {
			return nil, err
		}
	}
	if len(o.members) == 0 {
		return context, nil
	}
	if t == libbpf.ProgramTypeRawTracepoint || t == libbpf.ProgramTypeTracing {
		return arguments(context, o.members)
	}
	name := contextType(t)
	if name == "" {
		return nil, cli.Usagef("prog run: the context of a program of type %s has no members: give --ctx HEX", t)
	}
	kernel, err := btf.LoadKernel()
	if err != nil {
		return nil, err
	}
	defer kernel.Close()
	types, err := decode.NewTypes(kernel)
	if err != nil {
		return nil, err
	}
	whole, err := types.Named("struct " + name)
	if err != nil {
		return nil, err
	}
	if context == nil {
		context = make([]byte, whole.Size())
	}
	for _, member := range o.members {
		path, value, _ := strings.Cut(member, "=")
		part, err := whole.Field(path)
		if err == nil {
			err = part.As(path).Set(context, value)
		}
		if err != nil {
			return nil, fmt.Errorf("--ctx %s: %w", member, err)
		}
	}
	return context, nil
}

// contextType is the kernel's struct that programs of a type get.
func contextType(t libbpf.ProgramType) string {
	switch t {
	case libbpf.ProgramTypeXDP:
		return "xdp_md"
	case libbpf.ProgramTypeSKLookup:
		return "bpf_sk_lookup"
	case libbpf.ProgramTypeSyscall, libbpf.ProgramTypeFlowDissector:
		return ""
	}
	if takesPackets(t) {
		return "__sk_buff"
	}
	return ""
}

// arguments are those of a raw tracepoint, 8 bytes each: arg0=1 is the first.
func arguments(context []byte, members []string) ([]byte, error) {
	const most = 12 // as the kernel has it
	for _, member := range members {
		name, text, _ := strings.Cut(member, "=")
		digits, found := strings.CutPrefix(name, "arg")
		n, err := strconv.ParseUint(digits, 10, 8)
		if !found || err != nil || n >= most {
			return nil, cli.Usagef("prog run: --ctx %s: the arguments are arg0 to arg%d", member, most-1)
		}
		value, err := strconv.ParseInt(text, 0, 64)
		if err != nil {
			unsigned, err := strconv.ParseUint(text, 0, 64)
			if err != nil {
				return nil, cli.Usagef("prog run: --ctx %s: the value is not a number of 64 bits", member)
			}
			value = int64(unsigned)
		}
		for len(context) < int(n+1)*8 {
			context = append(context, 0)
		}
		binary.NativeEndian.PutUint64(context[n*8:], uint64(value))
	}
	return context, nil
}

// readBytes reads what a flag gives: hexadecimal digits, a file, or standard input.
func readBytes(in io.Reader, flag, text string) ([]byte, error) {
	path, file := strings.CutPrefix(text, "@")
	switch {
	case file:
		return os.ReadFile(path)
	case text == "-" && in != nil:
		return io.ReadAll(in)
	}
	clean := strings.NewReplacer(" ", "", ":", "", "\n", "").Replace(strings.TrimPrefix(text, "0x"))
	data, err := hex.DecodeString(clean)
	if err != nil {
		return nil, cli.Usagef("prog run: %s %s: not hexadecimal bytes; @FILE names a file", flag, text)
	}
	return data, nil
}

// returnName is the name of what a program returned, as in the kernel's headers.
func returnName(t libbpf.ProgramType, value uint32) string {
	var names []string
	switch t {
	case libbpf.ProgramTypeXDP:
		names = []string{"XDP_ABORTED", "XDP_DROP", "XDP_PASS", "XDP_TX", "XDP_REDIRECT"}
	case libbpf.ProgramTypeSchedCls, libbpf.ProgramTypeSchedAct:
		if value == 1<<32-1 {
			return "TC_ACT_UNSPEC"
		}
		names = []string{
			"TC_ACT_OK", "TC_ACT_RECLASSIFY", "TC_ACT_SHOT", "TC_ACT_PIPE", "TC_ACT_STOLEN", "TC_ACT_QUEUED",
			"TC_ACT_REPEAT", "TC_ACT_REDIRECT", "TC_ACT_TRAP",
		}
	case libbpf.ProgramTypeNetfilter:
		names = []string{"NF_DROP", "NF_ACCEPT"}
	case libbpf.ProgramTypeSKLookup, libbpf.ProgramTypeSKSKB, libbpf.ProgramTypeSKMsg:
		names = []string{"SK_DROP", "SK_PASS"}
	}
	if int64(value) < int64(len(names)) {
		return names[value]
	}
	return ""
}

func describeRun(env *cli.Env, r *testRun) string {
	var f table.Fields
	value := fmt.Sprint(r.ReturnValue)
	if int32(r.ReturnValue) < 0 {
		value = fmt.Sprintf("%d (%d)", r.ReturnValue, int32(r.ReturnValue))
	}
	if r.ReturnName != "" {
		value += " " + r.ReturnName
	}
	f.Add("returned", value)
	took := fmt.Sprintf("%d ns", r.DurationNS)
	if r.Repeat > 1 {
		took += fmt.Sprintf(", the mean of %d runs", r.Repeat)
	}
	f.Add("took", took)
	text := f.Text(env)
	for _, part := range []struct {
		name string
		hex  *string
	}{{"data", r.Data}, {"context", r.Context}} {
		if part.hex == nil {
			continue
		}
		bytes, _ := hex.DecodeString(*part.hex)
		text += fmt.Sprintf("\n%s\n%s", env.Paint(cli.Bold, fmt.Sprintf("%s, %d bytes", part.name, len(bytes))),
			hex.Dump(bytes))
	}
	return text
}
