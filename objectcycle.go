package libbpf

import (
	"cmp"
	"slices"

	"github.com/libbpf-go/libbpf-go/btf"
)

// Sizes of struct btf_header and struct btf_type.
const (
	btfHeaderSize = 24
	btfTypeSize   = 12
)

// addition is a type that only adds a name or a qualifier to another one.
type addition struct {
	id, to uint32
	round  uint32 // when it was followed, or 0
}

// typeOfItself finds a type that leads back to itself through names and qualifiers only, in the content of a section
// .BTF. It is 0 if there is none, and for what libbpf refuses. It looks at each type once, and parses none.
func typeOfItself(raw []byte) uint32 {
	if len(raw) < btfHeaderSize {
		return 0
	}
	s := objectScan{big: raw[0] == 0xeb} // the first byte of the magic number 0xeb9f
	begin := uint64(s.uint32(raw[4:])) + uint64(s.uint32(raw[8:]))
	end := begin + uint64(s.uint32(raw[12:]))
	if end > uint64(len(raw)) {
		return 0
	}
	var few [64]addition
	found := few[:0]
	types := raw[begin:end]
	for id := uint32(1); len(types) >= btfTypeSize; id++ {
		info := s.uint32(types[4:])
		size, parts := btfTypeSize, int(info&0xffff)
		switch btf.Kind(info >> 24 & 0x1f) {
		case btf.KindConst, btf.KindVolatile, btf.KindRestrict, btf.KindTypedef, btf.KindTypeTag:
			found = append(found, addition{id: id, to: s.uint32(types[8:])})
		case btf.KindPtr, btf.KindFwd, btf.KindFunc, btf.KindFloat:
		case btf.KindInt, btf.KindVar, btf.KindDeclTag:
			size += 4
		case btf.KindArray:
			size += 12
		case btf.KindEnum, btf.KindFuncProto:
			size += 8 * parts
		case btf.KindStruct, btf.KindUnion, btf.KindDatasec, btf.KindEnum64:
			size += 12 * parts
		default:
			return 0
		}
		if size > len(types) {
			return 0
		}
		types = types[size:]
	}
	return followAdditions(found)
}

// followAdditions goes on from each type that refers to itself or to one behind it. Every cycle has such a type.
func followAdditions(sorted []addition) uint32 {
	for i := range sorted {
		if sorted[i].to < sorted[i].id {
			continue
		}
		round, at, more := uint32(i+1), i, true
		for more && sorted[at].round == 0 {
			sorted[at].round = round
			at, more = slices.BinarySearchFunc(sorted, sorted[at].to, func(a addition, id uint32) int { return cmp.Compare(a.id, id) })
		}
		if more && sorted[at].round == round {
			return sorted[at].id
		}
	}
	return 0
}
