package run

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
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
	files  files
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
		for line := range strings.Lines(strings.TrimSpace(rejected.Log)) { // it quotes the source, as the object has it
			fmt.Fprintln(w, cli.Safe(strings.TrimSuffix(line, "\n")))
		}
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
	defer s.files.close()
	if err := s.createFiles(); err != nil {
		return err
	}

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
