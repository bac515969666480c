package main

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/cilium/ebpf/ringbuf"

	"github.com/libbpf-go/libbpf-go"
)

// newRings makes n ring buffers, and puts them where the program "fill" finds them.
func newRings(o *libbpf.Object, n int, opened *closers) (rings []*libbpf.MapHandle, fds []int32, err error) {
	outer, err := o.Map("rings")
	if err != nil {
		return nil, nil, err
	}
	for i := range n {
		ring, err := libbpf.CreateMap(libbpf.MapTypeRingBuf, "ring", 0, 0, 4096, libbpf.MapCreateOptions{})
		if err != nil {
			return nil, nil, err
		}
		opened.add(ring)
		if err := libbpf.UpdateInnerMap(outer, binary.NativeEndian.AppendUint32(nil, uint32(i)), ring, libbpf.Any); err != nil {
			return nil, nil, err
		}
		rings, fds = append(rings, ring), append(fds, int32(ring.FD()))
	}
	return rings, fds, nil
}

// ringsByNumber compares one RingBuffer of more and more rings: of which one has records, or all.
func ringsByNumber(*libbpf.Object) (comparisons []comparison, err error) {
	for _, busy := range []struct {
		curve string
		all   bool
	}{{"records of one of many rings", false}, {"records of all of many rings", true}} {
		for n := 1; n <= 64; n *= 4 {
			records := 32 // a ring of 4 KiB has room for 56
			ops := records
			if busy.all {
				ops *= n
			}
			comparisons = append(comparisons, comparison{
				title: fmt.Sprintf("%s: %d", busy.curve, n), curve: busy.curve, at: float64(n), share: oneOfMany, ops: ops,
				open: func(opened *closers) ([]contender, error) { return ringsOf(n, records, busy.all, opened) },
			})
		}
	}
	return comparisons, nil
}

func ringsOf(n, records int, all bool, opened *closers) ([]contender, error) {
	o, err := loadBuffers(opened)
	if err != nil {
		return nil, err
	}
	rings, fds, err := newRings(o, n, opened)
	if err != nil {
		return nil, err
	}
	c, err := newCRings(fds)
	if err != nil {
		return nil, err
	}
	opened.add(c)
	seen := 0
	var sources []libbpf.RingSource
	for _, ring := range rings {
		sources = append(sources, libbpf.RingSource{Map: ring, Callback: func([]byte) error { seen++; return nil }})
	}
	ours, err := libbpf.RingBufferBuilder{Sources: sources}.Build()
	if err != nil {
		return nil, err
	}
	opened.add(ours)
	busy, ops := 1, records
	if all {
		busy, ops = n, n*records
	}
	prepare := func() error { return tell(o, "fill", uint32(busy), uint32(records)) }
	return []contender{
		{name: "C ring_buffer__poll", prepare: prepare, run: func() (int, error) { return c.poll(ops) }},
		{name: "RingBuffer.Poll", mostC: mostRing, prepare: prepare, run: func() (int, error) {
			seen = 0
			for seen < ops {
				if n, err := ours.Poll(100 * time.Millisecond); err != nil || n == 0 {
					return seen, err
				}
			}
			return seen, nil
		}},
	}, nil
}

// recordsBySize compares emptying a ring buffer of larger and larger records.
func recordsBySize(*libbpf.Object) (comparisons []comparison, err error) {
	for _, size := range []int{8, 64, 512, 4096, 32768, 65536} {
		n := min(8<<20/(size+8), 50_000) // half of the buffer, at most
		comparisons = append(comparisons, comparison{
			title: fmt.Sprintf("records by size: %s bytes", count(size)), curve: "records by their size in bytes", at: float64(size),
			share: oneOfMany, ops: n, open: func(opened *closers) ([]contender, error) { return recordsOf(size, n, opened) },
		})
	}
	return comparisons, nil
}

func recordsOf(size, n int, opened *closers) ([]contender, error) {
	o, err := loadBuffers(opened)
	if err != nil {
		return nil, err
	}
	m, err := o.Map("large")
	if err != nil {
		return nil, err
	}
	c, err := newCRing(m.FD())
	if err != nil {
		return nil, err
	}
	place, err := libbpf.NewRingReader(m)
	if err != nil {
		return nil, err
	}
	opened.add(place)
	seen := 0
	see := func([]byte) error { seen++; return nil }
	calls, err := libbpf.RingBufferBuilder{Sources: []libbpf.RingSource{{Map: m, Callback: see}}}.Build()
	if err != nil {
		return nil, err
	}
	opened.add(calls)
	theirMap, err := cilium(m)
	if err != nil {
		return nil, err
	}
	opened.add(theirMap)
	theirs, err := ringbuf.NewReader(theirMap)
	if err != nil {
		return nil, err
	}
	opened.add(theirs)
	contenders := []contender{
		{name: "C ring_buffer__consume", run: c.consume},
		{name: "RingReader.Pending", mostC: mostInPlace, peer: "cilium ringbuf ReadInto", mostPeer: 1, run: func() (n int, err error) {
			for range place.Pending(&err) {
				n++
			}
			return n, err
		}},
		{name: "RingBuffer.Consume", mostC: mostRing, peer: "cilium ringbuf ReadInto", mostPeer: 1, run: func() (int, error) {
			seen = 0
			_, err := calls.Consume()
			return seen, err
		}},
		{name: "cilium ringbuf ReadInto", run: func() (int, error) {
			theirs.SetDeadline(time.Now().Add(time.Second))
			var record ringbuf.Record
			for i := range n {
				if err := theirs.ReadInto(&record); err != nil {
					return i, err
				}
			}
			return n, nil
		}},
	}
	for i := range contenders {
		contenders[i].prepare = func() error { return tell(o, "fill_large", uint32(size), uint32(n)) }
	}
	return contenders, nil
}
