package decode

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/internal/place"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/mutate"
)

// types are those of bpf/types.bpf.c, as the compiler describes them.
func types(t testing.TB) (*btf.BTF, *Types) {
	t.Helper()
	b, err := btf.Parse(testutil.Object(t, "types"))
	testutil.Check(t, err)
	return b, typesOf(t, b)
}

// typesOf closes b when the test ends.
func typesOf(t testing.TB, b *btf.BTF) *Types {
	t.Helper()
	t.Cleanup(func() { _ = b.Close() })
	types, err := NewTypes(b)
	testutil.Check(t, err)
	return types
}

func named(t testing.TB, name string) *Type {
	t.Helper()
	_, types := types(t)
	typ, err := types.Named(name)
	if err != nil {
		t.Fatal(err)
	}
	return typ
}

// native returns what this machine has, which is one of two orders of bytes.
func native(little, big string) string {
	if bool(place.Native) {
		return big
	}
	return little
}

// everything is a struct everything, member by member.
func everything() []byte {
	order := binary.NativeEndian
	var b []byte
	b = append(b, 0x80, 200)
	b = order.AppendUint16(b, 0xfffe)
	b = order.AppendUint16(b, 0xfffe)
	b = order.AppendUint32(b, 0xfffffffd)
	b = order.AppendUint32(b, 0xfffffffd)
	b = order.AppendUint64(b, 1<<63)
	b = order.AppendUint64(b, math.MaxUint64)
	b = append(b, 1, 2, 'R')
	b = append(b, "a\"\xff\n\x00zz?"...)
	b = order.AppendUint32(b, 5)
	b = order.AppendUint32(b, 7)
	b = order.AppendUint64(b, 0xffff888000001000)
	b = append(b, 0xff, 0xff, 1, 2, 3, 0) // inner, and its padding
	b = order.AppendUint32(b, 42)
	b = order.AppendUint32(b, 0x01020304)
	b = order.AppendUint32(b, 0x04030201)
	bits := uint64(5 | 0b10001<<3 | 0<<8 | 0x8000000001<<16)
	if bool(place.Native) { // then compilers begin with the highest bits
		bits = 5<<61 | 0b10001<<56 | 0<<48 | 0x8000000001<<8
	}
	b = order.AppendUint64(b, bits)
	b = b[:len(b)-1]
	for _, v := range []uint32{7, 8, 0, 0, 0, 0} {
		b = order.AppendUint32(b, v)
	}
	b = order.AppendUint32(b, math.Float32bits(1.5))
	b = order.AppendUint64(b, math.Float64bits(math.NaN()))
	large := []uint64{0xdeadbeef, 1}
	if bool(place.Native) {
		slices.Reverse(large)
	}
	b = order.AppendUint64(order.AppendUint64(b, large[0]), large[1])
	return append(b, "ab\x00\x00wxyz"...)
}

