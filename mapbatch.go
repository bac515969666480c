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

// MapCursor is a position in a map between two batches of an iteration. The zero value is the beginning. A cursor
// belongs to the [Map] or [MapHandle] that it was used with first. It must not be used by several goroutines at the
// same time.
type MapCursor struct {
	m              *mapCore
	started, ended bool
	short          bool // a batch may end before the buffers are full: what is left of them would take another call
	mode           C.enum_lbg_batch_mode
	token          []byte
	found          uint64
	// Elements that the kernel returned with others of the same bucket, and that did not fit into the caller's buffers.
	keys, values []byte
}

// batchOp is one of the kernel's batch operations. A type of map may support some of them and not others.
type batchOp uint32

const (
	batchRead batchOp = 1 << iota
	batchTake
	batchUpdate
	batchDelete
)

// beginBatch acquires the map, and returns for how many elements the buffers have room. valueSize is 0 for an operation
// without values.
func (m *mapCore) beginBatch(op string, keys, values []byte, valueSize int, flags MapFlags) (int, error) {
	if err := m.h.Acquire(); err != nil {
		return 0, m.fail(op, err)
	}
	keySize := int(m.keySize)
	switch {
	case m.typ > MapTypeInsnArray:
		return 0, m.refuse(op, "this package does not know the layout of the values of a %s", m.typ)
	case flags.oneValue():
		m.h.Drop()
		return 0, m.fail(op, errOneValue)
	case keySize == 0:
		return 0, m.refuse(op, "a map of type %s has no keys", m.typ)
	case len(keys)%keySize != 0:
		return 0, m.refuse(op, "keys have %d bytes, which is not a multiple of %d", len(keys), keySize)
	}
	n := len(keys) / keySize
	if len(values) != n*valueSize {
		return 0, m.refuse(op, "values have %d bytes and must have %d for %d keys", len(values), n*valueSize, n)
	}
	if n > math.MaxInt32 {
		return 0, m.refuse(op, "a batch can't have %d elements", n)
	}
	return n, nil
}

// batchMode is how to do a batch: as a batch of the kernel, until the kernel has refused one.
func (m *mapCore) batchMode(op batchOp) C.enum_lbg_batch_mode {
	if m.noBatch.Load()&uint32(op) != 0 {
		return C.LBG_ELEMENTS
	}
	return C.LBG_BATCH
}

// batchDone remembers that the kernel has no such batches for the map. A batch with flags proves nothing, because the
// kernel's batches take fewer flags than its operations on elements.
func (m *mapCore) batchDone(op batchOp, mode C.enum_lbg_batch_mode, flags MapFlags) {
	if mode == C.LBG_ELEMENTS && flags == Any {
		m.noBatch.Or(uint32(op))
	}
}

// read does one batch of the kernel, or reads the elements one by one. The caller has acquired the map.
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
		return 0, m.fail(op, fault.Invalidf("the cursor belongs to an iteration over map %q", c.m.name))
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

// LookupBatch reads the next elements of the map, and advances cursor (bpf_map_lookup_batch, Linux 5.6). It writes them
// to keys and values one after another, and returns how many it read. Both buffers must have room for the same number
// of elements; otherwise the error is [ErrInvalid]. It reads fewer elements only at the end of the map, and then
// returns 0 with [io.EOF]. Elements that are added or removed during the iteration may be missed or returned twice. The
// error is unix.EAGAIN when deletions restart the iteration too often, as for Keys.
//
// The value of a per-CPU map consists of the values of all possible CPUs, each padded to a multiple of 8 bytes.
//
// If the kernel has no batches for the map, this method and the other batch methods process element by element, in one
// call into C. A batch without elements does nothing.
func (m *mapCore) LookupBatch(cursor *MapCursor, keys, values []byte, flags MapFlags) (int, error) {
	return m.lookupBatch(cursor, keys, values, flags, false)
}

// LookupAndDeleteBatch is LookupBatch, and also removes the elements that it reads (bpf_map_lookup_and_delete_batch,
// Linux 5.6). The kernel may remove more elements than fit into values. The cursor keeps these for the next call,
// because they are no longer in the map.
func (m *mapCore) LookupAndDeleteBatch(cursor *MapCursor, keys, values []byte, flags MapFlags) (int, error) {
	return m.lookupBatch(cursor, keys, values, flags, true)
}

