package btf

import (
	"cmp"
	"fmt"
	"slices"
)

// dumpOrder is the order in which bpftool writes types by default. It depends on names and content, not on numbers, so
// that the headers of two kernels differ in little: enums first, then numbers, structs and unions, and prototypes, each
// by name. Typedefs, pointers and the like are among what they refer to.
//
// bpftool leaves out the first type in this order, if no other type needs it.
func (b *BTF) dumpOrder() ([]TypeID, error) {
	s := dumpSort{b: b, types: make([]Type, 1, b.numTypes+1)}
	var err error
	for t := range b.Types(&err) {
		s.types = append(s.types, t)
	}
	if err != nil {
		return nil, err
	}
	s.types[0] = &Void{}
	s.hashes = make([]uint64, len(s.types))
	s.hashed = make([]bool, len(s.types))

	keys := make([]dumpKey, 0, b.numTypes)
	for _, t := range s.types[1:] {
		end, err := s.end(t)
		if err != nil {
			return nil, err
		}
		keys = append(keys, dumpKey{t.ID(), rank(end), sortName(end), t.Name(), s.contentHash(t, true)})
	}
	slices.SortFunc(keys, func(a, b dumpKey) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.sortName, b.sortName), cmp.Compare(a.name, b.name),
			cmp.Compare(a.hash, b.hash), cmp.Compare(a.id, b.id))
	})
	ids := make([]TypeID, len(keys))
	for i, key := range keys {
		ids[i] = key.id
	}
	return ids, nil
}

// dumpKey is what a type is sorted by, in this order, and last by its number.
type dumpKey struct {
	id       TypeID
	rank     int
	sortName string // of what it refers to
	name     string
	hash     uint64 // of its content, where the names are the same
}

type dumpSort struct {
	b      *BTF
	types  []Type
	hashes []uint64 // without members, where hashed
	hashed []bool
}

// next is the type to which a type only adds something, and whether there is one.
func next(t Type) (TypeID, bool) {
	switch t := t.(type) {
	case *Typedef:
		return t.Target, true
	case *Modifier:
		return t.Target, true
	case *Ptr:
		return t.Target, true
	case *Array:
		return t.Elem, true
	case *DeclTag:
		return t.Target, true
	default:
		return 0, false
	}
}

// chainEnd is the end of a chain of such types.
type chainEnd struct {
	t     Type
	named bool // a type before it has a name
	far   bool // there is a type before it
	// ranked is false if the chain has no rank: it begins without a name.
	ranked bool
}

// end follows the chain. It must have an end: the dump's check does not look at tags of declarations.
func (s *dumpSort) end(t Type) (chainEnd, error) {
	end := chainEnd{t: t, ranked: true}
	for range maxDumpDepth {
		id, ok := next(end.t)
		if !ok {
			return end, nil
		}
		end.named = end.named || end.t.Name() != ""
		end.ranked = end.ranked && end.named
		end.t, end.far = s.types[id], true
	}
	return end, fmt.Errorf("type %d: %w", t.ID(), errCycle)
}

const lastRank = 10

func rank(end chainEnd) int {
	if !end.ranked {
		return lastRank
	}
	named := end.named || end.t.Name() != ""
	switch end.t.Kind() {
	case KindEnum, KindEnum64:
		if named {
			return 1
		}
		return 0
	case KindInt, KindFloat:
		return 2
	case KindStruct, KindUnion:
		if named {
			return 3
		}
	case KindFuncProto:
		if named {
			return 4
		}
	}
	return lastRank
}

// sortName is the name at the end of the chain. An enum without a name has that of its first value, unless the chain is
// longer.
func sortName(end chainEnd) string {
	if enum, ok := end.t.(*Enum); ok && !end.far && enum.Name() == "" && len(enum.Values) > 0 {
		return enum.Values[0].Name
	}
	return end.t.Name()
}

// contentHash distinguishes types of the same name by the names in them. It is bpftool's, because the order depends on
// it.
func (s *dumpSort) contentHash(t Type, members bool) uint64 {
	if !members && s.hashed[t.ID()] {
		return s.hashes[t.ID()]
	}
	hash := hashName(0, t.Name())
	switch t := t.(type) {
	case *Enum:
		for _, v := range t.Values {
			hash = hashName(hash, v.Name)
		}
	case *Composite:
		if members {
			for _, m := range t.Members {
				hash = hashName(hash, m.Name)*31 + s.contentHash(s.types[m.Type], false)
			}
		}
	default:
		id, ok := next(t)
		if !ok {
			break
		}
		if array, ok := t.(*Array); ok {
			hash = hash*31 + uint64(array.Len)
		}
		hash = hash*31 + s.contentHash(s.types[id], members)
	}
	if !members {
		s.hashes[t.ID()], s.hashed[t.ID()] = hash, true
	}
	return hash
}

func hashName(hash uint64, name string) uint64 {
	if name == "" {
		return hash
	}
	var h uint64
	for _, c := range []byte(name) {
		h = h*31 + uint64(c)
	}
	return hash*31 + h
}
