package btf

import (
	"encoding/binary"
	"fmt"
	"math"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/fault"
	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// Builder makes type information: it adds types to a list, and makes a [BTF] of it.
//
//	b := btf.NewBuilder()
//	defer b.Close()
//	number := b.AddInt("int", 4, btf.IntSigned)
//	b.AddStruct("point", 8, btf.Member{Name: "x", Type: number}, btf.Member{Name: "y", Type: number, BitOffset: 32})
//	types, err := b.BTF()
//
// The methods that add a type return its number. They may refer to types that are added later: [Builder.NextID] is the
// number of the next one. The first error ends the building: from then on, methods that add return 0 and do nothing.
// Err, BTF and Raw return the error.
//
// A Builder is safe for concurrent use, but the numbers depend on the order of the calls.
type Builder struct {
	mu          sync.Mutex
	c           *cBTF // nil after Close
	base        *BTF  // the Builder has a use of it
	ownBase     []*cBTF
	order       binary.ByteOrder
	pointerSize int // 0 if it is not known
	err         error
}

// NewBuilder returns a Builder without types (btf__new_empty). Close frees it.
func NewBuilder() *Builder {
	b := &Builder{}
	b.do("begin", func() error { return b.replace(nil) })
	return b
}

// NewSplitBuilder returns a Builder without types, whose types refer to those of base and have the numbers after them
// (btf__new_empty_split). Close frees it. If base is closed, Err returns [ErrClosed]; [Builder.BTF] needs an open base
// too.
//
// libbpf changes the base while it adds types to a split BTF. So the Builder copies it.
func NewSplitBuilder(base *BTF) *Builder {
	b := &Builder{}
	b.do("begin", func() error {
		if err := b.setBase(base); err != nil {
			return err
		}
		return b.replace(nil)
	})
	return b
}

// Builder returns a Builder that begins with a copy of b's types, with the same numbers, the same base and the same
// byte order. Close frees it. If b or its base is closed, Err of the Builder returns [ErrClosed].
func (b *BTF) Builder() *Builder {
	n := &Builder{}
	n.do("begin", func() error {
		if err := b.acquire(); err != nil {
			return err
		}
		defer b.h.Drop()
		if b.base != nil {
			if err := n.setBase(b.base); err != nil {
				return err
			}
		}
		raw, err := b.raw()
		if err != nil {
			return err
		}
		n.order, n.pointerSize = b.order, b.pointerSize
		return n.replace(raw)
	})
	return n
}

// do runs an operation, unless there was an error. The error of the operation becomes that of the Builder.
func (b *Builder) do(op string, f func() error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.locked(op, f)
}

func (b *Builder) locked(op string, f func() error) {
	if b.err != nil {
		return
	}
	if err := f(); err != nil {
		b.err = fmt.Errorf("btf: %s: %w", op, err)
	}
}

// setBase replaces the base, and makes copies of it and its bases.
func (b *Builder) setBase(base *BTF) error {
	var copies []*cBTF
	free := func() {
		for _, c := range copies {
			freeBTF(c)
		}
	}
	if err := base.acquire(); err != nil {
		return fmt.Errorf("the base: %w", err)
	}
	var chain []*BTF // from base down
	for at := base; at != nil; at = at.base {
		chain = append(chain, at)
	}
	for i := len(chain) - 1; i >= 0; i-- {
		var below *cBTF
		if len(copies) > 0 {
			below = copies[0]
		}
		c, err := chain[i].copyOn(below)
		if err != nil {
			free()
			base.h.Drop()
			return fmt.Errorf("copy the base: %w", err)
		}
		copies = append([]*cBTF{c}, copies...)
	}
	b.dropBase()
	b.base, b.ownBase, b.order, b.pointerSize = base, copies, base.order, base.pointerSize
	return nil
}

func (b *Builder) dropBase() {
	for _, c := range b.ownBase {
		freeBTF(c)
	}
	if b.base != nil {
		b.base.h.Drop()
	}
	b.base, b.ownBase = nil, nil
}

func (b *Builder) cBase() *cBTF {
	if len(b.ownBase) == 0 {
		return nil
	}
	return b.ownBase[0]
}

// copyOn makes a copy of the types in C, on another copy of the base.
func (b *BTF) copyOn(base *cBTF) (*cBTF, error) {
	raw, err := b.raw()
	if err != nil {
		return nil, err
	}
	return newC(func(ret *cInt) *cBTF { return parseRaw(raw, base, ret) })
}

// replace replaces the types by those of a raw form, or by none. The base stays.
func (b *Builder) replace(raw []byte) error {
	c, err := newC(func(ret *cInt) *cBTF {
		if raw == nil {
			return newEmpty(b.cBase(), ret)
		}
		return parseRaw(raw, b.cBase(), ret)
	})
	if err != nil {
		return err
	}
	if err := trustOrCheck(c); err != nil {
		freeBTF(c)
		return err
	}
	if b.c != nil {
		freeBTF(b.c)
	}
	b.c = c
	if b.order != nil {
		setByteOrder(c, b.order)
	}
	b.order = byteOrder(c)
	return nil
}

// Close frees the types. What [Builder.BTF] returned stays. Close is idempotent.
func (b *Builder) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.c != nil {
		freeBTF(b.c)
		b.c = nil
	}
	b.dropBase()
	b.err = ErrClosed
	return nil
}

