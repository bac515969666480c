package btf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/mutate"
	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// Two copies become one. The second copy of a struct is behind a pointer.
func TestDedup(t *testing.T) {
	once := newTestBuilder(t)
	once.AddBTF(parse(t, everyKind()))
	once.Dedup(nil)
	twice := newTestBuilder(t)
	twice.AddBTF(parse(t, everyKind()))
	twice.AddBTF(parse(t, everyKind()))
	twice.Dedup(nil)
	// Variables and sections are never the same.
	want := allTypes(t, build(t, once))
	got := allTypes(t, build(t, twice))
	if len(want) != 19 || len(got) != 21 {
		t.Fatalf("%d types, and of two copies %d, want 19 and 21: %v", len(want), len(got), twice.Err())
	}
	if diff := diffTypes(want, got[:19]); diff != "" {
		t.Errorf("types (-want +got):\n%s", diff)
	}
	// The Builder goes on.
	if id := twice.AddPtr(1); id != 22 {
		t.Errorf("the next type has the number %d: %v", id, twice.Err())
	}
	if typ, err := build(t, twice).TypeByName("twin", KindStruct); err != nil || typ.ID() != 7 {
		t.Errorf("%v, %v", typ, err)
	}
}

func TestDedupOfSplitTypes(t *testing.T) {
	base := parse(t, everyKind())
	b := NewSplitBuilder(base)
	defer b.Close()
	number := b.AddInt("int", 4, IntSigned) // the base has it
	b.AddStruct("mine", 4, Member{"n", number, 0, 0})
	b.Dedup(nil)
	made := build(t, b)
	if made.NumTypes() != 20 {
		t.Fatalf("%d types, want 20: %v", made.NumTypes(), b.Err())
	}
	if typ, err := made.TypeByID(20); err != nil || typ.(*Composite).Members[0].Type != 1 {
		t.Errorf("%v, %v", typ, err)
	}
}

// The kernel's types have no duplicates left. Recursion goes as deep as they refer to each other.
func TestDedupOfTheKernel(t *testing.T) {
	k := loadKernel(t)
	b := k.Builder()
	defer b.Close()
	b.AddBTF(k)
	b.Dedup(nil)
	if err := b.Err(); err != nil {
		t.Fatal(err)
	}
	if n := b.NumTypes(); n < k.NumTypes()*9/10 || n > k.NumTypes()*11/10 {
		t.Errorf("%d types of two times %d", n, k.NumTypes())
	}
}

// libbpf recurses for each of these pointers: a thread's stack is too small for it.
func TestDedupOfALongChain(t *testing.T) {
	raw := newRaw()
	const n = 200_000
	for i := range n {
		raw.add("", KindPtr, 0, uint32(i+2))
	}
	raw.add("int", KindInt, 0, 4, 32)
	b := parse(t, raw).Builder()
	defer b.Close()
	b.Dedup(nil)
	if b.Err() != nil || b.NumTypes() != n+1 {
		t.Errorf("%d types: %v", b.NumTypes(), b.Err())
	}
}

// libbpf compares the types of a and b without an end: they are pointers to themselves.
func TestDedupOfCycles(t *testing.T) {
	for _, add := range []func(b *Builder, target TypeID) TypeID{
		(*Builder).AddPtr, (*Builder).AddConst,
		func(b *Builder, target TypeID) TypeID { return b.AddTypedef("t", target) },
	} {
		b := newTestBuilder(t)
		add(b, 1)
		add(b, 2)
		add(b, 3)
		b.AddStruct("s", 16, Member{"a", 1, 0, 0}, Member{"b", 1, 64, 0})
		b.AddStruct("s", 16, Member{"a", 2, 0, 0}, Member{"b", 3, 64, 0})
		if b.Dedup(nil); !errors.Is(b.Err(), unix.ELOOP) {
			t.Errorf("error %v", b.Err())
		}
	}
}

func needsLibbpf(t *testing.T, minor int, feature string) {
	t.Helper()
	if err := clib.Needs(feature, 1, minor); err != nil {
		testutil.Skip(t, "libbpf-1."+string(rune('0'+minor)), err)
	}
}

