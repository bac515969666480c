package libbpf

/*
#include <bpf/libbpf.h>
#include "perfbuf_cgo.h"
*/
import "C"

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
	"os"
	"slices"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/fault"
	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// PerfBufferBuilder holds the options of a [PerfBuffer].
type PerfBufferBuilder struct {
	// Pages is the size of each CPU's buffer in pages of memory, a power of two; 0 is 64.
	Pages int
	// WakeupEvents is how many records wake a Poll that waits; 0 is 1. Fewer remain in the buffer until more come.
	WakeupEvents uint32
	// Sample receives each record with the CPU that wrote it; the bytes are valid until it returns. They end with up
	// to seven bytes that the kernel added, to fill up to a multiple of eight behind a size of four. When it returns
	// an error, Poll or Consume stops and returns that error, and the records behind it remain for the next call.
	Sample func(cpu int, record []byte) error
	// Lost is told how many records a CPU could not write because its buffer was full. It may be nil. The kernel
	// tells with the next record that the CPU can write; [PerfBuffer.Lost] knows before. What was damaged, as
	// [PerfBuffer] tells, counts as one record.
	Lost func(cpu int, count uint64)

	// Event, in the place of Sample and Lost, receives each event whole, as it is in the buffer: a header
	// (struct perf_event_header) and what Attr asks for.
	Event func(cpu int, event []byte) error
	// Attr opens an event of one's own on each CPU, not that of bpf_perf_event_output; only with Event. WakeupEvents
	// is then in there as well. If Size is 0, it is that of Attr. A record of 64 KiB or more says in such an event that
	// it is longer than the event.
	Attr *unix.PerfEventAttr
	// CPUs are those to open buffers on; nil is all that are online and have a key in the map.
	CPUs []int
	// MapKeys are the keys in the map for the CPUs, one each; nil is the CPUs' numbers.
	MapKeys []int
}

// check returns the first thing that is wrong with the options.
func (b *PerfBufferBuilder) check() error {
	switch {
	case b.Sample == nil && b.Event == nil:
		return fault.Invalidf("one of Sample and Event is needed, and both are nil")
	case b.Event != nil && (b.Sample != nil || b.Lost != nil):
		return fault.Invalidf("Event does not go with Sample and Lost")
	case b.Attr != nil && b.Event == nil:
		return fault.Invalidf("Attr needs Event")
	case b.Attr != nil && b.WakeupEvents != 0:
		return fault.Invalidf("with an Attr, WakeupEvents must be 0: it is Attr.Wakeup")
	case b.Attr != nil && uintptr(b.Attr.Size) > unsafe.Sizeof(*b.Attr):
		return fault.Invalidf("Attr.Size is %d, and Attr has %d bytes", b.Attr.Size, unsafe.Sizeof(*b.Attr))
	case b.Attr != nil && b.Attr.Bits&unix.PerfBitWriteBackward != 0:
		return fault.Invalidf("Attr must not have WriteBackward: events are read forward")
	case b.Pages > math.MaxInt/2/os.Getpagesize():
		return fault.Invalidf("%d pages are more than fit into memory", b.Pages)
	case b.Pages < 0 || b.Pages&(b.Pages-1) != 0:
		return fault.Invalidf("%d pages are not a power of two", b.Pages)
	case b.CPUs != nil && len(b.CPUs) == 0:
		return fault.Invalidf("the list of CPUs is empty")
	case b.MapKeys != nil && (b.CPUs == nil || len(b.MapKeys) != len(b.CPUs)):
		return fault.Invalidf("there are %d keys for %d CPUs", len(b.MapKeys), len(b.CPUs))
	}
	return nil
}

// places are the CPUs and their keys, which are below the map's number of entries.
func (b *PerfBufferBuilder) places(entries uint32) (cpus, keys []C.int, err error) {
	list, given := b.CPUs, b.MapKeys
	if list == nil {
		if list, err = onlineCPUs(); err != nil {
			return nil, nil, err
		}
	}
	if given == nil {
		given = list
	}
	for i, cpu := range list {
		if b.CPUs == nil && uint32(cpu) >= entries {
			break
		}
		if cpu < 0 || cpu > math.MaxInt32 {
			return nil, nil, fault.Invalidf("CPUs are numbered from 0 to %d, and there is no %d", math.MaxInt32, cpu)
		}
		if given[i] < 0 || uint64(given[i]) >= uint64(entries) {
			return nil, nil, fault.Invalidf("CPU %d has key %d, and the map's keys are from 0 to %d", cpu, given[i], entries-1)
		}
		if slices.Contains(keys, C.int(given[i])) {
			return nil, nil, fault.Invalidf("key %d is there twice", given[i])
		}
		cpus, keys = append(cpus, C.int(cpu)), append(keys, C.int(given[i]))
	}
	if len(cpus) == 0 {
		return nil, nil, fault.Invalidf("the map has no entry for a CPU that is online")
	}
	return cpus, keys, nil
}