// Err returns the first error, or [ErrClosed] after Close.
func (b *Builder) Err() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err
}

// NumTypes is the number of types, with those of the base and without void (btf__type_cnt). It is 0 after Close.
func (b *Builder) NumTypes() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.c == nil {
		return 0
	}
	return numTypes(b.c)
}

// NextID is the number that the next type gets.
func (b *Builder) NextID() TypeID { return TypeID(b.NumTypes() + 1) }

// nativeOrder is this machine's byte order.
var nativeOrder = func() binary.ByteOrder {
	if binary.NativeEndian.Uint16([]byte{1, 0}) == 1 {
		return binary.LittleEndian
	}
	return binary.BigEndian
}()

// SetByteOrder sets the byte order of Raw and BTF (btf__set_endianness): [binary.LittleEndian] or [binary.BigEndian].
// The default is that of this machine or, if there is a base, of the base.
func (b *Builder) SetByteOrder(order binary.ByteOrder) {
	b.do("set the byte order", func() error {
		switch order {
		case binary.LittleEndian, binary.BigEndian:
			setByteOrder(b.c, order)
			b.order = order
			return nil
		default:
			return fault.Invalidf("%v is neither binary.LittleEndian nor binary.BigEndian", order)
		}
	})
}

// Raw returns the types in the form that [ParseRaw] and [ParseRawSplit] read (btf__raw_data). It does not check that
// the types to which they refer exist: see [Builder.BTF].
//
// errors.Is: the error of [Builder.Err], unix.ENOMEM.
func (b *Builder) Raw() ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.raw()
}

func (b *Builder) raw() ([]byte, error) {
	if b.err != nil {
		return nil, b.err
	}
	raw := rawData(b.c)
	if raw == nil {
		return nil, fmt.Errorf("btf: raw data: %w", unix.ENOMEM)
	}
	return append([]byte(nil), raw...), nil
}

// BTF returns the types as a [BTF]; the caller closes it. It is a copy: the Builder can go on.
//
// errors.Is: the error of [Builder.Err]; unix.EINVAL if a type refers to one that does not exist; [ErrClosed] if the
// base is closed.
func (b *Builder) BTF() (*BTF, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	raw, err := b.raw()
	if err != nil {
		return nil, err
	}
	var made *BTF
	if b.base != nil {
		made, err = ParseRawSplit(raw, b.base)
	} else {
		made, err = ParseRaw(raw)
	}
	if err != nil {
		return nil, err
	}
	if err := checkNumbers(made.c); err != nil {
		_ = made.Close()
		return nil, fmt.Errorf("btf: make a BTF: %w", err)
	}
	made.what = "a Builder"
	if b.pointerSize != 0 {
		made.setPointerSize(b.pointerSize)
	}
	return made, nil
}

// FindString returns the offset of a string in the string section (btf__find_str).
//
// errors.Is: [ErrNotFound], the error of [Builder.Err].
func (b *Builder) FindString(s string) (uint32, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return 0, b.err
	}
	var c cArgs
	defer c.Free()
	p := c.Of("string", s)
	if c.Err == nil {
		if off := findString(b.c, p); off >= 0 {
			return uint32(off), nil
		}
	}
	return 0, fmt.Errorf("btf: the string %q: %w", s, ErrNotFound)
}

