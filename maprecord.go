package libbpf

import (
	"unsafe"

	"github.com/libbpf-go/libbpf-go/btf"
	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// takeRecordType takes the type of the value out of the definition of a buffer: it is that of the buffer's records. The
// kernel refuses ring buffers with values, and wants descriptors as those of perf buffers.
func (m *OpenMap) takeRecordType(typ MapType) {
	size := uint32(0)
	switch typ {
	case MapTypeRingBuf, MapTypeUserRingBuf:
	case MapTypePerfEventArray:
		size = 4
	default:
		return
	}
	record := mapValueTypeID(m.ptr)
	if record == 0 || mapValueSize(m.ptr) == size {
		return
	}
	// These fail only when the object is loaded.
	_ = setMapKeySize(m.ptr, size)
	_ = setMapValueSize(m.ptr, size)
	clib.ForgetTypes(unsafe.Pointer(m.ptr))
	m.recordTypeID = record
}

// RecordTypeID is the type of a buffer's records in the object's BTF, 0 where it is not known. The definition of a ring
// buffer, a user ring buffer or a perf buffer tells it as the type of its value, as in __type(value, struct event). The
// map is created without that value, which the kernel would refuse.
func (m *OpenMap) RecordTypeID() (btf.TypeID, error) {
	return openMapGet(m, "record type", func() btf.TypeID { return m.recordTypeID })
}

// RecordTypeID is the type of a buffer's records in the object's BTF, 0 where it is not known: see
// [OpenMap.RecordTypeID].
func (m *Map) RecordTypeID() btf.TypeID { return m.recordTypeID }
