package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/btf/decode"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/metrics"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/privilege"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/screen"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/setting"
)

// session is one "bpfgo run".
type session struct {
	env  *cli.Env
	opts *runOptions
	out  *output

	btf    *btf.BTF      // nil if the object has none
	types  *decode.Types // nil if btf is
	events *events
	dumps  []*dump
	traces traces
	pins   []string // maps that loading will pin
	file   *os.File // of the recording, or nil
	server *metrics.Server
	screen *screen.Screen
	stats  *libbpf.RunTimeStats // nil if nobody looks at them
	rates  rates

	obj   *libbpf.Object
	links []*libbpf.Link
	rings *libbpf.RingBuffer // nil if the object has none
	perfs []*libbpf.PerfBuffer

	told   atomic.Uint64 // losses that were reported in the records of perf buffers
	dumped int           // how often the maps were shown
}

// targetVariable is, by convention, the global variable that limits an object to a process.
const targetVariable = "target_tgid"

func run(env *cli.Env, opts *runOptions) error {
	if opts.verbose {
		level, print := libbpf.CurrentPrint()
		defer libbpf.SetPrint(level, print)
		libbpf.SetPrint(libbpf.PrintDebug, func(_ libbpf.PrintLevel, message string) {
			fmt.Fprintln(env.Stderr, cli.Safe(message))
		})
	}
	signals := make(chan os.Signal, 4)
	notify(signals, unix.SIGINT, unix.SIGTERM, unix.SIGHUP)
	defer signal.Stop(signals)
	// A closed pipe is an error of a write, so that bpfgo can clean up.
	closedPipe := make(chan os.Signal, 1)
	signal.Notify(closedPipe, unix.SIGPIPE)
	defer signal.Stop(closedPipe)

	s := &session{env: env, opts: opts, out: newOutput(env.Stdout, opts.json), screen: screen.New(env)}
	s.events = &events{opts: &opts.eventOptions, out: s.out}
	err := s.run(signals)
	if opts.verbose {
		printDetails(env.Stderr, err)
	}
	return err
}

// printDetails writes libbpf's messages about a failure, and the verifier's log, which are only in the error.
func printDetails(w io.Writer, err error) {
	var failed *libbpf.Error
	var rejected *libbpf.VerifierError
	switch {
	case errors.As(err, &rejected):
		for _, m := range rejected.Messages {
			fmt.Fprintln(w, cli.Safe(m))
		}
		fmt.Fprintln(w, strings.TrimSpace(rejected.Log))
	case errors.As(err, &failed):
		for _, m := range failed.Messages {
			fmt.Fprintln(w, cli.Safe(m))
		}
	}
}

// run runs the session, and cleans up.
func (s *session) run(signals <-chan os.Signal) (err error) {
	builder := libbpf.ObjectBuilder{PinRootPath: s.opts.pinRoot, Kconfig: strings.Join(s.opts.kconfig, "\n")}
	open, err := builder.OpenFile(s.opts.object)
	if err != nil {
		return err
	}
	defer open.Close()
	if s.btf, err = open.BTF(); err != nil && !errors.Is(err, libbpf.ErrNoBTF) {
		return err
	}
	defer s.btf.Close()
	if err := s.prepare(open); err != nil {
		return err
	}
	if err := s.createRecording(); err != nil {
		return err
	}
	defer s.file.Close()

	var command *child
	var commandDone <-chan struct{}
	if len(s.opts.command) > 0 {
		if command, err = startHeld(s.opts.command, s.env.Stdout, s.env.Stderr); err != nil {
			return err
		}
		defer command.stop(false, signals)
		commandDone = command.done
	}
	if err := s.setTarget(open, command); err != nil {
		return err
	}
	defer s.unload()
	if err := s.listen(); err != nil {
		return err
	}
	s.measure()
	if err := s.load(open); err != nil {
		return err
	}
	s.events.began = time.Now()
	if err := s.record(); err != nil {
		return err
	}
	s.serve()
	forget := s.rememberProcesses(command)
	defer forget()
	if command != nil {
		command.release()
	}

	stop, interrupted := s.stream(signals, commandDone)
	command.stop(interrupted, signals)
	detached := s.detach()
	// The rest is short, unless nobody reads the output. Then another ^C ends bpfgo at once.
	signal.Reset(unix.SIGINT, unix.SIGTERM, unix.SIGHUP)
	err = cmp.Or(stop(), detached, s.finish())
	return cmp.Or(err, s.summarize(command))
}

