package libbpf

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/handle"
)

// Of what a perf buffer holds, an event that can't be is an error once, and the others come. Nobody but the kernel can
// write such an event, so the buffer is Go's memory here.
func TestPerfRingDamaged(t *testing.T) {
	const (
		room      = 4096
		eventSize = perfSample + 68
		lossSize  = perfLost
		begin     = 5*room - eventSize - 4*8 // the damaged event goes beyond the end of the buffer
	)
	for name, test := range map[string]struct {
		at    uint64 // in the event
		value uint32
		own   bool // with an event of one's own too
	}{
		"empty":                         {4, 0, true},
		"without a whole header":        {4, 4 << 16, true},
		"uneven":                        {4, (eventSize - 4) << 16, true},
		"behind the end":                {4, (2*eventSize + lossSize + 8) << 16, true},
		"far behind the end":            {4, 0xfff8 << 16, true},
		"shorter than its record":       {4, (eventSize - 8) << 16, false},
		"longer than its record":        {4, (eventSize + lossSize) << 16, false},
		"of another type":               {0, 77, false},
		"of no type":                    {0, 0, false},
		"a loss that is short or long":  {0, unix.PERF_RECORD_LOST, false},
		"no record":                     {8, 0, false},
		"a record that is a byte short": {8, 67, false},
		"a record that is a byte long":  {8, 69, false},
		"a record of 64 KiB more":       {8, 68 + 1<<16, false},
		"a huge record":                 {8, 1<<32 - 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			for _, own := range []bool{false, true} {
				if own && !test.own {
					continue
				}
				head, tail := uint64(begin), uint64(begin)
				data := make([]byte, room)
				put32 := func(pos uint64, value uint32) { binary.NativeEndian.PutUint32(data[pos%room:], value) }
				put := func(kind uint32, size, second uint32) {
					put32(head, kind)
					put32(head+4, 0)
					binary.NativeEndian.PutUint16(data[(head+perfHeaderSize)%room:], uint16(size))
					put32(head+perfHeader, second)
					head += uint64(size)
				}
				p := &PerfBuffer{rings: []perfRing{{head: &head, tail: &tail, data: data}}}
				p.d.h = handle.New(handle.Resource{})
				p.d.source = p
				var samples []int
				var lost uint64
				size := 68
				if own {
					size = eventSize
					p.options.Attr = new(unix.PerfEventAttr)
					p.options.Event = func(_ int, event []byte) error { samples = append(samples, len(event)); return nil }
				} else {
					p.options.Sample = func(_ int, record []byte) error { samples = append(samples, len(record)); return nil }
					p.options.Lost = func(_ int, n uint64) { lost += n }
				}

				put(unix.PERF_RECORD_SAMPLE, eventSize, 68)
				damaged := head
				put(unix.PERF_RECORD_SAMPLE, eventSize, 68)
				// In its record is what looks like samples, one that leads nowhere, and one that is uneven.
				end := head
				for at, size := range map[uint64]uint32{damaged + 16: 16, end - 16: 20} {
					head = at
					put(unix.PERF_RECORD_SAMPLE, size, size-perfSample)
				}
				head = end
				put(unix.PERF_RECORD_LOST, lossSize, 0)
				put32(head-8, 7)
				put(unix.PERF_RECORD_SAMPLE, eventSize, 68)
				put32(damaged+test.at, test.value)

				n, err := p.Consume()
				if n != 1 || !errors.Is(err, unix.EBADMSG) || !slices.Equal(samples, []int{size}) {
					t.Fatalf("%d samples, %d, %v", n, samples, err)
				}
				want := 2
				if own {
					want = 1 // where the next event begins is not known
				}
				n, err = p.Consume()
				if n != want-1 || err != nil || len(samples) != want || !own && lost != 8 || p.damaged.Load() != 1 {
					t.Errorf("%d samples more, %d, %d lost, %v", n, samples, lost, err)
				}
				if tail != head {
					t.Errorf("%d bytes remain", head-tail)
				}
			}
		})
	}
}

// Of an event above 64 KiB, the header alone may be left, at the very end of the buffer.
func TestPerfRingHeaderOnly(t *testing.T) {
	room := unix.Getpagesize()
	memory, err := unix.Mmap(-1, 0, 2*room, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(memory)
	if err := unix.Mprotect(memory[room:], unix.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	const size = perfSample + 4
	tail := uint64(room) - perfHeader
	head := tail + perfHeader + size
	binary.NativeEndian.PutUint32(memory[tail:], unix.PERF_RECORD_SAMPLE)
	binary.NativeEndian.PutUint16(memory[tail+perfHeaderSize:], perfHeader)
	binary.NativeEndian.PutUint32(memory, unix.PERF_RECORD_SAMPLE)
	binary.NativeEndian.PutUint16(memory[perfHeaderSize:], size)
	binary.NativeEndian.PutUint32(memory[perfHeader:], 4)
	p := &PerfBuffer{rings: []perfRing{{head: &head, tail: &tail, data: memory[:room]}}}
	p.d.h = handle.New(handle.Resource{})
	p.d.source = p
	p.options.Sample = func(int, []byte) error { return nil }
	if n, err := p.Consume(); n != 0 || !errors.Is(err, unix.EBADMSG) {
		t.Errorf("%d records, %v", n, err)
	}
	if n, err := p.Consume(); n != 1 || err != nil || p.damaged.Load() != 1 {
		t.Errorf("%d records, %v, and %d times damaged", n, err, p.damaged.Load())
	}
}
