package btf_test

import (
	"encoding/binary"
	"io"
	"reflect"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/races"
)

// TestRaces runs every method of every type against all others of the type and against Close.
func TestRaces(t *testing.T) {
	testutil.Root(t)
	shared := small(t)
	t.Cleanup(func() { testutil.Check(t, shared.Close()) })
	// What does not fit the small types, and what a full or closed Builder says.
	refusals := []error{unix.EINVAL, unix.ENOENT, unix.E2BIG, unix.EBUSY, unix.EEXIST, btf.ErrNotFound, btf.ErrNoBTF, io.EOF}
	itself := func(it interface{ Close() error }) races.Value { return races.Value{It: it, Close: it.Close} }
	races.Run(t, races.Table{
		Folder: ".",
		Types: []races.Type{
			{Name: "BTF", Make: func(t testing.TB) races.Value { return itself(small(t)) }, Errors: refusals, Methods: map[string]races.Method{
				"NumTypes": {Stays: true}, "PointerSize": {Stays: true}, "Builder": {Stays: true}, // whose Err says it
				"UseFD": {Errors: []error{unix.EBADF}}, // not in the kernel
				"Release": {Done: func(results []any) { // C code owns what it gets
					if c, _ := results[0].(unsafe.Pointer); c != nil {
						adopted, err := btf.Adopt(c)
						testutil.Check(t, err)
						testutil.Check(t, adopted.Close())
					}
				}},
			}},
			{Name: "BTF/in the kernel", Only: []string{"Close", "FD", "UseFD"}, Make: func(t testing.TB) races.Value {
				types := small(t)
				testutil.Check(t, types.LoadIntoKernel(btf.LoadOptions{}))
				return itself(types)
			}},
			{Name: "Builder", Make: func(t testing.TB) races.Value {
				b := btf.NewBuilder()
				b.AddInt("int", 4, btf.IntSigned)
				return itself(b)
			}, Errors: refusals, Methods: map[string]races.Method{"NextID": {Stays: true}}},
			{Name: "Relocations", Make: func(t testing.TB) races.Value {
				r, err := btf.RelocationsInFile(testutil.Object(t, "core"))
				testutil.Check(t, err)
				return itself(r)
			}, Errors: refusals, Methods: map[string]races.Method{"Types": {Stays: true}}},
			{Name: "Ext", Make: func(t testing.TB) races.Value {
				types, ext, err := btf.ParseWithExt(testutil.Object(t, "core"))
				testutil.Check(t, err)
				testutil.Check(t, types.Close())
				return itself(ext)
			}, Errors: refusals},
		},
		Values: []reflect.Type{
			reflect.TypeFor[btf.Array](), reflect.TypeFor[btf.Composite](), reflect.TypeFor[btf.Datasec](), reflect.TypeFor[btf.DeclTag](),
			reflect.TypeFor[btf.Enum](), reflect.TypeFor[btf.Float](), reflect.TypeFor[btf.Func](), reflect.TypeFor[btf.FuncProto](),
			reflect.TypeFor[btf.Fwd](), reflect.TypeFor[btf.Int](), reflect.TypeFor[btf.Kind](), reflect.TypeFor[btf.LoadError](),
			reflect.TypeFor[btf.Modifier](), reflect.TypeFor[btf.Ptr](), reflect.TypeFor[btf.Relocation](), reflect.TypeFor[btf.RelocationKind](),
			reflect.TypeFor[btf.Resolution](), reflect.TypeFor[btf.Typedef](), reflect.TypeFor[btf.Unknown](), reflect.TypeFor[btf.Var](),
			reflect.TypeFor[btf.Void](),
		},
		Args: map[reflect.Type]func() any{
			reflect.TypeFor[*btf.BTF]():         func() any { return shared },
			reflect.TypeFor[btf.TypeID]():       func() any { return btf.TypeID(1) },
			reflect.TypeFor[io.Writer]():        func() any { return io.Discard },
			reflect.TypeFor[binary.ByteOrder](): func() any { return binary.LittleEndian },
			reflect.TypeFor[[]byte]():           func() any { return make([]byte, 4) },
		},
		Stays: []string{"String"},
	})
}

// small has one type.
func small(t testing.TB) *btf.BTF {
	t.Helper()
	b := btf.NewBuilder()
	defer b.Close()
	b.AddInt("int", 4, btf.IntSigned)
	types, err := b.BTF()
	testutil.Check(t, err)
	return types
}
