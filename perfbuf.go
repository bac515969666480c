package libbpf

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
	"github.com/libbpf-go/libbpf-go/internal/perf"
	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// PerfBufferBuilder holds the settings of a [PerfBuffer].
type PerfBufferBuilder struct {
	// Pages is the size of the buffer of each CPU in pages of memory, a power of two. 0 stands for 64.
	Pages int
	// WakeupEvents is how many records wake a Poll that waits. 0 stands for 1. Fewer records stay in the buffer until
	// more come.
	WakeupEvents uint32
	// Sample receives each record, and the CPU that wrote it. The bytes are valid until it returns. The last bytes, up
	// to seven, are padding: the kernel fills up the record so that it ends at a multiple of eight bytes. If Sample
	// returns an error, Poll or Consume stops and returns that error, and the records behind it come with the next
	// call.
	Sample func(cpu int, record []byte) error
	// Lost is told how many records a CPU could not write because its buffer was full. The kernel tells that with the
	// next record that the CPU writes; [PerfBuffer.Lost] knows it before. A damaged place counts as one record: see
	// [PerfBuffer]. Lost may be nil.
	Lost func(cpu int, count uint64)

	// Event, in place of Sample and Lost, receives each event whole, as it is in the buffer: a header
	// (struct perf_event_header), and behind it what Attr asks for.
	Event func(cpu int, event []byte) error
	// Attr is the event to open on each CPU, in place of the one for bpf_perf_event_output. It needs Event, and
	// WakeupEvents must be 0: set Attr.Wakeup. If Attr.Size is 0, it is the size of the struct. In such an event, a
	// record of 64 KiB or more states a length that is longer than the event.
	Attr *unix.PerfEventAttr
	// CPUs are the CPUs to open buffers for. nil stands for all that are online and have a key in the map. If one of
	// the CPUs is offline, the error of Build matches unix.ENODEV.
	CPUs []int
	// MapKeys are the keys in the map for CPUs, one for each. nil stands for the numbers of the CPUs.
	MapKeys []int
}

// check returns what is wrong with the settings.
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

// places returns the CPUs and their keys, which are below the number of entries of the map.
func (b *PerfBufferBuilder) places(entries uint32) (cpus, keys []cInt, err error) {
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
		if slices.Contains(keys, cInt(given[i])) {
			return nil, nil, fault.Invalidf("key %d is there twice", given[i])
		}
		cpus, keys = append(cpus, cInt(cpu)), append(keys, cInt(given[i]))
	}
	if len(cpus) == 0 {
		return nil, nil, fault.Invalidf("the map has no entry for a CPU that is online")
	}
	return cpus, keys, nil
}

// attr returns the event to open.
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

// Build opens a buffer for each CPU and puts its event into the map, which is of type [MapTypePerfEventArray]
// (perf_buffer__new_raw, Linux 4.4). The caller closes the result. It has descriptors and mappings of
// its own, so it stays usable when the map is closed.
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
	p := &PerfBuffer{
		options: b, attr: b.attr(),
		receiver: perf.Receiver{Whole: b.Attr != nil, Event: b.Event, Sample: b.Sample, Lost: b.Lost},
	}
	pages := max(b.Pages, 1)
	if b.Pages == 0 {
		pages = 64
	}
	try := func() error {
		return call(op, what, func() error {
			var ret cInt
			p.pb, ret = newPerf(fd, pages, &p.attr, cpus, keys)
			return clib.FromRet(int(ret))
		})
	}
	err = try()
	if errors.Is(err, unix.EINVAL) && b.Attr == nil {
		discard(err, PrintDebug)
		p.attr.Read_format = 0 // before Linux 6.0
		err = try()
	}
	// A CPU that goes offline or comes back is listed, and yet has no events, for some time.
	const most = 10
	for tries := 1; errors.Is(err, unix.ENODEV) && b.CPUs == nil && tries < most; tries++ {
		discard(err, PrintDebug)
		if cpus, keys = withEvents(&p.attr, cpus, keys); len(cpus) == 0 {
			break
		}
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
		freePerf(p.pb)
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
	if err := p.d.start(what, perfEpollFD(p.pb), release); err != nil {
		return nil, err
	}
	return p, nil
}

// withEvents returns those of the CPUs, and their keys, that do not lack the event.
func withEvents(attr *unix.PerfEventAttr, cpus, keys []cInt) (theirs, theirKeys []cInt) {
	for i, cpu := range cpus {
		fd, err := unix.PerfEventOpen(attr, -1, int(cpu), -1, unix.PERF_FLAG_FD_CLOEXEC)
		if err == nil {
			_ = unix.Close(fd)
		}
		if err != unix.ENODEV {
			theirs, theirKeys = append(theirs, cpu), append(theirKeys, keys[i])
		}
	}
	return theirs, theirKeys
}