// AddString adds a string to the string section, if it is not in it, and returns its offset (btf__add_str). Names of
// types are added with the types.
func (b *Builder) AddString(s string) uint32 {
	var off cInt
	b.do(fmt.Sprintf("add the string %q", s), func() error {
		var c cArgs
		defer c.Free()
		p := c.Of("string", s)
		if c.Err != nil {
			return c.Err
		}
		off = addString(b.c, p)
		return clib.FromRet(int(off))
	})
	return uint32(max(off, 0))
}

// add adds a type of that kind and name. f calls libbpf, which returns the type's number. parts, if there are some, are
// what follows the type: each calls libbpf too.
func (b *Builder) add(kind Kind, name string, f func(c *cArgs) cInt, parts ...part) TypeID {
	b.mu.Lock()
	defer b.mu.Unlock()
	var id cInt
	b.locked(describe("add "+kind.String(), name), func() error {
		// libbpf does not check it: the number would run over into the type's kind.
		if len(parts) > math.MaxUint16 {
			return fault.Invalidf("it has %d parts, and BTF allows %d", len(parts), math.MaxUint16)
		}
		var c cArgs
		defer c.Free()
		err := saying(func() error {
			if id = f(&c); c.Err != nil {
				return c.Err
			}
			return clib.FromRet(int(id))
		})
		if err != nil {
			return err
		}
		for _, p := range parts {
			if err := p.add(b.c); err != nil {
				return fmt.Errorf("%s: %w", describe(p.what, p.name), err)
			}
		}
		return nil
	})
	if b.err != nil {
		return 0
	}
	return TypeID(id)
}

func describe(what, name string) string {
	if name == "" {
		return what
	}
	return what + " " + name
}

// part is what follows a type: a member, an enumerator, a parameter or a variable.
type part struct {
	what, name string
	call       func(b *cBTF, c *cArgs) cInt
}

func (p part) add(b *cBTF) error {
	var c cArgs
	defer c.Free()
	ret := p.call(b, &c)
	if c.Err != nil {
		return c.Err
	}
	return clib.FromRet(int(ret))
}

// IntEncoding says what an integer type is for. The values are the BTF_INT_* flags of linux/btf.h.
type IntEncoding uint8

// The encodings. 0 is an unsigned integer.
const (
	IntSigned IntEncoding = 1 << iota
	IntChar
	IntBool
)

// AddInt adds an integer type of 1, 2, 4, 8 or 16 bytes (btf__add_int, Linux 4.18).
func (b *Builder) AddInt(name string, size uint32, encoding IntEncoding) TypeID {
	return b.add(KindInt, name, func(c *cArgs) cInt { return addInt(b.c, c.Name("name", name), size, encoding) })
}

// AddFloat adds a floating-point type of 2, 4, 8, 12 or 16 bytes (btf__add_float, Linux 5.13).
func (b *Builder) AddFloat(name string, size uint32) TypeID {
	return b.add(KindFloat, name, func(c *cArgs) cInt { return addFloat(b.c, c.Name("name", name), size) })
}

// AddPtr adds a pointer (btf__add_ptr, Linux 4.18).
func (b *Builder) AddPtr(target TypeID) TypeID {
	return b.add(KindPtr, "", func(*cArgs) cInt { return addReference(b.c, KindPtr, nil, target) })
}

// AddArray adds an array of n elements (btf__add_array, Linux 4.18). index is the type of an index: an integer.
func (b *Builder) AddArray(elem, index TypeID, n uint32) TypeID {
	return b.add(KindArray, "", func(*cArgs) cInt { return addArray(b.c, index, elem, n) })
}

// AddStruct adds a struct of that size in bytes, with its members (btf__add_struct, btf__add_field, Linux 4.18). The
// name may be empty. If one of the members is a bit field, the offset of each must be less than 1<<24 bits.
func (b *Builder) AddStruct(name string, size uint32, members ...Member) TypeID {
	return b.addComposite(KindStruct, name, size, members)
}

// AddUnion adds a union of that size in bytes, with its members, whose offset is 0 (btf__add_union, btf__add_field,
// Linux 4.18). The name may be empty.
func (b *Builder) AddUnion(name string, size uint32, members ...Member) TypeID {
	return b.addComposite(KindUnion, name, size, members)
}

