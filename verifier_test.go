package libbpf_test

import (
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// openLong opens long.bpf.o, to load one of its programs.
func openLong(t *testing.T, builder libbpf.ObjectBuilder, program string) *libbpf.OpenObject {
	t.Helper()
	testutil.Root(t)
	o, err := builder.OpenFile(testutil.Object(t, "long"))
	check(t, err)
	t.Cleanup(func() { check(t, o.Close()) })
	p, err := o.Program(program)
	check(t, err)
	check(t, p.SetAutoload(true))
	return o
}

// The log of a rejected program arrives whole, also when it is longer than the 16 MiB that libbpf tries with at first.
func TestVerifierLogGrows(t *testing.T) {
	const first = 16 << 20
	var rejected *libbpf.VerifierError
	// How much the verifier writes for each round differs much between kernels.
	for rounds := uint32(8000); rejected == nil || len(rejected.Log) <= first; rounds *= 3 {
		o := openLong(t, libbpf.ObjectBuilder{KernelLogLevel: 2}, "rejected_late")
		check(t, o.SetGlobal("rounds", rounds))
		_, err := o.Load()
		wantErr(t, err, unix.EACCES)
		if !errors.As(err, &rejected) || rejected.Program != "rejected_late" {
			t.Fatalf("%v", err)
		}
	}
	log := rejected.Log
	// The first instruction, behind what Linux 7 has found out by then, and the last words of the verifier.
	if head := log[:10000]; !strings.Contains(head, "\n0: (") {
		t.Errorf("the log begins with %q", head)
	}
	if tail := log[len(log)-1000:]; !strings.Contains(tail, "invalid mem access") || !strings.Contains(tail, "\nprocessed ") {
		t.Errorf("the log ends with %q", tail)
	}
	if text := rejected.Error(); len(text) > 1000 || !strings.Contains(text, "invalid mem access") {
		t.Errorf("the error is %d bytes: %.1000q", len(text), text)
	}
}

// A fixed buffer does not grow.
func TestVerifierLogDoesNotFit(t *testing.T) {
	o := openLong(t, libbpf.ObjectBuilder{KernelLogLevel: 2, KernelLogSize: 1 << 12}, "accepted_late")
	check(t, o.SetGlobal("rounds", uint32(100)))
	_, err := o.Load()
	wantErr(t, err, unix.ENOSPC)
}

// A profiler interrupts threads by signals, for which the kernel gives up verifying: more often than libbpf tries
// again, if the program takes longer than the next signal. Go's own profiler does so before Linux 5.11; since then the
// kernel holds the signals of its timers back until a system call has returned, but not those of other senders.
func TestLoadUnderProfiler(t *testing.T) {
	runtime.SetCPUProfileRate(1000)
	defer runtime.SetCPUProfileRate(0)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	thread := unix.Gettid()
	done, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-done:
				return
			case <-time.After(time.Millisecond):
				_ = unix.Tgkill(unix.Getpid(), thread, unix.SIGPROF)
			}
		}
	}()
	o, err := openLong(t, libbpf.ObjectBuilder{}, "accepted_late").Load()
	close(done)
	<-stopped
	check(t, err)
	check(t, o.Close())
}

// The statistics at the end of a log do not explain a rejection. They differ between kernels.
func TestVerifierErrorWithoutStatistics(t *testing.T) {
	for _, statistics := range []string{
		"processed 3 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0\n",
		"verification time 7 usec\nstack depth 8\nprocessed 3 insns (limit 1000000)\n",
		"verification time 7 usec\nstack depth 8 max 16\ninsns processed 3\nprocessed 3 insns (limit 1000000)\n", // 7.2
	} {
		err := &libbpf.VerifierError{Program: "p", Err: unix.EACCES, Log: "2: (95) exit\nR0 !read_ok\n" + statistics}
		if want := `load program "p": permission denied: 2: (95) exit; R0 !read_ok`; err.Error() != want {
			t.Errorf("%q, want %q", err.Error(), want)
		}
	}
}