func TestPermute(t *testing.T) {
	needsLibbpf(t, 7, "btf__permute")
	want := allTypes(t, parse(t, everyKind()))
	numbers := make([]TypeID, 19)
	back := make([]TypeID, 19)
	for i := range numbers {
		numbers[i] = TypeID(19 - i)
		back[19-i-1] = TypeID(i + 1)
	}
	b := newTestBuilder(t)
	b.AddBTF(parse(t, everyKind()))
	b.Permute(numbers, nil)
	made := build(t, b)
	for i, typ := range allTypes(t, made) {
		if w := want[18-i]; typ.Kind() != w.Kind() || typ.Name() != w.Name() {
			t.Errorf("type %d is %v, want %v", i+1, typ, w)
		}
	}
	if typ, err := made.TypeByName("twin", KindStruct); err != nil || typ.(*Composite).Members[3].Type != 17 {
		t.Errorf("%v, %v", typ, err)
	}
	b.Permute(back, nil)
	if diff := diffTypes(want, allTypes(t, build(t, b))); diff != "" {
		t.Errorf("back again: types (-want +got):\n%s", diff)
	}

	split := parseSplit(t).Builder()
	defer split.Close()
	split.Permute([]TypeID{21, 20, 22}, nil)
	typ, err := build(t, split).TypeByID(20)
	if err != nil || typ.Name() != "mine" || typ.(*Composite).Members[0].Type != 21 {
		t.Errorf("%v, %v", typ, err)
	}
}

// libbpf has less memory for types after a permutation, and takes it for as much as before. What is added then must not
// be written behind it.
func TestAddAfterPermute(t *testing.T) {
	needsLibbpf(t, 7, "btf__permute")
	for range 50 {
		b := NewBuilder()
		numbers := make([]TypeID, 1000)
		for i := range numbers {
			b.AddArray(0, 0, uint32(i))
			numbers[i] = TypeID(i + 1)
		}
		b.Permute(numbers, nil)
		for i := range 100 {
			b.AddArray(0, 0, uint32(i))
		}
		made, err := b.BTF()
		if err != nil || made.NumTypes() != 1100 {
			t.Fatalf("%v, %v", made, err)
		}
		_ = made.Close()
		_ = b.Close()
	}
}

// Types that refer to one base are made to refer to another, where the same types have other numbers.
func TestDistillAndRelocate(t *testing.T) {
	needsLibbpf(t, 5, "btf__distill_base")
	split := parseSplit(t)
	base, distilled, err := split.DistillBase()
	if err != nil {
		t.Fatal(err)
	}
	defer base.Close()
	defer distilled.Close()
	if distilled.Base() != base || base.NumTypes() >= split.Base().NumTypes() || base.NumTypes() < 2 {
		t.Errorf("the distilled base has %d types", base.NumTypes())
	}
	twin, err := base.TypeByName("twin", KindStruct)
	if err != nil || twin.(*Composite).Size != 40 || len(twin.(*Composite).Members) != 0 {
		t.Errorf("the struct in the distilled base is %v, %v", twin, err)
	}

	other := newTestBuilder(t)
	other.AddFloat("first", 4)
	other.AddBTF(parse(t, everyKind()))
	otherBase := build(t, other)
	b := distilled.Builder()
	defer b.Close()
	b.Relocate(otherBase)
	made := build(t, b)
	if made.Base() != otherBase {
		t.Errorf("the base is %v", made.Base())
	}
	mine, err := made.TypeByName("mine")
	if err != nil {
		t.Fatal(err)
	}
	members := mine.(*Composite).Members
	if decl, err := made.Declaration(members[0].Type, "t"); err != nil || decl != "struct twin *t" {
		t.Errorf("%q, %v", decl, err)
	}
	if members[1].Type != 2 {
		t.Errorf("the int has the number %d, want 2", members[1].Type)
	}

	// The way by a file: the section .BTF.base has the distilled base.
	rawBase, err1 := base.Raw()
	rawSplit, err2 := distilled.Raw()
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	path := elfWithBTF(t, map[string][]byte{".BTF": rawSplit, ".BTF.base": rawBase})
	fromFile, err := ParseSplit(path, otherBase)
	if err != nil {
		t.Fatal(err)
	}
	defer fromFile.Close()
	if diff := diffTypes(allTypes(t, made), allTypes(t, fromFile)); diff != "" {
		t.Errorf("the file's types (-want +got):\n%s", diff)
	}

	without := newTestBuilder(t)
	without.AddFloat("first", 4)
	b = distilled.Builder()
	defer b.Close()
	if b.Relocate(build(t, without)); !errors.Is(b.Err(), unix.EINVAL) {
		t.Errorf("a base without the types: %v", b.Err())
	}
	b = distilled.Builder()
	defer b.Close()
	if b.Relocate(split); !errors.Is(b.Err(), unix.EINVAL) {
		t.Errorf("a base that has a base: %v", b.Err())
	}
	if _, _, err := split.Base().DistillBase(); !errors.Is(err, unix.EINVAL) {
		t.Errorf("no base: %v", err)
	}
}