// attr is the event to open.
func (b *PerfBufferBuilder) attr() unix.PerfEventAttr {
	if b.Attr == nil {
		return unix.PerfEventAttr{
			Size: uint32(unsafe.Sizeof(*b.Attr)), Type: unix.PERF_TYPE_SOFTWARE, Config: unix.PERF_COUNT_SW_BPF_OUTPUT,
			Sample_type: unix.PERF_SAMPLE_RAW, Sample: 1, Wakeup: max(b.WakeupEvents, 1),
			Read_format: unix.PERF_FORMAT_LOST,
		}
	}
	attr := *b.Attr
	if attr.Size == 0 {
		attr.Size = uint32(unsafe.Sizeof(attr))
	}
	return attr
}

// Build opens a buffer on each CPU, for a map of type [MapTypePerfEventArray]
// (perf_buffer__new_raw, Linux 4.4). The caller owns the result, which has descriptors and mappings of its own.
func (b PerfBufferBuilder) Build(m MapCore) (*PerfBuffer, error) {
	const op, what = "open", "perf buffer"
	c, err := coreOf(m)
	if err != nil {
		return nil, &Error{Op: op, Object: what, Err: err}
	}
	switch {
	case c.h == nil:
		return nil, c.fail(op, ErrClosed)
	case c.typ != MapTypePerfEventArray:
		return nil, c.fail(op, fault.Invalidf("the map is not a perf event array but of type %s", c.typ))
	}
	if err := b.check(); err != nil {
		return nil, c.fail(op, err)
	}
	cpus, keys, err := b.places(c.maxEntries)
	if err != nil {
		return nil, c.fail(op, err)
	}
	fd, err := dupMapFD(m)
	if err != nil {
		return nil, c.fail(op, err)
	}
	p := &PerfBuffer{options: b, attr: b.attr()}
	pages := max(b.Pages, 1)
	if b.Pages == 0 {
		pages = 64
	}
	try := func() error {
		return call(op, what, func() error {
			return clib.FromRet(int(C.lbg_perf_new(C.int(fd), C.size_t(pages), (*C.uchar)(unsafe.Pointer(&p.attr)),
				&cpus[0], &keys[0], C.int(len(cpus)), &p.pb)))
		})
	}
	err = try()
	if errors.Is(err, unix.EINVAL) && b.Attr == nil {
		discard(err, PrintDebug)
		p.attr.Read_format = 0 // before Linux 6.0
		err = try()
	}
	if err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	release := func() {
		for i := range p.rings {
			p.rings[i].unmap()
		}
		C.perf_buffer__free(p.pb)
		_ = unix.Close(fd)
	}
	for i, cpu := range cpus {
		ring, err := p.openRing(i, int(cpu))
		if err != nil {
			release()
			return nil, c.fail(op, err)
		}
		p.rings = append(p.rings, ring)
	}
	p.d.source = p
	if err := p.d.start(what, int(C.perf_buffer__epoll_fd(p.pb)), release); err != nil {
		return nil, err
	}
	return p, nil
}

// PerfBuffer receives the records that programs write with bpf_perf_event_output, through callbacks. Records of one
// CPU arrive in order, those of different CPUs in none. A [RingBuffer] is the better choice since Linux 5.8.
//
// A record of 64 KiB or more does not fit into an event. The kernel writes it all the same, over unread ones if the
// buffer is full enough. Poll and Consume then return an error that names the CPU, once for each damaged place:
// errors.Is(err, unix.EBADMSG). The next call goes on with the first event that is whole again. With an Attr of one's
// own, that is one which the CPU writes later.
//
// All methods are safe for concurrent use, Close included, from within a callback too. Only one Poll, Consume,
// ConsumeBuffer or UseBuffer can be under way: a second one returns at once, with unix.EBUSY, also while the first one
// waits. A panic in a callback surfaces in the caller of Poll or Consume, and leaves the PerfBuffer as if the callback
// had returned.
type PerfBuffer struct {
	d       drain
	pb      *C.struct_perf_buffer
	ofC     bool // its callbacks are C's
	options PerfBufferBuilder
	attr    unix.PerfEventAttr
	rings   []perfRing
	next    int           // the buffer to begin with, as a busy one must not starve those behind it
	damaged atomic.Uint64 // how often records were lost that the kernel does not count

	// body is that of a PerfReader's loop, in the place of Sample.
	body func(cpu int, record []byte) bool
}

func (p *PerfBuffer) drain() *drain {
	if p == nil {
		return nil
	}
	return &p.d
}

// Poll is as [RingBuffer.Poll]; it does not count losses.
func (p *PerfBuffer) Poll(timeout time.Duration) (int, error) { return p.drain().pollTimeout(timeout) }

// PollContext is as [RingBuffer.PollContext].
func (p *PerfBuffer) PollContext(ctx context.Context) (int, error) { return p.drain().pollContext(ctx) }

// Consume hands the records that are there when it begins to the callbacks, without waiting, and returns how many that
// were (perf_buffer__consume).
func (p *PerfBuffer) Consume() (int, error) { return p.drain().consumeNow(everything) }

func (p *PerfBuffer) bufferFD(index int) int {
	return int(C.perf_buffer__buffer_fd(p.pb, C.size_t(index)))
}