// PerfBuffer receives the records that programs write with bpf_perf_event_output, through callbacks. Records of one CPU
// come in order; records of different CPUs come in no particular order. On Linux 5.8 and later, prefer a ring buffer:
// see [RingBuffer].
//
// A record of 64 KiB or more does not fit into an event. The kernel writes it all the same, over unread events if the
// buffer is full enough. Poll and Consume then return an error that names the CPU and matches unix.EBADMSG, once for
// each damaged place. The next call goes on with the first event that is whole. With an Attr, that is the first event
// that the CPU writes later.
//
// When a CPU goes offline, its records stay in its buffer. When it comes back, programs cannot write there any more:
// bpf_perf_event_output returns -EOPNOTSUPP, or -ENOENT on a CPU that was offline before. Lost does not count that. Make a
// new PerfBuffer to hear of these CPUs. Ring buffers do not know CPUs.
//
// All methods are safe for concurrent use. Callbacks may call them too, also Close. Only one of Poll, PollContext,
// Consume, ConsumeBuffer and UseBuffer runs at a time, also while it waits: the error of a second one matches
// unix.EBUSY. A panic in a callback goes on in the caller of Poll or Consume; the PerfBuffer is then as if the callback
// had returned.
type PerfBuffer struct {
	d        drain
	pb       *cPerfBuffer
	ofC      bool // its callbacks are C's
	options  PerfBufferBuilder
	attr     unix.PerfEventAttr
	rings    []perfRing
	receiver perf.Receiver
	next     int           // the buffer to begin with, so that a busy one does not starve those behind it
	damaged  atomic.Uint64 // how many damaged places there were
}

func (p *PerfBuffer) drain() *drain {
	if p == nil {
		return nil
	}
	return &p.d
}

// Poll waits for records, and hands those that are there then to the callbacks, in the same way as [RingBuffer.Poll]
// (perf_buffer__poll). Calls of Lost do not count.
func (p *PerfBuffer) Poll(timeout time.Duration) (int, error) { return p.drain().pollTimeout(timeout) }

// PollContext is Poll until ctx is done, in the same way as [RingBuffer.PollContext].
func (p *PerfBuffer) PollContext(ctx context.Context) (int, error) { return p.drain().pollContext(ctx) }

// Consume hands the records that are there when it begins to the callbacks, and does not wait. It returns how many it
// has handed over (perf_buffer__consume).
func (p *PerfBuffer) Consume() (int, error) { return p.drain().consumeNow(everything) }

func (p *PerfBuffer) bufferFD(index int) int { return perfBufferFD(p.pb, index) }

// libbpfRing is libbpf's mapping of a buffer: the page with the positions, and behind it size bytes of data.
func (p *PerfBuffer) libbpfRing(index int) (start unsafe.Pointer, size int, err error) {
	start, size, ret := perfMemory(p.pb, index)
	return start, size, clib.FromRet(int(ret))
}

// Buffers returns how many buffers there are, one for each CPU, or 0 after Close (perf_buffer__buffer_cnt). They are
// numbered from 0, in the order of the CPUs.
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

// BufferFD returns the descriptor of the perf event of a buffer, for ioctl (perf_buffer__buffer_fd). It belongs to the
// PerfBuffer: do not close it. Do not poll it either: the kernel tells only one poller of a record, and
// [PerfBuffer.Poll] would miss it.
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

// ConsumeBuffer is [PerfBuffer.Consume] for one buffer (perf_buffer__consume_buffer).
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
		return p.consumed(consumePerfBuffer(p.pb, index))
	}
	return p.consumeSome(context.Background(), index, index+1)
}

// UseBuffer calls f with the memory of a buffer, for a reader of the caller's own (perf_buffer__buffer): a page with
// the positions (struct perf_event_mmap_page), and behind it the data, which must not be written to. The memory is
// valid until f returns. A slice of it that is kept by mistake does not crash, not even after Close. While f runs, the
// methods that consume fail: their error matches unix.EBUSY. UseBuffer returns the error of f as it is.
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

// Lost returns how many records the CPUs could not write since Build because their buffers were full, also those of
// which the Lost callback was not told yet. A damaged place counts as one record, because nobody knows how many there
// were. Before Linux 6.0, and with an Attr without PERF_FORMAT_LOST, the error matches [errors.ErrUnsupported].
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

// UsePointer calls f with the struct perf_buffer of libbpf, which stays valid until f returns. The methods that consume
// fail meanwhile: their error matches unix.EBUSY. UsePointer returns the error of f as it is.
//
// C code may ask the perf_buffer for descriptors and buffers. It must not consume it: the callbacks are not libbpf's.
func (p *PerfBuffer) UsePointer(f func(buffer unsafe.Pointer) error) error {
	d := p.drain()
	if err := d.enter("use"); err != nil {
		return err
	}
	defer d.leave()
	return f(unsafe.Pointer(p.pb))
}

// Pointer returns the struct perf_buffer of libbpf, which Close frees, or nil after Close.
func (p *PerfBuffer) Pointer() unsafe.Pointer {
	d := p.drain()
	if d.acquire() != nil {
		return nil
	}
	defer d.h.Drop()
	return unsafe.Pointer(p.pb)
}

// EpollFD returns a descriptor that is readable when there are records, for a poller of the caller's own, or -1 after
// Close (perf_buffer__epoll_fd). It belongs to the PerfBuffer: do not close it.
func (p *PerfBuffer) EpollFD() int { return p.drain().currentEpollFD() }

// Close frees the buffers and wakes Poll (perf_buffer__free). It does not wait: if another goroutine polls or consumes,
// a callback may still run there, and one more may begin. It is idempotent.
func (p *PerfBuffer) Close() error { return closing(p.String(), p.drain().close()) }

// String is "perf buffer".
func (p *PerfBuffer) String() string { return "perf buffer" }