// libbpf follows these numbers, wherever they lead.
func TestTransformDamaged(t *testing.T) {
	for name, kind := range map[string]Kind{"gone": KindFwd, "": KindFuncProto} {
		t.Run(kind.String(), func(t *testing.T) {
			raw := newRaw()
			raw.add(name, kind, 0, 1<<20)
			damaged, err := ParseRaw(raw.bytes())
			if err != nil && clib.Needs("the check of references", 1, 4) != nil {
				return
			} else if err != nil {
				t.Fatal(err)
			}
			defer damaged.Close()
			transformDamaged(t, damaged)
		})
	}
}

func transformDamaged(t *testing.T, damaged *BTF) {
	b := damaged.Builder()
	defer b.Close()
	if b.Dedup(nil); !errors.Is(b.Err(), unix.EINVAL) {
		t.Errorf("Dedup: %v", b.Err())
	}
	needsLibbpf(t, 5, "btf__distill_base")
	on := NewSplitBuilder(damaged)
	defer on.Close()
	on.AddPtr(1)
	rawSplit, err := on.Raw()
	if err != nil {
		t.Fatal(err)
	}
	split, err := ParseRawSplit(rawSplit, damaged)
	if err != nil {
		t.Fatal(err)
	}
	defer split.Close()
	if _, _, err := split.DistillBase(); !errors.Is(err, unix.EINVAL) {
		t.Errorf("DistillBase: %v", err)
	}
	if _, err := on.BTF(); !errors.Is(err, unix.EINVAL) {
		t.Errorf("BTF: %v", err)
	}
	on.Relocate(parse(t, everyKind()))
	if !errors.Is(on.Err(), unix.EINVAL) {
		t.Errorf("Relocate: %v", on.Err())
	}
}

// libbpf follows these without an end.
func TestRelocateCycle(t *testing.T) {
	needsLibbpf(t, 5, "btf__relocate")
	base := newTestBuilder(t)
	base.AddInt("int", 4, 0)
	b := NewSplitBuilder(build(t, base))
	defer b.Close()
	b.AddConst(3)
	b.AddTypedef("t", 2)
	b.AddStruct("s", 4, Member{"m", 2, 0, 0})
	other := newTestBuilder(t)
	other.AddInt("int", 4, 0)
	b.Relocate(build(t, other))
	if !errors.Is(b.Err(), unix.ELOOP) {
		t.Errorf("error %v", b.Err())
	}
}

// rawExtOf is a section .BTF.ext with a function, a line and a relocation, in that order.
func rawExtOf(order binary.ByteOrder, typ, name, file, line, access uint32) []byte {
	raw := make([]byte, 4)
	order.PutUint16(raw, 0xeb9f)
	raw[2] = 1
	words := []uint32{
		32, 0, 20, 20, 28, 48, 28,
		8, name, 1, 0, typ,
		16, name, 1, 0, file, line, 5<<10 | 1,
		16, name, 1, 0, typ, access, 0,
	}
	for _, w := range words {
		raw = append(raw, 0, 0, 0, 0)
		order.PutUint32(raw[len(raw)-4:], w)
	}
	return raw
}