// fill is lookupBatch after it has checked its arguments.
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
		if c.ended || c.short && have > 0 {
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

// readBucket reads the elements of one bucket, which must be read together, into the cursor. There are more than
// tooFew.
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

// write is updateBatch, or deleteBatch when there are no values.
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

// UpdateBatch sets elements in order, until one fails, and returns how many it set (bpf_map_update_batch, Linux 5.6).
// The layout of keys and values is that of LookupBatch. The error is the one that Update returns for the element that
// failed.
func (m *mapCore) UpdateBatch(keys, values []byte, flags MapFlags) (int, error) {
	return m.write(batchUpdate, "update a batch of", m.missingUpdate, keys, values, m.elementSize(), flags)
}

// DeleteBatch removes elements in order, until one fails, and returns how many it removed (bpf_map_delete_batch, Linux
// 5.6). The error is [ErrKeyNotExist] when there is no element with that key.
func (m *mapCore) DeleteBatch(keys []byte) (int, error) {
	return m.write(batchDelete, "delete a batch from", m.missingDelete, keys, nil, 0, Any)
}

// A step of an iteration reads at most so many bytes and so many elements. The first step reads few, because some
// callers only want to know whether there are any.
const (
	iterationBytes    = 64 << 10
	iterationElements = 1024
	iterationFirst    = 128
)

// iterationSizes yields for each step of an iteration how many elements it reads. bytes is the size of an element.
func (m *mapCore) iterationSizes(bytes int) iter.Seq[int] {
	most := min(iterationElements, max(1, iterationBytes/max(1, bytes)), max(1, int(m.maxEntries)))
	return func(yield func(int) bool) {
		for n := min(iterationFirst, most); yield(n); n = most {
		}
	}
}

// All iterates over the keys and values; it reads them in batches. Elements that are present throughout the iteration
// are returned exactly once, unless a deletion makes the kernel restart the iteration: see Keys. Elements that are
// added or removed during the iteration may be missed or returned twice. Both slices are valid until the next step. The
// value of a per-CPU map has the values of all possible CPUs, as in LookupBatch. If an error ends the loop, it is in
// *err. err may be nil.
func (m *mapCore) All(err *error) iter.Seq2[[]byte, []byte] {
	return func(yield func([]byte, []byte) bool) {
		if err == nil {
			err = new(error)
		}
		*err = nil
		keySize, valueSize := int(m.keySize), m.elementSize()
		var keys, values []byte
		cursor := MapCursor{short: true}
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

// keysWithValues tells whether Keys reads the keys together with their values, in batches of the kernel. Otherwise it
// reads the keys one by one: large values cost more than a system call each, and user space can't read the values of
// some maps.
func (m *mapCore) keysWithValues() bool {
	const large = 4096
	switch m.typ {
	case MapTypeHash, MapTypePerCPUHash, MapTypeLRUHash, MapTypeLRUPerCPUHash, MapTypeHashOfMaps, MapTypeArray,
		MapTypePerCPUArray, MapTypeLPMTrie:
		return m.elementSize() <= large
	}
	return false
}

// Keys iterates over the keys. It reads them in batches, as All does; if values are large, or user space can't read
// them, it reads key by key (bpf_map_get_next_key). Keys that are present throughout the iteration are returned exactly
// once. Keys that are added or removed during the iteration may be missed or returned twice. A key is valid until the
// next step. If an error ends the loop, it is in *err. err may be nil.
//
// If the key that the iteration is at is deleted, the kernel may restart the iteration, and return keys again. When
// Keys has found more than twice the keys that the map can hold, it ends with unix.EAGAIN.
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

// walk is Keys key by key, with many keys for each call into C.
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

// mostKeys is how many keys an iteration can find without a restart. The kernel restarts at the beginning if the last
// key was deleted meanwhile. The limit is twice what the map holds, because keys come and go, and because the kernel
// rounds the size of some maps up. Maps with 0 entries are cgroup storage: they hold any number of elements, and the
// kernel ends the iteration instead of restarting it.
func (m *mapCore) mostKeys() uint64 {
	if m.maxEntries == 0 {
		return math.MaxUint64
	}
	return 2 * uint64(m.maxEntries)
}

// errIterationRestarted ends an iteration that might never end by itself.
var errIterationRestarted = fmt.Errorf("deletions made the kernel restart it too often: %w", unix.EAGAIN)
