package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/typed"
)

// send sends samples to a program from two goroutines, faster than the program takes them, for the time of a round.
func (s *soak) send(j *job, r *rand.Rand) error {
	ring, err := s.samples.SamplesRing()
	if err != nil {
		return err
	}
	defer ring.Close()
	before := s.samples.Bss.Taken
	ctx, stop := context.WithTimeout(context.Background(), roundTime)
	defer stop()

	// sent is what one of them did.
	type sent struct {
		samples, sum, full, discarded uint64
		err                           error
	}
	both := make([]sent, 2)
	var senders sync.WaitGroup
	for i := range both {
		it, r := &both[i], rand.New(rand.NewPCG(r.Uint64(), r.Uint64()))
		senders.Go(func() {
			for ctx.Err() == nil && it.err == nil {
				reserve := ring.Reserve
				if r.IntN(100) == 0 {
					soon, end := moment(r)
					sample, err := ring.ReserveContext(soon)
					end()
					reserve = func() (typed.UserRingSample[UserSample], error) { return sample, err }
				}
				sample, err := reserve()
				switch {
				case errors.Is(err, unix.ENOSPC):
					it.full++
				case err != nil:
					it.err = err
				case r.IntN(10) == 0:
					sample.Discard()
					it.discarded++
				default:
					number := r.Uint64()
					*sample.Value() = UserSample{Number: number, Again: number}
					it.err = sample.Submit()
					it.samples, it.sum = it.samples+1, it.sum+number
				}
			}
		})
	}
	take := func() error {
		for {
			_, err := s.samples.Programs.Take.TestRun(libbpf.TestRunOptions{})
			if !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR) {
				return err
			}
		}
	}
	for ctx.Err() == nil && err == nil {
		err = take()
		time.Sleep(time.Duration(r.IntN(500)) * time.Microsecond)
	}
	stop()
	senders.Wait()
	all := sent{err: errors.Join(err, both[0].err, both[1].err)}
	for _, it := range both {
		all.samples, all.sum, all.full = all.samples+it.samples, all.sum+it.sum, all.full+it.full
	}
	if all.err == nil {
		all.err = take()
	}
	if all.err != nil {
		return all.err
	}
	after := s.samples.Bss.Taken
	if got := after.Samples - before.Samples; got != all.samples || after.Sum-before.Sum != all.sum || after.Wrong != 0 {
		return fmt.Errorf("%d samples were sent, and %d were taken, of which %d were wrong", all.samples, got, after.Wrong)
	}
	j.records.produced.Add(all.samples + all.full)
	j.records.received.Add(all.samples)
	j.records.lost.Add(all.full)
	return nil
}
