package decode

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"sync"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/internal/fault"
	"github.com/libbpf-go/libbpf-go/internal/place"
)

// Types makes types of a BTF ready. It and the types that it makes are safe for concurrent use.
type Types struct {
	// ByteOrder is the byte order of the data. It begins as that of the BTF. Types keep the order that they were made
	// with: set it before.
	ByteOrder binary.ByteOrder

	btf *btf.BTF

	mu    sync.Mutex
	nodes map[btf.TypeID]*node // nil while a type is being made
	depth int
	tags  map[tagged]string
}

// tagged is a member, or with component -1 a whole type, that may carry a btf_decl_tag.
type tagged struct {
	id        btf.TypeID
	component int
}

// Tags that tell how the values of several CPUs become one. Without a tag they are added up.
const (
	tagMax = "bpfgo:max"
	tagMin = "bpfgo:min"
)

// NewTypes returns the Types of b, which must stay open as long as types are made ready, searched for parts, and set.
//
// errors.Is: [btf.ErrClosed].
func NewTypes(b *btf.BTF) (*Types, error) {
	t := &Types{btf: b, ByteOrder: b.ByteOrder(), nodes: map[btf.TypeID]*node{}, tags: map[tagged]string{}}
	var err error
	for typ := range b.Types(&err) {
		if tag, ok := typ.(*btf.DeclTag); ok && (tag.Name() == tagMax || tag.Name() == tagMin) {
			t.tags[tagged{tag.Target, tag.Component}] = tag.Name()
		}
	}
	if err != nil {
		return nil, err
	}
	return t, nil
}

// Bounds that keep types that are made up from costing more than real ones.
const (
	maxDepth  = 64
	maxLeaves = 1 << 20 // numbers, strings and so on in a value

	// maxSize is in bytes. An int counts the bits of twice as many: of a place, and of what is there.
	maxSize = min(1<<31, math.MaxInt/16)
)

// Kind is the kind of a value.
type Kind uint8

// The kinds of values.
const (
	KindMissing Kind = iota // the data ends before the value
	KindInt
	KindBool
	KindChar   // an integer that is a character
	KindString // an array of characters
	KindEnum
	KindPtr
	KindFloat
	KindBig    // a number that is too large or too odd for 64 bits
	KindStruct // a struct, a union or a section of data
	KindArray
)

// node is a type without typedefs and qualifiers, with anonymous members made the outer type's own.
type node struct {
	kind    Kind
	size    int // in bytes
	signed  bool
	integer bool // of a KindBig: it is an integer
	union   bool
	values  []btf.EnumValue
	names   map[int64]string
	members []member
	elem    *node
	elemID  btf.TypeID // before typedefs and qualifiers were taken off
	length  int
	leaves  int
}

type member struct {
	name string
	id   btf.TypeID // before typedefs and qualifiers were taken off
	bit  int        // offset
	bits int        // width of a bit field; 0 for others
	tag  string
	last bool // in its struct, or a member of a union
	*node
}

// Type is a type that is ready, or a part of one: see [Type.Field]. A nil Type stands for one that is not known: its
// values are shown in hexadecimal.
//
// Its methods read data, which is a value of the whole type. They never change it, except those whose names begin with
// Set.
type Type struct {
	types *Types
	id    btf.TypeID
	name  string // of the type
	path  string // of the part, or the name of a variable; for errors
	at    field
}

// Type makes the type of that number ready. A variable has the values of its type, and a section of data those of its
// variables.
//
// errors.Is: unix.EINVAL for a type that has no values, such as a function, or unreasonable ones; [btf.ErrNotFound],
// [btf.ErrClosed].
func (t *Types) Type(id btf.TypeID) (*Type, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	root, err := t.node(id)
	if err != nil {
		return nil, err
	}
	typ, err := t.btf.TypeByID(id)
	if err != nil {
		return nil, err
	}
	at := field{node: root, order: place.OrderOf(t.ByteOrder), tail: true}
	return &Type{types: t, id: id, name: typ.Name(), path: "value", at: at}, nil
}