// end is how long after its beginning the run ends, if that was given.
func (o *runOptions) end(began time.Time) (after time.Duration, limited bool) {
	if o.window.until.set {
		after, limited = max(o.window.until.since(began), 0), true
	}
	if o.duration > 0 && (!limited || o.duration < after) {
		after, limited = o.duration, true
	}
	return after, limited
}

// prepare finds everything that the command line names, before anything is in the kernel.
func (s *session) prepare(open *libbpf.OpenObject) error {
	if s.btf != nil {
		types, err := decode.NewTypes(s.btf)
		if err != nil {
			return err
		}
		s.types = types
	}
	if err := s.prepareStreams(open); err != nil {
		return err
	}
	if err := s.prepareTraces(open); err != nil {
		return err
	}
	if err := s.prepareDumps(open); err != nil {
		return err
	}
	if err := s.finishTraces(open); err != nil {
		return err
	}
	for m := range open.Maps() {
		path, err := m.PinPath()
		if err != nil {
			return err
		}
		if path == "" {
			continue
		}
		if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
			s.pins = append(s.pins, m.Name())
		}
	}
	for _, set := range s.opts.settings {
		if err := s.set(open, set); err != nil {
			return fmt.Errorf("--set %s=%s: %w", set.Name, set.Value, err)
		}
	}
	return nil
}

func (s *session) prepareStreams(open *libbpf.OpenObject) error {
	untold := maps.Clone(s.opts.types)
	for m := range open.Maps() {
		t, err := m.Type()
		if err != nil {
			return err
		}
		created, err := m.Autocreate()
		if err != nil {
			return err
		}
		if t != libbpf.MapTypeRingBuf && t != libbpf.MapTypePerfEventArray || !created {
			continue
		}
		stream := &stream{
			name: m.Name(), perf: t == libbpf.MapTypePerfEventArray, number: len(s.events.streams),
		}
		if name, ok := s.opts.types[stream.name]; ok {
			delete(untold, stream.name)
			if stream.typ, err = s.typeNamed(name); err != nil {
				return fmt.Errorf("--event %s=%s: %w", stream.name, name, err)
			}
		} else if stream.typ, err = s.recordType(m); err != nil {
			return fmt.Errorf("map %s: %w", stream.name, err)
		}
		s.events.streams = append(s.events.streams, stream)
	}
	for _, name := range slices.Sorted(maps.Keys(untold)) {
		if _, err := open.Map(name); err != nil {
			return fmt.Errorf("--event %s=%s: %w", name, untold[name], s.noMap(open, name))
		}
		return fmt.Errorf("--event %s=%s: the map is neither a ring buffer nor a perf buffer", name, untold[name])
	}
	s.events.label()
	return s.events.bind()
}

// recordType is the type that the definition of a buffer has for its records, or nil.
func (s *session) recordType(m *libbpf.OpenMap) (*decode.Type, error) {
	id, err := m.RecordTypeID()
	if err != nil || id == 0 || s.types == nil {
		return nil, err
	}
	return s.types.Type(id)
}

func (s *session) typeNamed(name string) (*decode.Type, error) {
	if s.types == nil {
		return nil, fmt.Errorf("%s has no BTF (compile it with -g)", s.opts.object)
	}
	typ, err := s.types.Named(name)
	if errors.Is(err, btf.ErrNotFound) {
		return nil, fmt.Errorf("%s has no type with this name; if only local variables have the type, "+
			"add a global pointer to it, so that it is in the object's BTF", s.opts.object)
	}
	return typ, err
}

