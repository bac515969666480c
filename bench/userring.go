package main

import (
	"encoding/binary"
	"fmt"
	"sync/atomic"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/typed"
)

// loadBuffers loads the programs that fill and empty buffers when they are told.
func loadBuffers(opened *closers) (*libbpf.Object, error) {
	open, err := libbpf.OpenFile("bpf/buffers.bpf.o")
	if err != nil {
		return nil, err
	}
	defer open.Close()
	o, err := open.Load()
	if err != nil {
		return nil, err
	}
	opened.add(o)
	return o, nil
}

// tell runs a program with numbers of 4 bytes as its context.
func tell(o *libbpf.Object, program string, numbers ...uint32) error {
	p, err := o.Program(program)
	if err != nil {
		return err
	}
	var context []byte
	for _, n := range numbers {
		context = binary.NativeEndian.AppendUint32(context, n)
	}
	result, err := p.TestRun(libbpf.TestRunOptions{Context: context})
	if err == nil && result.ReturnValue != 0 {
		err = fmt.Errorf("%s: it returned %d", program, result.ReturnValue)
	}
	return err
}

// userRings compares sending samples to programs. The program takes them after each run, which is not measured.
func userRings(*libbpf.Object) ([]comparison, error) {
	const n, size = 1000, 64
	return []comparison{{
		title: "send a sample of 64 bytes through a user ring buffer", ops: n, share: oneOfSome,
		open: func(opened *closers) ([]contender, error) {
			o, err := loadBuffers(opened)
			if err != nil {
				return nil, err
			}
			m, err := o.Map("user_ring")
			if err != nil {
				return nil, err
			}
			// One after the other has the ring: each goes on where the one before has stopped.
			c, err := newCUserRing(m.FD())
			if err != nil {
				return nil, err
			}
			ours, err := libbpf.NewUserRingBuffer(m)
			if err != nil {
				return nil, err
			}
			opened.add(ours)
			view, err := typed.NewUserRingBuf[[size]byte](m)
			if err != nil {
				return nil, err
			}
			opened.add(view)
			drained, done, err := liveGlobal[uint64](o, "drained")
			if err != nil {
				return nil, err
			}
			*opened = append(*opened, done)
			sent := uint64(0)
			all := func(send func() (int, error)) contender {
				return contender{
					prepare: func() error {
						if err := tell(o, "drain"); err != nil {
							return err
						}
						if got := atomic.LoadUint64(drained); got != sent {
							return fmt.Errorf("%d of %d samples came", got, sent)
						}
						sent += n
						return nil
					},
					run: send,
				}
			}
			contenders := []contender{
				all(func() (int, error) { return c.send(n) }),
				all(func() (int, error) {
					for i := range n {
						sample, err := ours.Reserve(size)
						if err != nil {
							return i, err
						}
						binary.NativeEndian.PutUint64(sample.Bytes(), uint64(i))
						if err := sample.Submit(); err != nil {
							return i, err
						}
					}
					return n, nil
				}),
				all(func() (int, error) {
					for i := range n {
						sample, err := view.Reserve()
						if err != nil {
							return i, err
						}
						binary.NativeEndian.PutUint64(sample.Value()[:], uint64(i))
						if err := sample.Submit(); err != nil {
							return i, err
						}
					}
					return n, nil
				}),
			}
			contenders[0].name = "C user_ring_buffer__reserve, submit"
			contenders[1].name = "UserRingBuffer.Reserve, Submit"
			contenders[2].name = "typed UserRingBuf.Reserve, Submit"
			return contenders, nil
		},
	}}, nil
}
