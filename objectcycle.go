package libbpf

import "github.com/libbpf-go/libbpf-go/btf"

// Sizes of struct btf_header and struct btf_type.
const (
	btfHeaderSize = 24
	btfTypeSize   = 12
)

// btfShape is what the types of a kind have in a section .BTF.
type btfShape struct {
	size  int  // without parts, such as members
	part  int  // the size of a part
	leads bool // a name or a qualifier of another type
}

var btfShapes = [32]btfShape{
	btf.KindConst:    {size: btfTypeSize, leads: true},
	btf.KindVolatile: {size: btfTypeSize, leads: true},
	btf.KindRestrict: {size: btfTypeSize, leads: true},
	btf.KindTypedef:  {size: btfTypeSize, leads: true},
	btf.KindTypeTag:  {size: btfTypeSize, leads: true},

	btf.KindPtr: {size: btfTypeSize}, btf.KindFwd: {size: btfTypeSize},
	btf.KindFunc: {size: btfTypeSize}, btf.KindFloat: {size: btfTypeSize},
	btf.KindInt: {size: btfTypeSize + 4}, btf.KindVar: {size: btfTypeSize + 4}, btf.KindDeclTag: {size: btfTypeSize + 4},
	btf.KindArray: {size: btfTypeSize + 12},

	btf.KindEnum: {size: btfTypeSize, part: 8}, btf.KindFuncProto: {size: btfTypeSize, part: 8},
	btf.KindStruct: {size: btfTypeSize, part: 12}, btf.KindUnion: {size: btfTypeSize, part: 12},
	btf.KindDatasec: {size: btfTypeSize, part: 12}, btf.KindEnum64: {size: btfTypeSize, part: 12},
}

// typeOfItself finds a type that leads back to itself through names and qualifiers only, in the content of a section
// .BTF. It is 0 if there is none. What libbpf refuses for another reason may have some. To parse the types would cost
// several times as much.
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
	var few [512]uint32
	next := append(few[:0], 0) // where each type that adds something leads to, by number
	for types := raw[begin:end]; len(types) >= btfTypeSize; {
		info, to := s.uint32(types[4:]), uint32(0)
		shape := &btfShapes[info>>24&0x1f]
		if shape.size == 0 {
			return 0
		}
		if shape.leads {
			to = s.uint32(types[8:])
		}
		next = append(next, to)
		types = types[min(shape.size+shape.part*int(info&0xffff), len(types)):]
	}
	return followTypes(next)
}

// followTypes goes on from each type that leads to itself or to one behind it. Every cycle has such a type.
func followTypes(next []uint32) uint32 {
	n := uint32(len(next))
	for id := range n {
		if next[id] < max(id, 1) {
			continue
		}
		steps := uint32(0)
		for at := id; at < n && next[at] != 0; at = next[at] {
			if steps++; steps > n {
				return at
			}
		}
		// Nobody goes this way again.
		for at := id; at < n && next[at] != 0; {
			at, next[at] = next[at], 0
		}
	}
	return 0
}