func TestEverything(t *testing.T) {
	typ, data := named(t, "struct everything"), everything()
	if typ.Size() != len(data) {
		t.Fatalf("the compiler's struct has %d bytes and this test's %d", typ.Size(), len(data))
	}
	want := []struct{ name, text, json string }{
		{"i8", "-128", "-128"},
		{"u8", "200", "200"},
		{"i16", "-2", "-2"},
		{"u16", "65534", "65534"},
		{"i32", "-3", "-3"},
		{"u32", "4294967293", "4294967293"},
		{"i64", "-9223372036854775808", "-9223372036854775808"},
		{"u64", "18446744073709551615", "18446744073709551615"},
		{"yes", "true", "true"},
		{"odd", "2", "2"},
		{"letter", "'R'", "82"},
		{"name", `"a\"\xff\n"`, `"a\"` + "\ufffd" + `\u000a"`},
		{"color", "GREEN", `"GREEN"`},
		{"other", "7", "7"},
		{"pointer", "0xffff888000001000", `"0xffff888000001000"`},
		{"inner", "{a=-1 b=[1, 2, 3]}", `{"a":-1,"b":[1,2,3]}`},
		{"flat", "42", "42"},
		{"as_int", "16909060", "16909060"},
		{"as_bytes", native("[4, 3, 2, 1]", "[1, 2, 3, 4]"), native("[4,3,2,1]", "[1,2,3,4]")},
		{"named", native("{word=67305985 bytes=[1, 2, 3, 4]}", "{word=67305985 bytes=[4, 3, 2, 1]}"),
			native(`{"word":67305985,"bytes":[1,2,3,4]}`, `{"word":67305985,"bytes":[4,3,2,1]}`)},
		{"low", "5", "5"},
		{"negative", "-15", "-15"},
		{"tint", "RED", `"RED"`},
		{"wide", "549755813889", "549755813889"},
		{"array", "[7, 8, 0...]", "[7,8,0,0,0,0]"},
		{"f", "1.5", "1.5"},
		{"d", "NaN", `"NaN"`},
		{"large", "0x100000000deadbeef", `"0x100000000deadbeef"`},
		{"lines", `["ab", "wxyz"]`, `["ab","wxyz"]`},
	}
	columns, cells := typ.Columns(), typ.Cells(data)
	if len(columns) != len(want) || len(cells) != len(want) {
		t.Fatalf("%d columns and %d cells, want %d", len(columns), len(cells), len(want))
	}
	var object []string
	for i, w := range want {
		if columns[i].Name != w.name || cells[i] != w.text {
			t.Errorf("column %d: %s = %s, want %s = %s", i, columns[i].Name, cells[i], w.name, w.text)
		}
		object = append(object, `"`+w.name+`":`+w.json)
	}
	got := string(typ.AppendJSON(nil, data))
	if diff := cmp.Diff("{"+strings.Join(object, ",")+"}", got); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
	if !json.Valid([]byte(got)) {
		t.Errorf("not JSON: %s", got)
	}
}

func TestShortAndLong(t *testing.T) {
	one := native("\x01\x00", "\x00\x01")
	typ := named(t, "struct inner")
	tests := []struct {
		data, text, json string
		fit              Fit
	}{
		{"", "? [?]", `{}`, Fit{Truncated: true}},
		{"\x01", "? [?]", `{"a":null}`, Fit{Truncated: true}},
		{one + "\x02", "1 [2, ?]", `{"a":1,"b":[2]}`, Fit{Truncated: true}},
		{one + "\x02\x03\x04", "1 [2, 3, 4]", `{"a":1,"b":[2,3,4]}`, Fit{Truncated: true}},
		{one + "\x02\x03\x04\x00", "1 [2, 3, 4]", `{"a":1,"b":[2,3,4]}`, Fit{Extra: []byte{}}},
		{one + "\x02\x03\x04\x00xy", "1 [2, 3, 4]", `{"a":1,"b":[2,3,4]}`, Fit{Extra: []byte("xy")}},
	}
	for _, tt := range tests {
		data := []byte(tt.data)
		if got := strings.Join(typ.Cells(data), " "); got != tt.text {
			t.Errorf("cells of %q = %s, want %s", tt.data, got, tt.text)
		}
		if got := string(typ.AppendJSON(nil, data)); got != tt.json {
			t.Errorf("JSON of %q = %s, want %s", tt.data, got, tt.json)
		}
		if diff := cmp.Diff(tt.fit, typ.Fit(data)); diff != "" {
			t.Errorf("fit of %q (-want +got):\n%s", tt.data, diff)
		}
	}
	whole := named(t, "everything")
	for n := range everything() {
		data := everything()[:n]
		whole.Cells(data)
		if got := whole.AppendJSON(nil, data); !json.Valid(got) {
			t.Errorf("%d bytes: not JSON: %s", n, got)
		}
	}
}