// Named makes the type of that name ready: a struct, a union, a typedef, an enum, an integer or a float, in this order
// where several have the name. The keyword may be in front: "struct event".
//
// errors.Is: as for [Types.Type].
func (t *Types) Named(name string) (*Type, error) {
	typ, err := place.Named(t.btf, name, btf.KindStruct, btf.KindUnion, btf.KindTypedef, btf.KindEnum, btf.KindEnum64,
		btf.KindInt, btf.KindFloat)
	if err != nil {
		return nil, err
	}
	return t.Type(typ.ID())
}

// Name is the name of the type without the keyword. It is empty for a type without a name.
func (t *Type) Name() string {
	if t == nil {
		return ""
	}
	return t.name
}

// Size is the size of a value in bytes, without a flexible array at its end. It is 0 for an unknown type.
func (t *Type) Size() int {
	if t == nil {
		return 0
	}
	return t.at.size
}

// Kind is the kind of values, KindMissing for an unknown type.
func (t *Type) Kind() Kind {
	if t == nil {
		return KindMissing
	}
	return t.at.kind
}

// ID is the type's number in its BTF, 0 for an unknown type.
func (t *Type) ID() btf.TypeID {
	if t == nil {
		return 0
	}
	return t.id
}

func (t *Types) node(id btf.TypeID) (*node, error) {
	if n, ok := t.nodes[id]; ok {
		if n == nil {
			return nil, fault.Invalidf("type %d contains itself", id)
		}
		return n, nil
	}
	t.depth++
	defer func() { t.depth-- }()
	if t.depth > maxDepth {
		return nil, fault.Invalidf("type %d is nested too deep", id)
	}
	t.nodes[id] = nil
	n, err := t.make(id)
	switch {
	case err != nil:
	case uint(n.size) > maxSize: // or negative, which large ones are in a 32-bit program
		err = fault.Invalidf("type %d is too large", id)
	}
	if err != nil {
		delete(t.nodes, id)
		return nil, err
	}
	t.nodes[id] = n
	return n, nil
}

func (t *Types) make(id btf.TypeID) (*node, error) {
	typ, err := t.btf.Resolve(id)
	if err != nil {
		return nil, err
	}
	switch typ := typ.(type) {
	case *btf.Int:
		return makeInt(typ), nil
	case *btf.Ptr:
		return &node{kind: KindPtr, size: t.btf.PointerSize(), leaves: 1}, nil
	case *btf.Float:
		n := &node{kind: KindFloat, size: int(typ.Size), leaves: 1}
		if n.size != 4 && n.size != 8 {
			n.kind = KindBig
		}
		return n, nil
	case *btf.Enum:
		return makeEnum(typ), nil
	case *btf.Array:
		return t.makeArray(typ)
	case *btf.Composite:
		return t.makeComposite(typ)
	case *btf.Datasec:
		return t.makeDatasec(typ)
	default:
		return nil, fault.Invalidf("type %d, of kind %s, has no values", id, typ.Kind())
	}
}

func makeInt(typ *btf.Int) *node {
	n := &node{kind: KindInt, size: int(typ.Size), signed: typ.Signed, leaves: 1}
	switch {
	case n.size > 8 || n.size == 0:
		n.kind, n.integer = KindBig, n.size != 0
	case typ.Bool:
		n.kind = KindBool
	case n.size == 1 && (typ.Char || typ.Name() == "char"):
		n.kind = KindChar
	}
	return n
}

func makeEnum(typ *btf.Enum) *node {
	n := &node{kind: KindEnum, size: int(typ.Size), signed: typ.Signed, leaves: 1, values: typ.Values}
	if n.size > 8 || n.size == 0 {
		n.kind = KindBig
		return n
	}
	n.names = make(map[int64]string, len(typ.Values))
	for _, v := range typ.Values {
		if _, ok := n.names[v.Value]; !ok {
			n.names[v.Value] = v.Name
		}
	}
	return n
}

