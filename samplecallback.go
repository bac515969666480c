package libbpf

import (
	"fmt"
	"runtime/cgo"
	"runtime/debug"
	"sync"
	"unsafe"
)

// SampleCallback is a callback in Go for a buffer that C code has made and polls. C passes its function and its context
// to ring_buffer__new, ring_buffer__add, perf_buffer__new or perf_buffer__new_raw. The poll of C then hands each record
// to Go in one call, on the thread that polls. That may be a thread that Go has not created.
//
//	callback := libbpf.NewSampleCallback(func(cpu int, record []byte) error { ... }, nil)
//	defer callback.Close()
//	C.my_ring_add(fd, C.ring_buffer_sample_fn(callback.RingSample()), callback.Context())
//
// Close it after C has polled for the last time. All methods are safe for concurrent use. If C polls on several
// threads, the callback runs on several threads.
type SampleCallback struct {
	handle cgo.Handle
	sample func(cpu int, record []byte) error
	lost   func(cpu int, count uint64)

	mu     sync.Mutex
	err    error
	closed bool
}

// NewSampleCallback makes a callback. sample receives each record, and the CPU that wrote it, or -1 for ring buffers.
// The bytes are valid until it returns. lost, which may be nil, is told how many records a CPU could not write to its
// perf buffer.
//
// If sample returns an error, [SampleCallback.Err] returns it. The poll of C stops and returns -ECANCELED for ring
// buffers, and -1 for PerfEvent. For PerfSample it goes on, because libbpf has no way to stop it.
//
// A panic must not go through functions of C. It counts as an error, a [*CallbackPanic]. For the same reason the
// callback must not end its goroutine ([runtime.Goexit], as t.FailNow does).
func NewSampleCallback(sample func(cpu int, record []byte) error, lost func(cpu int, count uint64)) *SampleCallback {
	c := &SampleCallback{sample: sample, lost: lost}
	c.handle = cgo.NewHandle(c)
	return c
}

// RingSample returns the C function for ring buffers, a ring_buffer_sample_fn.
func (c *SampleCallback) RingSample() unsafe.Pointer { return onRingSample() }

// PerfSample returns the C function for the records of perf buffers, a perf_buffer_sample_fn.
func (c *SampleCallback) PerfSample() unsafe.Pointer { return onPerfSample() }

// PerfLost returns the C function for the losses of perf buffers, a perf_buffer_lost_fn.
func (c *SampleCallback) PerfLost() unsafe.Pointer { return onPerfLost() }

// PerfEvent returns the C function for whole events of perf buffers, a perf_buffer_event_fn.
func (c *SampleCallback) PerfEvent() unsafe.Pointer { return onPerfEvent() }

// Context returns the context that C passes with these functions. It is no pointer to memory.
func (c *SampleCallback) Context() unsafe.Pointer { return contextOf(c.handle) }

// Err returns the last error of the callback, and forgets it: the next call returns nil, unless there is a new error.
func (c *SampleCallback) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.err
	c.err = nil
	return err
}

// Close ends the callback. A poll of C that still has a record for it stops. It is idempotent.
func (c *SampleCallback) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.closed = true
		c.handle.Delete()
	}
	return nil
}

func (c *SampleCallback) stop(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = err
}

// CallbackPanic is a panic of a callback that C code called.
type CallbackPanic struct {
	Value any    // of the panic
	Stack []byte // as [debug.Stack] has it
}

func (p *CallbackPanic) Error() string {
	return fmt.Sprintf("a callback panicked: %v\n%s", p.Value, p.Stack)
}

// Unwrap returns the value if it is an error, else nil.
func (p *CallbackPanic) Unwrap() error {
	err, _ := p.Value.(error)
	return err
}

// callbackOf returns nil for a callback that was closed.
func callbackOf(handle cgo.Handle) (c *SampleCallback) {
	defer func() { _ = recover() }() // as Value panics
	return handle.Value().(*SampleCallback)
}

// guard runs f, and reports whether it succeeded.
func (c *SampleCallback) guard(f func() error) (ok bool) {
	defer func() {
		if value := recover(); value != nil {
			c.stop(&CallbackPanic{value, debug.Stack()})
			ok = false
		}
	}()
	if err := f(); err != nil {
		c.stop(err)
		return false
	}
	return true
}

// receive hands over a record, and reports whether to go on.
func (c *SampleCallback) receive(cpu int, record []byte) bool {
	return c.guard(func() error { return c.sample(cpu, record) })
}

func (c *SampleCallback) receiveLost(cpu int, count uint64) {
	if c.lost == nil {
		return
	}
	c.guard(func() error {
		c.lost(cpu, count)
		return nil
	})
}
