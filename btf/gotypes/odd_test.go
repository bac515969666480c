package gotypes_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/btf/gotypes"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// damage makes types, of which the first has another size. Of an int, data are the bits that it has and where.
func damage(t *testing.T, size, data uint32, add func(b *btf.Builder)) *btf.BTF {
	t.Helper()
	b := btf.NewBuilder()
	defer b.Close()
	add(b)
	built, err := b.BTF()
	testutil.Check(t, err)
	defer built.Close()
	raw, err := built.Raw()
	testutil.Check(t, err)
	raw = bytes.Clone(raw)
	first := raw[binary.NativeEndian.Uint32(raw[4:]):] // behind the header
	binary.NativeEndian.PutUint32(first[8:], size)
	if data != 0 {
		binary.NativeEndian.PutUint32(first[12:], data)
	}
	damaged, err := btf.ParseRaw(raw)
	testutil.Check(t, err)
	t.Cleanup(func() { _ = damaged.Close() })
	return damaged
}

// Old compilers describe bit fields by integers of fewer bits than their bytes have.
func TestOldBitFields(t *testing.T) {
	const offset, bits = 3, 5
	code, warnings := generate(t, damage(t, 4, offset<<16|bits, func(b *btf.Builder) {
		n := b.AddInt("unsigned int", 4, 0)
		b.AddStruct("old", 8, btf.Member{Name: "a", Type: n}, btf.Member{Name: "b", Type: n, BitOffset: 8},
			btf.Member{Name: "c", Type: b.AddInt("whole", 4, 0), BitOffset: 32})
	}), gotypes.Options{})
	wantLines(t, code, "func (s *Old) A() uint32 { return uint32(ctypes.LoadBits(s.bits0[:], 3, 5)) }",
		"func (s *Old) B() uint32 { return uint32(ctypes.LoadBits(s.bits1[:], 3, 5)) }", "C uint32")
	if len(warnings) > 0 {
		t.Errorf("warnings %q", warnings)
	}
}

// Numbers of sizes that Go has no type for are bytes.
func TestOddSizes(t *testing.T) {
	integer := func(b *btf.Builder) { b.AddInt("n", 4, btf.IntSigned) }
	enum := func(b *btf.Builder) { b.AddEnum("n", 4, btf.EnumValue{Name: "A", Value: 1}) }
	float := func(b *btf.Builder) { b.AddFloat("n", 4) }
	for _, c := range []struct {
		add  func(*btf.Builder)
		size uint32
		want string // empty for an error
	}{
		{integer, 8, "int64"}, {integer, 9, "[9]byte"}, {integer, 16, "[16]byte"}, {integer, 3, "[3]byte"}, {integer, 0, "[0]byte"},
		{enum, 8, "N"}, {enum, 1, "N"}, {enum, 9, "[9]byte"}, {enum, 16, "[16]byte"}, {enum, 3, "[3]byte"}, {enum, 0, "[0]byte"},
		{float, 4, "float32"}, {float, 8, "float64"}, {float, 2, "[2]byte"}, {float, 16, "[16]byte"},
		{float, 1 << 27, "[134217728]byte"}, {float, 1<<27 + 1, ""},
	} {
		got, err := gotypes.New(damage(t, c.size, 0, c.add), gotypes.Options{}).Type(1)
		if got != c.want || (err == nil) != (c.want != "") || err != nil && !errors.Is(err, unix.E2BIG) {
			t.Errorf("%d bytes: %s, %v; want %s", c.size, got, err, c.want)
		}
	}
	code, warnings := generate(t, damage(t, 16, 0, func(b *btf.Builder) {
		enum(b)
		b.AddStruct("s", 16, btf.Member{Name: "a", Type: 1, BitfieldSize: 3})
	}), gotypes.Options{})
	wantLines(t, code, "// Bit field a has no accessors.")
	if len(warnings) != 1 {
		t.Errorf("warnings %q", warnings)
	}
}

