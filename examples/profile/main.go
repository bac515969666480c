// Command profile shows where processes spend their CPU time: as folded stacks, and as a flame graph.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
)

//go:generate go tool bpfgo gen profile.bpf.c

func main() {
	log.SetFlags(0)
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: profile [-p PID] [-t TIME] [-hz N] [-svg FILE] [COMMAND [ARGUMENT...]]\n"+
			"It prints folded stacks, or with -svg writes a flame graph.")
		flag.PrintDefaults()
	}
	pid := flag.Int("p", 0, "look at this process and its descendants (default: all processes)")
	limit := flag.Duration("t", 0, "how long (default: until Ctrl-C, or the end of the command)")
	hz := flag.Uint64("hz", 99, "how many samples each CPU takes in a second")
	svg := flag.String("svg", "", "the file of the flame graph")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	if *limit > 0 {
		ctx, stop = context.WithTimeout(ctx, *limit)
	}
	err := run(ctx, *pid, *hz, *svg, flag.Args())
	stop()
	if err != nil {
		log.Fatalln("profile:", err)
	}
}

func run(ctx context.Context, pid int, hz uint64, svg string, command []string) error {
	open, err := OpenProfile(libbpf.ObjectBuilder{})
	if err != nil {
		return err
	}
	defer open.Close()
	open.Rodata.Self = int32(os.Getpid())
	open.Rodata.Root = int32(pid)
	if len(command) > 0 {
		open.Rodata.Root = open.Rodata.Self // whose only descendant is the command
	}
	profile, err := open.Load()
	if err != nil {
		return err
	}
	defer profile.Close()
	clocks, err := attach(profile, hz)
	if err != nil {
		return err
	}

	var done <-chan error
	if len(command) > 0 {
		done = start(ctx, command)
	} else {
		fmt.Fprintln(os.Stderr, "profiling; Ctrl-C ends it")
	}
	folded := newFolder(profile)
	// Processes may end before this one does: what their addresses mean is read while they are there.
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for running := true; running; {
		select {
		case <-tick.C:
			if err := folded.learn(); err != nil {
				return err
			}
		case err := <-done:
			if err != nil {
				return err
			}
			running = false
		case <-ctx.Done():
			running = false
		}
	}
	for _, clock := range clocks {
		if err := clock.Close(); err != nil {
			return err
		}
	}
	counts, err := folded.fold()
	if err != nil {
		return err
	}
	if lost := atomic.LoadUint64(&profile.Bss.Lost); lost > 0 {
		fmt.Fprintln(os.Stderr, lost, "samples were lost")
	}
	if svg == "" {
		return printFolded(os.Stdout, counts)
	}
	return writeSVG(svg, counts)
}

// attach makes a clock on each CPU, which runs the program. The links are those of the object, which closes them.
func attach(profile *Profile, hz uint64) ([]*libbpf.Link, error) {
	attributes := unix.PerfEventAttr{
		Type:   unix.PERF_TYPE_SOFTWARE,
		Config: unix.PERF_COUNT_SW_CPU_CLOCK,
		Sample: hz,
		Bits:   unix.PerfBitFreq,
	}
	cpus, err := libbpf.PossibleCPUs()
	if err != nil {
		return nil, err
	}
	var clocks []*libbpf.Link
	for cpu := range cpus {
		event, err := unix.PerfEventOpen(&attributes, -1, cpu, -1, unix.PERF_FLAG_FD_CLOEXEC)
		if errors.Is(err, unix.ENODEV) {
			continue // it is offline
		}
		if err != nil {
			return nil, os.NewSyscallError("perf_event_open", err)
		}
		clock, err := profile.Programs.OnTick.AttachPerfEvent(event, libbpf.PerfEventOptions{})
		_ = unix.Close(event) // the link has its own
		if err != nil {
			return nil, err
		}
		clocks = append(clocks, clock)
	}
	return clocks, nil
}

// start runs the command. The channel gets nil when it has ended, however it did.
func start(ctx context.Context, command []string) <-chan error {
	done := make(chan error, 1)
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stderr, os.Stderr
	go func() {
		err := cmd.Run()
		var status *exec.ExitError
		if errors.As(err, &status) || ctx.Err() != nil {
			err = nil
		}
		done <- err
	}()
	return done
}