func (b *Builder) addComposite(kind Kind, name string, size uint32, members []Member) TypeID {
	bitfields, far := false, false
	parts := make([]part, len(members))
	for i, m := range members {
		bitfields = bitfields || m.BitfieldSize != 0
		far = far || m.BitOffset >= 1<<24
		parts[i] = part{"member", m.Name, func(b *cBTF, c *cArgs) cInt {
			return addField(b, c.Optional("name", m.Name), m.Type, m.BitOffset, m.BitfieldSize)
		}}
	}
	return b.add(kind, name, func(c *cArgs) cInt {
		// libbpf checks it for the bit fields only: it would take the offsets of the others for their sizes.
		if bitfields && far {
			c.Err = fault.Invalidf("it has bit fields, and a member that is more than 1<<24 bits away")
			return 0
		}
		return addComposite(b.c, kind, c.Optional("name", name), size)
	}, parts...)
}

// AddEnum adds an enum of 1, 2, 4 or 8 bytes, with its values, which have 32 bits (btf__add_enum, btf__add_enum_value,
// Linux 4.18). It is signed if a value is negative. The name may be empty.
func (b *Builder) AddEnum(name string, size uint32, values ...EnumValue) TypeID {
	parts := make([]part, len(values))
	for i, v := range values {
		parts[i] = part{"value", v.Name, func(b *cBTF, c *cArgs) cInt {
			return addEnumValue(b, c.Name("name", v.Name), v.Value)
		}}
	}
	return b.add(KindEnum, name, func(c *cArgs) cInt { return addEnum(b.c, c.Optional("name", name), size) }, parts...)
}

// AddEnum64 adds an enum of 1, 2, 4 or 8 bytes, with its values, which have 64 bits (btf__add_enum64,
// btf__add_enum64_value, Linux 6.0). The name may be empty.
func (b *Builder) AddEnum64(name string, size uint32, signed bool, values ...EnumValue) TypeID {
	parts := make([]part, len(values))
	for i, v := range values {
		parts[i] = part{"value", v.Name, func(b *cBTF, c *cArgs) cInt {
			return addEnum64Value(b, c.Name("name", v.Name), uint64(v.Value))
		}}
	}
	return b.add(KindEnum64, name, func(c *cArgs) cInt {
		return addEnum64(b.c, c.Optional("name", name), size, signed)
	}, parts...)
}

// AddFwd adds a struct or union that is declared but not defined: kind is KindStruct or KindUnion (btf__add_fwd, Linux
// 4.18). For KindEnum it adds an enum without values.
func (b *Builder) AddFwd(name string, kind Kind) TypeID {
	return b.add(KindFwd, name, func(c *cArgs) cInt {
		switch kind {
		case KindStruct, KindUnion, KindEnum:
			return addFwd(b.c, c.Name("name", name), kind)
		default:
			c.Err = fault.Invalidf("a %s can't be declared in advance", kind)
			return 0
		}
	})
}

// AddTypedef adds another name for a type (btf__add_typedef, Linux 4.18).
func (b *Builder) AddTypedef(name string, target TypeID) TypeID {
	return b.add(KindTypedef, name, func(c *cArgs) cInt {
		return addReference(b.c, KindTypedef, c.Name("name", name), target)
	})
}

// AddVolatile adds a type with volatile (btf__add_volatile, Linux 4.18).
func (b *Builder) AddVolatile(target TypeID) TypeID {
	return b.add(KindVolatile, "", func(*cArgs) cInt { return addReference(b.c, KindVolatile, nil, target) })
}

// AddConst adds a type with const (btf__add_const, Linux 4.18).
func (b *Builder) AddConst(target TypeID) TypeID {
	return b.add(KindConst, "", func(*cArgs) cInt { return addReference(b.c, KindConst, nil, target) })
}

// AddRestrict adds a type with restrict (btf__add_restrict, Linux 4.18).
func (b *Builder) AddRestrict(target TypeID) TypeID {
	return b.add(KindRestrict, "", func(*cArgs) cInt { return addReference(b.c, KindRestrict, nil, target) })
}