// Members in odd places leave the struct as bytes, or have no bytes.
func TestOddMembers(t *testing.T) {
	for what, c := range map[string]struct {
		add     func(b *btf.Builder)
		warning string // a part of the only one, or empty for none
		lines   []string
	}{
		"behind the end": {func(b *btf.Builder) {
			b.AddStruct("s", 8, btf.Member{Name: "a", Type: 2, BitOffset: 72})
		}, "struct s is bytes: member a at bit 72 of 8 bytes", []string{"opaque [8]byte"}},
		"without a name": {func(b *btf.Builder) {
			b.AddStruct("s", 16, btf.Member{Type: 3}, btf.Member{Name: "a", Type: 3, BitOffset: 64})
		}, "", []string{"_ [8]byte", "A int64"}},
		"the kernel's own, without a name": {func(b *btf.Builder) {
			lock := b.AddStruct("bpf_spin_lock", 4, btf.Member{Name: "val", Type: 2})
			b.AddStruct("s", 8, btf.Member{Type: lock}, btf.Member{Name: "a", Type: 2, BitOffset: 32})
		}, "", []string{"_ [4]byte", "A int32"}},
		"a union of the kernel's name": {func(b *btf.Builder) {
			b.AddUnion("bpf_timer", 4, btf.Member{Name: "val", Type: 2})
		}, "", []string{"func (u *BPFTimer) Val() *int32 { return (*int32)(unsafe.Pointer(&u.bytes)) }"}},
		"no value, in a union": {func(b *btf.Builder) {
			function := b.AddFuncProto(0)
			b.AddUnion("u", 8, btf.Member{Name: "f", Type: function}, btf.Member{Name: "a", Type: 2})
		}, "union u: member f is bytes: no value has the type func_proto",
			[]string{"// Member f can't be expressed: no value has the type func_proto.",
				"func (u *U) A() *int32 { return (*int32)(unsafe.Pointer(&u.bytes)) }"}},
		"no bytes, in the middle of another": {func(b *btf.Builder) {
			none := b.AddArray(2, 2, 0)
			b.AddStruct("s", 16, btf.Member{Name: "a", Type: 3}, btf.Member{Name: "none", Type: none, BitOffset: 32},
				btf.Member{Name: "b", Type: 3, BitOffset: 64})
		}, "", []string{"// Field None has no bytes, and is in the middle of another."}},
		"no bytes, not aligned": {func(b *btf.Builder) {
			none := b.AddArray(2, 2, 0)
			b.AddStruct("s", 8, btf.Member{Name: "a", Type: 1}, btf.Member{Name: "none", Type: none, BitOffset: 8},
				btf.Member{Name: "b", Type: 2, BitOffset: 32})
		}, "", []string{"// Member none has no bytes."}},
		"pointers to odd types": {func(b *btf.Builder) {
			loop := b.AddConst(4)
			fwd := b.AddFwd("union_", btf.KindUnion)
			function := b.AddFuncProto(0)
			b.AddStruct("s", 32, btf.Member{Name: "a", Type: b.AddPtr(loop)}, btf.Member{Name: "b", Type: b.AddPtr(fwd), BitOffset: 64},
				btf.Member{Name: "c", Type: b.AddPtr(function), BitOffset: 128},
				btf.Member{Name: "d", Type: b.AddPtr(b.AddPtr(2)), BitOffset: 192})
		}, "", []string{"A uint64", "B uint64 // pointer to union union_", "C uint64 // pointer to a function", "D uint64 // pointer to a pointer"}},
		"a pointer in a union, with a tag": {func(b *btf.Builder) {
			union := b.AddUnion("u", 8, btf.Member{Name: "p", Type: b.AddPtr(2)}, btf.Member{Name: "n", Type: 3})
			b.AddDeclTag("About p.", union, 0)
		}, "", []string{"// P is member p, in place: pointer to int.", "//", "// About p."}},
	} {
		t.Run(what, func(t *testing.T) {
			code, warnings := generate(t, build(t, c.add), gotypes.Options{})
			if c.warning == "" && len(warnings) > 0 || c.warning != "" && (len(warnings) != 1 || warnings[0] != c.warning) {
				t.Errorf("warnings %q, want %q", warnings, c.warning)
			}
			wantLines(t, code, c.lines...)
		})
	}
}

// A union without bytes has none in Go either. One of a single byte has it.
func TestSmallUnions(t *testing.T) {
	code, warnings := generate(t, build(t, func(b *btf.Builder) {
		b.AddUnion("none", 0)
		b.AddUnion("one", 1, btf.Member{Name: "a", Type: 1})
		nothing := b.AddUnion("", 0)
		b.AddStruct("before", 4, btf.Member{Type: nothing}, btf.Member{Name: "b", Type: 2})
		letter := b.AddUnion("", 1, btf.Member{Name: "c", Type: 1})
		b.AddStruct("after", 2, btf.Member{Name: "d", Type: 1}, btf.Member{Type: letter, BitOffset: 8})
	}), gotypes.Options{})
	wantLines(t, code, "type None struct {", "bytes [1]byte", "func (u *One) A() *byte { return (*byte)(unsafe.Pointer(&u.bytes)) }",
		"union1 [1]byte", "func (s *After) C() *byte { return (*byte)(unsafe.Pointer(&s.union1)) }")
	if strings.Contains(code, "[0]byte") || len(warnings) > 0 {
		t.Errorf("warnings %q, and\n%s", warnings, code)
	}
}