func TestExt(t *testing.T) {
	b := newTestBuilder(t)
	name, file, line := b.AddString(".text"), b.AddString("a.c"), b.AddString("return 0;")
	b.AddInt("int", 4, IntSigned)
	b.AddInt("int", 4, IntSigned)
	b.AddFuncProto(2)
	fn := b.AddFunc("f", LinkageGlobal, 3)
	ext, err := ParseExt(rawExtOf(nativeOrder, uint32(fn), name, file, line, name))
	if err != nil {
		t.Fatal(err)
	}
	defer ext.Close()
	b.Dedup(ext)
	types := build(t, b)
	raw, err := ext.Raw()
	if err != nil || types.NumTypes() != 3 {
		t.Fatalf("%d types: %v, %v", types.NumTypes(), err, b.Err())
	}
	word := func(i int) uint32 { return nativeOrder.Uint32(raw[4*i:]) }
	if word(12) != 3 || word(24) != 3 {
		t.Errorf("the function has the numbers %d and %d, want 3", word(12), word(24))
	}
	for i, want := range map[int]string{9: ".text", 17: "a.c", 18: "return 0;"} {
		if s, err := types.StringByOffset(word(i)); err != nil || s != want {
			t.Errorf("a string is %q, %v, want %q", s, err, want)
		}
	}
	if ext.ByteOrder() != nativeOrder {
		t.Errorf("the byte order is %v", ext.ByteOrder())
	}

	if clib.Needs("btf_ext__set_endianness", 1, 5) == nil {
		for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
			if err := ext.SetByteOrder(order); err != nil {
				t.Fatal(err)
			}
			got, err := ext.Raw()
			if err != nil || ext.ByteOrder() != order || order.Uint16(got) != 0xeb9f || order.Uint32(got[4*12:]) != 3 {
				t.Errorf("%v: %x, %v", order, got, err)
			}
			again, err := ParseExt(got)
			if err != nil {
				t.Fatal(err)
			}
			if same, err := again.Raw(); err != nil || !bytes.Equal(same, got) {
				t.Errorf("%v: %x, %v, want %x", order, same, err, got)
			}
			if clib.Needs("btf__permute", 1, 7) == nil {
				// It changes in both byte orders.
				b := types.Builder()
				b.Permute([]TypeID{1, 3, 2}, again)
				if got, err := again.Raw(); err != nil || b.Err() != nil || order.Uint32(got[4*12:]) != 2 {
					t.Errorf("%v: %x, %v, %v", order, got, err, b.Err())
				}
				_ = b.Close()
			}
			_ = again.Close()
		}
		if err := ext.SetByteOrder(nil); !errors.Is(err, unix.EINVAL) {
			t.Errorf("no order: %v", err)
		}
	}
	if err := errors.Join(ext.Close(), ext.Close(), (*Ext)(nil).Close()); err != nil {
		t.Error(err)
	}
	if _, err := ext.Raw(); !errors.Is(err, ErrClosed) || ext.ByteOrder() != nil {
		t.Errorf("after Close: %v, %v", err, ext.ByteOrder())
	}
}

