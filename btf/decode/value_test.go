package decode

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"math/big"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// made are types of which no compiler here makes all, in a byte order.
func made(t testing.TB, order binary.ByteOrder) *Types {
	t.Helper()
	b := btf.NewBuilder()
	defer b.Close()
	u8, i16, u32 := b.AddInt("u8", 1, 0), b.AddInt("i16", 2, btf.IntSigned), b.AddInt("u32", 4, 0)
	i32, char := b.AddInt("int", 4, btf.IntSigned), b.AddInt("char", 1, btf.IntSigned)
	i128, u128 := b.AddInt("__int128", 16, btf.IntSigned), b.AddInt("unsigned __int128", 16, 0)
	b.AddStruct("bits", 8,
		btf.Member{Name: "three", Type: u32, BitfieldSize: 3},
		btf.Member{Name: "five", Type: i32, BitOffset: 3, BitfieldSize: 5},
		btf.Member{Name: "over", Type: u32, BitOffset: 8, BitfieldSize: 20},
		btf.Member{Name: "whole", Type: u32, BitOffset: 32})
	b.AddStruct("large", 32, btf.Member{Name: "s", Type: i128}, btf.Member{Name: "u", Type: u128, BitOffset: 128})
	flexible := b.AddArray(i16, u32, 0)
	b.AddStruct("flexible", 4, btf.Member{Name: "n", Type: u32}, btf.Member{Name: "v", Type: flexible, BitOffset: 32})
	b.AddStruct("message", 4, btf.Member{Name: "n", Type: u32},
		btf.Member{Name: "text", Type: b.AddArray(char, u32, 0), BitOffset: 32})
	inside := b.AddStruct("inside", 4, btf.Member{Name: "none", Type: flexible}, btf.Member{Name: "n", Type: u32})
	b.AddStruct("outside", 8, btf.Member{Name: "n", Type: u32}, btf.Member{Name: "in", Type: inside, BitOffset: 32})
	name := b.AddArray(char, u32, 8)
	b.AddStruct("names", 16, btf.Member{Name: "names", Type: b.AddArray(name, u32, 2)})
	signed := b.AddEnum64("signed64", 8, true, btf.EnumValue{Name: "LOWEST", Value: -1 << 63}, btf.EnumValue{Name: "ONE", Value: 1})
	unsigned := b.AddEnum64("unsigned64", 8, false, btf.EnumValue{Name: "HIGHEST", Value: -1}, btf.EnumValue{Name: "TWO", Value: 2})
	b.AddStruct("enums", 16, btf.Member{Name: "s", Type: signed}, btf.Member{Name: "u", Type: unsigned, BitOffset: 64})
	b.AddStruct("bytes", 2, btf.Member{Name: "b", Type: u8}, btf.Member{Name: "c", Type: char, BitOffset: 8})
	b.SetByteOrder(order)
	built, err := b.BTF()
	testutil.Check(t, err)
	return typesOf(t, built)
}

var orders = []binary.ByteOrder{binary.LittleEndian, binary.BigEndian}

func madeType(t testing.TB, order binary.ByteOrder, name string) *Type {
	t.Helper()
	typ, err := made(t, order).Named(name)
	if err != nil {
		t.Fatal(err)
	}
	return typ
}