// Buffers is how many buffers there are, one for each CPU; 0 after Close (perf_buffer__buffer_cnt). They are numbered
// from 0, in the order of the CPUs.
func (p *PerfBuffer) Buffers() int {
	if p.drain().acquire() != nil {
		return 0
	}
	defer p.d.h.Drop()
	return len(p.rings)
}

func (p *PerfBuffer) checkIndex(op string, index int) error {
	if index < 0 || index >= len(p.rings) {
		return p.d.fail(op, fault.Invalidf("there are %d buffers, and no number %d", len(p.rings), index))
	}
	return nil
}

// BufferFD is the descriptor of a buffer's perf event, for ioctl and the like (perf_buffer__buffer_fd). It remains
// the PerfBuffer's. Who polls it takes news away from [PerfBuffer.Poll]: the kernel tells one of those who ask.
func (p *PerfBuffer) BufferFD(index int) (int, error) {
	const op = "get a descriptor of"
	d := p.drain()
	if err := d.acquire(); err != nil {
		return -1, d.fail(op, err)
	}
	defer d.h.Drop()
	if err := p.checkIndex(op, index); err != nil {
		return -1, err
	}
	return p.bufferFD(index), nil
}

// ConsumeBuffer is Consume of one buffer (perf_buffer__consume_buffer).
func (p *PerfBuffer) ConsumeBuffer(index int) (int, error) {
	d := p.drain()
	if err := d.enter("consume"); err != nil {
		return 0, err
	}
	defer d.leave()
	if err := p.checkIndex("consume", index); err != nil {
		return 0, err
	}
	if p.ofC {
		return p.consumed(C.perf_buffer__consume_buffer(p.pb, C.size_t(index)))
	}
	return p.consumeSome(context.Background(), index, index+1, everything)
}

// UseBuffer calls f with the memory of a buffer: a page with the positions (struct perf_event_mmap_page), and the data
// behind it, which can only be read, for a reader of one's own (perf_buffer__buffer). The memory is valid until f
// returns; a slice kept by mistake does not crash, also after Close. While f runs, others who would consume get
// unix.EBUSY.
func (p *PerfBuffer) UseBuffer(index int, f func(memory []byte) error) error {
	const op = "use a buffer of"
	d := p.drain()
	if err := d.enter(op); err != nil {
		return err
	}
	defer d.leave()
	if err := p.checkIndex(op, index); err != nil {
		return err
	}
	memory, err := p.show(index)
	if err != nil {
		return p.d.fail(op, err)
	}
	return f(memory)
}

// Lost is how many records the CPUs could not write since Build because their buffers were full, those among them that
// the Lost callback was not told of yet, and one for each damaged place: nobody knows how many were there.
// errors.Is(err, [errors.ErrUnsupported]) before Linux 6.0, and with an Attr of one's own without PERF_FORMAT_LOST.
func (p *PerfBuffer) Lost() (uint64, error) {
	const op = "count losses of"
	d := p.drain()
	if err := d.acquire(); err != nil {
		return 0, d.fail(op, err)
	}
	defer d.h.Drop()
	if p.attr.Read_format&unix.PERF_FORMAT_LOST == 0 {
		return 0, d.fail(op, fmt.Errorf("PERF_FORMAT_LOST: %w", errors.ErrUnsupported))
	}
	// The count is the last of the words that were asked for: the value, and one for each bit; that of groups makes
	// their size one of them.
	words := 1 + bits.OnesCount64(p.attr.Read_format)
	sum := p.damaged.Load()
	for i := range p.rings {
		values := make([]byte, 8*words)
		n, err := unix.Read(p.bufferFD(i), values)
		if err == nil && n != len(values) {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return 0, d.fail(op, err)
		}
		sum += binary.NativeEndian.Uint64(values[n-8:])
	}
	return sum, nil
}

// UsePointer runs f with libbpf's struct perf_buffer, which nobody frees until f returns, and nobody consumes by Go's methods:
// they fail with unix.EBUSY meanwhile. C code may ask it for descriptors and buffers, and not consume it: the callbacks are
// not libbpf's. f's error is returned as it is.
func (p *PerfBuffer) UsePointer(f func(buffer unsafe.Pointer) error) error {
	d := p.drain()
	if err := d.enter("use"); err != nil {
		return err
	}
	defer d.leave()
	return f(unsafe.Pointer(p.pb))
}

// Pointer is libbpf's struct perf_buffer, or nil after Close, which frees it.
func (p *PerfBuffer) Pointer() unsafe.Pointer {
	d := p.drain()
	if d.acquire() != nil {
		return nil
	}
	defer d.h.Drop()
	return unsafe.Pointer(p.pb)
}

// EpollFD is a descriptor that is readable when there are records, for a poller of one's own, or -1 after Close
// (perf_buffer__epoll_fd). It remains the PerfBuffer's.
func (p *PerfBuffer) EpollFD() int { return p.drain().currentEpollFD() }

// Close frees the buffers and wakes Poll (perf_buffer__free). It does not wait: if another goroutine is polling or
// consuming, one more callback may run or still be under way there. It is idempotent.
func (p *PerfBuffer) Close() error { return p.drain().close() }
