package btf

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// checkReferences reads every type once, to check that all names and type numbers are in range.
func (b *BTF) checkReferences() error {
	var err error
	for t := range b.Types(&err) {
		for _, id := range references(t) {
			if int64(id) > int64(b.numTypes) {
				return fmt.Errorf("type %d refers to type %d of %d: %w", t.ID(), id, b.numTypes, unix.EINVAL)
			}
		}
	}
	return err
}

// Limits for what libbpf's dumper gets. The dumper recurses as deep as types nest, visits a type as often as it is
// referred to, and fills holes in structs word by word, all without a limit. The Linux kernel's types stay far below
// each of these.
const (
	maxDumpDepth   = 1 << 9  // nested types
	maxDumpVisits  = 1 << 18 // visits for one type
	maxDumpTotal   = 1 << 24 // visits for all types together
	maxDumpPadding = 1 << 16 // words, in all structs together
	maxDumpSize    = 1 << 26 // bytes, of one struct or member: libbpf counts bits in an int
)

// dumpCheck walks the types in the way of libbpf's dumper, and finds types that would crash it.
type dumpCheck struct {
	visitCount
	b       *BTF
	padding int
}

func newDumpCheck(b *BTF) *dumpCheck {
	c := &dumpCheck{b: b}
	c.visitCount = newVisitCount(c.after)
	return c
}

// dumpVisit is a type, and whether a pointer leads to it. Behind a pointer, a named struct needs only a declaration.
type dumpVisit struct {
	id         TypeID
	throughPtr bool
}

// checkDump says whether libbpf's dumper can handle the types. With some damaged types it would crash, or never end.
func (b *BTF) checkDump() error {
	if err := b.checkReferences(); err != nil {
		return err
	}
	c := newDumpCheck(b)
	c.seen = make(map[dumpVisit]int, b.numTypes) // it visits all
	total := 0
	var err error
	for t := range b.Types(&err) {
		if !isC(t.Kind()) {
			continue
		}
		visits, err := c.walk(dumpVisit{t.ID(), false})
		if err != nil {
			return err
		}
		if total += visits; total > maxDumpTotal {
			return fmt.Errorf("all types together are too large to write out: %w", errTooLarge)
		}
	}
	return err
}

// isC reports whether C has types of this kind. The other kinds describe functions, variables and sections.
func isC(kind Kind) bool {
	switch kind {
	case KindFunc, KindVar, KindDatasec, KindDeclTag:
		return false
	default:
		return true
	}
}

// after is what the dumper goes on to.
func (c *dumpCheck) after(v dumpVisit) ([]dumpVisit, error) {
	t, err := c.b.typeByID(v.id)
	if err != nil {
		return nil, err
	}
	var next []dumpVisit
	switch t := t.(type) {
	case *Ptr:
		next = []dumpVisit{{t.Target, true}}
	case *Array:
		next = []dumpVisit{{t.Elem, false}}
	case *Typedef:
		next = []dumpVisit{{t.Target, v.throughPtr}}
	case *Modifier:
		next = []dumpVisit{{t.Target, v.throughPtr}}
	case *FuncProto:
		for _, id := range references(t) {
			next = append(next, dumpVisit{id, v.throughPtr})
		}
	case *Composite:
		if v.throughPtr && t.Name() != "" {
			break
		}
		if err := c.layout(t); err != nil {
			return nil, err
		}
		for _, m := range t.Members {
			next = append(next, dumpVisit{m.Type, false})
		}
	case *Func, *Var, *Datasec, *DeclTag, *Unknown:
		return nil, fmt.Errorf("type %d of kind %s is used as a C type: %w", v.id, t.Kind(), unix.EINVAL)
	}
	return next, nil
}

// visitCount counts how many visits C code makes that visits a type as often as it is referred to, and finds what such
// code would never end with.
type visitCount struct {
	next  func(v dumpVisit) ([]dumpVisit, error) // where a visit leads to
	seen  map[dumpVisit]int                      // how many visits one costs; 0 while walk is in it
	depth int
}

