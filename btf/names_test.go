package btf

import (
	"errors"
	"runtime"
	"slices"
	"testing"

	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/cmalloc"
)

// The index finds what libbpf finds: each name and kind, those of several types, and none that is not there.
func TestNameIndex(t *testing.T) {
	kernel := loadKernel(t)
	check := func(b *BTF) {
		t.Helper()
		names := newNames(b.c, b.numTypes)
		if names == nil {
			t.Fatal("no index")
		}
		defer freeNames(names)
		step := max(b.numTypes/500, 1) // libbpf is slow
		var c cArgs
		defer c.Free()
		for id := 1; id <= b.numTypes; id += step {
			typ, err := b.typeByID(TypeID(id))
			if err != nil {
				t.Fatal(err)
			}
			if typ.Name() == "" {
				continue
			}
			name := c.Of("name", typ.Name())
			got := findInNames(names, b.c, 0, name, int(typ.Kind()))
			if want := findByNameKind(b.c, name, typ.Kind()); int64(got) != int64(want) {
				t.Errorf("%v %s is %d, not %d", typ.Kind(), typ.Name(), got, want)
			}
			all := func(next func(after TypeID) TypeID) (found []TypeID) {
				for id := next(0); id != 0; id = next(id) {
					found = append(found, id)
				}
				return found
			}
			found := all(func(after TypeID) TypeID { return findInNames(names, b.c, after, name, anyKind) })
			want := all(func(after TypeID) TypeID { return nextNamed(b.c, after+1, name) })
			if !slices.Equal(found, want) {
				t.Errorf("%s: %v, not %v", typ.Name(), found, want)
			}
		}
		for _, name := range []string{"no_such_name", "void"} {
			if id := findInNames(names, b.c, 0, c.Of("name", name), anyKind); id != 0 {
				t.Errorf("%s is type %d", name, id)
			}
		}
	}
	check(kernel)
	builder := NewSplitBuilder(kernel)
	defer builder.Close()
	builder.AddStruct("task_struct", 0)
	builder.AddStruct("of_the_split", 0)
	split, err := builder.BTF()
	if err != nil {
		t.Fatal(err)
	}
	defer split.Close()
	check(split)
}

// Searches give the same before there is an index, with it, and without memory for it.
func TestNameIndexIsMade(t *testing.T) {
	kernel := loadKernel(t)
	search := func() TypeID {
		t.Helper()
		typ, err := kernel.TypeByName("task_struct", KindStruct)
		if err != nil {
			t.Fatal(err)
		}
		return typ.ID()
	}
	want := search()
	for range 2 * searchesBeforeIndex {
		if id := search(); id != want {
			t.Fatalf("type %d, not %d", id, want)
		}
	}
	if kernel.names.made.Load() == nil {
		t.Error("there is no index")
	}
}

// Without memory for an index, libbpf searches.
func TestNoMemoryForIndex(t *testing.T) {
	if !cmalloc.Supported() {
		testutil.Skip(t, "cmalloc", errors.ErrUnsupported)
	}
	kernel, err := LoadKernel()
	if err != nil {
		t.Fatal(err)
	}
	defer kernel.Close()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for n := 1; ; n++ {
		kernel.names.searches.Store(searchesBeforeIndex)
		cmalloc.FailNth(n)
		names := kernel.index()
		cmalloc.FailNth(0)
		if names != nil {
			if n != 3 {
				t.Errorf("%d allocations, not 2", n-1)
			}
			break
		}
		if _, err := kernel.TypeByName("task_struct", KindStruct); err != nil {
			t.Error(err)
		}
	}
}