func TestUnknownType(t *testing.T) {
	var typ *Type
	data := []byte{0xde, 0xad}
	if got := typ.Cells(data)[0]; got != "dead" || len(typ.Columns()) != 1 {
		t.Errorf("cells = %q", got)
	}
	if got := string(typ.AppendJSON(nil, data)); got != `"dead"` {
		t.Errorf("JSON = %s", got)
	}
	if typ.Summable() || typ.Name() != "" || typ.Size() != 0 || typ.Fit(data).Truncated {
		t.Error("an unknown type is not unknown")
	}
	if got, want := Hex(make([]byte, 100)), strings.Repeat("00", 64)+"... (100 bytes)"; got != want {
		t.Errorf("Hex = %q, want %q", got, want)
	}
	if typ.Compare([]byte{1, 9}, []byte{2, 0}) >= 0 {
		t.Error("Compare does not order bytes")
	}
}

func TestNamed(t *testing.T) {
	_, types := types(t)
	for _, name := range []string{"everything", "struct everything", "u32", "enum color", "color", "int"} {
		if _, err := types.Named(name); err != nil {
			t.Errorf("Named(%q): %v", name, err)
		}
	}
	for _, name := range []string{"", "union everything", "nothing", "struct ", "debug"} {
		if _, err := types.Named(name); err == nil {
			t.Errorf("Named(%q) found something", name)
		}
	}
}

func TestSection(t *testing.T) {
	b, types := types(t)
	section, err := b.TypeByName(".data", btf.KindDatasec)
	if err != nil {
		t.Fatal(err)
	}
	typ, err := types.Type(section.ID())
	if err != nil {
		t.Fatal(err)
	}
	if columns := typ.Columns(); len(columns) < 10 {
		t.Errorf("%d columns: %v", len(columns), columns)
	}
	// The offsets of variables are 0 in a file, so this is only about the names.
	if config, err := typ.As(".data").Field("config.inner.b[1]"); err != nil || config.Size() != 1 {
		t.Errorf("config.inner.b[1]: %v, %v", config, err)
	}
	if _, err := typ.As(".data").Field("nosuch"); !errors.Is(err, btf.ErrNotFound) || err.Error() != ".data has no variable nosuch" {
		t.Errorf("nosuch: %v", err)
	}
	proto, err := b.TypeByName("node", btf.KindStruct)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := types.Type(proto.ID()); err != nil {
		t.Errorf("a struct that points to itself: %v", err)
	}
	if _, err := types.Type(0); err == nil {
		t.Error("void has values")
	}
	if _, err := types.Type(1 << 20); err == nil {
		t.Error("a type that is not there has values")
	}
}

func TestSum(t *testing.T) {
	value := func(count uint64, balance int32, most uint32, least int32, slots ...uint32) []byte {
		b := binary.NativeEndian.AppendUint64(nil, count)
		b = binary.NativeEndian.AppendUint32(b, uint32(balance))
		b = binary.NativeEndian.AppendUint32(b, most)
		b = binary.NativeEndian.AppendUint32(b, uint32(least))
		for _, s := range slots {
			b = binary.NativeEndian.AppendUint32(b, s)
		}
		return append(b, make([]byte, 40-len(b))...)
	}
	typ := named(t, "statistics")
	if !typ.Summable() {
		t.Fatal("not summable")
	}
	got := typ.Sum([][]byte{
		value(1, -5, 7, 3, 1, 2, 3, 4), value(math.MaxUint64, -6, 3_000_000_000, -4, 10, 20, 30, 40), value(5, 1, 9, 9),
	})
	if want := value(5, -10, 3_000_000_000, -4, 11, 22, 33, 44); !cmp.Equal(got, want) {
		t.Errorf("sum = %v, want %v", typ.Cells(got), typ.Cells(want))
	}
	for _, name := range []string{"everything", "color", "node"} {
		if named(t, name).Summable() {
			t.Errorf("%s is summable", name)
		}
	}
	if typ.Sum(nil) != nil {
		t.Error("the sum of nothing is something")
	}
	typ.Sum([][]byte{{1}, {2, 3}})
}

