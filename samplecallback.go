package libbpf

/*
#include <stdbool.h>
#include "samplecallback_cgo.h"
*/
import "C"

import (
	"fmt"
	"runtime/cgo"
	"runtime/debug"
	"sync"
	"unsafe"
)

// SampleCallback is a callback in Go for a buffer that C code has made and polls: C passes a function and a context of it
// to ring_buffer__new or ring_buffer__add, perf_buffer__new, or perf_buffer__new_raw. C's poll then hands the records to
// Go, one call into Go for each, on the thread that polls, which may be one of C's.
//
//	callback := libbpf.NewSampleCallback(func(cpu int, record []byte) error { ... }, nil)
//	defer callback.Close()
//	C.my_ring_add(fd, C.ring_buffer_sample_fn(callback.RingSample()), callback.Context())
//
// Close it when C polls no more. It is safe for concurrent use as far as the callback itself is.
type SampleCallback struct {
	handle cgo.Handle
	sample func(cpu int, record []byte) error
	lost   func(cpu int, count uint64)

	mu     sync.Mutex
	err    error
	closed bool
}

// NewSampleCallback makes a callback. sample receives each record, whose bytes are valid until it returns, with the CPU
// that wrote it, or -1 for ring buffers. When it returns an error, C's poll stops and returns -ECANCELED, or of a perf
// buffer -1 for events of PerfEvent; libbpf goes on where samples of perf buffers end. Err has the error. lost, which may
// be nil, is told how many records a CPU could not write to its perf buffer.
//
// A panic in it stops the poll, too, and Err has it as a [*CallbackPanic]: it must not go through C's functions. For the
// same reason it must not end the goroutine ([runtime.Goexit], as t.FailNow does).
func NewSampleCallback(sample func(cpu int, record []byte) error, lost func(cpu int, count uint64)) *SampleCallback {
	c := &SampleCallback{sample: sample, lost: lost}
	c.handle = cgo.NewHandle(c)
	return c
}

// RingSample is the C function for ring buffers, a ring_buffer_sample_fn.
func (c *SampleCallback) RingSample() unsafe.Pointer { return C.lbg_on_ring_sample }

// PerfSample is the C function for the records of perf buffers, a perf_buffer_sample_fn.
func (c *SampleCallback) PerfSample() unsafe.Pointer { return C.lbg_on_perf_sample }

// PerfLost is the C function for the losses of perf buffers, a perf_buffer_lost_fn.
func (c *SampleCallback) PerfLost() unsafe.Pointer { return C.lbg_on_perf_lost }

// PerfEvent is the C function for whole events of perf buffers, a perf_buffer_event_fn.
func (c *SampleCallback) PerfEvent() unsafe.Pointer { return C.lbg_on_perf_event }

// Context is what C passes as the context of these functions. It points at nothing.
func (c *SampleCallback) Context() unsafe.Pointer { return C.lbg_context(C.uintptr_t(c.handle)) }

// Err is why a poll of C's was stopped last, and nil from then on until that happens again.
func (c *SampleCallback) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.err
	c.err = nil
	return err
}

// Close makes the callback do nothing any more: a poll of C's that has a record for it is stopped. It is idempotent.
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

// CallbackPanic is what a callback panicked with below a function of C's.
type CallbackPanic struct {
	Value any
	Stack []byte // as [debug.Stack] has it
}

func (p *CallbackPanic) Error() string {
	return fmt.Sprintf("a callback panicked: %v\n%s", p.Value, p.Stack)
}

// Unwrap is the value if it is an error.
func (p *CallbackPanic) Unwrap() error {
	err, _ := p.Value.(error)
	return err
}

// callbackOf is nil for one that was closed.
func callbackOf(handle C.uintptr_t) (c *SampleCallback) {
	defer func() { _ = recover() }() // as Value panics
	return cgo.Handle(handle).Value().(*SampleCallback)
}

// guard runs f, and tells whether it ended well.
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

//export libbpfGoSample
func libbpfGoSample(handle C.uintptr_t, cpu C.int, data unsafe.Pointer, size C.size_t) (stop C.bool) {
	c := callbackOf(handle)
	if c == nil {
		return true
	}
	return C.bool(!c.guard(func() error { return c.sample(int(cpu), unsafe.Slice((*byte)(data), int(size))) }))
}

//export libbpfGoLost
func libbpfGoLost(handle C.uintptr_t, cpu C.int, count C.__u64) {
	c := callbackOf(handle)
	if c == nil || c.lost == nil {
		return
	}
	c.guard(func() error {
		c.lost(int(cpu), uint64(count))
		return nil
	})
}
