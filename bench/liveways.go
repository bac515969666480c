package main

import (
	"context"
	"errors"
	"time"

	"github.com/cilium/ebpf/ringbuf"

	"github.com/libbpf-go/libbpf-go"
)

// liveRing are the ways to wait for n records, which see each of them.
type liveRing struct {
	c      *cRing
	place  *libbpf.RingReader
	calls  *libbpf.RingBuffer
	seen   func(record []byte) error
	cilium *ringbuf.Reader
	goRing *goRing
}

var errEnough = errors.New("enough records")

func newLiveRing(m *libbpf.Map) (*liveRing, error) {
	var r liveRing
	var err error
	if r.c, err = newCLiveRing(m.FD()); err != nil {
		return nil, err
	}
	if r.place, err = libbpf.NewRingReader(m); err != nil {
		return nil, err
	}
	see := func(record []byte) error { return r.seen(record) }
	r.calls, err = libbpf.RingBufferBuilder{Sources: []libbpf.RingSource{{Map: m, Callback: see}}}.Build()
	if err != nil {
		return nil, err
	}
	theirMap, err := cilium(m)
	if err != nil {
		return nil, err
	}
	if r.cilium, err = ringbuf.NewReader(theirMap); err != nil {
		return nil, err
	}
	r.goRing, err = newGoRing(m)
	return &r, err
}

func (r *liveRing) records(n int, see func([]byte)) (seen int, err error) {
	for record := range r.place.Records(context.Background(), &err) {
		see(record)
		if seen++; seen == n {
			break
		}
	}
	return seen, err
}

func (r *liveRing) coalesced(n int, see func([]byte)) (int, error) {
	if err := r.place.SetCoalesce(time.Millisecond); err != nil {
		return 0, err
	}
	seen, err := r.records(n, see)
	return seen, errors.Join(err, r.place.SetCoalesce(0))
}

// callbacks stops behind the last record that it wants; the next call begins with the one behind it.
func (r *liveRing) callbacks(n int, see func([]byte)) (seen int, err error) {
	r.seen = func(record []byte) error {
		see(record)
		if seen++; seen == n {
			return errEnough
		}
		return nil
	}
	for err == nil {
		_, err = r.calls.Poll(-1)
	}
	if errors.Is(err, errEnough) {
		err = nil
	}
	return seen, err
}

func (r *liveRing) readInto(n int, see func([]byte)) (int, error) {
	r.cilium.SetDeadline(time.Time{})
	var record ringbuf.Record
	for i := range n {
		if err := r.cilium.ReadInto(&record); err != nil {
			return i, err
		}
		see(record.RawSample)
	}
	return n, nil
}