// noMap says that there is no map with this name, and lists the maps.
func (s *session) noMap(open *libbpf.OpenObject, name string) error {
	var others []string
	for m := range open.Maps() {
		others = append(others, m.Name())
	}
	if len(others) == 0 {
		return fmt.Errorf("%s has no maps", s.opts.object)
	}
	return fmt.Errorf("%s has no map %s; it has %s", s.opts.object, name, strings.Join(others, ", "))
}

// set sets a global variable or a part of one.
func (s *session) set(open *libbpf.OpenObject, set setting.Setting) error {
	return set.Apply(open, s.btf, s.types, s.opts.object)
}

// setTarget limits the object to a process, if it has the variable for that, and --set does not set the variable.
func (s *session) setTarget(open *libbpf.OpenObject, command *child) error {
	pid, what := s.opts.pid, "--pid"
	switch {
	case command != nil:
		pid, what = command.pid, s.opts.command[0]
	case pid == 0:
		return nil
	default:
		if err := unix.Kill(pid, 0); errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("--pid %d: no such process", pid)
		}
	}
	if slices.ContainsFunc(s.opts.settings, func(set setting.Setting) bool { return set.Name == targetVariable }) {
		return nil
	}
	if _, err := open.Global(targetVariable); err != nil {
		s.env.Note("%s has no global variable %s that would limit it to %s",
			s.opts.object, targetVariable, what)
		return nil
	}
	if ns, err := os.Readlink("/proc/self/ns/pid"); err == nil && ns != initialPIDNamespace {
		s.env.Note("this is not the initial pid namespace, so the kernel's number of process %d is "+
			"not the one that %s gets", pid, targetVariable)
	}
	if err := s.set(open, setting.Setting{Name: targetVariable, Value: strconv.Itoa(pid)}); err != nil {
		return fmt.Errorf("set %s: %w", targetVariable, err)
	}
	return nil
}

// initialPIDNamespace is the pid namespace whose numbers BPF programs see (PROC_PID_INIT_INO in the kernel).
const initialPIDNamespace = "pid:[4026531836]"

// load loads the object into the kernel, opens its buffers, and attaches its programs, in this order, so that no event
// is missed.
func (s *session) load(open *libbpf.OpenObject) (err error) {
	var needed []privilege.Capability
	for p := range open.Programs() {
		if t, err := p.Type(); err == nil {
			needed = append(needed, privilege.ForProgram(t)...)
		}
	}
	defer func() { err = privilege.Need(err, needed...) }()
	obj, err := open.Load()
	if err != nil {
		return err
	}
	s.obj = obj
	if err := s.openBuffers(); err != nil {
		return err
	}
	if s.links, err = obj.Attach(); err != nil {
		return err
	}
	if err := s.attachClock(); err != nil {
		return err
	}
	if len(s.links) == 0 {
		s.env.Note("no section of a program in %s says where to attach the program", s.opts.object)
	}
	if len(s.events.streams) == 0 && len(s.dumps) == 0 {
		s.env.Note("%s has no ring buffer and no perf buffer; use --dump to show its maps",
			s.opts.object)
	}
	return nil
}

func (s *session) openBuffers() error {
	var rings libbpf.RingBufferBuilder
	for _, stream := range s.events.streams {
		m, err := s.obj.Map(stream.name)
		if err != nil {
			return err
		}
		if stream.perf {
			builder := libbpf.PerfBufferBuilder{
				Sample: func(cpu int, record []byte) error { return s.events.event(stream, cpu, record) },
				Lost:   func(_ int, count uint64) { s.told.Add(count) },
			}
			perf, err := builder.Build(m)
			if err != nil {
				return err
			}
			s.perfs = append(s.perfs, perf)
			continue
		}
		rings.Sources = append(rings.Sources, libbpf.RingSource{
			Map: m, Callback: func(record []byte) error { return s.events.event(stream, 0, record) },
		})
	}
	if len(rings.Sources) == 0 {
		return nil
	}
	var err error
	s.rings, err = rings.Build()
	return err
}

// buffers returns all ring buffers and perf buffers.
func (s *session) buffers() []buffer {
	var all []buffer
	if s.rings != nil {
		all = append(all, s.rings)
	}
	for _, perf := range s.perfs {
		all = append(all, perf)
	}
	return all
}

