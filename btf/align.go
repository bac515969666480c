package btf

import (
	"fmt"

	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// Alignment is the alignment of a type in bytes, after resolving typedefs and qualifiers (btf__align_of). BTF does not
// record alignments: libbpf derives them from the sizes. It is never larger than a pointer, although the source may
// have asked for more. It is 1 for a packed struct, which is one where a member is not at a multiple of its alignment,
// or whose size is not a multiple of the largest alignment in it.
//
// errors.Is: [ErrNotFound], [ErrClosed]; unix.EINVAL for a type without an alignment, such as void, a function or a
// struct that is only declared; unix.ELOOP for a cycle, unix.E2BIG for a type that is nested too deep or is too large.
func (b *BTF) Alignment(id TypeID) (int, error) {
	if err := b.acquire(); err != nil {
		return 0, err
	}
	defer b.h.Drop()
	visits := newVisitCount(b.alignVisits)
	if _, err := visits.walk(dumpVisit{id, false}); err != nil {
		return 0, fmt.Errorf("btf: alignment of type %d: %w", id, err)
	}
	var align cInt
	err := saying(func() error {
		if align = alignOf(b.c, id); align <= 0 {
			return fault.Invalidf("libbpf finds none")
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("btf: alignment of type %d: %w", id, err)
	}
	return int(align), nil
}

// alignVisits is what libbpf goes on to when it derives the alignment of a type.
func (b *BTF) alignVisits(v dumpVisit) ([]dumpVisit, error) {
	t, err := b.typeByID(v.id)
	if err != nil {
		return nil, err
	}
	switch t := t.(type) {
	case *Int, *Float, *Enum, *Ptr:
		return nil, nil
	case *Typedef:
		return []dumpVisit{{t.Target, false}}, nil
	case *Modifier:
		return []dumpVisit{{t.Target, false}}, nil
	case *Array:
		return []dumpVisit{{t.Elem, false}}, nil
	case *Composite:
		members := make([]dumpVisit, len(t.Members))
		for i, m := range t.Members {
			members[i].id = m.Type
		}
		return members, nil
	default:
		return nil, fault.Invalidf("a %s has no alignment", t.Kind())
	}
}
