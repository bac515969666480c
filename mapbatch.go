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
)

// MapCursor is a place in a map, between two batches of a walk over its elements. The zero value is the beginning. It
// belongs to one walk over one map, and to one goroutine at a time.
type MapCursor struct {
	started, ended bool
	mode           uint32
	token          []byte
	// Elements that had to be read because they lie in one bucket with others, and did not fit.
	keys, values []byte
}

// errNoBatch are the errors by which kernels say that they have no batches for a map.
func errNoBatch(errno syscall.Errno) bool {
	return errno == errNotSupp || errno == unix.EOPNOTSUPP || errno == unix.EINVAL
}

// beginBatch acquires the map and counts the elements that the buffers are for. valueSize is 0 where there are none.
func (m *mapCore) beginBatch(op string, keys, values []byte, valueSize int, flags MapFlags) (int, error) {
	if err := m.h.acquire(); err != nil {
		return 0, m.fail(op, err)
	}
	keySize := int(m.keySize)
	switch {
	case m.typ > MapTypeInsnArray:
		return 0, m.refuse(op, "how long the values of a %s are is not known here", m.typ)
	case flags.oneValue():
		m.h.drop()
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

// batched runs f as a batch of the kernel's, or element by element where the kernel refuses that. It remembers the refusal
// once an element has shown that it was not the arguments' fault, nor the flags': batches take fewer than elements do. f
// sets count to the elements that it did.
func (m *mapCore) batched(flags MapFlags, count *C.uint32_t, f func(mode uint32) C.int) (ret C.int, mode uint32) {
	if !m.noBatch.Load() {
		ret = f(C.LBG_BATCH)
		if ret >= 0 || !errNoBatch(syscall.Errno(-ret)) {
			return ret, C.LBG_BATCH
		}
	}
	ret = f(C.LBG_ELEMENTS)
	if *count > 0 && flags == Any {
		m.noBatch.Store(true)
	}
	return ret, C.LBG_ELEMENTS
}

// read is one batch of the kernel's, or what stands for it. The caller has acquired the map.
func (m *mapCore) read(c *MapCursor, keys, values []byte, n int, flags MapFlags, take bool) (int, syscall.Errno) {
	if c.token == nil {
		c.token = make([]byte, max(int(m.keySize), 4))
	}
	var count C.uint32_t
	call := func(mode uint32) C.int {
		count = C.uint32_t(n)
		return C.lbg_map_read(C.int(m.fd), mode, C.bool(take), C.bool(c.started), cBytes(c.token), cBytes(keys),
			C.uint32_t(m.keySize), cBytes(values), C.uint32_t(m.elementSize()), C.uint32_t(m.maxEntries), &count,
			C.uint64_t(flags))
	}
	var ret C.int
	if c.started {
		ret = call(c.mode) // the token is of this mode
	} else {
		ret, c.mode = m.batched(flags, &count, call)
	}
	c.started = c.started || count > 0
	return int(count), syscall.Errno(-ret)
}

func (m *mapCore) lookupBatch(c *MapCursor, keys, values []byte, flags MapFlags, take bool) (int, error) {
	const op = "read a batch of"
	want, err := m.beginBatch(op, keys, values, m.elementSize(), flags)
	if err != nil {
		return 0, err
	}
	defer m.h.drop()
	if c == nil {
		return 0, m.fail(op, invalidf("the cursor is nil"))
	}
	have := 0
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
		n, errno := m.read(c, keys[have*int(m.keySize):], values[have*m.elementSize():], want-have, flags, take)
		have += n
		switch errno {
		case 0:
		case unix.ENOENT:
			c.ended = true
		case unix.ENOSPC:
			errno = m.readBucket(c, want-have, flags, take)
			if errno != 0 {
				return have, m.fail(op, errno)
			}
		default:
			return have, m.fail(op, errno)
		}
	}
	if have == 0 && want > 0 {
		return 0, io.EOF
	}
	return have, nil
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
func (m *mapCore) write(op string, missing *Error, keys, values []byte, valueSize int, flags MapFlags) (int, error) {
	n, err := m.beginBatch(op, keys, values, valueSize, flags)
	if err != nil {
		return 0, err
	}
	defer m.h.drop()
	if n == 0 {
		return 0, nil
	}
	var count C.uint32_t
	ret, _ := m.batched(flags, &count, func(mode uint32) C.int {
		count = C.uint32_t(n)
		return C.lbg_map_write(C.int(m.fd), mode, cBytes(keys), C.uint32_t(m.keySize), cBytes(values),
			C.uint32_t(valueSize), &count, C.uint64_t(flags))
	})
	if ret < 0 {
		return int(count), m.failed(missing, syscall.Errno(-ret))
	}
	return int(count), nil
}

func (m *mapCore) updateBatch(keys, values []byte, flags MapFlags) (int, error) {
	return m.write("update a batch of", m.missingUpdate, keys, values, m.elementSize(), flags)
}

func (m *mapCore) deleteBatch(keys []byte) (int, error) {
	return m.write("delete a batch from", m.missingDelete, keys, nil, 0, Any)
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

func (m *mapCore) entries(err *error) iter.Seq2[[]byte, []byte] {
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

func (m *mapCore) keys(err *error) iter.Seq[[]byte] {
	if !m.keysWithValues() {
		return m.walk(err)
	}
	entries := m.entries(err)
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
		seen := uint64(0)
		for n := range m.iterationSizes(size) {
			if len(keys) != n*size {
				keys = make([]byte, n*size)
			}
			if _, *err = m.beginBatch(op, keys, nil, 0, Any); *err != nil {
				return
			}
			count := C.uint32_t(n)
			ret := C.lbg_map_keys(C.int(m.fd), C.bool(seen > 0), cBytes(last), cBytes(keys), C.uint32_t(size), &count)
			m.h.drop()
			for i := range int(count) {
				// The kernel starts over when the last key was deleted meanwhile. Twice the entries, because it
				// rounds the size of some maps up.
				if seen++; seen > 2*uint64(m.maxEntries) {
					*err = m.fail(op, errIterationRestarted)
					return
				}
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

// errIterationRestarted ends an iteration that could go on for ever.
var errIterationRestarted = fmt.Errorf("deletions restarted it more often than the map has entries: %w", unix.EAGAIN)
