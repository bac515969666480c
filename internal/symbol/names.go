package symbol

import (
	"bytes"
	"cmp"
	"debug/elf"
	"slices"
	"sort"
	"unsafe"
)

// BuildID returns the build id that the linker wrote into the binary, or nil.
func (f *File) BuildID() []byte { return buildID(f.elf) }

// Names are the functions of a binary, by the place of their code in the file.
type Names struct {
	functions []named // by start, each start once
	tables    int     // bytes of the tables that the names are in
}

// named is a function's code.
type named struct {
	start, end uint64 // offsets in the file
	name       []byte
	weak       bool
}

// Names reads the functions of the binary. It is empty if there are none, as in a binary that was stripped. What is read
// does not need the file any more.
func (f *File) Names() *Names {
	n := &Names{}
	add := func(found function) {
		start, ok := f.offset(found.address)
		if !ok || found.kind == imported || len(found.name) == 0 || len(n.functions) >= maxNames {
			return
		}
		// The name keeps its table, up to its end at least.
		n.tables = max(n.tables, cap(found.name))
		name := found.name[:min(len(found.name), maxShown)]
		n.functions = append(n.functions, named{start, start + found.size, name, found.weak})
	}
	// The fullest table that there is. What is below has a part of it, each another one.
	if f.symbols(nil, add); len(n.functions) == 0 {
		f.debugSymbols(nil, add)
	}
	if len(n.functions) == 0 {
		f.dynamic(false)(nil, add)
		f.goFunctions(nil, add)
	}
	slices.SortFunc(n.functions, func(a, b named) int {
		return cmp.Or(cmp.Compare(a.start, b.start), better(a, b))
	})
	n.functions = slices.CompactFunc(n.functions, func(a, b named) bool { return a.start == b.start })
	f.endUnsized(n.functions)
	return n
}

// better orders the names of the same code: first the one that its author uses for others.
func better(a, b named) int {
	underscores := func(f named) int { return len(f.name) - len(bytes.TrimLeft(f.name, "_")) }
	weak := 0
	if a.weak != b.weak {
		weak = -1
		if a.weak {
			weak = 1
		}
	}
	// Mangled names begin with an underscore, as all of their kind.
	return cmp.Or(cmp.Compare(underscores(a), underscores(b)), weak, cmp.Compare(len(a.name), len(b.name)),
		bytes.Compare(a.name, b.name))
}

// endUnsized gives functions without a size all code up to the next one: those in assembly may have none.
func (f *File) endUnsized(functions []named) {
	var code []*elf.Section // by place
	for _, s := range f.elf.Sections {
		if s.Flags&elf.SHF_EXECINSTR != 0 {
			code = append(code, s)
		}
	}
	slices.SortFunc(code, func(a, b *elf.Section) int { return cmp.Compare(a.Offset, b.Offset) })
	for i := range functions {
		if g := &functions[i]; g.end == g.start {
			g.end = sectionEnd(code, g.start)
			if i+1 < len(functions) {
				g.end = min(g.end, functions[i+1].start)
			}
		}
	}
}

// sectionEnd is the end, in the file, of the section of code that a place belongs to.
func sectionEnd(code []*elf.Section, offset uint64) uint64 {
	next := sort.Search(len(code), func(i int) bool { return code[i].Offset > offset })
	if next > 0 {
		if s := code[next-1]; offset-s.Offset < s.FileSize {
			return s.Offset + s.FileSize
		}
	}
	return offset
}

// Size is how much memory they take, in bytes.
func (n *Names) Size() int { return n.tables + cap(n.functions)*int(unsafe.Sizeof(named{})) }

// At is the function whose code is at an offset in the file, and how far into the function that is.
func (n *Names) At(offset uint64) (name string, into uint64, ok bool) {
	next := sort.Search(len(n.functions), func(i int) bool { return n.functions[i].start > offset })
	// Code may lie within that of another function.
	const outer = 4
	for i := next - 1; i >= max(0, next-outer); i-- {
		if f := n.functions[i]; offset < f.end {
			return string(f.name), offset - f.start, true
		}
	}
	return "", 0, false
}