func newVisitCount(next func(v dumpVisit) ([]dumpVisit, error)) visitCount {
	return visitCount{next: next, seen: make(map[dumpVisit]int)}
}

func (c *visitCount) walk(v dumpVisit) (int, error) {
	if visits, ok := c.seen[v]; ok {
		if visits == 0 {
			return 0, fmt.Errorf("type %d contains itself: %w", v.id, errCycle)
		}
		return visits, nil
	}
	if c.depth++; c.depth > maxDumpDepth {
		return 0, fmt.Errorf("type %d is nested too deep: %w", v.id, errTooLarge)
	}
	defer func() { c.depth-- }()
	c.seen[v] = 0
	next, err := c.next(v)
	if err != nil {
		return 0, err
	}
	visits := 1
	for _, n := range next {
		below, err := c.walk(n)
		if err != nil {
			return 0, err
		}
		if visits += below; visits > maxDumpVisits {
			return 0, fmt.Errorf("type %d is too large: %w", v.id, errTooLarge)
		}
	}
	c.seen[v] = visits
	return visits, nil
}

// layout checks that each member has a size, and each bit field one of a number, because libbpf would divide by zero,
// and counts the words in holes.
func (c *dumpCheck) layout(t *Composite) error {
	if t.Size > maxDumpSize {
		return fmt.Errorf("type %d of %d bytes: %w", t.ID(), t.Size, errTooLarge)
	}
	end := 0
	hole := func(from, to int) { c.padding += max(0, to-from) / (8 * c.b.pointerSize) }
	for i, m := range t.Members {
		size, err := c.memberSize(m.Type)
		if err != nil {
			return fmt.Errorf("type %d, member %d: %w", t.ID(), i, err)
		}
		at := int(m.BitOffset)
		if at < 0 || at > maxDumpSize*8 || size > maxDumpSize {
			return fmt.Errorf("type %d, member %d of %d bytes at %d: %w", t.ID(), i, size, at, errTooLarge)
		}
		hole(end, at)
		if end = at + size*8; m.BitfieldSize != 0 {
			end = at + int(m.BitfieldSize)
			if err := c.bitField(m.Type); err != nil {
				return fmt.Errorf("type %d, member %d: %w", t.ID(), i, err)
			}
		}
	}
	if t.Kind() == KindStruct {
		hole(end, int(t.Size)*8)
	}
	if c.padding > maxDumpPadding {
		return fmt.Errorf("type %d has holes of more than %d words: %w", t.ID(), maxDumpPadding, errTooLarge)
	}
	return nil
}

// bitField refuses the types that can't have bit fields.
func (c *dumpCheck) bitField(id TypeID) error {
	t, err := c.b.resolve(id)
	if err != nil {
		return err
	}
	switch t.(type) {
	case *Int, *Enum:
		return nil
	default:
		return fmt.Errorf("a bit field that is a %s: %w", t.Kind(), unix.EINVAL)
	}
}

func (c *dumpCheck) memberSize(id TypeID) (int, error) {
	size, err := c.b.size(id)
	if err != nil {
		return 0, err
	}
	for at := id; ; {
		t, err := c.b.typeByID(at)
		if err != nil {
			return 0, err
		}
		switch t := t.(type) {
		case *Typedef:
			at = t.Target
		case *Modifier:
			at = t.Target
		case *Array:
			at = t.Elem
		case *Ptr, *Composite:
			return size, nil
		case *Int, *Float, *Enum:
			if elem, err := c.b.size(at); err != nil || elem == 0 {
				return 0, fmt.Errorf("%s without a size: %w", t.Kind(), unix.EINVAL)
			}
			return size, nil
		default:
			return 0, fmt.Errorf("%s as a member: %w", t.Kind(), unix.EINVAL)
		}
	}
}
