package run

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/spf13/pflag"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/btf/decode"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/backtrace"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/flame"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/stack"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/view"
)

// usualFrequency is how often the clock for perf_event programs ticks. It is not that of other clocks of the machine.
const usualFrequency = 99

// addStacks adds the flags about stacks.
func (o *runOptions) addStacks(flags *pflag.FlagSet) {
	cli.Func(flags, "stack", "MEMBER=WHAT", "show a member of records, keys or values as a stack; can be repeated. WHAT is the "+
		"stack map that an integer is an id of, or kernel or user for an array of addresses. By convention, "+
		backtrace.Convention+". The functions of processes are found by the member tgid or pid beside it", func(text string) error {
		option, err := backtrace.ParseOption(text)
		if err == nil {
			o.stacks = append(o.stacks, option)
		}
		return err
	})
	flags.StringVar(&o.flame, "flame", "", "write a flame graph to this `FILE`, an SVG: of the map that is counted by "+
		"stacks (its keys have stacks, its values are integers), or else of the events with stacks")
	flags.StringVar(&o.fold, "fold", "", "write the same stacks folded to this `FILE`, a line each, as \"a;b;c 12\"; - is "+
		"standard output")
	o.frequency = usualFrequency
	cli.Func(flags, "frequency", "HZ", "run programs of the section perf_event so many times a second on each CPU that "+
		"is busy (default 99)", cli.Count(&o.frequency))
}

// traces names the stacks of a run, and counts them for a flame graph.
type traces struct {
	finder  backtrace.Finder
	symbols *stack.Symbols
	pid     int // of the process that is traced, or 0

	counted *dump // the map that is counted by stacks, or nil

	mu     sync.Mutex
	events *flame.Graph // of events, or nil if they are not counted
	lost   uint64
}

// close forgets all symbols.
func (t *traces) close() error {
	if t.symbols == nil {
		return nil
	}
	return t.symbols.Close()
}

// prepareTraces finds the stack maps, and the stacks in records.
func (s *session) prepareTraces(open *libbpf.OpenObject) error {
	s.traces.symbols = stack.New()
	s.traces.finder.Options = s.opts.stacks
	for m := range open.Maps() {
		t, err := m.Type()
		if err != nil {
			return err
		}
		created, err := m.Autocreate()
		if err != nil {
			return err
		}
		if t != libbpf.MapTypeStackTrace || !created {
			continue
		}
		flags, err := m.Flags()
		if err != nil {
			return err
		}
		name := m.Name()
		s.traces.finder.Maps = append(s.traces.finder.Maps, &backtrace.Map{
			Name: name, BuildIDs: flags&libbpf.CreateStackBuildID != 0,
			Lookup: func(id uint32) ([]byte, error) {
				m, err := s.obj.Map(name)
				if err != nil {
					return nil, err
				}
				return m.Lookup(binary.NativeEndian.AppendUint32(nil, id), libbpf.Any)
			},
		})
	}
	for _, stream := range s.events.streams {
		var err error
		if stream.stacks, err = s.traces.finder.Find(stream.typ); err != nil {
			return err
		}
	}
	s.events.traces = &s.traces
	return nil
}

// finishTraces decides what a flame graph is of.
func (s *session) finishTraces(open *libbpf.OpenObject) error {
	if s.opts.flame != "" || s.opts.fold != "" {
		if err := s.findCounted(open); err != nil {
			return err
		}
	}
	for _, name := range s.traces.finder.Untold {
		s.env.Note("the object has several stack maps: say which one %s is an id of with --stack %s=MAP", name, name)
	}
	return s.traces.finder.Check()
}

// findCounted finds the map that is counted by stacks.
func (s *session) findCounted(open *libbpf.OpenObject) error {
	var found []*dump
	for m := range open.Maps() {
		t, err := m.Type()
		if err != nil {
			return err
		}
		if view.Walkable(t) != nil {
			continue
		}
		described, err := describe(m.Name(), m, s.types)
		if err != nil { // the object does not create it
			continue
		}
		keys, err := s.traces.finder.Find(described.Key)
		if err != nil {
			return err
		}
		if keys == nil || countIn(described.Value) == nil {
			continue
		}
		v, err := view.New(described, view.Options{})
		if err != nil {
			return err
		}
		d, err := s.newDump(v, m)
		if err != nil {
			return err
		}
		found = append(found, d)
	}
	if len(found) > 1 {
		found = slices.DeleteFunc(found, func(d *dump) bool { return !slices.Contains(s.opts.dumps, d.Name) })
		if len(found) != 1 {
			return cli.Usagef("run: several maps are counted by stacks: name one with --dump")
		}
	}
	if len(found) == 1 {
		s.traces.counted = found[0]
		return nil
	}
	for _, stream := range s.events.streams {
		if stream.stacks != nil {
			s.traces.events = &flame.Graph{}
			return nil
		}
	}
	return fmt.Errorf("%s has no stacks to count: no key of a map with integers has one, and no record: --stack can tell "+
		"which member is one", s.opts.object)
}

