package libbpf

import (
	"context"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/addresses"
	"github.com/libbpf-go/libbpf-go/internal/perf"
	"github.com/libbpf-go/libbpf-go/internal/wait"
)

// perfRing is the buffer of one CPU. Go reads it in place: the loop of libbpf calls two functions for each event, and a
// copy costs more than all the rest.
type perfRing struct {
	perf.Buffer                 // its positions are in libbpf's mapping, its data in memory
	memory      addresses.Range // a mapping for reading
	shown       addresses.Range // the mapping for UseBuffer, once there is one
}

func (p *PerfBuffer) openRing(index, cpu int) (perfRing, error) {
	start, size, err := p.libbpfRing(index)
	if err != nil {
		return perfRing{}, err
	}
	page := os.Getpagesize()
	memory, err := p.mapRing(index, uintptr(page+size), addresses.ToRead)
	if err != nil {
		return perfRing{}, err
	}
	data := unsafe.Slice((*byte)(unsafe.Add(memory.Start, page)), size)
	return perfRing{Buffer: perf.NewBuffer(cpu, start, data), memory: memory}, nil
}

// mapRing maps a buffer, which libbpf has mapped already, once more.
func (p *PerfBuffer) mapRing(index int, length uintptr, use addresses.Use) (addresses.Range, error) {
	protection := unix.PROT_READ
	if use == addresses.ToWrite {
		protection |= unix.PROT_WRITE
	}
	start, err := unix.MmapPtr(p.bufferFD(index), 0, nil, length, protection, unix.MAP_SHARED)
	if err != nil {
		return addresses.Range{}, err
	}
	return addresses.Settle(start, length, use, 0), nil
}

// show is the memory of a buffer, to hand out. The caller has entered.
func (p *PerfBuffer) show(index int) ([]byte, error) {
	r := &p.rings[index]
	if r.shown.Start == nil {
		shown, err := p.mapRing(index, r.memory.Length, addresses.ToWrite)
		if err != nil {
			return nil, err
		}
		r.shown = shown
	}
	return unsafe.Slice((*byte)(r.shown.Start), int(r.shown.Length)), nil
}

// unmap ends the mappings of our own.
func (r *perfRing) unmap() {
	_ = r.memory.Retire()
	if r.shown.Start != nil {
		_ = r.shown.Retire()
	}
}

func (p *PerfBuffer) pending() bool {
	for i := range p.rings {
		if p.rings[i].Pending() {
			return true
		}
	}
	return false
}

// consume hands over all: libbpf has no function for some of the records of a perf buffer.
func (p *PerfBuffer) consume(ctx context.Context, _ int) (int, error) {
	return p.consumeSome(ctx, 0, len(p.rings))
}

// perfLease is how many bytes of events are handed over before their space is given back, and before the next buffer
// has its turn: few enough to be in a cache still, and so many that giving back costs nothing.
const perfLease = 32 << 10

// consumeSome is consume of some of the buffers. It hands over from each in turn, a lease at a time.
func (p *PerfBuffer) consumeSome(ctx context.Context, from, to int) (n int, err error) {
	d := &p.d
	for i := from; i < to; i++ {
		p.rings[i].Begin()
	}
	if err := d.file.Reason(ctx); err != nil {
		return 0, d.fail(d.op, err)
	}
	turn := from
	if from < p.next && p.next < to {
		turn = p.next
	}
	defer func() { p.rings[turn].Publish() }() // however a callback ends
	look, lease := uintptr(1), uintptr(0)      // in bytes: the first record is followed by a look at ctx
	for empty := 0; empty < to-from; {
		p.next = turn + 1
		handed, more, err := p.rings[turn].Read(&p.receiver, uint64(look), &d.file.Flag)
		if n += handed; err != nil {
			return n, p.lose(turn, err)
		}
		if handed > 0 || more {
			switch err := d.file.Reason(ctx); {
			case err == ErrClosed || err != nil && n == 0:
				return n, d.fail(d.op, err)
			case err != nil:
				return n, nil
			}
			lease += look
			look = wait.BytesBetweenLooks(ctx, perfLease)
			d.file.Watch(ctx)
		}
		if more && lease < perfLease {
			continue
		}
		p.rings[turn].Publish()
		if empty++; more {
			empty = 0
		}
		if turn++; turn == to {
			turn = from
		}
		lease = 0
	}
	return n, nil
}

// lose is for an error of Read. If it is damage, that counts as one lost record, because nobody knows how many there
// were.
func (p *PerfBuffer) lose(index int, err error) error {
	damage, ok := err.(*perf.Damage)
	if !ok {
		return err
	}
	cpu := p.rings[index].CPU()
	p.damaged.Add(1)
	if p.options.Lost != nil {
		p.options.Lost(cpu, 1)
	}
	return p.d.fail(p.d.op, fmt.Errorf("CPU %d: %v: %w", cpu, damage, unix.EBADMSG))
}
