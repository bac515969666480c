package libbpf_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/needs"
	"github.com/libbpf-go/libbpf-go/internal/testutil/threads"
)

// pluggable returns a CPU that the test may take offline: only on a machine that is there for tests.
func pluggable(t *testing.T) int {
	t.Helper()
	needs.PerfEvents(t)
	if os.Getenv("LIBBPF_GO_KNOWN_KERNEL") != "1" {
		testutil.Skip(t, "hotplug", errors.New("the machine may have other users"))
	}
	const cpu = 1
	if err := setOnline(cpu, true); errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrPermission) {
		testutil.Skip(t, "hotplug", err)
	}
	t.Cleanup(func() { check(t, setOnline(cpu, true)) })
	return cpu
}

func setOnline(cpu int, online bool) error {
	state := "0"
	if online {
		state = "1"
	}
	return os.WriteFile(fmt.Sprintf("/sys/devices/system/cpu/cpu%d/online", cpu), []byte(state), 0)
}

// writeOn writes a record on a CPU.
func writeOn(t *testing.T, cpu int) {
	t.Helper()
	threads.Run(func() {
		var one unix.CPUSet
		one.Set(cpu)
		if err := unix.SchedSetaffinity(0, &one); err != nil {
			t.Error(err)
			return
		}
		write(toPerf, 1)
	})
}

// When a CPU goes offline, its records stay in its buffer. The kernel gives up its event: when the CPU is back, programs
// cannot write there until another buffer is opened. The other CPUs go on.
func TestPerfHotplug(t *testing.T) {
	for _, test := range []struct {
		name string
		// open returns functions that wait for a record and tell its CPU, that tell what was lost, and that close.
		open func(*testing.T, *libbpf.Map) (next func() int, lost func() (uint64, error), close func() error)
	}{
		{"PerfReader", func(t *testing.T, m *libbpf.Map) (func() int, func() (uint64, error), func() error) {
			r, err := libbpf.NewPerfReader(m, libbpf.PerfReaderOptions{Pages: 1})
			check(t, err)
			return func() int {
				for cpu := range r.Records(t.Context(), &err) {
					return cpu
				}
				t.Fatal(err)
				return -1
			}, r.Lost, r.Close
		}},
		{"PerfBuffer", func(t *testing.T, m *libbpf.Map) (func() int, func() (uint64, error), func() error) {
			var cpus []int
			b, err := libbpf.PerfBufferBuilder{
				Pages: 1, Sample: func(cpu int, _ []byte) error { cpus = append(cpus, cpu); return nil },
			}.Build(m)
			check(t, err)
			return func() int {
				for len(cpus) == 0 {
					_, err := b.PollContext(t.Context())
					check(t, err)
				}
				first := cpus[0]
				cpus = slices.Delete(cpus, 0, 1)
				return first
			}, b.Lost, b.Close
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			cpu := pluggable(t)
			o := loadStream(t, nil)
			m := findMap(t, o, "perf")
			next, lost, closeIt := test.open(t, m)
			want := func(cpu int, when string) {
				t.Helper()
				if got := next(); got != cpu {
					t.Errorf("%s: a record of CPU %d, want %d", when, got, cpu)
				}
			}
			failed := func(want uint64, when string) {
				t.Helper()
				if got := streamTotals(t, o, "perf_totals").lost; got != want {
					t.Errorf("%s: the program could not write %d records, want %d", when, got, want)
				}
			}
			writeOn(t, cpu)
			check(t, setOnline(cpu, false))
			want(cpu, "written before")
			writeOn(t, 0)
			want(0, "on another CPU")

			check(t, setOnline(cpu, true))
			writeOn(t, cpu)
			failed(1, "back")
			writeOn(t, 0)
			want(0, "back, on another CPU")
			if n, err := lost(); err == nil && n != 0 {
				t.Errorf("%d are lost", n)
			} else if err != nil && !errors.Is(err, errors.ErrUnsupported) {
				t.Error(err)
			}

			check(t, closeIt())
			next, _, closeIt = test.open(t, m)
			writeOn(t, cpu)
			want(cpu, "opened again")
			failed(1, "opened again")
			check(t, closeIt())
		})
	}
}

// A reader that waits does not spin, and hears what comes, while CPUs go and come.
func TestPerfHotplugWaiting(t *testing.T) {
	cpu := pluggable(t)
	o := loadStream(t, nil)
	r, err := libbpf.NewPerfReader(findMap(t, o, "perf"), libbpf.PerfReaderOptions{Pages: 1})
	check(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	heard := make(chan int)
	var reader sync.WaitGroup
	reader.Go(func() {
		var err error
		for cpu := range r.Records(ctx, &err) {
			heard <- cpu
		}
		if !errors.Is(err, libbpf.ErrClosed) {
			t.Error(err)
		}
	})
	for range 5 {
		check(t, setOnline(cpu, false))
		writeOn(t, 0)
		if got := <-heard; got != 0 {
			t.Errorf("a record of CPU %d", got)
		}
		check(t, setOnline(cpu, true))
	}
	check(t, r.Close())
	reader.Wait()
}

// Buffers are opened for the CPUs that have events, whichever go and come meanwhile.
func TestPerfHotplugOpen(t *testing.T) {
	cpu := pluggable(t)
	o := loadStream(t, nil)
	m := findMap(t, o, "perf")
	stop := make(chan struct{})
	var plugging sync.WaitGroup
	plugging.Go(func() {
		for online := false; ; online = !online {
			select {
			case <-stop:
				return
			default:
			}
			if err := setOnline(cpu, online); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for range 200 {
		r, err := libbpf.NewPerfReader(m, libbpf.PerfReaderOptions{Pages: 1})
		if err != nil {
			t.Error(err)
			break
		}
		writeOn(t, 0)
		found := false
		for on := range r.Pending(&err) {
			found = found || on == 0
		}
		check(t, err)
		if !found {
			t.Error("CPU 0 has no buffer")
		}
		check(t, r.Close())
	}
	close(stop)
	plugging.Wait()

	// Who asks for a CPU that is offline hears that.
	check(t, setOnline(cpu, false))
	_, err := libbpf.NewPerfReader(m, libbpf.PerfReaderOptions{CPUs: []int{0, cpu}})
	wantErr(t, err, unix.ENODEV)
}