func (t *Types) makeArray(typ *btf.Array) (*node, error) {
	elem, err := t.node(typ.Elem)
	if err != nil {
		return nil, err
	}
	n := &node{kind: KindArray, elem: elem, elemID: typ.Elem, length: int(typ.Len)}
	size := uint64(elem.size) * uint64(typ.Len)
	leaves := uint64(max(elem.leaves, 1)) * uint64(typ.Len)
	if elem.kind == KindChar {
		n.kind = KindString
		leaves = 1 + uint64(typ.Len)/16
	}
	if leaves > maxLeaves || size > maxSize {
		return nil, fault.Invalidf("array of %d elements is too large", typ.Len)
	}
	n.size, n.leaves = int(size), int(leaves)
	return n, nil
}

func (t *Types) makeComposite(typ *btf.Composite) (*node, error) {
	n := &node{kind: KindStruct, size: int(typ.Size), union: typ.Kind() == btf.KindUnion}
	for i, m := range typ.Members {
		of, err := t.node(m.Type)
		if err != nil {
			return nil, fmt.Errorf("member %q: %w", m.Name, err)
		}
		bit, bits := int(m.BitOffset), int(m.BitfieldSize)
		last := typ.Kind() == btf.KindUnion || i == len(typ.Members)-1
		if bits == 0 {
			if bit, bits, err = t.oldBitField(m.Type, bit); err != nil {
				return nil, err
			}
		}
		switch {
		case bit < 0 || bit > 8*n.size-cmp.Or(bits, 8*of.size):
			return nil, fault.Invalidf("member %q at bit %d is not inside of its %d bytes", m.Name, m.BitOffset, typ.Size)
		case bits != 0 && m.Name == "":
			// A bit field without a name only fills a hole.
		case bits != 0 && (bits > 64 || of.kind >= KindPtr):
			return nil, fault.Invalidf("member %q: bit field of %d bits and an odd type", m.Name, bits)
		case m.Name == "" && of.kind == KindStruct:
			n.union = n.union || of.union
			for _, inner := range of.members {
				inner.bit += bit
				inner.last = inner.last && last
				n.members = append(n.members, inner)
				n.leaves += inner.leaves
			}
		default:
			n.members = append(n.members,
				member{m.Name, m.Type, bit, bits, t.tags[tagged{typ.ID(), i}], last, of})
			n.leaves += max(of.leaves, 1)
		}
		if n.leaves > maxLeaves {
			return nil, fault.Invalidf("type %d has too many parts", typ.ID())
		}
	}
	return n, nil
}

// oldBitField finds bit fields as compilers described them before BTF could do so in the struct: by an integer type
// that is wider than what it uses.
func (t *Types) oldBitField(id btf.TypeID, bit int) (offset, bits int, err error) {
	typ, err := t.btf.Resolve(id)
	if err != nil {
		return 0, 0, err
	}
	if i, ok := typ.(*btf.Int); ok && uint32(i.Bits) < 8*i.Size {
		return bit + int(i.Offset), int(i.Bits), nil
	}
	return bit, 0, nil
}

func (t *Types) makeDatasec(typ *btf.Datasec) (*node, error) {
	n := &node{kind: KindStruct, size: int(typ.Size)}
	for _, v := range typ.Vars {
		if v.Offset > maxSize {
			return nil, fault.Invalidf("section %s has a variable at byte %d", typ.Name(), v.Offset)
		}
		variable, err := t.btf.TypeByID(v.Type)
		if err != nil {
			return nil, err
		}
		of, err := t.node(v.Type)
		if err != nil {
			return nil, fmt.Errorf("variable %q: %w", variable.Name(), err)
		}
		n.members = append(n.members, member{name: variable.Name(), id: v.Type, bit: 8 * int(v.Offset), node: of})
		if n.leaves += max(of.leaves, 1); n.leaves > maxLeaves {
			return nil, fault.Invalidf("section %s has too many parts", typ.Name())
		}
	}
	return n, nil
}
