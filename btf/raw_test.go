package btf

import "encoding/binary"

// rawTypes writes type information in its raw form, valid or not.
type rawTypes struct {
	types     []uint32
	names     []byte
	firstName int // the length of the base's names
}

func newRaw() *rawTypes { return &rawTypes{names: []byte{0}} }

func (b *rawTypes) name(s string) uint32 {
	if s == "" {
		return 0
	}
	off := b.firstName + len(b.names)
	b.names = append(append(b.names, s...), 0)
	return uint32(off)
}

// add appends a type: its name, its kind, the number of entries, the size or the type that it refers to, and the
// entries.
func (b *rawTypes) add(name string, kind Kind, vlen int, sizeOrType uint32, rest ...uint32) {
	b.types = append(b.types, b.name(name), uint32(kind)<<24|uint32(vlen), sizeOrType)
	b.types = append(b.types, rest...)
}

const kflag = 1 << 7 // added to a kind, the kind_flag of the info word

func (b *rawTypes) bytes() []byte {
	order := binary.NativeEndian
	var raw []byte
	raw = order.AppendUint16(raw, 0xeb9f)
	raw = append(raw, 1, 0)
	for _, v := range []int{24, 0, 4 * len(b.types), 4 * len(b.types), len(b.names)} {
		raw = order.AppendUint32(raw, uint32(v))
	}
	for _, v := range b.types {
		raw = order.AppendUint32(raw, v)
	}
	return append(raw, b.names...)
}

// everyKind has one type of each kind, and types of different kinds with the same name.
func everyKind() *rawTypes {
	b := newRaw()
	b.add("int", KindInt, 0, 4, 1<<24|32)
	b.add("", KindPtr, 0, 7)
	b.add("", KindArray, 0, 0, 1, 1, 5)
	b.add("twin", KindTypedef, 0, 7)
	b.add("twin", KindUnion, 2, 8, b.name("a"), 1, 0, b.name("p"), 2, 0)
	b.add("color", KindEnum|kflag, 2, 4, b.name("RED"), 0, b.name("GREEN"), 0xffffffff)
	b.add("twin", KindStruct|kflag, 4, 40,
		b.name("first"), 1, 0, b.name("bits"), 1, 3<<24|32, b.name("more"), 1, 5<<24|35, b.name("arr"), 3, 64)
	b.add("gone", KindFwd|kflag, 0, 0)
	b.add("", KindVolatile, 0, 1)
	b.add("", KindConst, 0, 9)
	b.add("", KindRestrict, 0, 2)
	b.add("call", KindFunc, 1, 13)
	b.add("", KindFuncProto, 2, 1, b.name("x"), 1, 0, 0)
	b.add("counter", KindVar, 0, 10, 1)
	b.add(".data", KindDatasec, 1, 8, 14, 4, 4)
	b.add("double", KindFloat, 0, 8)
	b.add("bpf_kfunc", KindDeclTag, 0, 12, 0xffffffff)
	b.add("user", KindTypeTag, 0, 1)
	b.add("wide", KindEnum64, 2, 8, b.name("LOW"), 1, 0, b.name("HIGH"), 0, 1<<31)
	return b
}
