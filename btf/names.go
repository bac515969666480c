package btf

import (
	"sync"
	"sync/atomic"
)

// nameIndex finds types by name. libbpf looks at all types for each search, which takes a tenth of a millisecond for
// the kernel's. So after some searches, an index is made, which takes as long as some dozens of them. Without memory
// for it, libbpf goes on searching.
type nameIndex struct {
	searches atomic.Int32 // since the beginning, or since there was no memory for the index
	mu       sync.Mutex
	made     atomic.Pointer[cNames]
}

// searchesBeforeIndex is how many searches go without an index.
const searchesBeforeIndex = 16

// index returns the index, or nil if libbpf is to search.
func (b *BTF) index() *cNames {
	if names := b.names.made.Load(); names != nil {
		return names
	}
	if b.names.searches.Add(1) <= searchesBeforeIndex {
		return nil
	}
	b.names.mu.Lock()
	defer b.names.mu.Unlock()
	if b.names.made.Load() == nil {
		b.names.searches.Store(0)
		b.names.made.Store(newNames(b.c, b.numTypes))
	}
	return b.names.made.Load()
}

// anyKind is for findNamed.
const anyKind = -1

// findNamed returns the first type with a name and a kind, or 0.
func (b *BTF) findNamed(name cString, kind int) TypeID {
	if names := b.index(); names != nil {
		return findInNames(names, b.c, 0, name, kind)
	}
	var id cInt
	if kind == anyKind {
		id = findByName(b.c, name)
	} else {
		id = findByNameKind(b.c, name, Kind(kind))
	}
	return TypeID(max(id, 0))
}

// nextNamed returns the first type with a name behind another one with that name, or behind 0; or 0.
func (b *BTF) nextNamed(after TypeID, name cString) TypeID {
	if names := b.index(); names != nil {
		return findInNames(names, b.c, after, name, anyKind)
	}
	return nextNamed(b.c, after+1, name)
}
