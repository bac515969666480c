package libbpf

/*
#cgo noescape lbg_map_read
#cgo nocallback lbg_map_read
#cgo noescape lbg_map_keys
#cgo nocallback lbg_map_keys
#cgo noescape lbg_map_write
#cgo nocallback lbg_map_write

#include "mapbatch_cgo.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// MapCursor is a place in a map, between two batches of a walk over its elements. The zero value is the beginning. It
// belongs to one walk over the [Map] or [MapHandle] that it was used with first, and to one goroutine at a time.
type MapCursor struct {
	m              *mapCore
	started, ended bool
	mode           C.enum_lbg_batch_mode
	token          []byte
	found          uint64
	// Elements that had to be read because they lie in one bucket with others, and did not fit.
	keys, values []byte
}

// batchOp is one of the kernel's operations on batches. A type of map may have some of them and not the others.
type batchOp uint32

const (
	batchRead batchOp = 1 << iota
	batchTake
	batchUpdate
	batchDelete
)

// beginBatch acquires the map and counts the elements that the buffers are for. valueSize is 0 where there are none.
func (m *mapCore) beginBatch(op string, keys, values []byte, valueSize int, flags MapFlags) (int, error) {
	if err := m.h.Acquire(); err != nil {
		return 0, m.fail(op, err)
	}
	keySize := int(m.keySize)
	switch {
	case m.typ > MapTypeInsnArray:
		return 0, m.refuse(op, "how long the values of a %s are is not known here", m.typ)
	case flags.oneValue():
		m.h.Drop()
		return 0, m.fail(op, errOneValue)
	case keySize == 0:
		return 0, m.refuse(op, "a map of type %s has no keys", m.typ)
	case len(keys)%keySize != 0:
		return 0, m.refuse(op, "keys have %d bytes, which is no multiple of %d", len(keys), keySize)
	}
	n := len(keys) / keySize
	if len(values) != n*valueSize {
		return 0, m.refuse(op, "values have %d bytes and must have %d for %d keys", len(values), n*valueSize, n)
	}
	if n > math.MaxInt32 {
		return 0, m.refuse(op, "%d elements are more than a batch can have", n)
	}
	return n, nil
}

// batchMode is how to do a batch: as one of the kernel's until the kernel has refused that.
func (m *mapCore) batchMode(op batchOp) C.enum_lbg_batch_mode {
	if m.noBatch.Load()&uint32(op) != 0 {
		return C.LBG_ELEMENTS
	}
	return C.LBG_BATCH
}

// batchDone remembers in which mode a batch was done. With flags it says nothing of others: the kernel's batches take
// fewer flags than its operations on elements.
func (m *mapCore) batchDone(op batchOp, mode C.enum_lbg_batch_mode, flags MapFlags) {
	if mode == C.LBG_ELEMENTS && flags == Any {
		m.noBatch.Or(uint32(op))
	}
}

// read is one batch of the kernel's, or what stands for it. The caller has acquired the map.
func (m *mapCore) read(c *MapCursor, keys, values []byte, n int, flags MapFlags, take bool) (int, syscall.Errno) {
	op := batchRead
	if take {
		op = batchTake
	}
	if c.token == nil {
		c.token = make([]byte, max(int(m.keySize), 4))
	}
	if !c.started {
		c.mode = m.batchMode(op)
	}
	count := C.uint32_t(n)
	ret := C.lbg_map_read(C.int(m.fd), &c.mode, C.bool(take), C.bool(c.started), cBytes(c.token), cBytes(keys),
		C.uint32_t(m.keySize), cBytes(values), C.uint32_t(m.elementSize()), C.uint64_t(m.mostKeys()), &count,
		C.uint64_t(flags))
	m.batchDone(op, c.mode, flags)
	c.started = c.started || count > 0
	return int(count), syscall.Errno(-ret)
}

func (m *mapCore) lookupBatch(c *MapCursor, keys, values []byte, flags MapFlags, take bool) (int, error) {
	const op = "read a batch of"
	want, err := m.beginBatch(op, keys, values, m.elementSize(), flags)
	if err != nil {
		return 0, err
	}
	defer m.h.Drop()
	switch {
	case c == nil:
		return 0, m.fail(op, fault.Invalidf("the cursor is nil"))
	case c.m == nil:
		c.m = m
	case c.m != m:
		return 0, m.fail(op, fault.Invalidf("the cursor is of another walk, over map %q", c.m.name))
	case !take && !c.ended && c.found >= m.mostKeys():
		return 0, m.fail(op, errIterationRestarted)
	}
	have, errno := m.fill(c, keys, values, want, flags, take)
	c.found += uint64(have)
	switch {
	case errno != 0:
		return have, m.fail(op, m.explain(errno))
	case have == 0 && want > 0:
		return 0, io.EOF
	}
	return have, nil
}

// LookupBatch reads elements from where cursor is and moves it on (bpf_map_lookup_batch, Linux 5.6). It fills keys
// and values, which have room for the same number of elements, end to end, and returns how many it read: fewer
// only at the end of the map, and 0 with [io.EOF] behind it. Elements that come or go meanwhile may be missed or
// come twice, and end the walk with unix.EAGAIN as those of Keys do.
//
// A value of a per-CPU map has the values of all possible CPUs, each filled up to a multiple of eight bytes.
//
// Where the kernel has no batches for the map, this and the other batch operations go element by element, in one
// call into C. A batch without elements does nothing.
func (m *mapCore) LookupBatch(cursor *MapCursor, keys, values []byte, flags MapFlags) (int, error) {
	return m.lookupBatch(cursor, keys, values, flags, false)
}

// LookupAndDeleteBatch is LookupBatch, and removes what it reads (bpf_map_lookup_and_delete_batch, Linux 5.6).
// What did not fit into values is kept in the cursor for the next call, as it is in no map any more.
func (m *mapCore) LookupAndDeleteBatch(cursor *MapCursor, keys, values []byte, flags MapFlags) (int, error) {
	return m.lookupBatch(cursor, keys, values, flags, true)
}

// fill is lookupBatch with arguments that were checked.
func (m *mapCore) fill(
	c *MapCursor, keys, values []byte, want int, flags MapFlags, take bool,
) (have int, errno syscall.Errno) {
	for have < want {
		if n := min(len(c.keys)/int(m.keySize), want-have); n > 0 {
			copy(keys[have*int(m.keySize):], c.keys[:n*int(m.keySize)])
			copy(values[have*m.elementSize():], c.values[:n*m.elementSize()])
			c.keys, c.values = c.keys[n*int(m.keySize):], c.values[n*m.elementSize():]
			have += n
			continue
		}
		if c.ended {
			break
		}
		var n int
		n, errno = m.read(c, keys[have*int(m.keySize):], values[have*m.elementSize():], want-have, flags, take)
		have += n
		switch {
		case errno == unix.ENOENT:
			c.ended = true
		case errno == unix.ENOSPC && c.mode == C.LBG_BATCH:
			errno = m.readBucket(c, want-have, flags, take)
		}
		if errno != 0 && errno != unix.ENOENT {
			return have, errno
		}
	}
	return have, 0
}

// readBucket reads the elements that must be read together and are more than tooFew into the cursor.
func (m *mapCore) readBucket(c *MapCursor, tooFew int, flags MapFlags, take bool) syscall.Errno {
	for n := 2 * tooFew; ; n *= 2 {
		keys, values := make([]byte, n*int(m.keySize)), make([]byte, n*m.elementSize())
		got, errno := m.read(c, keys, values, n, flags, take)
		switch {
		case errno == unix.ENOSPC && n <= math.MaxInt32/4 && n <= 2*int(m.maxEntries):
			continue
		case errno == unix.ENOENT:
			c.ended = true
			errno = 0
		}
		c.keys, c.values = keys[:got*int(m.keySize)], values[:got*m.elementSize()]
		return errno
	}
}

// write is updateBatch, and with no values deleteBatch.
func (m *mapCore) write(
	op batchOp, what string, missing *Error, keys, values []byte, valueSize int, flags MapFlags,
) (int, error) {
	n, err := m.beginBatch(what, keys, values, valueSize, flags)
	if err != nil {
		return 0, err
	}
	defer m.h.Drop()
	if n == 0 {
		return 0, nil
	}
	mode, count := m.batchMode(op), C.uint32_t(n)
	ret := C.lbg_map_write(C.int(m.fd), &mode, cBytes(keys), C.uint32_t(m.keySize), cBytes(values),
		C.uint32_t(valueSize), &count, C.uint64_t(flags))
	m.batchDone(op, mode, flags)
	if ret < 0 {
		return int(count), m.failed(missing, syscall.Errno(-ret))
	}
	return int(count), nil
}

// UpdateBatch sets elements, laid out as LookupBatch returns them, in order until one fails, and returns how many
// it set (bpf_map_update_batch, Linux 5.6). The error is that of the one that failed, as Update gives it.
func (m *mapCore) UpdateBatch(keys, values []byte, flags MapFlags) (int, error) {
	return m.write(batchUpdate, "update a batch of", m.missingUpdate, keys, values, m.elementSize(), flags)
}

// DeleteBatch removes elements, in order until one fails, for one because it is not there: [ErrKeyNotExist]. It
// returns how many it removed (bpf_map_delete_batch, Linux 5.6).
func (m *mapCore) DeleteBatch(keys []byte) (int, error) {
	return m.write(batchDelete, "delete a batch from", m.missingDelete, keys, nil, 0, Any)
}

// An iteration reads this many bytes at once, or elements if they are smaller. The first step of it reads few, since some
// want only to know whether there are any.
const (
	iterationBytes    = 64 << 10
	iterationElements = 1024
	iterationFirst    = 16
)

// iterationSizes yields how many elements of that many bytes the steps of an iteration read.
func (m *mapCore) iterationSizes(bytes int) iter.Seq[int] {
	most := min(iterationElements, max(1, iterationBytes/max(1, bytes)), max(1, int(m.maxEntries)))
	return func(yield func(int) bool) {
		for n := min(iterationFirst, most); yield(n); n = most {
		}
	}
}

// All iterates over the keys and values, in batches underneath, as far as they were there all the time. Both
// slices are valid until the next step; a value of a per-CPU map is all CPUs', as in LookupBatch. When the loop
// ends early because of an error, that is in *err. Elements that come or go meanwhile may be missed or come
// twice, and end it with unix.EAGAIN as those of Keys do.
func (m *mapCore) All(err *error) iter.Seq2[[]byte, []byte] {
	return func(yield func([]byte, []byte) bool) {
		if err == nil {
			err = new(error)
		}
		*err = nil
		keySize, valueSize := int(m.keySize), m.elementSize()
		var keys, values []byte
		var cursor MapCursor
		for n := range m.iterationSizes(keySize + valueSize) {
			if len(keys) != n*keySize {
				keys, values = make([]byte, n*keySize), make([]byte, n*valueSize)
			}
			got, failed := m.lookupBatch(&cursor, keys, values, Any, false)
			for i := range got {
				k, v := i*keySize, i*valueSize
				if !yield(keys[k:k+keySize:k+keySize], values[v:v+valueSize:v+valueSize]) {
					return
				}
			}
			if failed != nil {
				if !errors.Is(failed, io.EOF) {
					*err = failed
				}
				return
			}
		}
	}
}

// keysWithValues tells whether it is better to read the keys with their values, in batches of the kernel's, than one by
// one. Large values cost more than a system call, and not every map shows its values to user space.
func (m *mapCore) keysWithValues() bool {
	const large = 4096
	switch m.typ {
	case MapTypeHash, MapTypePerCPUHash, MapTypeLRUHash, MapTypeLRUPerCPUHash, MapTypeHashOfMaps, MapTypeArray,
		MapTypePerCPUArray, MapTypeLPMTrie:
		return m.elementSize() <= large
	}
	return false
}

// Keys iterates over the keys, as far as they were there all the time, in batches underneath as All does; a key
// is valid until the next step. Maps whose values are large, or not for user space to see, are walked key by key
// (bpf_map_get_next_key). When the loop ends early because of an error, that is in *err. Keys that come or go
// meanwhile may be missed or come twice, and an iteration that finds more than twice the keys that the map can hold
// ends with unix.EAGAIN: deletions started it over and over.
func (m *mapCore) Keys(err *error) iter.Seq[[]byte] {
	if !m.keysWithValues() {
		return m.walk(err)
	}
	entries := m.All(err)
	return func(yield func([]byte) bool) {
		for key := range entries {
			if !yield(key) {
				return
			}
		}
	}
}

// walk is keys one by one, but not a crossing into C for each.
func (m *mapCore) walk(err *error) iter.Seq[[]byte] {
	const op = "iterate over"
	return func(yield func([]byte) bool) {
		if err == nil {
			err = new(error)
		}
		*err = nil
		size := int(m.keySize)
		var keys []byte
		last := make([]byte, size)
		var value []byte
		if m.typ == MapTypeCgroupStorage || m.typ == MapTypePerCPUCgroupStorage {
			value = make([]byte, m.elementSize())
		}
		started, left := false, m.mostKeys()
		for n := range m.iterationSizes(size) {
			if len(keys) != n*size {
				keys = make([]byte, n*size)
			}
			if _, *err = m.beginBatch(op, keys, nil, 0, Any); *err != nil {
				return
			}
			count := C.uint32_t(n)
			ret := C.lbg_map_keys(C.int(m.fd), C.bool(started), cBytes(last), cBytes(keys), C.uint32_t(size), &count,
				cBytes(value))
			m.h.Drop()
			started = started || count > 0
			for i := range int(count) {
				if left == 0 {
					*err = m.fail(op, errIterationRestarted)
					return
				}
				left--
				if !yield(keys[i*size : (i+1)*size : (i+1)*size]) {
					return
				}
			}
			if ret < 0 {
				if errno := syscall.Errno(-ret); errno != unix.ENOENT {
					*err = m.fail(op, errno)
				}
				return
			}
		}
	}
}

// mostKeys is how many keys a walk can find before it must have been started over: the kernel goes on at the beginning
// where the key behind which it was to go on was deleted meanwhile. Twice what the map holds, for those that come and
// go, and because the kernel rounds the size of some maps up. Maps of 0 entries are cgroups' storage: they hold any
// number, and a walk over them ends in place of starting over.
func (m *mapCore) mostKeys() uint64 {
	if m.maxEntries == 0 {
		return math.MaxUint64
	}
	return 2 * uint64(m.maxEntries)
}

// errIterationRestarted ends an iteration that could go on for ever.
var errIterationRestarted = fmt.Errorf("deletions restarted it more often than the map has entries: %w", unix.EAGAIN)
