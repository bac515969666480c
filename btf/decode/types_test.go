package decode

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// build makes types, in little-endian order.
func build(t testing.TB, add func(b *btf.Builder)) *Types {
	t.Helper()
	b := btf.NewBuilder()
	defer b.Close()
	b.SetByteOrder(binary.LittleEndian)
	add(b)
	built, err := b.BTF()
	testutil.Check(t, err)
	return typesOf(t, built)
}

// damage makes types, of which the first has another size. Of an int, data are the bits that it has and where.
func damage(t testing.TB, size, data uint32, add func(b *btf.Builder)) *Types {
	t.Helper()
	b := btf.NewBuilder()
	defer b.Close()
	b.SetByteOrder(binary.LittleEndian)
	add(b)
	built, err := b.BTF()
	testutil.Check(t, err)
	defer built.Close()
	raw, err := built.Raw()
	testutil.Check(t, err)
	raw = append([]byte(nil), raw...)
	first := raw[binary.LittleEndian.Uint32(raw[4:]):] // behind the header
	binary.LittleEndian.PutUint32(first[8:], size)
	if data != 0 {
		binary.LittleEndian.PutUint32(first[12:], data)
	}
	damaged, err := btf.ParseRaw(raw)
	testutil.Check(t, err)
	return typesOf(t, damaged)
}

func find(t testing.TB, types *Types, name string) *Type {
	t.Helper()
	typ, err := types.Named(name)
	testutil.Check(t, err)
	return typ
}

// valueOf is a value that is given as JSON.
func valueOf(t testing.TB, typ *Type, text string) []byte {
	t.Helper()
	data := make([]byte, typ.Size())
	testutil.Check(t, typ.Set(data, text))
	return data
}

