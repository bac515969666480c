package btf

import "strconv"

// TypeID is the number of a type within one [BTF]. 0 is void.
type TypeID uint32

// Kind is the kind of a type. The values are the BTF_KIND_* constants of linux/btf.h.
type Kind uint8

// The kinds of types.
const (
	KindVoid      Kind = 0
	KindInt       Kind = 1
	KindPtr       Kind = 2
	KindArray     Kind = 3
	KindStruct    Kind = 4
	KindUnion     Kind = 5
	KindEnum      Kind = 6 // up to 32 bits
	KindFwd       Kind = 7
	KindTypedef   Kind = 8
	KindVolatile  Kind = 9
	KindConst     Kind = 10
	KindRestrict  Kind = 11
	KindFunc      Kind = 12 // kernel 5.0
	KindFuncProto Kind = 13 // kernel 5.0
	KindVar       Kind = 14 // kernel 5.2
	KindDatasec   Kind = 15 // kernel 5.2
	KindFloat     Kind = 16 // kernel 5.13
	KindDeclTag   Kind = 17 // kernel 5.16
	KindTypeTag   Kind = 18 // kernel 5.17
	KindEnum64    Kind = 19 // kernel 6.0
)

var kindNames = [...]string{
	KindVoid:      "void",
	KindInt:       "int",
	KindPtr:       "ptr",
	KindArray:     "array",
	KindStruct:    "struct",
	KindUnion:     "union",
	KindEnum:      "enum",
	KindFwd:       "fwd",
	KindTypedef:   "typedef",
	KindVolatile:  "volatile",
	KindConst:     "const",
	KindRestrict:  "restrict",
	KindFunc:      "func",
	KindFuncProto: "func_proto",
	KindVar:       "var",
	KindDatasec:   "datasec",
	KindFloat:     "float",
	KindDeclTag:   "decl_tag",
	KindTypeTag:   "type_tag",
	KindEnum64:    "enum64",
}

// String is the kind's name in lower case, such as "struct" or "func_proto".
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "kind " + strconv.Itoa(int(k))
}

// Type is one type of a [BTF]: a [Void], [Int], [Float], [Ptr], [Array], [Composite], [Enum], [Fwd], [Typedef],
// [Modifier], [Func], [FuncProto], [Var], [Datasec], [DeclTag] or [Unknown], always as a pointer.
type Type interface {
	// ID is the type's number in the BTF that it was read from.
	ID() TypeID
	// Kind is the type's kind.
	Kind() Kind
	// Name is the type's name without the keyword: "task_struct", not "struct task_struct". It is empty for
	// anonymous types and for kinds that have no name.
	Name() string
}

type header struct {
	id   TypeID
	kind Kind
	name string
}

func (h *header) ID() TypeID   { return h.id }
func (h *header) Kind() Kind   { return h.kind }
func (h *header) Name() string { return h.name }

// Void is the absence of a type. It has the number 0 in every BTF.
type Void struct{ header }

// Int is an integer, character or boolean type.
type Int struct {
	header
	Size   uint32 // in bytes
	Bits   uint8  // number of used bits; less than 8*Size for bit fields of old compilers
	Offset uint8  // of the first used bit
	Signed bool
	Char   bool
	Bool   bool
}

// Float is a floating-point type.
type Float struct {
	header
	Size uint32 // in bytes
}

// Ptr is a pointer.
type Ptr struct {
	header
	Target TypeID
}

// Array is an array with a fixed length. The length is 0 for a flexible array member.
type Array struct {
	header
	Elem  TypeID
	Index TypeID
	Len   uint32
}

// Composite is a struct or a union: see Kind.
type Composite struct {
	header
	Size    uint32 // in bytes
	Members []Member
}

// Member is a member of a [Composite].
type Member struct {
	Name         string // empty for an anonymous struct or union, whose members belong to the outer one
	Type         TypeID
	BitOffset    uint32 // from the start of the composite, in bits
	BitfieldSize uint32 // in bits; 0 if the member is not a bit field
}

// Enum is an enumeration of any width: its Kind is KindEnum or KindEnum64.
type Enum struct {
	header
	Size uint32 // in bytes
	// Signed tells whether values are signed. Compilers before LLVM 16 do not record it: it is then false.
	Signed bool
	Values []EnumValue
}

// EnumValue is an enumerator. If the enum is not signed, Value holds the bits of a uint64.
type EnumValue struct {
	Name  string
	Value int64
}

// Fwd is a struct or union that is declared but not defined.
type Fwd struct {
	header
	Union bool
}

// Typedef is another name for a type.
type Typedef struct {
	header
	Target TypeID
}

// Modifier is a type with const, volatile, restrict or a type tag: see Kind. Only a type tag has a name.
type Modifier struct {
	header
	Target TypeID
	// Attr says that the name of a type tag is that of any attribute, and not only the text of a btf_type_tag.
	Attr bool
}

// Linkage says where a function or variable is visible. The values are those of enum btf_func_linkage and of BTF_VAR_*
// in linux/btf.h.
type Linkage uint32

// The linkages.
const (
	LinkageStatic Linkage = 0
	LinkageGlobal Linkage = 1
	LinkageExtern Linkage = 2
)

// Func is a function. Proto is its prototype, a [FuncProto].
type Func struct {
	header
	Proto   TypeID
	Linkage Linkage
}

// FuncProto is the prototype of a function: its parameters and its result.
type FuncProto struct {
	header
	Return TypeID
	Params []Param // if the last one has type 0, it is "..."
}

// Param is a parameter of a [FuncProto].
type Param struct {
	Name string
	Type TypeID
}

// Var is a variable. The [Datasec] that lists it has its location.
type Var struct {
	header
	Type    TypeID
	Linkage Linkage
}

// Datasec is a section of data, such as ".rodata", with its variables. libbpf sets the offsets and sizes when it opens
// a BPF object. Before that, they are 0.
type Datasec struct {
	header
	Size uint32 // in bytes
	Vars []DatasecVar
}

// DatasecVar is the location of a variable in its [Datasec].
type DatasecVar struct {
	Type   TypeID // of the Var
	Offset uint32 // in bytes
	Size   uint32 // in bytes
}

// DeclTag is a string that the source attaches to a declaration (btf_decl_tag). The string is its name.
type DeclTag struct {
	header
	Target TypeID
	// Component is the number of the tagged member or parameter of the target, or -1 for the whole target.
	Component int
	// Attr says that the name is that of any attribute, and not only the text of a btf_decl_tag.
	Attr bool
}

// Unknown is a type of a kind that this package does not know.
type Unknown struct{ header }
