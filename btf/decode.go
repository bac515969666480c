package btf

import "slices"

// The offsets of the fields of struct btf_type, in 32-bit words.
const (
	wordName   = 0
	wordInfo   = 1
	wordSize   = 2 // size, or the type that it refers to
	wordsFixed = 3
)

// typeWords is the size, in 32-bit words, of a type with that info word. libbpf has checked that the words exist.
func typeWords(info uint32) int {
	vlen := int(info & 0xffff)
	switch Kind(info >> 24 & 0x1f) {
	case KindInt, KindVar, KindDeclTag:
		return wordsFixed + 1
	case KindArray:
		return wordsFixed + 3
	case KindStruct, KindUnion, KindDatasec, KindEnum64:
		return wordsFixed + 3*vlen
	case KindEnum, KindFuncProto:
		return wordsFixed + 2*vlen
	default:
		return wordsFixed
	}
}

// decodeType decodes a struct btf_type and the words that follow it. name returns the string at an offset.
func decodeType(id TypeID, w []uint32, name func(off uint32) (string, error)) (Type, error) {
	info := w[wordInfo]
	kind, kflag := Kind(info>>24&0x1f), info>>31 != 0
	target, size := TypeID(w[wordSize]), w[wordSize]
	rest := w[wordsFixed:]

	n, err := name(w[wordName])
	if err != nil {
		return nil, err
	}
	h := header{id: id, kind: kind, name: n}

	switch kind {
	case KindVoid:
		return &Void{h}, nil
	case KindInt:
		enc := rest[0]
		return &Int{
			header: h,
			Size:   size,
			Bits:   uint8(enc),
			Offset: uint8(enc >> 16),
			Signed: enc>>24&1 != 0,
			Char:   enc>>24&2 != 0,
			Bool:   enc>>24&4 != 0,
		}, nil
	case KindFloat:
		return &Float{h, size}, nil
	case KindPtr:
		return &Ptr{h, target}, nil
	case KindArray:
		return &Array{header: h, Elem: TypeID(rest[0]), Index: TypeID(rest[1]), Len: rest[2]}, nil
	case KindStruct, KindUnion:
		c := &Composite{header: h, Size: size, Members: make([]Member, 0, len(rest)/3)}
		for m := range slices.Chunk(rest, 3) {
			n, err := name(m[0])
			if err != nil {
				return nil, err
			}
			member := Member{Name: n, Type: TypeID(m[1]), BitOffset: m[2]}
			if kflag {
				member.BitOffset, member.BitfieldSize = m[2]&0xffffff, m[2]>>24
			}
			c.Members = append(c.Members, member)
		}
		return c, nil
	case KindEnum:
		e := &Enum{header: h, Size: size, Signed: kflag, Values: make([]EnumValue, 0, len(rest)/2)}
		for v := range slices.Chunk(rest, 2) {
			n, err := name(v[0])
			if err != nil {
				return nil, err
			}
			value := int64(v[1])
			if kflag {
				value = int64(int32(v[1]))
			}
			e.Values = append(e.Values, EnumValue{n, value})
		}
		return e, nil
	case KindEnum64:
		e := &Enum{header: h, Size: size, Signed: kflag, Values: make([]EnumValue, 0, len(rest)/3)}
		for v := range slices.Chunk(rest, 3) {
			n, err := name(v[0])
			if err != nil {
				return nil, err
			}
			e.Values = append(e.Values, EnumValue{n, int64(uint64(v[2])<<32 | uint64(v[1]))})
		}
		return e, nil
	case KindFwd:
		return &Fwd{h, kflag}, nil
	case KindTypedef:
		return &Typedef{h, target}, nil
	case KindVolatile, KindConst, KindRestrict, KindTypeTag:
		return &Modifier{h, target, kind == KindTypeTag && kflag}, nil
	case KindFunc:
		return &Func{h, target, Linkage(info & 0xffff)}, nil
	case KindFuncProto:
		p := &FuncProto{header: h, Return: target, Params: make([]Param, 0, len(rest)/2)}
		for v := range slices.Chunk(rest, 2) {
			n, err := name(v[0])
			if err != nil {
				return nil, err
			}
			p.Params = append(p.Params, Param{n, TypeID(v[1])})
		}
		return p, nil
	case KindVar:
		return &Var{h, target, Linkage(rest[0])}, nil
	case KindDatasec:
		s := &Datasec{header: h, Size: size, Vars: make([]DatasecVar, 0, len(rest)/3)}
		for v := range slices.Chunk(rest, 3) {
			s.Vars = append(s.Vars, DatasecVar{TypeID(v[0]), v[1], v[2]})
		}
		return s, nil
	case KindDeclTag:
		return &DeclTag{h, target, int(int32(rest[0])), kflag}, nil
	default:
		return &Unknown{h}, nil
	}
}

// references are the numbers of the types to which a type's definition refers.
func references(t Type) []TypeID {
	switch t := t.(type) {
	case *Ptr:
		return []TypeID{t.Target}
	case *Typedef:
		return []TypeID{t.Target}
	case *Modifier:
		return []TypeID{t.Target}
	case *Var:
		return []TypeID{t.Type}
	case *DeclTag:
		return []TypeID{t.Target}
	case *Func:
		return []TypeID{t.Proto}
	case *Array:
		return []TypeID{t.Elem, t.Index}
	case *Composite:
		ids := make([]TypeID, len(t.Members))
		for i, m := range t.Members {
			ids[i] = m.Type
		}
		return ids
	case *FuncProto:
		ids := []TypeID{t.Return}
		for _, p := range t.Params {
			ids = append(ids, p.Type)
		}
		return ids
	case *Datasec:
		ids := make([]TypeID, len(t.Vars))
		for i, v := range t.Vars {
			ids[i] = v.Type
		}
		return ids
	default:
		return nil
	}
}