// The largest types that are taken, and those that are a little larger.
func TestLimits(t *testing.T) {
	taken, refused := map[string]btf.TypeID{}, map[string]btf.TypeID{}
	types := build(t, func(b *btf.Builder) {
		u8, u32, char := b.AddInt("u8", 1, 0), b.AddInt("u32", 4, 0), b.AddInt("char", 1, btf.IntChar)
		of := func(elem btf.TypeID, n uint32) btf.TypeID { return b.AddArray(elem, u32, n) }
		void := b.AddStruct("nothing", 0)
		for what, elem := range map[string]btf.TypeID{
			"int": u32, "pointer": b.AddPtr(0), "float": b.AddFloat("float", 4), "struct": b.AddStruct("one", 1, btf.Member{Type: u8}),
			"enum": b.AddEnum("enum", 4, btf.EnumValue{Name: "A", Value: 1}), "nothing": void,
		} {
			taken["array of "+what], refused["array of "+what] = of(elem, maxLeaves), of(elem, maxLeaves+1)
		}
		taken["string"], refused["string"] = of(char, 16*maxLeaves-1), of(char, 16*maxLeaves)
		half := b.AddStruct("half", maxSize/2)
		taken["size of array"], refused["size of array"] = of(half, 2), of(half, 3)
		taken["size"], refused["size"] = b.AddStruct("size", maxSize), b.AddStruct("size1", maxSize+1)

		full := of(u8, maxLeaves-1)
		members := func(second btf.TypeID, name string) []btf.Member {
			return []btf.Member{{Name: "a", Type: full}, {Name: name, Type: second, BitOffset: 8 * (maxLeaves - 1)}}
		}
		two := b.AddStruct("two", 2, btf.Member{Name: "x", Type: u8}, btf.Member{Name: "y", Type: u8, BitOffset: 8})
		one := b.AddStruct("", 1, btf.Member{Name: "x", Type: u8})
		anonymous := b.AddStruct("", 2, btf.Member{Name: "x", Type: u8}, btf.Member{Name: "y", Type: u8, BitOffset: 8})
		for what, id := range map[string]btf.TypeID{"one": u8, "one without parts": void} {
			taken[what] = b.AddStruct("sum", maxLeaves+1, members(id, "b")...)
		}
		taken["one anonymous"] = b.AddStruct("sum1", maxLeaves+1, members(one, "")...)
		refused["two"] = b.AddStruct("sum2", maxLeaves+1, members(two, "b")...)
		refused["two anonymous"] = b.AddStruct("sum3", maxLeaves+1, members(anonymous, "")...)

		a, c := b.AddVar("a", btf.LinkageGlobal, full), b.AddVar("c", btf.LinkageGlobal, u8)
		e := b.AddVar("e", btf.LinkageGlobal, void)
		section := func(of ...btf.DatasecVar) btf.TypeID { return b.AddDatasec(".data", maxLeaves+1, of...) }
		taken["section"] = section(btf.DatasecVar{Type: a}, btf.DatasecVar{Type: c})
		taken["section with one without parts"] = section(btf.DatasecVar{Type: a}, btf.DatasecVar{Type: e})
		refused["section"] = section(btf.DatasecVar{Type: a}, btf.DatasecVar{Type: c}, btf.DatasecVar{Type: c})
		taken["far variable"] = section(btf.DatasecVar{Type: c, Offset: maxSize})
		refused["far variable"] = section(btf.DatasecVar{Type: c, Offset: maxSize + 1})
	})
	for what, id := range taken {
		if _, err := types.Type(id); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	for what, id := range refused {
		if _, err := types.Type(id); !errors.Is(err, unix.EINVAL) {
			t.Errorf("%s, too large: %v", what, err)
		}
	}
}

// Types are nested 64 deep, and no deeper. An error does not last: the types in a type that is too deep are taken.
func TestDepth(t *testing.T) {
	var ids []btf.TypeID
	types := build(t, func(b *btf.Builder) {
		ids = append(ids, b.AddInt("int", 4, btf.IntSigned))
		for i := range 200 {
			ids = append(ids, b.AddStruct(fmt.Sprint("s", i), 4, btf.Member{Name: "a", Type: ids[i]}))
		}
	})
	for range 2 {
		if _, err := types.Type(ids[maxDepth]); !errors.Is(err, unix.EINVAL) || !strings.Contains(err.Error(), "nested too deep") {
			t.Errorf("%d levels: %v", maxDepth+1, err)
		}
	}
	for _, i := range []int{maxDepth - 1, 3} {
		if _, err := types.Type(ids[i]); err != nil {
			t.Errorf("%d levels: %v", i+1, err)
		}
	}
	// What is ready is not made again, so the depth of all is no limit.
	for i, id := range ids {
		if _, err := types.Type(id); err != nil {
			t.Fatalf("%d levels, one after the other: %v", i+1, err)
		}
	}
}

// What has no values, and what has such parts, is an error, each time.
func TestNoValues(t *testing.T) {
	of := map[string]btf.TypeID{}
	types := build(t, func(b *btf.Builder) {
		n := b.AddInt("int", 4, btf.IntSigned)
		function := b.AddFuncProto(n)
		of["function"] = function
		of["array"] = b.AddArray(function, n, 2)
		of["struct"] = b.AddStruct("with", 4, btf.Member{Name: "f", Type: function})
		of["section"] = b.AddDatasec(".data", 8, btf.DatasecVar{Type: b.AddVar("f", btf.LinkageGlobal, function), Size: 8})
	})
	for what, id := range of {
		for range 2 {
			if typ, err := types.Type(id); typ != nil || !errors.Is(err, unix.EINVAL) || !strings.Contains(err.Error(), "has no values") {
				t.Errorf("%s: %v, %v", what, typ, err)
			}
		}
	}
}

func TestTypeOfItself(t *testing.T) {
	var id btf.TypeID
	types := build(t, func(b *btf.Builder) {
		n := b.AddInt("int", 4, btf.IntSigned)
		id = b.AddStruct("itself", 8, btf.Member{Name: "itself", Type: n + 1})
	})
	for range 2 {
		if _, err := types.Type(id); !errors.Is(err, unix.EINVAL) || !strings.Contains(err.Error(), "contains itself") {
			t.Errorf("%v", err)
		}
	}
}

// Numbers of other sizes than compilers have are large numbers, or nothing.
func TestOddSizes(t *testing.T) {
	integer := func(b *btf.Builder) { b.AddInt("n", 4, btf.IntSigned) }
	enum := func(b *btf.Builder) { b.AddEnum("n", 4, btf.EnumValue{Name: "A", Value: 1}) }
	float := func(b *btf.Builder) { b.AddFloat("n", 4) }
	for _, c := range []struct {
		name string
		add  func(*btf.Builder)
		size uint32
		kind Kind
		text string // of bytes that are 1
		sum  bool
	}{
		{"int", integer, 8, KindInt, "72340172838076673", true},
		{"int", integer, 9, KindBig, "18519084246547628289", true},
		{"int", integer, 0, KindBig, "0", false},
		{"enum", enum, 8, KindEnum, "72340172838076673", false},
		{"enum", enum, 1, KindEnum, "A", false},
		{"enum", enum, 9, KindBig, "0x10101010101010101", false},
		{"enum", enum, 0, KindBig, "0x0", false},
		{"float", float, 4, KindFloat, "2.3694278e-38", false},
		{"float", float, 8, KindFloat, "7.748604185489348e-304", false},
		{"float", float, 2, KindBig, "0x101", false},
		{"float", float, 16, KindBig, "0x1010101010101010101010101010101", false},
	} {
		typ := find(t, damage(t, c.size, 0, c.add), "n")
		data := []byte(strings.Repeat("\x01", int(c.size)))
		if typ.Kind() != c.kind || typ.Text(data) != c.text || typ.Summable() != c.sum {
			t.Errorf("%s of %d bytes: kind %d, %s, summable %v", c.name, c.size, typ.Kind(), typ.Text(data), typ.Summable())
		}
	}
	// There is nothing that could be set.
	nothing := find(t, damage(t, 0, 0, integer), "n")
	if err := nothing.Set(nil, "1"); !errors.Is(err, unix.EINVAL) {
		t.Errorf("set an integer without bytes: %v", err)
	}
}

// Old compilers describe bit fields by integers of fewer bits than their bytes have.
func TestOldBitFields(t *testing.T) {
	const offset, bits = 3, 5
	types := damage(t, 4, offset<<16|bits, func(b *btf.Builder) {
		n := b.AddInt("unsigned int", 4, 0)
		whole := b.AddInt("whole", 4, 0)
		b.AddStruct("old", 8, btf.Member{Name: "a", Type: n}, btf.Member{Name: "b", Type: n, BitOffset: 8},
			btf.Member{Name: "c", Type: whole, BitOffset: 32})
	})
	typ := find(t, types, "old")
	data := []byte{0b10101_111, 0b00011_111, 0, 0, 1, 2, 0, 0}
	if got, want := typ.Text(data), "{a=21 b=3 c=513}"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	for path, want := range map[string]uint64{"a": 21, "b": 3, "c": 513} {
		if got, ok := part(t, typ, path).Uint(data); got != want || !ok {
			t.Errorf("%s = %d, %v", path, got, ok)
		}
	}
	if err := part(t, typ, "b").Set(data, "32"); !errors.Is(err, unix.EINVAL) {
		t.Errorf("a bit field of 5 bits takes 32: %v", err)
	}
	testutil.Check(t, part(t, typ, "b").Set(data, "31"))
	if data[1] != 0xff || data[0] != 0b10101_111 {
		t.Errorf("set b: %08b", data)
	}
}

// Bit fields of types that have none.
func TestOddBitFields(t *testing.T) {
	types := build(t, func(b *btf.Builder) {
		n := b.AddInt("int", 4, btf.IntSigned)
		b.AddStruct("pointer", 8, btf.Member{Name: "m", Type: b.AddPtr(n), BitfieldSize: 3})
		b.AddStruct("float", 8, btf.Member{Name: "m", Type: b.AddFloat("float", 4), BitfieldSize: 3})
		b.AddStruct("wide", 16, btf.Member{Name: "m", Type: b.AddInt("__int128", 16, 0), BitfieldSize: 70})
		b.AddStruct("hole", 16, btf.Member{Name: "a", Type: n, BitfieldSize: 3}, btf.Member{Type: n, BitOffset: 3, BitfieldSize: 70},
			btf.Member{Name: "b", Type: n, BitOffset: 10, BitfieldSize: 3})
		b.AddStruct("longest", 8, btf.Member{Name: "m", Type: b.AddInt("long", 8, 0), BitfieldSize: 64})
		b.AddStruct("longer", 16, btf.Member{Name: "m", Type: b.AddInt("long2", 8, 0), BitfieldSize: 65})
	})
	for _, name := range []string{"pointer", "float", "wide", "longer"} {
		if typ, err := types.Named("struct " + name); !errors.Is(err, unix.EINVAL) {
			t.Errorf("%s: %v, %v", name, typ, err)
		}
	}
	find(t, types, "longest")
	// One without a name only fills a hole.
	hole := find(t, types, "hole")
	data := append([]byte{5, 3 << 2}, make([]byte, 14)...)
	if got, want := hole.Text(data), "{a=-3 b=3}"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// What needs the BTF fails when it is closed, and not before.
func TestClosed(t *testing.T) {
	b, types := types(t)
	typ := find(t, types, "everything")
	array := part(t, typ, "array")
	testutil.Check(t, b.Close())
	for what, err := range map[string]error{
		"Named": func() error { _, err := types.Named("everything"); return err }(),
		"Type":  func() error { _, err := types.Type(typ.ID()); return err }(),
		"Field": func() error { _, err := typ.Field("array"); return err }(),
		"NewTypes": func() error {
			made, err := NewTypes(b)
			if made != nil {
				t.Error("there are types of a closed BTF")
			}
			return err
		}(),
	} {
		if !errors.Is(err, btf.ErrClosed) {
			t.Errorf("%s: %v, want ErrClosed", what, err)
		}
	}
	data := everything()
	if err := array.Set(data, "[7, 9]"); err != nil || array.Text(data) != "[7, 9, 0...]" {
		t.Errorf("set %s, %v", array.Text(data), err)
	}
}