func part(t testing.TB, typ *Type, path string) *Type {
	t.Helper()
	p, err := typ.Field(path)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Data of both byte orders can be read and set on every machine.
func TestByteOrders(t *testing.T) {
	for _, order := range orders {
		typ := madeType(t, order, "bits")
		data := make([]byte, typ.Size())
		// As compilers lay bit fields out: from the lowest bit on, or from the highest one.
		if order == binary.LittleEndian {
			order.PutUint32(data, 5|0b10001<<3|0xabcde<<8)
		} else {
			order.PutUint32(data, 5<<29|0b10001<<24|0xabcde<<4)
		}
		order.PutUint32(data[4:], 0x01020304)
		if got, want := typ.Text(data), "{three=5 five=-15 over=703710 whole=16909060}"; got != want {
			t.Errorf("%v: %s, want %s", order, got, want)
		}
		set := make([]byte, typ.Size())
		for path, value := range map[string]int64{"three": 5, "five": -15, "over": 0xabcde, "whole": 0x01020304} {
			if err := part(t, typ, path).SetInt(set, value); err != nil {
				t.Error(err)
			}
		}
		if !cmp.Equal(set, data) {
			t.Errorf("%v: set %x, want %x", order, set, data)
		}
	}
	// The order can be another one than that of the types.
	types := made(t, binary.LittleEndian)
	types.ByteOrder = binary.BigEndian
	typ, err := types.Named("u32")
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := typ.Uint([]byte{0, 0, 1, 2}); got != 0x102 {
		t.Errorf("%#x", got)
	}
}

func TestLargeNumbers(t *testing.T) {
	for _, order := range orders {
		typ := madeType(t, order, "large")
		value := func(high, low uint64) []byte {
			data := make([]byte, 16)
			if order == binary.LittleEndian {
				high, low = low, high
			}
			order.PutUint64(data, high)
			order.PutUint64(data[8:], low)
			return data
		}
		minus5 := append(value(1<<64-1, 1<<64-5), value(0, 0xdeadbeef)...)
		if got := typ.Text(minus5); got != "{s=-5 u=0xdeadbeef}" {
			t.Error(got)
		}
		if got := string(typ.AppendJSON(nil, minus5)); got != `{"s":"-5","u":"0xdeadbeef"}` {
			t.Error(got)
		}
		lowest := append(value(1<<63, 0), value(1<<63, 0)...)
		want := "{s=-170141183460469231731687303715884105728 u=0x80000000000000000000000000000000}"
		if got := typ.Text(lowest); got != want {
			t.Error(got)
		}
		got := typ.Any(minus5).(map[string]any)
		if got["s"].(*big.Int).Int64() != -5 || got["u"].(*big.Int).Uint64() != 0xdeadbeef {
			t.Errorf("%v", got)
		}
		if got := typ.Text(typ.Sum([][]byte{minus5, minus5, append(value(0, 9), value(0, 1<<63)...)})); got !=
			"{s=-1 u=0x80000001bd5b7dde}" {
			t.Error(got)
		}
		zero := make([]byte, 32)
		for i, a := range [][]byte{lowest, minus5, zero} {
			for j, b := range [][]byte{lowest, minus5, zero} {
				if c := part(t, typ, "s").Compare(a, b); (c < 0) != (i < j) || (c > 0) != (i > j) {
					t.Errorf("Compare(%d, %d) = %d", i, j, c)
				}
			}
		}
	}
}

// A flexible array at the end has as many elements as there is data. Inside it has none.
func TestFlexible(t *testing.T) {
	typ := madeType(t, binary.LittleEndian, "flexible")
	for data, want := range map[string]struct {
		text  string
		extra int
	}{
		"\x02\x00\x00\x00":                     {"{n=2 v=[]}", 0},
		"\x02\x00\x00\x00\xff\xff\x07\x00":     {"{n=2 v=[-1, 7]}", 0},
		"\x02\x00\x00\x00\xff\xff\x07\x00\x01": {"{n=2 v=[-1, 7]}", 1},
	} {
		if got := typ.Text([]byte(data)); got != want.text {
			t.Errorf("%q is %s, want %s", data, got, want.text)
		}
		fit := typ.Fit([]byte(data))
		if fit.Truncated || len(fit.Extra) != want.extra {
			t.Errorf("%q: %+v", data, fit)
		}
		if got := typ.AppendJSON(nil, []byte(data)); !json.Valid(got) {
			t.Errorf("%s", got)
		}
	}
	if !typ.Fit([]byte{1, 2}).Truncated {
		t.Error("half of a struct is not truncated")
	}
	data := []byte{2, 0, 0, 0, 1, 0, 2, 0, 3, 0}
	if got := typ.Any(data); !cmp.Equal(got, map[string]any{"n": uint32(2), "v": []any{int16(1), int16(2), int16(3)}}) {
		t.Errorf("%#v", got)
	}
	if n, ok := part(t, typ, "v[2]").Int(data); n != 3 || !ok {
		t.Errorf("v[2] = %d, %v", n, ok)
	}
	if _, ok := part(t, typ, "v[3]").Int(data); ok {
		t.Error("there is a v[3]")
	}
	if err := part(t, typ, "v").Set(data, "7, -8"); err != nil || !cmp.Equal(data, []byte{2, 0, 0, 0, 7, 0, 0xf8, 0xff, 0, 0}) {
		t.Errorf("%v, %v", data, err)
	}
	if err := part(t, typ, "v[3]").Set(data, "1"); !errors.Is(err, unix.EINVAL) {
		t.Errorf("set v[3]: %v", err)
	}
	message := madeType(t, binary.LittleEndian, "message")
	if got := message.Text([]byte("\x05\x00\x00\x00hello\x00")); got != `{n=5 text="hello"}` {
		t.Error(got)
	}
	if got := message.Text([]byte("\x05\x00\x00\x00")); got != `{n=5 text=""}` {
		t.Error(got)
	}
	outside := madeType(t, binary.LittleEndian, "outside")
	if got := outside.Text([]byte{1, 0, 0, 0, 2, 0, 0, 0}); got != "{n=1 in={none=[] n=2}}" {
		t.Error(got)
	}
}

// Types that no compiler makes are errors, also in a 32-bit program.
func TestDamagedTypes(t *testing.T) {
	b := btf.NewBuilder()
	defer b.Close()
	n := b.AddInt("int", 4, btf.IntSigned)
	large := b.AddStruct("large", 1<<32-1)
	damaged := map[string]btf.TypeID{
		"a large struct":          large,
		"a large array":           b.AddArray(b.AddArray(n, n, 1<<16), n, 1<<16),
		"a member far away":       b.AddStruct("far", 8, btf.Member{Name: "n", Type: n, BitOffset: 1<<32 - 8}),
		"a member outside":        b.AddStruct("outside", 8, btf.Member{Name: "n", Type: n, BitOffset: 40}),
		"a bit field outside":     b.AddStruct("bits", 8, btf.Member{Name: "n", Type: n, BitOffset: 60, BitfieldSize: 5}),
		"a member that is larger": b.AddStruct("small", 3, btf.Member{Name: "n", Type: n}),
		"a variable far away": b.AddDatasec(".data", 8, btf.DatasecVar{
			Type: b.AddVar("v", btf.LinkageGlobal, n), Offset: 1<<32 - 4, Size: 4}),
	}
	built, err := b.BTF()
	testutil.Check(t, err)
	types := typesOf(t, built)
	for what, id := range damaged {
		if _, err := types.Type(id); !errors.Is(err, unix.EINVAL) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestNames(t *testing.T) {
	typ := madeType(t, binary.LittleEndian, "names")
	data := []byte("xxxxxxxxyyyyyyyy")
	names := part(t, typ, "names")
	if err := names.Set(data, "one,two"); err != nil || string(data) != "one\x00\x00\x00\x00\x00two\x00\x00\x00\x00\x00" {
		t.Errorf("%q, %v", data, err)
	}
	before := string(data)
	for _, value := range []string{"a,b,c", "eight888", "a,\x00"} {
		if err := names.Set(data, value); !errors.Is(err, unix.EINVAL) || string(data) != before {
			t.Errorf("%q: %v, %q", value, err, data)
		}
	}
	if err := part(t, typ, "names[1]").Set(data, "three"); err != nil || string(part(t, typ, "names[1]").Bytes(data)) != "three" {
		t.Errorf("%q, %v", data, err)
	}
	if err := names.Set(data, "only"); err != nil || typ.Text(data) != `{names=["only", ""]}` {
		t.Errorf("%s, %v", typ.Text(data), err)
	}
}

func TestEnum64(t *testing.T) {
	for _, order := range orders {
		typ := madeType(t, order, "enums")
		data := make([]byte, 16)
		for _, c := range []struct{ path, value, want string }{
			{"s", "LOWEST", "LOWEST"}, {"s", "-9223372036854775808", "LOWEST"}, {"s", "-2", "-2"}, {"s", "ONE", "ONE"},
			{"u", "HIGHEST", "HIGHEST"}, {"u", "18446744073709551615", "HIGHEST"}, {"u", "0x8000000000000000", "9223372036854775808"},
		} {
			p := part(t, typ, c.path)
			if err := p.Set(data, c.value); err != nil || p.Text(data) != c.want {
				t.Errorf("%s=%s is %s, %v", c.path, c.value, p.Text(data), err)
			}
		}
		for path, value := range map[string]string{"s": "9223372036854775808", "u": "-1"} {
			if err := part(t, typ, path).Set(data, value); !errors.Is(err, unix.EINVAL) {
				t.Errorf("%s=%s: %v", path, value, err)
			}
		}
		want := map[string]any{"s": "ONE", "u": uint64(1 << 63)}
		if got := typ.Any(data); !cmp.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	}
}

func TestAny(t *testing.T) {
	got := named(t, "everything").Any(everything()).(map[string]any)
	for name, want := range map[string]any{
		"i8": int8(-128), "u16": uint16(65534), "i32": int32(-3), "i64": int64(-1 << 63), "u64": uint64(1<<64 - 1),
		"yes": true, "odd": true, "letter": int8('R'), "name": "a\"\xff\n", "color": "GREEN", "other": uint64(7),
		"pointer": uint64(0xffff888000001000), "inner": map[string]any{"a": int16(-1), "b": []any{uint8(1), uint8(2), uint8(3)}},
		"negative": int32(-15), "f": float32(1.5), "lines": []any{"ab", "wxyz"},
	} {
		if diff := cmp.Diff(want, got[name]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	var unknown *Type
	if got := unknown.Any([]byte("ab")); got != "ab" {
		t.Errorf("%v", got)
	}
	short := named(t, "inner").Any([]byte{1})
	if diff := cmp.Diff(map[string]any{"a": nil, "b": []any{}}, short); diff != "" {
		t.Errorf("short (-want +got):\n%s", diff)
	}
}

// One Value is filled again and again without any allocation, and parts are read and set without one.
func TestNoAllocations(t *testing.T) {
	typ, data := named(t, "everything"), everything()
	element, number := part(t, typ, "inner.b[1]"), part(t, typ, "d")
	var v Value
	typ.Decode(&v, data)
	text := make([]byte, 0, 4096)
	for name, f := range map[string]func(){
		"Decode": func() { typ.Decode(&v, data) },
		"Int":    func() { element.Int(data) },
		"Float":  func() { number.Float(data) },
		"SetInt": func() {
			if err := element.SetInt(data, 9); err != nil {
				t.Error(err)
			}
		},
		"SetFloat": func() {
			if err := number.SetFloat(data, 0.5); err != nil {
				t.Error(err)
			}
		},
		"Bytes":      func() { element.Bytes(data) },
		"AppendText": func() { text = element.AppendText(text[:0], data) },
		"AppendJSON": func() { text = element.AppendJSON(text[:0], data) },
	} {
		if n := testutil.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
	inner := v.Member("inner")
	if b := inner.Member("b"); b == nil || len(b.Elems) != 3 || b.Elems[2].Bits != 3 {
		t.Errorf("%+v", v)
	}
	if v.Member("none") != nil || v.Member("color").Enumerator() != "GREEN" || v.Member("f").Float() != 1.5 {
		t.Error("the members are wrong")
	}
	// The value of a shorter one has nothing of the longer one.
	named(t, "inner").Decode(&v, []byte{1, 0, 2})
	if diff := cmp.Diff(map[string]any{"a": native16(1), "b": []any{uint8(2)}}, v.Any()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func native16(low byte) any { return int16(binary.NativeEndian.Uint16([]byte{low, 0})) }

func TestField(t *testing.T) {
	typ, data := named(t, "everything"), everything()
	for path, want := range map[string]string{
		"inner.b[1]": "2", "flat": "42", "named.bytes[0]": native("1", "4"), "array[1]": "8", "name": `"a\"\xff\n"`,
		"low": "5", "": typ.Text(data), ".inner.a": "-1", "lines[1]": "wxyz",
	} {
		got := part(t, typ, path).Text(data)
		if got != want {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
	for path, is := range map[string]error{
		"none": btf.ErrNotFound, "inner.none": btf.ErrNotFound, "flat.x": btf.ErrNotFound, "flat[0]": btf.ErrNotFound,
		"array[6]": unix.EINVAL, "array[x]": unix.EINVAL, "array[": unix.EINVAL,
	} {
		if _, err := typ.Field(path); !errors.Is(err, is) {
			t.Errorf("%s: %v, want %v", path, err, is)
		}
	}
	if _, err := (*Type)(nil).Field("x"); !errors.Is(err, btf.ErrNotFound) {
		t.Error(err)
	}
	for _, err := range []error{
		part(t, typ, "i8").SetInt(data, 128), part(t, typ, "i8").SetInt(data, -129), part(t, typ, "u8").SetInt(data, -1),
		part(t, typ, "low").SetUint(data, 8), part(t, typ, "yes").SetUint(data, 2), part(t, typ, "name").SetUint(data, 1),
		part(t, typ, "i8").SetFloat(data, 1), part(t, typ, "u64").SetUint(data[:20], 1), (*Type)(nil).Set(data, "1"),
		(*Type)(nil).SetInt(data, 1), (*Type)(nil).SetFloat(data, 1), part(t, typ, "pointer").SetUint(data, 1),
	} {
		if !errors.Is(err, unix.EINVAL) {
			t.Errorf("%v, want EINVAL", err)
		}
	}
	if !cmp.Equal(data, everything()) {
		t.Error("an error changed the data")
	}
}

func TestConcurrent(t *testing.T) {
	_, types := types(t)
	var all sync.WaitGroup
	for range 8 {
		all.Add(1)
		go func() {
			defer all.Done()
			typ, err := types.Named("everything")
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := typ.Field("inner.b[1]"); err != nil {
				t.Error(err)
			}
			typ.Text(everything())
		}()
	}
	all.Wait()
}
