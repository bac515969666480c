package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
	_ "unsafe" // for go:linkname

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
)

// A second process writes records while this one reads them, so that the CPU time of this one is the reader's alone. It
// has a CPU of its own, on which it looks at the time until the next record is due: the records come evenly, and the
// reader sleeps between them or not, as it likes.

// asFastAsItCan is the rate of a producer that never waits.
const asFastAsItCan = 0

// liveBurst is how many records a producer that never waits writes in one system call.
const liveBurst = 512

// produced is what a producer did: how many records it tried to write, and how long its system calls took, in ns. What
// waking the reader costs is in them.
type produced struct{ records, took int64 }

// produce is the second process. It writes so many records a second until its standard input ends, and answers each line
// there with what it has done.
func produce(rate int) {
	var records, took atomic.Int64
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
			fmt.Println(records.Load(), took.Load())
		}
	}()
	runtime.LockOSThread()
	pinTo(runtime.NumCPU() - 1)
	write := func(n int) {
		start := nanotime()
		_ = fillBuffer(targetLive, n)()
		took.Add(nanotime() - start)
		records.Add(int64(n))
	}
	start := nanotime()
	for n := int64(0); ; {
		select {
		case <-ended:
			return
		default:
		}
		if rate == asFastAsItCan {
			write(liveBurst)
			continue
		}
		// If this thread did not run for a while, the records of that time do not come all at once.
		due := (nanotime() - start) * int64(rate) / int64(time.Second)
		if n = max(n, due-1); n < due {
			write(1)
			n++
		}
	}
}

// pinTo keeps the thread on one CPU, if it can.
func pinTo(cpu int) {
	var set unix.CPUSet
	set.Set(cpu)
	_ = unix.SchedSetaffinity(0, &set)
}

//go:linkname nanotime runtime.nanotime
func nanotime() int64

// producer is the second process, seen from the first.
type producer struct {
	to   io.WriteCloser
	from *bufio.Reader
	lost *uint64
}

// counts asks what was done so far, and how many records were lost.
func (p *producer) counts() (done produced, lost uint64, err error) {
	if _, err := fmt.Fprintln(p.to); err != nil {
		return done, 0, err
	}
	_, err = fmt.Fscanln(p.from, &done.records, &done.took)
	return done, atomic.LoadUint64(p.lost), err
}

// withProducer runs f while the second process writes.
func withProducer(o *libbpf.Object, rate int, f func(*producer) error) (err error) {
	cmd := exec.Command("/proc/self/exe", "-produce", strconv.Itoa(rate))
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stdin.Close(), cmd.Wait()) }()
	tgid, closeTGID, err := liveGlobal[uint32](o, "producer_tgid")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeTGID()) }()
	lost, closeLost, err := liveGlobal[uint64](o, "live_lost")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeLost()) }()
	atomic.StoreUint32(tgid, uint32(cmd.Process.Pid))
	defer atomic.StoreUint32(tgid, 0)
	return f(&producer{to: stdin, from: bufio.NewReader(stdout), lost: lost})
}

// liveGlobal is a variable of the program, in place.
func liveGlobal[T any](o *libbpf.Object, name string) (*T, func() error, error) {
	memory, offset, err := o.GlobalMemory(name)
	if err != nil {
		return nil, nil, err
	}
	at, err := libbpf.MemoryAt[T](memory, offset)
	if err != nil {
		return nil, nil, errors.Join(err, memory.Close())
	}
	return at, memory.Close, nil
}
