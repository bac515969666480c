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
	c := alignCheck{b: b, seen: make(map[TypeID]int)}
	if _, err := c.walk(id); err != nil {
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

// alignCheck walks a type in the way of libbpf, which has no limits, and visits a type as often as it is referred to.
type alignCheck struct {
	b     *BTF
	seen  map[TypeID]int // how many visits a type costs; 0 while walk is in it
	depth int
}

func (c *alignCheck) walk(id TypeID) (int, error) {
	if visits, ok := c.seen[id]; ok {
		if visits == 0 {
			return 0, fmt.Errorf("type %d contains itself: %w", id, errCycle)
		}
		return visits, nil
	}
	if c.depth++; c.depth > maxDumpDepth {
		return 0, fmt.Errorf("type %d is nested too deep: %w", id, errTooLarge)
	}
	defer func() { c.depth-- }()
	c.seen[id] = 0

	t, err := c.b.typeByID(id)
	if err != nil {
		return 0, err
	}
	var inside []TypeID
	switch t := t.(type) {
	case *Int, *Float, *Enum, *Ptr:
	case *Typedef:
		inside = []TypeID{t.Target}
	case *Modifier:
		inside = []TypeID{t.Target}
	case *Array:
		inside = []TypeID{t.Elem}
	case *Composite:
		inside = references(t)
	default:
		return 0, fault.Invalidf("a %s has no alignment", t.Kind())
	}
	visits := 1
	for _, part := range inside {
		below, err := c.walk(part)
		if err != nil {
			return 0, err
		}
		if visits += below; visits > maxDumpVisits {
			return 0, fmt.Errorf("type %d is too large: %w", id, errTooLarge)
		}
	}
	c.seen[id] = visits
	return visits, nil
}