// AddTypeTag adds a type with a tag (btf__add_type_tag, Linux 5.17): the source has
// __attribute__((btf_type_tag("tag"))).
func (b *Builder) AddTypeTag(tag string, target TypeID) TypeID {
	return b.add(KindTypeTag, tag, func(c *cArgs) cInt {
		return addReference(b.c, KindTypeTag, c.Name("tag", tag), target)
	})
}

// AddTypeAttr adds a type with any attribute (btf__add_type_attr, Linux 6.15): the source has __attribute__((attr)).
//
// errors.Is: [errors.ErrUnsupported] before libbpf 1.6.
func (b *Builder) AddTypeAttr(attr string, target TypeID) TypeID {
	return b.add(KindTypeTag, attr, func(c *cArgs) cInt {
		if c.Err = clib.Needs("btf__add_type_attr", 1, 6); c.Err != nil {
			return 0
		}
		return addTypeAttr(b.c, c.Name("attribute", attr), target)
	})
}

// AddFunc adds a function (btf__add_func, Linux 5.0). proto is its prototype, of [Builder.AddFuncProto].
func (b *Builder) AddFunc(name string, linkage Linkage, proto TypeID) TypeID {
	return b.add(KindFunc, name, func(c *cArgs) cInt { return addFunc(b.c, c.Name("name", name), linkage, proto) })
}

// AddFuncProto adds the prototype of a function (btf__add_func_proto, btf__add_func_param, Linux 5.0). ret is 0 for
// void. A last parameter of type 0 is "...".
func (b *Builder) AddFuncProto(ret TypeID, params ...Param) TypeID {
	parts := make([]part, len(params))
	for i, p := range params {
		parts[i] = part{"parameter", p.Name, func(b *cBTF, c *cArgs) cInt {
			return addParam(b, c.Optional("name", p.Name), p.Type)
		}}
	}
	return b.add(KindFuncProto, "", func(*cArgs) cInt { return addFuncProto(b.c, ret) }, parts...)
}

// AddVar adds a variable (btf__add_var, Linux 5.2).
func (b *Builder) AddVar(name string, linkage Linkage, typ TypeID) TypeID {
	return b.add(KindVar, name, func(c *cArgs) cInt { return addVar(b.c, c.Name("name", name), linkage, typ) })
}

// AddDatasec adds a section of that size in bytes, with its variables (btf__add_datasec, btf__add_datasec_var_info,
// Linux 5.2).
func (b *Builder) AddDatasec(name string, size uint32, vars ...DatasecVar) TypeID {
	parts := make([]part, len(vars))
	for i, v := range vars {
		parts[i] = part{"variable", "", func(b *cBTF, _ *cArgs) cInt {
			return addDatasecVar(b, v.Type, v.Offset, v.Size)
		}}
	}
	return b.add(KindDatasec, name, func(c *cArgs) cInt {
		return addDatasec(b.c, c.Name("name", name), size)
	}, parts...)
}

// AddDeclTag adds a tag to a declaration (btf__add_decl_tag, Linux 5.16): the source has
// __attribute__((btf_decl_tag("tag"))). component is the number of the tagged member or parameter of the target, or -1
// for the whole target.
func (b *Builder) AddDeclTag(tag string, target TypeID, component int) TypeID {
	return b.addDeclTag("tag", tag, target, component, false)
}

// AddDeclAttr adds any attribute to a declaration (btf__add_decl_attr, Linux 6.15): the source has
// __attribute__((attr)). component is as for [Builder.AddDeclTag].
//
// errors.Is: [errors.ErrUnsupported] before libbpf 1.6.
func (b *Builder) AddDeclAttr(attr string, target TypeID, component int) TypeID {
	return b.addDeclTag("attribute", attr, target, component, true)
}

func (b *Builder) addDeclTag(what, text string, target TypeID, component int, attr bool) TypeID {
	return b.add(KindDeclTag, text, func(c *cArgs) cInt {
		if attr {
			c.Err = clib.Needs("btf__add_decl_attr", 1, 6)
		}
		if component < -1 || component > math.MaxInt32 {
			c.Err = fault.Invalidf("the component is %d and must be from -1 to %d", component, math.MaxInt32)
		}
		p := c.Name(what, text)
		if c.Err != nil {
			return 0
		}
		return addDeclTag(b.c, p, target, component, attr)
	})
}
