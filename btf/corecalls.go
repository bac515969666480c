package btf

/*
#include "btf_cgo.h"
#include "../libbpf/core_relo.h"
*/
import "C"

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// C's types, for files that pass them on and call no C.
type (
	cU32           = C.__u32
	cCoreRelo      = C.struct_libbpf_go_core_relo
	cCoreSpec      = C.struct_libbpf_go_core_spec
	cCoreCandidate = C.struct_libbpf_go_core_candidate
	cCoreResult    = C.struct_libbpf_go_core_result
)

// coreRelos are the relocations in .BTF.ext, or none with an error in the second result.
func coreRelos(ext *cExt) ([]cCoreRelo, cInt) {
	var all *cCoreRelo
	n := C.libbpf_go_core_relos(ext, &all)
	if n <= 0 {
		return nil, n
	}
	defer C.free(unsafe.Pointer(all))
	return append([]cCoreRelo(nil), unsafe.Slice(all, int(n))...), 0
}

func coreLocal(function cString, local *cBTF, relo *cCoreRelo, spec *cCoreSpec) cInt {
	return C.libbpf_go_core_local(function, local, relo, spec)
}

// coreCandidates are the types of target from number start on that have the name of a local type.
func coreCandidates(local *cBTF, id TypeID, target *cBTF, start TypeID) ([]TypeID, cInt) {
	var ids *C.__u32
	n := C.libbpf_go_core_candidates(local, C.__u32(id), target, C.__u32(start), &ids)
	if n <= 0 {
		return nil, n
	}
	defer C.free(unsafe.Pointer(ids))
	return append([]TypeID(nil), unsafe.Slice((*TypeID)(unsafe.Pointer(ids)), int(n))...), 0
}

// coreResolve relocates a copy of an instruction, in insn. It returns the candidates that match, all if none does.
func coreResolve(
	function cString, number int, local *cBTF, relo *cCoreRelo, candidates []cCoreCandidate, insn *[2]uint64,
	result *cCoreResult,
) ([]cCoreCandidate, cInt) {
	n := C.int(len(candidates))
	var first *cCoreCandidate
	if n > 0 {
		// C's memory, because the candidates have pointers of C's in them and C changes them.
		first = (*cCoreCandidate)(C.calloc(C.size_t(n), C.sizeof_struct_libbpf_go_core_candidate))
		if first == nil {
			return nil, -cInt(unix.ENOMEM)
		}
		defer C.free(unsafe.Pointer(first))
		copy(unsafe.Slice(first, int(n)), candidates)
	}
	ret := C.libbpf_go_core_resolve(function, C.int(number), local, relo, first, &n,
		(*C.__u64)(unsafe.Pointer(&insn[0])), result)
	if n == 0 {
		return nil, ret
	}
	return append([]cCoreCandidate(nil), unsafe.Slice(first, int(n))...), ret
}
