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
