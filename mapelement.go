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

// The operations on one element are one call into libbpf each. Nothing escapes to the heap, libbpf calls nothing back,
// and the return value has the errno: that is as cheap as a call into C gets.
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

// Lookup returns a copy of the value under key: [ErrKeyNotExist] when there is none
// (bpf_map_lookup_elem_flags). A queue or stack shows its next element and keeps it. A per-CPU map shows the value
// of one CPU, which flags name with [OnCPU].
func (m *mapCore) Lookup(key []byte, flags MapFlags) ([]byte, error) {
	value := make([]byte, m.valueSize)
	if err := m.LookupInto(key, value, flags); err != nil {
		return nil, err
	}
	return value, nil
}

// LookupInto is Lookup into the caller's buffer of ValueSize bytes. It does not allocate, also when there is
// no such key.
func (m *mapCore) LookupInto(key, value []byte, flags MapFlags) error {
	if err := m.begin("lookup in", key, flags, true, value); err != nil {
		return err
	}
	if m.typ == MapTypeBloomFilter {
		return m.refuse("lookup in", "a bloom filter is asked with LookupBloomFilter")
	}
	errno := m.lookupElement(key, value, flags)
	m.h.Drop()
	if errno != 0 {
		return m.failed(m.missingLookup, errno)
	}
	return nil
}

// LookupBloomFilter tells whether value may be in the bloom filter; false is certain.
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

// Update sets the value under key: [ErrKeyExist] or [ErrKeyNotExist] as the flags ask, [ErrMapFull] when there
// is no room, [ErrIndexRange] beyond the end of an array (bpf_map_update_elem). For a queue, stack or bloom
// filter it adds the value; [Exist] then pushes out the oldest. Of a per-CPU map it sets the value of one CPU or of
// all, as flags say with [OnCPU] or [AllCPUs]. It does not allocate.
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

// Delete removes the element: [ErrKeyNotExist] when there is none (bpf_map_delete_elem). Arrays refuse it with
// unix.EINVAL. It does not allocate.
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

// LookupAndDelete returns the value and removes the element in one step
// (bpf_map_lookup_and_delete_elem_flags): queues and stacks since Linux 4.20, hash tables since 5.14.
func (m *mapCore) LookupAndDelete(key []byte) ([]byte, error) {
	value := make([]byte, m.valueSize)
	if err := m.LookupAndDeleteInto(key, value); err != nil {
		return nil, err
	}
	return value, nil
}

// LookupAndDeleteInto is LookupAndDelete into the caller's buffer of ValueSize bytes. It does not allocate.
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

// LookupMany looks many keys up, in their order, in one call into C: what is one by one mostly the way there and back
// (bpf_map_lookup_elem_flags for each). keys and values have room for the same number of elements, end to end, as in
// LookupBatch; found has one bool for each. A key that is absent is no error: found is false, and its place in values
// stays as it was. It returns how many were found. Another error ends it and names the key by its number; those
// before it are done. It does not allocate.
func (m *mapCore) LookupMany(keys, values []byte, found []bool, flags MapFlags) (int, error) {
	const op = "lookup many in"
	n, err := m.beginBatch(op, keys, values, m.elementSize(), flags)
	if err != nil {
		return 0, err
	}
	defer m.h.Drop()
	if len(found) != n {
		return 0, m.fail(op, fault.Invalidf("there are %d keys, and room to say of %d whether they were found", n, len(found)))
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