// A union of flexible arrays has no bytes in Go either, and none that would have to be aligned.
func TestUnionOfFlexibleArrays(t *testing.T) {
	code, warnings := generate(t, build(t, func(b *btf.Builder) {
		address := b.AddStruct("address", 4, btf.Member{Name: "a", Type: 2})
		segments := b.AddUnion("", 0,
			btf.Member{Name: "addresses", Type: b.AddArray(address, 2, 0)}, btf.Member{Name: "data", Type: b.AddArray(1, 2, 0)})
		b.AddStruct("header", 4, btf.Member{Name: "length", Type: 2}, btf.Member{Name: "segments", Type: segments, BitOffset: 32})
	}), gotypes.Options{})
	wantLines(t, code, "// Member segments has no bytes.")
	if len(warnings) > 0 {
		t.Error(warnings)
	}
	checkTypes(t, []byte(code))
}

// How deep types are in each other is counted anew for each, also after an error.
func TestDepth(t *testing.T) {
	const most = 64
	var nested [most + 1]btf.TypeID
	var siblings btf.TypeID
	g := gotypes.New(build(t, func(b *btf.Builder) {
		nested[0] = 2
		for i := range most {
			nested[i+1] = b.AddArray(nested[i], 2, 1)
		}
		var members []btf.Member
		for i := range 2 * uint32(most) {
			name := "m" + strconv.Itoa(int(i))
			members = append(members, btf.Member{Type: b.AddStruct("", 4, btf.Member{Name: name, Type: 2}), BitOffset: 32 * i})
		}
		siblings = b.AddStruct("siblings", 4*2*most, members...)
	}), gotypes.Options{})
	for range 2 * most {
		if typ, err := g.Type(nested[most]); !errors.Is(err, unix.E2BIG) {
			t.Fatalf("%d arrays in each other: %s, %v", most, typ, err)
		}
	}
	want := strings.Repeat("[1]", most-1) + "int32"
	for range 2 {
		if typ, err := g.Type(nested[most-1]); err != nil || typ != want {
			t.Errorf("%d arrays in each other: %s, %v", most-1, typ, err)
		}
	}
	if typ, err := g.Type(siblings); err != nil || typ != "Siblings" || len(g.Warnings()) > 0 {
		t.Errorf("structs side by side: %s, %v, warnings %q", typ, err, g.Warnings())
	}
}

// Declare writes what File writes between the imports and the end, and both write the same each time.
func TestDeclare(t *testing.T) {
	types := build(t, func(b *btf.Builder) {
		b.AddStruct("b", 4, btf.Member{Name: "n", Type: 2})
		b.AddStruct("a", 4, btf.Member{Name: "n", Type: 2})
	})
	g := gotypes.New(types, gotypes.Options{})
	for _, id := range []btf.TypeID{4, 5} {
		if _, err := g.Type(id); err != nil {
			t.Error(err)
		}
	}
	var declared bytes.Buffer
	testutil.Check(t, g.Declare(&declared))
	if whole := file(t, g); !strings.HasSuffix(whole, declared.String()) || !strings.HasPrefix(declared.String(), "// A is struct a.") {
		t.Errorf("%s\nis not the end of\n%s", declared.String(), whole)
	}
	if err := g.Declare(failing{}); !errors.Is(err, errFailing) {
		t.Errorf("a writer that fails: %v", err)
	}
}

var errFailing = errors.New("failing")

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errFailing }

// Generate leaves out what can't be declared, and says so, but not what it can't read.
func TestGenerateAll(t *testing.T) {
	types := build(t, func(b *btf.Builder) {
		b.AddStruct("huge", 1<<27+1)
		b.AddStruct("good", 4, btf.Member{Name: "n", Type: 2})
		b.AddStruct("good___old", 8, btf.Member{Name: "n", Type: 3})
		b.AddStruct("", 8, btf.Member{Name: "nameless", Type: 3})
		b.AddTypedef("alias", b.AddStruct("", 8, btf.Member{Name: "n", Type: 3}))
		b.AddEnum("", 4, btf.EnumValue{Name: "CONSTANT", Value: 1})
	})
	var code bytes.Buffer
	testutil.Check(t, gotypes.Generate(&code, types, "test", gotypes.Options{}))
	checkTypes(t, code.Bytes())
	wantLines(t, code.String(), "// Not expressed: struct huge: gotypes: type 4: the type is too large", "type Good struct {", "type Alias struct {")
	for _, other := range []string{"GoodOld", "Nameless", "Constant", "Anonymous"} {
		if strings.Contains(code.String(), other) {
			t.Errorf("%s was declared", other)
		}
	}
	testutil.Check(t, types.Close())
	for _, names := range [][]string{nil, {"good"}} {
		if err := gotypes.Generate(&code, types, "test", gotypes.Options{}, names...); !errors.Is(err, btf.ErrClosed) {
			t.Errorf("closed: %v", err)
		}
	}
	if name, err := gotypes.New(types, gotypes.Options{}).Section(".data", "Data", nil, 8); name != "" || !errors.Is(err, btf.ErrClosed) {
		t.Errorf("closed: %s, %v", name, err)
	}
}
