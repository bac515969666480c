// Soak keeps the library busy in all ways at once, for as long as it is told to: programs write records faster than they
// are received, readers are cancelled and closed, objects, maps, links, types and pins come and go. Each record must be
// received once, or be counted as lost. From time to time everything is closed for a moment; what the process holds then
// must not grow.
//
//	soak [-time 10s] [-every 1m] [-hotplug]
//
// With -hotplug CPUs go offline and come back all the time. It is for a virtual machine.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
)

//go:generate go tool bpfgo gen --target native -I../../bpf/generated soak.bpf.c
//go:generate go tool bpfgo gen --target native -I../../bpf/generated samples.bpf.c
//go:generate go tool bpfgo gen --target native -I../../bpf/generated churn.bpf.c

func main() {
	duration := flag.Duration("time", 10*time.Second, "how long it goes on")
	every := flag.Duration("every", time.Minute, "how often everything is closed, and compared")
	hotplug := flag.Bool("hotplug", false, "take CPUs offline and back, as root of a virtual machine")
	flag.Parse()
	if *duration <= 0 || *every <= 0 {
		fmt.Fprintln(os.Stderr, "soak: -time and -every must be more than 0")
		os.Exit(2)
	}
	if err := countExactly(); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
	if err := run(*duration, min(*every, *duration/10), *hotplug); err != nil {
		fmt.Fprintf(os.Stderr, "soak: %+v\n", err)
		os.Exit(1)
	}
}

// countExactly starts the program again, with a malloc that gives freed memory back at once: what it keeps for each
// thread would count as allocated, and as resident.
func countExactly() error {
	const variable, value = "GLIBC_TUNABLES", "glibc.malloc.tcache_count=0:glibc.malloc.mmap_threshold=131072"
	if os.Getenv(variable) == value {
		return nil
	}
	if err := os.Setenv(variable, value); err != nil {
		return err
	}
	return unix.Exec("/proc/self/exe", os.Args, os.Environ())
}

// soak is what the jobs share.
type soak struct {
	streams *Soak    // its programs write records
	samples *Samples // its program takes samples; nil if the kernel refuses it
	pins    int      // the folder of a bpf file system of our own, as a descriptor
	hotplug bool
	closed  closedIDs
	jobs    []*job

	// during is held for reading while a job is in a cycle. Whoever holds it for writing finds everything closed.
	during sync.RWMutex
}

// job is something to do over and over. A cycle takes about a second at most, and closes what it opens.
type job struct {
	name   string
	cycle  func(*rand.Rand) error
	cycles atomic.Uint64

	records tally // of jobs that receive records
}

func run(duration, every time.Duration, hotplug bool) error {
	s := &soak{pins: -1, hotplug: hotplug}
	defer s.close()
	if err := s.open(); err != nil {
		return err
	}
	s.jobs = append(s.streamJobs(), s.churnJobs()...)
	if hotplug {
		s.jobs = append(s.jobs, &job{name: "CPU", cycle: s.plug})
		defer plugAll()
	}

	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var (
		workers sync.WaitGroup
		failed  = make(chan error, len(s.jobs))
	)
	for _, j := range s.jobs {
		workers.Go(func() {
			if err := s.work(ctx, j); err != nil {
				failed <- fmt.Errorf("%s, cycle %d: %w", j.name, j.cycles.Load()+1, err)
				stop()
			}
		})
	}
	log, err := s.observe(ctx, duration, every)
	stop()
	workers.Wait()
	close(failed)
	for failure := range failed {
		err = errors.Join(err, failure)
	}
	if err != nil {
		return err
	}
	if err := s.closed.awaitGone(); err != nil {
		return err
	}
	s.summarize(log)
	return compare(log)
}

// work does a job until ctx is done.
func (s *soak) work(ctx context.Context, j *job) error {
	r := rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	for ctx.Err() == nil {
		s.during.RLock()
		err := j.cycle(r)
		s.during.RUnlock()
		if err != nil {
			return err
		}
		j.cycles.Add(1)
	}
	return nil
}

// open loads what stays for the whole time.
func (s *soak) open() error {
	open, err := OpenSoak(libbpf.ObjectBuilder{})
	if err != nil {
		return err
	}
	open.Rodata.TargetTGID, open.Rodata.GetpgidNr = uint32(os.Getpid()), unix.SYS_GETPGID
	if s.streams, err = open.Load(); err != nil {
		return err
	}
	if err := s.streams.Attach(); err != nil {
		return err
	}
	// Linux 6.1 brought the map, and callbacks need compiled programs.
	if s.samples, err = LoadSamples(libbpf.ObjectBuilder{}); errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOTSUP) {
		fmt.Println("soak: without a user ring buffer:", err)
	} else if err != nil {
		return err
	}
	return s.openPins()
}

func (s *soak) close() {
	if s.pins >= 0 {
		_ = unix.Close(s.pins)
	}
	if s.samples != nil {
		_ = s.samples.Close()
	}
	if s.streams != nil {
		_ = s.streams.Close()
	}
}

// moment is a context that ends soon, by a deadline or because it is cancelled.
func moment(r *rand.Rand) (context.Context, context.CancelFunc) {
	d := time.Duration(r.Int64N(int64(20 * time.Millisecond)))
	if r.IntN(2) == 0 {
		return context.WithTimeout(context.Background(), d)
	}
	ctx, cancel := context.WithCancel(context.Background())
	timer := time.AfterFunc(d, cancel)
	return ctx, func() {
		timer.Stop()
		cancel()
	}
}

// unlessEnded is err, unless it only says that a moment ended.
func unlessEnded(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return err
}

// unlessClosed is err, unless it only says that what was used is closed.
func unlessClosed(err error) error {
	if errors.Is(err, libbpf.ErrClosed) {
		return nil
	}
	return err
}
