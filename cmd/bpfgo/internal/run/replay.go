package run

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/btf/decode"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/backtrace"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/recording"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/view"
)

// ReplayCommand is "bpfgo replay".
func ReplayCommand(env *cli.Env) *cobra.Command {
	opts := &eventOptions{}
	cmd := &cobra.Command{
		Use:   "replay FILE",
		Short: "show again what a run recorded",
		Long: `Shows what "bpfgo run --record FILE" recorded: the same events, and the maps that --dump named, with the
names of functions in their stacks, without any privilege, on any machine. FILE may be - for standard input. A
recording whose run was killed ends early; bpfgo shows what is there, and says so.`,
		Example: `  bpfgo run exec.bpf.o --record exec.rec --quiet --duration 1m
  bpfgo replay exec.rec --filter comm=bash --since 10s --until 20s`,
		Args: cli.Operands(1, 1, "a recording"),
	}
	var shown view.Options
	hists := histOptions{}
	cli.Section(cmd, "Events", opts.add)
	cli.Section(cmd, "Maps", func(flags *pflag.FlagSet) {
		hists.add(flags)
		cli.Func(flags, "sort", "COLUMN", view.SortUsage, func(text string) error {
			shown.Sort = view.ParseSort(text)
			return nil
		})
		cli.Func(flags, "top", "N", "show only the first N rows", cli.Count(&shown.Top))
	})
	mode := env.JSONFlag(cmd, "write one JSON object per line, as bpfgo run does")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		in := env.In
		if args[0] != "-" {
			file, err := os.Open(args[0])
			if err != nil {
				return err
			}
			defer file.Close()
			in = file
		}
		if err := replay(env, bufio.NewReader(in), opts, shown, hists, mode); err != nil {
			return fmt.Errorf("replay %s: %w", args[0], err)
		}
		return nil
	}
	return cmd
}

// replay shows a recording.
func replay(env *cli.Env, in io.Reader, opts *eventOptions, shown view.Options, hists histOptions, mode *cli.JSON) error {
	reader, err := recording.NewReader(in)
	if err != nil {
		return err
	}
	p := &player{env: env, events: &events{opts: opts, out: newOutput(env.Stdout, mode), began: reader.Header.Started}}
	if reader.BTF != nil {
		b, err := btf.ParseRaw(reader.BTF)
		if err != nil {
			return err
		}
		defer b.Close()
		if p.types, err = decode.NewTypes(b); err != nil {
			return err
		}
	}
	if err := p.prepare(reader.Header, opts); err != nil {
		return err
	}
	if err := p.prepareMaps(reader.Header, shown, hists); err != nil {
		return err
	}
	summary, failed := p.play(reader)
	if err := p.events.flush(); err != nil {
		return err
	}
	switch {
	case errors.Is(failed, io.ErrUnexpectedEOF):
		env.Note("the recording ends early: %s", p.events.counts())
	case failed != nil:
		return failed
	default:
		fmt.Fprintf(env.Stderr, "bpfgo: recorded: %s\n", cli.Safe(summary))
	}
	return nil
}

// player shows what is in a recording.
type player struct {
	env    *cli.Env
	types  *decode.Types // nil if there is no BTF
	events *events
	views  []*dump
}

// prepare finds the types of the recorded buffers.
func (p *player) prepare(header recording.Header, opts *eventOptions) error {
	for i, b := range header.Buffers {
		s := &stream{name: b.Name, perf: b.Perf, number: i}
		name, told := opts.types[b.Name]
		var err error
		switch {
		case p.types == nil:
		case told:
			if s.typ, err = p.types.Named(name); err != nil {
				return fmt.Errorf("--event %s=%s: %w", b.Name, name, err)
			}
		case b.Type != 0:
			if s.typ, err = p.types.Type(btf.TypeID(b.Type)); err != nil {
				return err
			}
		}
		p.events.streams = append(p.events.streams, s)
	}
	for name, typ := range opts.types {
		if !slices.ContainsFunc(header.Buffers, func(b recording.Buffer) bool { return b.Name == name }) {
			return fmt.Errorf("--event %s=%s: the recording has no such buffer", name, typ)
		}
	}
	p.events.label()
	return p.events.bind()
}

// prepareMaps prepares to show the recorded maps.
func (p *player) prepareMaps(header recording.Header, shown view.Options, hists histOptions) error {
	for _, m := range header.Maps {
		described := view.Map{
			Name: m.Name, Type: libbpf.MapType(m.Type), KeySize: m.KeySize, ValueSize: m.ValueSize,
		}
		if p.types != nil {
			// If the type is not known, keys and values are shown in hexadecimal.
			described.Key, _ = p.types.Type(btf.TypeID(m.Key))
			described.Value, _ = p.types.Type(btf.TypeID(m.Value))
		}
		options := shown
		options.PerCPU = m.PerCPU
		v, err := view.New(described, options)
		if errors.Is(err, view.ErrNoColumn) { // another one may have it
			options.Sort = view.Sort{}
			v, err = view.New(described, options)
		}
		if err != nil {
			return fmt.Errorf("map %s: %w", m.Name, err)
		}
		d := &dump{View: v}
		if d.hist, err = hists.layout(v); err != nil {
			return fmt.Errorf("map %s: %w", m.Name, err)
		}
		p.views = append(p.views, d)
	}
	return nil
}

// event shows a record.
func (p *player) event(e recording.Event) error {
	s := p.events.streams[e.Buffer]
	if !p.events.takes(s, e.At, e.Record) {
		return nil
	}
	stacks, err := recordedStacks(e.Stacks)
	if err != nil {
		return err
	}
	return p.events.show(s, e.CPU, e.Record, stacks)
}

// snapshot shows the content of a map at one time.
func (p *player) snapshot(s recording.Snapshot) error {
	if !p.events.opts.window.has(s.At, p.events.began) {
		return nil
	}
	v := p.views[s.Map]
	v.recorded = nil
	var content view.Content
	for _, r := range s.Rows {
		if len(r.Key) != int(v.KeySize) || len(r.Value) != int(v.ValueSize) {
			return errors.New("the recording is damaged: a row does not fit its map")
		}
		shown := view.Row{CPU: r.CPU, Key: r.Key, Value: r.Value}
		content.Add(shown)
		stacks, err := recordedStacks(r.Stacks)
		if err != nil {
			return err
		}
		if stacks != nil {
			if v.recorded == nil {
				v.recorded = map[row][]backtrace.Record{}
			}
			v.recorded[rowOf(shown)] = stacks
		}
	}
	p.events.out.content(p.env, v, content, s.Number, p.events.clock(s.At, true))
	return nil
}

// play shows everything up to the end, and returns the summary.
func (p *player) play(reader *recording.Reader) (summary string, err error) {
	for {
		frame, err := reader.Next()
		if err != nil {
			return "", err
		}
		switch f := frame.(type) {
		case recording.Event:
			err = p.event(f)
		case recording.Snapshot:
			err = p.snapshot(f)
		case recording.End:
			return cmp.Or(f.Summary, "nothing"), nil
		}
		if err != nil {
			return "", err
		}
	}
}
