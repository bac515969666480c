package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/cilium/ebpf/ringbuf"

	"github.com/libbpf-go/libbpf-go"
)

// readersRun says what a process measures that has many ring buffers, and a reader that waits for each.
type readersRun struct {
	Of string // the contender
	N  int
}

// readersByNumber compares more and more readers, each with a ring of its own, which wait most of the time.
func (s *session) readersByNumber() error {
	for n := 1; n <= 1000; n *= 10 {
		c := sampled{
			group: growth, curve: "readers that wait", at: float64(n), title: fmt.Sprintf("readers that wait: %s", count(n)), rounds: 3,
			columns: []sampledColumn{{"threads", "", true, false}, {"CPU time of a record", "ns", true, false}, {"idle", "µs/s", false, false},
				{"memory", "KiB", false, false}},
		}
		for _, name := range []string{"C, a thread for each", "RingReader, a goroutine for each", "cilium ringbuf, a goroutine for each"} {
			c.ways = append(c.ways, sampledWay{name: name, measure: func() ([]float64, error) {
				argument, err := json.Marshal(readersRun{name, n})
				if err != nil {
					return nil, err
				}
				var values []float64
				return values, inChild("readers", string(argument), syscall.SysProcAttr{}, &values)
			}})
		}
		if err := s.sample(c); err != nil {
			return err
		}
	}
	return nil
}

// readersChild lets all readers wait for a while, and then wakes them a few times. Its process ends with the readers.
func readersChild(argument string) (any, error) {
	const settle, idle, wakes = 200 * time.Millisecond, 500 * time.Millisecond, 20
	var run readersRun
	if err := json.Unmarshal([]byte(argument), &run); err != nil {
		return nil, err
	}
	var opened closers
	o, err := loadBuffers(&opened)
	if err != nil {
		return nil, err
	}
	rings, fds, err := newRings(o, run.N, &opened)
	if err != nil {
		return nil, err
	}
	seen := new(uint64)
	switch run.Of[0] {
	case 'C':
		seen, err = cWaiters(fds)
	case 'R':
		err = ringReaders(rings, seen)
	default:
		err = ciliumReaders(rings, seen)
	}
	if err != nil {
		return nil, err
	}
	// Before, each has had a record: threads are made when they are needed.
	wake := func() error {
		want := atomic.LoadUint64(seen) + uint64(run.N)
		if err := tell(o, "fill", uint32(run.N), 1); err != nil {
			return err
		}
		for start := time.Now(); atomic.LoadUint64(seen) < want; time.Sleep(time.Millisecond) {
			if time.Since(start) > 10*time.Second {
				return errors.New("a record does not come")
			}
		}
		return nil
	}
	if err := wake(); err != nil {
		return nil, err
	}
	time.Sleep(settle)
	start := cpuTime()
	time.Sleep(idle)
	idled := cpuTime() - start
	start = cpuTime()
	for range wakes {
		if err := wake(); err != nil {
			return nil, err
		}
	}
	took := cpuTime() - start
	threads, err := strconv.ParseFloat(procField("/proc/self/status", "Threads"), 64)
	if err != nil {
		return nil, err
	}
	memory, err := peakMemory("self")
	return []float64{threads, float64(took) / float64(wakes*run.N), float64(idled) / 1e3 / idle.Seconds(), memory}, err
}

func ringReaders(rings []*libbpf.MapHandle, seen *uint64) error {
	for _, ring := range rings {
		reader, err := libbpf.NewRingReader(ring)
		if err != nil {
			return err
		}
		go func() {
			var err error
			for range reader.Records(context.Background(), &err) {
				atomic.AddUint64(seen, 1)
			}
			log.Fatal("the reader ended: ", err)
		}()
	}
	return nil
}

func ciliumReaders(rings []*libbpf.MapHandle, seen *uint64) error {
	for _, ring := range rings {
		m, err := cilium(ring)
		if err != nil {
			return err
		}
		reader, err := ringbuf.NewReader(m)
		if err != nil {
			return err
		}
		go func() {
			var record ringbuf.Record
			for {
				if err := reader.ReadInto(&record); err != nil {
					log.Fatal("the reader ended: ", err)
				}
				atomic.AddUint64(seen, 1)
			}
		}()
	}
	return nil
}
