package libbpf

/*
#cgo noescape lbg_map_lookup
#cgo nocallback lbg_map_lookup
#cgo noescape lbg_map_update
#cgo nocallback lbg_map_update
#cgo noescape lbg_map_delete
#cgo nocallback lbg_map_delete
#cgo noescape lbg_map_take
#cgo nocallback lbg_map_take
#cgo noescape lbg_map_lookup_many
#cgo nocallback lbg_map_lookup_many

#include "mapelement_cgo.h"
*/
import "C"

import (
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// Each operation on one element is one call into libbpf. Nothing escapes to the heap, libbpf does not call back, and
// the return value has the errno. A call into C can't be cheaper.
//
// In each, key has m.keySize bytes and value m.elementSize(), and the caller has acquired the map.

func (m *mapCore) lookupElement(key, value []byte, flags MapFlags) syscall.Errno {
	return syscall.Errno(-C.lbg_map_lookup(C.int(m.fd), cBytes(key), cBytes(value), C.uint64_t(flags)))
}

func (m *mapCore) updateElement(key, value []byte, flags MapFlags) syscall.Errno {
	return syscall.Errno(-C.lbg_map_update(C.int(m.fd), cBytes(key), cBytes(value), C.uint64_t(flags)))
}

func (m *mapCore) deleteElement(key []byte) syscall.Errno {
	return syscall.Errno(-C.lbg_map_delete(C.int(m.fd), cBytes(key)))
}

func (m *mapCore) takeElement(key, value []byte) syscall.Errno {
	return syscall.Errno(-C.lbg_map_take(C.int(m.fd), cBytes(key), cBytes(value)))
}

// Lookup returns a copy of the value under key (bpf_map_lookup_elem_flags). The error is [ErrKeyNotExist] when there is
// none. For a queue or stack it returns the next element without removing it. For a per-CPU map it returns the value of
// the CPU that flags name with [OnCPU].
func (m *mapCore) Lookup(key []byte, flags MapFlags) ([]byte, error) {
	value := make([]byte, m.valueSize)
	if err := m.LookupInto(key, value, flags); err != nil {
		return nil, err
	}
	return value, nil
}

// LookupInto is Lookup into the caller's buffer, which must have ValueSize bytes. It does not allocate, even if the key
// does not exist.
func (m *mapCore) LookupInto(key, value []byte, flags MapFlags) error {
	if err := m.begin("lookup in", key, flags, true, value); err != nil {
		return err
	}
	if m.typ == MapTypeBloomFilter {
		return m.refuse("lookup in", "the map is a bloom_filter: use LookupBloomFilter")
	}
	errno := m.lookupElement(key, value, flags)
	m.h.Drop()
	if errno != 0 {
		return m.failed(m.missingLookup, errno)
	}
	return nil
}

// LookupBloomFilter tells whether value may be in the bloom filter (bpf_map_lookup_elem_flags). true may be wrong,
// false is certain. value must have ValueSize bytes; otherwise, or if the map is not a bloom filter, the error is
// [ErrInvalid].
func (m *mapCore) LookupBloomFilter(value []byte) (bool, error) {
	if err := m.begin("lookup in", nil, Any, true, value); err != nil {
		return false, err
	}
	if m.typ != MapTypeBloomFilter {
		return false, m.refuse("lookup in", "the map is not a bloom filter but of type %s", m.typ)
	}
	errno := m.lookupElement(nil, value, Any)
	m.h.Drop()
	switch errno {
	case 0:
		return true, nil
	case unix.ENOENT:
		return false, nil
	}
	return false, m.failed(m.missingLookup, errno)
}

// Update sets the value under key (bpf_map_update_elem). The error is [ErrKeyExist] or [ErrKeyNotExist] if flags do not
// allow it, [ErrMapFull] if there is no room, and [ErrIndexRange] if the index is beyond the end of an array. For a
// queue, stack or bloom filter it adds the value; with [Exist], a full queue or stack drops its oldest element first.
// For a per-CPU map it sets the value of one CPU or of all, as flags say with [OnCPU] or [AllCPUs]. It does not
// allocate.
func (m *mapCore) Update(key, value []byte, flags MapFlags) error {
	if err := m.begin("update", key, flags, true, value); err != nil {
		return err
	}
	errno := m.updateElement(key, value, flags)
	m.h.Drop()
	if errno != 0 {
		return m.failed(m.missingUpdate, errno)
	}
	return nil
}

// Delete removes the element under key (bpf_map_delete_elem). The error is [ErrKeyNotExist] when there is none.
// Elements of an array can't be removed: the error is unix.EINVAL. It does not allocate.
func (m *mapCore) Delete(key []byte) error {
	if err := m.begin("delete from", key, Any, false, nil); err != nil {
		return err
	}
	errno := m.deleteElement(key)
	m.h.Drop()
	if errno != 0 {
		return m.failed(m.missingDelete, errno)
	}
	return nil
}

// LookupAndDelete returns the value under key and removes the element, in one atomic step
// (bpf_map_lookup_and_delete_elem_flags). The error is [ErrKeyNotExist] when there is none. It needs Linux 4.20 for
// queues and stacks, and 5.14 for hash tables.
func (m *mapCore) LookupAndDelete(key []byte) ([]byte, error) {
	value := make([]byte, m.valueSize)
	if err := m.LookupAndDeleteInto(key, value); err != nil {
		return nil, err
	}
	return value, nil
}

// LookupAndDeleteInto is LookupAndDelete into the caller's buffer, which must have ValueSize bytes. It does not
// allocate.
func (m *mapCore) LookupAndDeleteInto(key, value []byte) error {
	if err := m.begin(opTake, key, Any, true, value); err != nil {
		return err
	}
	errno := m.takeElement(key, value)
	m.h.Drop()
	if errno != 0 {
		return m.failed(m.missingTake, errno)
	}
	return nil
}

// LookupMany looks up many keys in one call into C (bpf_map_lookup_elem_flags for each). This saves most of the cost of
// looking them up one by one. keys and values hold the same number of elements, one after another, as in LookupBatch;
// found must have one bool for each key. If a key is absent, found is false, and its place in values does not change.
// LookupMany returns how many keys were found. Any other error ends it, and names the key by its number: the keys
// before it are done, and the rest count as not found. It does not allocate.
func (m *mapCore) LookupMany(keys, values []byte, found []bool, flags MapFlags) (int, error) {
	const op = "lookup many in"
	n, err := m.beginBatch(op, keys, values, m.elementSize(), flags)
	if err != nil {
		return 0, err
	}
	defer m.h.Drop()
	if len(found) != n {
		return 0, m.fail(op, fault.Invalidf("found has %d elements and must have %d", len(found), n))
	}
	if n == 0 {
		return 0, nil
	}
	var done, hits C.uint32_t
	ret := C.lbg_map_lookup_many(C.int(m.fd), cBytes(keys), C.uint32_t(m.keySize), cBytes(values),
		C.uint32_t(m.elementSize()), (*C.bool)(&found[0]), C.uint32_t(n), C.uint64_t(flags), &done, &hits)
	if ret < 0 {
		clear(found[done:])
		return int(hits), m.fail(op, fmt.Errorf("key %d of %d: %w", done, n, m.explain(syscall.Errno(-ret))))
	}
	return int(hits), nil
}
