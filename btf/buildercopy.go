package btf

import (
	"fmt"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/fault"
	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// AddType adds a copy of one type of another BTF (btf__add_type). The numbers of the types to which it refers stay:
// they must mean the same here. [Builder.AddReachable] copies these types too.
func (b *Builder) AddType(from *BTF, id TypeID) TypeID {
	var added TypeID
	b.copying("add a type", from, func() (err error) {
		added, err = b.copyType(from, id)
		return err
	})
	return added
}

// AddReachable adds copies of types of another BTF, and of all types that they need, in the order of [BTF.Reachable].
// It returns the number that each of these types has here; if there was an error, nil. Void stays void.
func (b *Builder) AddReachable(from *BTF, ids ...TypeID) map[TypeID]TypeID {
	var numbers map[TypeID]TypeID
	b.copying("add types", from, func() error {
		first := numTypes(b.c) + 1
		added := map[TypeID]TypeID{0: 0}
		var err error
		for t := range from.Reachable(&err, ids...) {
			id, err := b.copyType(from, t.ID())
			if err != nil {
				return err
			}
			added[t.ID()] = id
		}
		if err != nil {
			return err
		}
		for id := first; id <= numTypes(b.c); id++ {
			renumber(b.c, TypeID(id), added)
		}
		numbers = added
		return nil
	})
	return numbers
}

// AddBTF adds copies of all types of another BTF, in their order, and returns the number of the first (btf__add_btf).
// If they refer to types of a base, it must be the Builder's: before libbpf 1.7, there must be none.
//
// errors.Is: unix.EINVAL for types with another base, [errors.ErrUnsupported] before libbpf 1.7 for those with a base.
func (b *Builder) AddBTF(from *BTF) TypeID {
	var first cInt
	b.copying("add all types", from, func() error {
		c := from.c
		if from.base != nil {
			if from.base != b.base {
				return fault.Invalidf("they refer to the types of another base")
			}
			if err := clib.Needs("btf__add_btf of split types", 1, 7); err != nil {
				return err
			}
			// libbpf compares the bases by address, and the Builder's is a copy.
			var err error
			if c, err = from.copyOn(b.cBase()); err != nil {
				return err
			}
			defer freeBTF(c)
		}
		if uint64(numTypes(b.c))+uint64(from.numTypes) > maxTypes {
			return fmt.Errorf("there are more than %d types: %w", maxTypes, unix.E2BIG)
		}
		first = addBTF(b.c, c)
		return clib.FromRet(int(first))
	})
	return TypeID(max(first, 0))
}

// maxTypes is how many types libbpf can count.
const maxTypes = 0x7fffffff

// copying is do for an operation that reads another BTF.
func (b *Builder) copying(op string, from *BTF, f func() error) {
	b.do(op, func() error {
		if err := from.acquire(); err != nil {
			return err
		}
		defer from.h.Drop()
		return saying(f)
	})
}

func (b *Builder) copyType(from *BTF, id TypeID) (TypeID, error) {
	if int64(id) > int64(from.numTypes) || id == 0 {
		return 0, fmt.Errorf("type %d: %w", id, ErrNotFound)
	}
	added := addType(b.c, from.c, id)
	if added < 0 {
		return 0, fmt.Errorf("type %d: %w", id, clib.FromRet(int(added)))
	}
	return TypeID(added), nil
}

// typeMemory are the words of a type in a BTF that may be changed.
func typeMemory(c *cBTF, id TypeID) []uint32 {
	p := typeByID(c, id)
	return unsafe.Slice((*uint32)(p), typeWords(unsafe.Slice((*uint32)(p), wordsFixed)[wordInfo]))
}

// renumber gives the types to which a type refers their new numbers. One without a new number becomes void.
func renumber(c *cBTF, id TypeID, numbers map[TypeID]TypeID) {
	words := typeMemory(c, id)
	for _, at := range referenceWords(words[wordInfo]) {
		words[at] = uint32(numbers[TypeID(words[at])])
	}
}

// referenceWords are the places of the numbers of other types in a type with that info word.
func referenceWords(info uint32) []int {
	vlen := int(info & 0xffff)
	each := func(from, step int) []int {
		at := make([]int, vlen)
		for i := range at {
			at[i] = from + i*step
		}
		return at
	}
	switch Kind(info >> 24 & 0x1f) {
	case KindPtr, KindTypedef, KindVolatile, KindConst, KindRestrict, KindFunc, KindVar, KindDeclTag, KindTypeTag:
		return []int{wordSize}
	case KindArray:
		return []int{wordsFixed, wordsFixed + 1}
	case KindStruct, KindUnion:
		return each(wordsFixed+1, 3)
	case KindFuncProto:
		return slices.Insert(each(wordsFixed+1, 2), 0, wordSize)
	case KindDatasec:
		return each(wordsFixed, 3)
	default:
		return nil
	}
}