func TestCompare(t *testing.T) {
	typ := named(t, "statistics")
	value := func(count uint64, balance int32) []byte {
		b := binary.NativeEndian.AppendUint64(nil, count)
		return append(binary.NativeEndian.AppendUint32(b, uint32(balance)), make([]byte, 28)...)
	}
	ordered := [][]byte{value(1, -5), value(1, 0), value(256, -1), value(1<<63, 0)}
	for i := range ordered {
		for j := range ordered {
			want := 0
			if i != j {
				want = map[bool]int{true: -1, false: 1}[i < j]
			}
			if got := typ.Compare(ordered[i], ordered[j]); got != want {
				t.Errorf("Compare(%d, %d) = %d, want %d", i, j, got, want)
			}
		}
	}
	if typ.CompareColumn(1, value(9, -2), value(1, 2)) >= 0 {
		t.Error("CompareColumn does not order by its column")
	}
}

// FuzzDecode decodes arbitrary data as arbitrary types.
func FuzzDecode(f *testing.F) {
	f.Add(uint16(0), everything())
	f.Add(uint16(20), []byte{1})
	b, types := types(f)
	f.Fuzz(mutate.Target(f, 2, func(t *testing.T, id uint16, data []byte) {
		typ, err := types.Type(btf.TypeID(int(id) % (b.NumTypes() + 2)))
		if err != nil {
			return
		}
		if columns, cells := typ.Columns(), typ.Cells(data); len(columns) != len(cells) {
			t.Errorf("%d columns and %d cells", len(columns), len(cells))
		}
		got := typ.AppendJSON(nil, data)
		if !json.Valid(got) {
			t.Errorf("not JSON: %s", got)
		}
		_ = typ.Set(bytes.Clone(data), string(got))
		var v Value
		typ.Decode(&v, data)
		v.Any()
		if typ.Compare(data, data) != 0 {
			t.Error("data differs from itself")
		}
		typ.Fit(data)
		if typ.Summable() {
			typ.Sum([][]byte{data, data[:len(data)/2]})
		}
	}))
}

// FuzzTypes decodes with damaged type information.
func FuzzTypes(f *testing.F) {
	b, _ := types(f)
	raw, err := b.Raw()
	if err != nil {
		f.Fatal(err)
	}
	data := everything()
	f.Add(uint32(30), byte(1), uint32(200), byte(0))
	f.Fuzz(mutate.Target(f, 50, func(t *testing.T, at uint32, flip byte, at2 uint32, flip2 byte) {
		damaged := append([]byte(nil), raw...)
		damaged[int(at)%len(raw)] ^= flip
		damaged[int(at2)%len(raw)] ^= flip2
		b, err := btf.ParseRaw(damaged)
		mutate.Ended(err)
		if err != nil {
			return
		}
		defer b.Close()
		types, err := NewTypes(b)
		mutate.Ended(err)
		if err != nil {
			return
		}
		for id := range b.NumTypes() + 1 {
			typ, err := types.Type(btf.TypeID(id))
			if err != nil {
				continue
			}
			typ.Columns()
			typ.Cells(data)
			got := typ.AppendJSON(nil, data)
			if !json.Valid(got) {
				t.Errorf("not JSON: %s", got)
			}
			_ = typ.Set(bytes.Clone(data), string(got))
			typ.Compare(data, data[:40])
			_ = typ.Set(append([]byte(nil), data...), "1")
			var v Value
			typ.Decode(&v, data)
			v.Any()
			for _, path := range []string{"[1]", "a", "[0].x"} {
				if part, err := typ.Field(path); err == nil {
					part.Text(data)
					_ = part.Set(append([]byte(nil), data...), "1")
				}
			}
		}
	}))
}