// countIn is the integer in a value: the whole, or the member count.
func countIn(t *decode.Type) *decode.Type {
	if t != nil && t.Kind() == decode.KindStruct {
		member, err := t.Field("count")
		if err != nil {
			return nil
		}
		t = member
	}
	if t == nil || t.Kind() != decode.KindInt {
		return nil
	}
	return t
}

// wantsEvents tells whether the stacks of events are counted.
func (t *traces) wantsEvents() bool { return t != nil && t.events != nil }

// ofEvent are the stacks in a record, which it counts if that is wanted.
func (t *traces) ofEvent(s *stream, record []byte) []backtrace.Record {
	if t == nil || s.stacks == nil {
		return nil
	}
	stacks := s.stacks.Traces(t.symbols, record, t.pid)
	if t.events != nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.add(t.events, s.stacks.Comm(record), stacks, 1)
	}
	return backtrace.Records(stacks)
}

// add counts stacks.
func (t *traces) add(g *flame.Graph, comm string, stacks []backtrace.Trace, count uint64) {
	frames, lost := backtrace.Flame(comm, stacks)
	if lost {
		t.lost += count
	}
	g.Add(frames, count)
}

// How often the processes in maps are looked up: soon at first, because some end soon, and never for more than a part of
// the time.
const (
	firstLook  = 2 * time.Millisecond
	laterLook  = 200 * time.Millisecond
	restOfLook = 20 // times as long as looking took
)

// rememberProcesses keeps the mappings of processes while these run: of the command, and of those in the keys of maps.
// The caller calls stop in the end.
func (s *session) rememberProcesses(command *child) (stop func()) {
	s.traces.pid = s.opts.pid
	if command != nil {
		s.traces.pid = command.pid
	}
	var watched []*dump
	for _, d := range append(slices.Clone(s.dumps), s.traces.counted) {
		if d != nil && d.keys != nil {
			watched = append(watched, d)
		}
	}
	streams := slices.ContainsFunc(s.events.streams, func(s *stream) bool { return s.stacks != nil })
	if len(watched) == 0 && !streams {
		return func() {}
	}
	end := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		wait := firstLook
		for {
			select {
			case <-end:
				return
			case <-time.After(wait):
			}
			began := time.Now()
			if s.traces.pid != 0 {
				s.traces.symbols.Look(s.traces.pid)
			}
			for _, d := range watched {
				m, err := s.obj.Map(d.Name)
				if err != nil {
					continue
				}
				// What can't be read now may be read later.
				_ = d.Rows(m, func(r view.Row) error {
					if pid := d.keys.PID(r.Key); pid != 0 {
						s.traces.symbols.Remember(pid)
					}
					return nil
				})
			}
			wait = max(min(2*wait, laterLook), restOfLook*time.Since(began))
		}
	})
	return sync.OnceFunc(func() {
		close(end)
		wg.Wait()
	})
}

// writeFlames writes the flame graph and the folded stacks, and tells what names are missing and why.
func (s *session) writeFlames() error {
	graph, what := s.traces.events, "events"
	if d := s.traces.counted; d != nil {
		graph, what = &flame.Graph{}, "counts in "+d.Name
		m, err := s.obj.Map(d.Name)
		if err != nil {
			return err
		}
		entries := 0
		count := countIn(d.Value)
		err = d.Rows(m, func(r view.Row) error {
			n, _ := count.Uint(r.Value)
			if r.CPU <= 0 {
				entries++
			}
			if n > 0 {
				s.traces.add(graph, d.keys.Comm(r.Key), d.keys.Traces(s.traces.symbols, r.Key, s.traces.pid), n)
			}
			return nil
		})
		if err != nil {
			return err
		}
		if full := d.full(view.Content{Entries: entries}); full != "" {
			s.env.Note("%s", full)
		}
	}
	if graph != nil {
		if err := s.writeGraph(graph, what); err != nil {
			return err
		}
	}
	if s.traces.lost > 0 {
		s.env.Note("%d of %d stacks are not whole: their map had no room for a part of them", s.traces.lost, graph.Total())
	}
	for _, warning := range s.traces.symbols.Warnings() {
		s.env.Note("%s", warning)
	}
	return nil
}

func (s *session) writeGraph(graph *flame.Graph, what string) error {
	if s.opts.flame != "" {
		title := s.opts.object
		if len(s.opts.command) > 0 {
			title += ": " + s.opts.command[0]
		}
		if err := s.write(s.files.flame, func(w io.Writer) error { return graph.WriteSVG(w, title, what) }); err != nil {
			return fmt.Errorf("--flame: %w", err)
		}
	}
	if s.opts.fold != "" {
		if err := s.write(s.files.fold, func(w io.Writer) error { return graph.WriteFolded(w) }); err != nil {
			return fmt.Errorf("--fold: %w", err)
		}
	}
	return nil
}
