package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/cilium/ebpf/perf"
	"github.com/cilium/ebpf/ringbuf"
	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
)

// The targets for buffers, of C.
const (
	mostInPlace = 1.15
	mostRing    = 3.5
	mostPerf    = 2
)

// The targets of fillBuffer, as bench.bpf.c has them.
const (
	targetRing = iota
	targetPerfC
	targetPerfOurs
	targetPerfCilium
	targetLive // of the second process
	targetPerfReader
)

var recordSizes = []int{64, 16, 512}

// fillBuffer makes the program fill a buffer with records.
func fillBuffer(target, size int) func() error {
	return func() error {
		const magic = 0x40000000
		if _, err := unix.Getpgid(magic + target<<12 + size); !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("getpgid: %v", err)
		}
		return nil
	}
}

// eof is err, if it is not the end.
func eof(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// rings compares emptying a ring buffer that is full of records of one size.
func rings(o *libbpf.Object) ([]comparison, error) {
	if _, err := o.Attach(); err != nil {
		return nil, err
	}
	m, err := o.Map("ring")
	if err != nil {
		return nil, err
	}
	c, err := newCRing(m.FD())
	if err != nil {
		return nil, err
	}
	seen := 0
	see := func([]byte) error { seen++; return nil }
	ours, err := libbpf.RingBufferBuilder{Sources: []libbpf.RingSource{{Map: m, Callback: see}}}.Build()
	if err != nil {
		return nil, err
	}
	inPlace, err := libbpf.NewRingReader(m)
	if err != nil {
		return nil, err
	}
	theirMap, err := cilium(m)
	if err != nil {
		return nil, err
	}
	theirs, err := ringbuf.NewReader(theirMap)
	if err != nil {
		return nil, err
	}
	channel, err := newGoRing(m)
	if err != nil {
		return nil, err
	}
	var comparisons []comparison
	for _, size := range recordSizes {
		// The kernel leaves at least one byte free.
		n := (int(m.MaxEntries()) - 1) / ((8 + size + 7) &^ 7)
		contenders := []contender{
			{name: "C ring_buffer__consume", run: c.consume},
			{
				name: "RingReader.Pending", peer: "cilium ringbuf ReadInto", mostC: mostInPlace, mostPeer: 1,
				run: func() (n int, err error) {
					for range inPlace.Pending(&err) {
						n++
					}
					return n, err
				},
			},
			{
				name: "RingBuffer.Consume", peer: "cilium ringbuf ReadInto", mostC: mostRing, mostPeer: 1,
				run: func() (int, error) {
					seen = 0
					_, err := ours.Consume()
					return seen, err
				},
			},
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
			{name: "cilium ringbuf Read", run: func() (int, error) {
				theirs.SetDeadline(time.Now().Add(time.Second))
				for i := range n {
					if _, err := theirs.Read(); err != nil {
						return i, err
					}
				}
				return n, nil
			}},
			{name: "libbpfgo channel", run: func() (int, error) { return channel.take(n, func([]byte) {}) }},
		}
		for i := range contenders {
			contenders[i].prepare = fillBuffer(targetRing, size)
		}
		comparisons = append(comparisons, comparison{
			title: fmt.Sprintf("ring buffer, 16 MiB full of %d-byte records", size), ops: n, contenders: contenders,
		})
	}
	return comparisons, nil
}

// perfBytes is how much is written to a perf buffer: all but a page of it.
func perfBytes() int { return (perfPages - 1) * os.Getpagesize() }

// perfs compares emptying a CPU's perf buffer that is full of records of one size.
func perfs(o *libbpf.Object) ([]comparison, error) {
	maps := make(map[int]*libbpf.Map)
	for target, name := range map[int]string{
		targetPerfC: "perf_c", targetPerfOurs: "perf_ours", targetPerfReader: "perf_reader", targetPerfCilium: "perf_cilium",
	} {
		m, err := o.Map(name)
		if err != nil {
			return nil, err
		}
		maps[target] = m
	}
	c, err := newCPerf(maps[targetPerfC].FD(), perfPages)
	if err != nil {
		return nil, err
	}
	seen := 0
	ours, err := libbpf.PerfBufferBuilder{
		Pages:  perfPages,
		Sample: func(int, []byte) error { seen++; return nil },
	}.Build(maps[targetPerfOurs])
	if err != nil {
		return nil, err
	}
	reader, err := libbpf.NewPerfReader(maps[targetPerfReader], libbpf.PerfReaderOptions{Pages: perfPages})
	if err != nil {
		return nil, err
	}
	theirMap, err := cilium(maps[targetPerfCilium])
	if err != nil {
		return nil, err
	}
	theirs, err := perf.NewReader(theirMap, perfPages*os.Getpagesize())
	if err != nil {
		return nil, err
	}
	var comparisons []comparison
	for _, size := range recordSizes {
		n := perfBytes() / (8 + (4+size+7)&^7)
		comparisons = append(comparisons, comparison{
			title: fmt.Sprintf("perf buffer, %d KiB full of %d-byte records", perfBytes()>>10, size), ops: n,
			contenders: []contender{
				{name: "C perf_buffer__consume", prepare: fillBuffer(targetPerfC, size), run: c.consume},
				{
					name: "PerfBuffer.Consume", peer: "cilium perf ReadInto", mostC: mostPerf, mostPeer: 1,
					prepare: fillBuffer(targetPerfOurs, size),
					run: func() (int, error) {
						seen = 0
						_, err := ours.Consume()
						return seen, err
					},
				},
				{
					name: "PerfReader.Pending", peer: "cilium perf ReadInto", mostC: mostPerf, mostPeer: 1,
					prepare: fillBuffer(targetPerfReader, size),
					run: func() (n int, err error) {
						for range reader.Pending(&err) {
							n++
						}
						return n, err
					},
				},
				{name: "cilium perf ReadInto", prepare: fillBuffer(targetPerfCilium, size), run: func() (int, error) {
					theirs.SetDeadline(time.Now().Add(time.Second))
					var record perf.Record
					for i := range n {
						if err := theirs.ReadInto(&record); err != nil {
							return i, err
						}
					}
					return n, nil
				}},
			},
		})
	}
	return comparisons, nil
}
