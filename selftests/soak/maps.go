package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/typed"
)

func typedCounts(m libbpf.MapCore, argument uint32) (uint64, error) {
	counts, err := typed.NewHash[uint32, Count](m)
	if err != nil {
		return 0, err
	}
	count, err := counts.Lookup(argument, libbpf.Any)
	return count.Calls, err
}

// mapOfEachKind makes maps, fills, reads and empties them.
func (s *soak) mapOfEachKind(r *rand.Rand) error {
	for _, use := range []func(*rand.Rand) error{s.hash, s.perCPU, s.queue} {
		if err := use(r); err != nil {
			return err
		}
	}
	return nil
}

// create makes a map whose id is checked once it is closed.
func (s *soak) create(typ libbpf.MapType, keySize, valueSize, entries uint32) (*libbpf.MapHandle, error) {
	m, err := libbpf.CreateMap(typ, "soak", keySize, valueSize, entries, libbpf.MapCreateOptions{})
	if err != nil {
		return nil, err
	}
	return m, s.closed.addMaps(m)
}

func (s *soak) hash(r *rand.Rand) error {
	const entries = 1000
	m, err := s.create(libbpf.MapTypeHash, 4, 8, entries)
	if err != nil {
		return err
	}
	defer m.Close()
	hash, err := typed.NewHash[uint32, uint64](m)
	if err != nil {
		return err
	}
	keys, values := make([]uint32, entries), make([]uint64, entries)
	for i := range keys {
		keys[i], values[i] = uint32(i), uint64(i)*3
	}
	if n, err := hash.UpdateBatch(keys, values, libbpf.Any); err != nil || n != entries {
		return fmt.Errorf("%d elements were updated: %w", n, err)
	}
	seen := make(map[uint32]uint64, entries)
	for key, value := range hash.All(&err) {
		seen[key] = value
	}
	if err != nil {
		return err
	}
	for i, key := range keys {
		if seen[key] != values[i] {
			return fmt.Errorf("element %d is %d of %d", key, seen[key], len(seen))
		}
	}
	if err := hash.Update(entries, 1, libbpf.Any); !errors.Is(err, libbpf.ErrMapFull) {
		return fmt.Errorf("one more than fit: %w", err)
	}
	some := keys[:1+r.IntN(entries)]
	found := make([]bool, len(some))
	if n, err := hash.LookupMany(some, values[:len(some)], found, libbpf.Any); err != nil || n != len(some) {
		return fmt.Errorf("%d elements were found: %w", n, err)
	}
	if n, err := hash.DeleteBatch(some); err != nil || n != len(some) {
		return fmt.Errorf("%d elements were deleted: %w", n, err)
	}
	if _, err := hash.Lookup(some[0], libbpf.Any); !errors.Is(err, libbpf.ErrKeyNotExist) {
		return fmt.Errorf("a deleted element: %w", err)
	}
	var cursor libbpf.MapCursor
	left := entries - len(some)
	for left > 0 {
		n, err := hash.LookupAndDeleteBatch(&cursor, keys, values, libbpf.Any)
		if left -= n; err != nil && (left != 0 || !errors.Is(err, libbpf.ErrKeyNotExist)) {
			return fmt.Errorf("%d elements are left: %w", left, err)
		}
	}
	return nil
}

func (s *soak) perCPU(r *rand.Rand) error {
	m, err := s.create(libbpf.MapTypePerCPUArray, 4, 8, 100)
	if err != nil {
		return err
	}
	defer m.Close()
	array, err := typed.NewPerCPUArray[uint64](m)
	if err != nil {
		return err
	}
	cpus, err := libbpf.PossibleCPUs()
	if err != nil {
		return err
	}
	values := make([]uint64, cpus)
	for i := range values {
		values[i] = r.Uint64()
	}
	if err := array.Update(7, values, libbpf.Any); err != nil {
		return err
	}
	for index, got := range array.All(&err) {
		for cpu, value := range got {
			if index == 7 && value != values[cpu] || index != 7 && value != 0 {
				return fmt.Errorf("element %d has %d for CPU %d", index, value, cpu)
			}
		}
	}
	return err
}

func (s *soak) queue(*rand.Rand) error {
	m, err := s.create(libbpf.MapTypeQueue, 0, 4, 10)
	if err != nil {
		return err
	}
	defer m.Close()
	queue, err := typed.NewQueue[uint32](m)
	if err != nil {
		return err
	}
	for i := range uint32(10) {
		if err := queue.Push(i, libbpf.Any); err != nil {
			return err
		}
	}
	for i := range uint32(10) {
		if value, err := queue.Pop(); err != nil || value != i {
			return fmt.Errorf("%d came, not %d: %w", value, i, err)
		}
	}
	if _, err := queue.Pop(); !errors.Is(err, libbpf.ErrKeyNotExist) {
		return fmt.Errorf("an empty queue: %w", err)
	}
	return nil
}

// closeInUse closes a map that others use. They either get what they ask for, or hear that it is closed. Descriptors are
// recycled meanwhile.
func (s *soak) closeInUse(r *rand.Rand) error {
	m, err := s.create(libbpf.MapTypeHash, 4, 8, 1000)
	if err != nil {
		return err
	}
	defer m.Close()
	key := func(r *rand.Rand) []byte { return binary.NativeEndian.AppendUint32(nil, r.Uint32N(1000)) }
	var users sync.WaitGroup
	failed := make(chan error, 4)
	for _, use := range []func(*rand.Rand) error{
		func(r *rand.Rand) error { return m.Update(key(r), make([]byte, 8), libbpf.Any) },
		func(r *rand.Rand) error {
			_, err := m.Lookup(key(r), libbpf.Any)
			return err
		},
		func(r *rand.Rand) (err error) {
			for range m.All(&err) {
			}
			return err
		},
		func(*rand.Rand) error {
			other, err := libbpf.MapHandleFrom(m)
			if err != nil {
				return err
			}
			return other.Close()
		},
	} {
		r := rand.New(rand.NewPCG(r.Uint64(), r.Uint64()))
		users.Go(func() {
			var err error
			for err == nil || errors.Is(err, unix.ENOENT) && !errors.Is(err, libbpf.ErrClosed) {
				err = use(r)
			}
			if err := unlessClosed(err); err != nil {
				failed <- err
				_ = m.Close()
			}
		})
	}
	time.Sleep(time.Duration(r.IntN(5000)) * time.Microsecond)
	err = m.Close()
	users.Wait()
	close(failed)
	for failure := range failed {
		err = errors.Join(err, failure)
	}
	return err
}