type buffer interface {
	PollContext(ctx context.Context) (int, error)
	Consume() (int, error)
	Close() error
}

// stream shows events until there is a reason to end. The buffers are still read after that, until the caller calls
// stop, which returns the error of reading, if any. interrupted says that a signal was the reason.
func (s *session) stream(signals <-chan os.Signal, commandDone <-chan struct{}) (stop func() error, interrupted bool) {
	ctx, cancel := context.WithCancelCause(context.Background())
	var wg sync.WaitGroup
	for _, b := range s.buffers() {
		wg.Go(func() {
			for ctx.Err() == nil {
				_, err := b.PollContext(ctx)
				err = s.tolerate(b, err)
				if ctx.Err() != nil {
					return
				}
				if err = cmp.Or(err, s.events.flush()); err != nil {
					cancel(err)
				}
			}
		})
	}
	stop = func() error {
		cancel(nil)
		wg.Wait()
		if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
			return err
		}
		return nil
	}

	var expired, tick <-chan time.Time
	if end, limited := s.opts.end(s.events.began); limited {
		expired = time.After(end)
	}
	if s.opts.interval > 0 {
		ticker := time.NewTicker(s.opts.interval)
		defer ticker.Stop()
		tick = ticker.C
	}
	for {
		select {
		case <-signals:
			return stop, true
		case <-expired:
			return stop, false
		case <-commandDone:
			return stop, false
		case <-ctx.Done():
			return stop, false
		case <-tick:
			if err := s.look(); err != nil {
				cancel(err)
			}
		}
	}
}

// tolerate prints a note when a perf buffer was damaged, by a record of 64 KiB or more, and returns nil: the next call
// continues after the damage. A damaged ring buffer stays damaged.
func (s *session) tolerate(b buffer, err error) error {
	if _, perf := b.(*libbpf.PerfBuffer); !perf || !errors.Is(err, unix.EBADMSG) {
		return err
	}
	s.env.Note("%v", err)
	return nil
}

// consume shows the events that are in a buffer.
func (s *session) consume(b buffer) error {
	for {
		_, err := b.Consume()
		if err == nil || s.tolerate(b, err) != nil {
			return err
		}
	}
}

// detach removes what others can see of the object: its attachments, and the pins of its maps.
func (s *session) detach() error {
	var failed error
	for _, link := range s.links {
		failed = cmp.Or(failed, link.Close())
	}
	if s.obj == nil {
		return failed
	}
	for _, name := range s.pins {
		if m, err := s.obj.Map(name); err == nil && m.IsPinned() {
			failed = cmp.Or(failed, m.Unpin(""))
		}
	}
	return failed
}

// finish shows the last events, and the maps.
func (s *session) finish() error {
	awaitPrograms()
	var failed error
	for _, b := range s.buffers() {
		failed = cmp.Or(failed, s.consume(b))
	}
	return cmp.Or(failed, s.look(), s.screen.Close(), s.writeFlames())
}

// awaitPrograms waits for programs that were running when they were detached, because they may still submit an event.
// The system call returns after an RCU grace period, and programs run under RCU. Sleepable programs do not; detaching
// most of them waits by itself.
func awaitPrograms() {
	const membarrierGlobal = 1 // MEMBARRIER_CMD_GLOBAL
	if _, _, errno := unix.Syscall(unix.SYS_MEMBARRIER, membarrierGlobal, 0, 0); errno != 0 {
		time.Sleep(10 * time.Millisecond) // the kernel has nohz_full CPUs
	}
}

// look shows what changes while the object runs.
func (s *session) look() error {
	if s.opts.watch {
		return s.redraw()
	}
	return s.show()
}

// unload removes everything from the kernel, and gives the terminal back.
func (s *session) unload() {
	_ = s.server.Close()
	_ = s.traces.close()
	_ = s.screen.Close()
	if s.stats != nil {
		_ = s.stats.Close()
	}
	_ = s.detach()
	for _, b := range s.buffers() {
		_ = b.Close()
	}
	_ = s.obj.Close()
}