func TestDamagedExt(t *testing.T) {
	types := parse(t, everyKind())
	for name, raw := range map[string][]byte{
		"type":       rawExtOf(nativeOrder, 1<<30, 1, 1, 1, 1),
		"section":    rawExtOf(nativeOrder, 1, 1<<30, 1, 1, 1),
		"file":       rawExtOf(nativeOrder, 1, 1, 1<<30, 1, 1),
		"line":       rawExtOf(nativeOrder, 1, 1, 1, 1<<30, 1),
		"access":     rawExtOf(nativeOrder, 1, 1, 1, 1, 1<<30),
		"type, swap": rawExtOf(otherOrder(), 1<<30, 1, 1, 1, 1),
	} {
		ext, err := ParseExt(raw)
		mutate.Ended(err)
		if err != nil {
			if !errors.Is(err, unix.EINVAL) && !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		b := types.Builder()
		if b.Dedup(ext); !errors.Is(b.Err(), unix.EINVAL) {
			t.Errorf("%s: %v", name, b.Err())
		}
		_ = b.Close()
		_ = ext.Close()
	}
	// libbpf changes the byte order of one table, and then reads the other, which is the same.
	overlap := rawExtOf(otherOrder(), 1, 1, 1, 1, 1)
	copy(overlap[16:24], overlap[8:16])
	otherOrder().PutUint32(overlap[32:], 16)
	for _, raw := range [][]byte{nil, {1}, overlap, overlap[:20], overlap[:40]} {
		if _, err := ParseExt(raw); err == nil {
			t.Errorf("%x: no error", raw)
		}
	}
}

func otherOrder() binary.ByteOrder {
	if nativeOrder == binary.LittleEndian {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

func TestParseWithExt(t *testing.T) {
	b := newTestBuilder(t)
	b.AddInt("int", 4, 0)
	types, err := b.Raw()
	if err != nil {
		t.Fatal(err)
	}
	raw := rawExtOf(nativeOrder, 1, 1, 1, 1, 1)
	made, ext, err := ParseWithExt(elfWithBTF(t, map[string][]byte{".BTF": types, ".BTF.ext": raw}))
	if err != nil {
		t.Fatal(err)
	}
	defer made.Close()
	defer ext.Close()
	if got, err := ext.Raw(); err != nil || !bytes.Equal(got, raw) || made.NumTypes() != 1 {
		t.Errorf("%x, %v", got, err)
	}
	without, ext, err := ParseWithExt(elfWithBTF(t, map[string][]byte{".BTF": types}))
	if err != nil || ext != nil {
		t.Fatalf("%v, %v", ext, err)
	}
	_ = without.Close()
	if _, _, err := ParseWithExt(elfWithBTF(t, map[string][]byte{".BTF": types, ".BTF.ext": raw[:30]})); err == nil {
		t.Error("a damaged ext is no error")
	}
}

// exerciseTransforms calls everything that changes types. All calls must return.
func exerciseTransforms(t testing.TB, b *BTF) {
	t.Helper()
	ext, _ := ParseExt(rawExtOf(nativeOrder, 1, 1, 1, 1, 1))
	defer ext.Close()
	builder := b.Builder()
	builder.Dedup(ext)
	if made, err := builder.BTF(); err == nil {
		if made.NumTypes() > b.NumTypes() {
			t.Errorf("%d types became %d without duplicates", b.NumTypes(), made.NumTypes())
		}
		_ = made.Close()
	}
	_ = builder.Close()

	builder = b.Builder()
	numbers := make([]TypeID, b.NumTypes())
	for i := range numbers {
		numbers[i] = TypeID(len(numbers) - i)
	}
	builder.Permute(numbers, nil)
	builder.AddPtr(1)
	if made, err := builder.BTF(); err == nil {
		_ = made.Close()
	}
	_ = builder.Close()

	// A split BTF that refers to each of the types.
	on := NewSplitBuilder(b)
	for id := range b.NumTypes() {
		on.AddStruct("s", 8, Member{"m", TypeID(id + 1), 0, 0})
	}
	on.AddReachable(b, slices.Collect(func(yield func(TypeID) bool) {
		for id := range b.NumTypes() {
			if !yield(TypeID(id + 1)) {
				return
			}
		}
	})...)
	if split, err := on.BTF(); err == nil {
		if base, distilled, err := split.DistillBase(); err == nil {
			builder := distilled.Builder()
			builder.Relocate(b)
			_ = builder.Close()
			_ = distilled.Close()
			_ = base.Close()
		}
		builder := split.Builder()
		builder.Relocate(b)
		_ = builder.Close()
		_ = split.Close()
	}
	on.Dedup(nil)
	_ = on.Close()
	_ = b.LoadIntoKernel(LoadOptions{})
}

func FuzzTransform(f *testing.F) {
	addTypes(f, everyKind())
	small := newRaw()
	zeroSizeMember(small)
	anonymousCycle(small)
	addTypes(f, small)
	twins := newRaw()
	twins.add("int", KindInt, 0, 4, 32)
	for range 3 {
		n := uint32(len(twins.types) / 9)
		twins.add("s", KindStruct, 1, 4, twins.name("m"), 2+n, 0)
		twins.add("s", KindFwd, 0, 0)
	}
	addTypes(f, twins)
	f.Fuzz(mutate.Target(f, 100, func(t *testing.T, types, names []byte) {
		b, err := ParseRaw(typesOf(types, names).bytes())
		mutate.Ended(err)
		if err != nil {
			return
		}
		exerciseTransforms(t, b)
		_ = b.Close()
	}))
}

func FuzzExt(f *testing.F) {
	f.Add(rawExtOf(nativeOrder, 1, 1, 1, 1, 1))
	f.Add(rawExtOf(otherOrder(), 1, 1, 1, 1, 1))
	f.Fuzz(mutate.Target(f, 5, func(t *testing.T, raw []byte) {
		ext, err := ParseExt(raw)
		if err != nil {
			return
		}
		defer ext.Close()
		b := NewBuilder()
		defer b.Close()
		b.AddInt("int", 4, 0)
		b.AddInt("int", 4, 0)
		b.Dedup(ext)
		b.Permute([]TypeID{1}, ext)
		for _, order := range []binary.ByteOrder{otherOrder(), nativeOrder} {
			_ = ext.SetByteOrder(order)
			got, err := ext.Raw()
			if err != nil {
				t.Error(err)
			}
			if again, err := ParseExt(got); err == nil {
				_ = again.Close()
			}
		}
	}))
}
