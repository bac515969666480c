package decode

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"testing"

	"github.com/libbpf-go/libbpf-go/btf"
)

// mixed are types whose values are compared and added up.
func mixed(t testing.TB) *Types {
	t.Helper()
	return build(t, func(b *btf.Builder) {
		u32, i32, char := b.AddInt("u32", 4, 0), b.AddInt("int", 4, btf.IntSigned), b.AddInt("char", 1, btf.IntChar)
		i128, u128 := b.AddInt("__int128", 16, btf.IntSigned), b.AddInt("u128", 16, 0)
		two := b.AddArray(i32, u32, 2)
		b.AddStruct("one", 4, btf.Member{Name: "a", Type: u32})
		b.AddStruct("two", 12, btf.Member{Name: "v", Type: two}, btf.Member{Name: "n", Type: u32, BitOffset: 64})
		b.AddStruct("text", 8, btf.Member{Name: "s", Type: b.AddArray(char, u32, 4)}, btf.Member{Name: "n", Type: u32, BitOffset: 32})
		b.AddStruct("float", 4, btf.Member{Name: "f", Type: b.AddFloat("float", 4)})
		b.AddStruct("flexible", 4, btf.Member{Name: "n", Type: u32},
			btf.Member{Name: "v", Type: b.AddArray(i32, u32, 0), BitOffset: 32})
		b.AddStruct("large", 32, btf.Member{Name: "s", Type: i128}, btf.Member{Name: "u", Type: u128, BitOffset: 128})
		b.AddStruct("padded", 8, btf.Member{Name: "c", Type: char}, btf.Member{Name: "n", Type: u32, BitOffset: 32})
		b.AddStruct("empty", 4)
		union := b.AddUnion("union", 4, btf.Member{Name: "a", Type: u32}, btf.Member{Name: "b", Type: u32})
		b.AddStruct("with_union", 8, btf.Member{Name: "n", Type: u32}, btf.Member{Type: union, BitOffset: 32})
		b.AddStruct("union_first", 8, btf.Member{Type: union}, btf.Member{Name: "n", Type: u32, BitOffset: 32})
		inner := b.AddStruct("", 8, btf.Member{Name: "x", Type: u32}, btf.Member{Name: "y", Type: u32, BitOffset: 32})
		b.AddStruct("with_struct", 12, btf.Member{Type: inner}, btf.Member{Name: "n", Type: u32, BitOffset: 64})
		b.AddStruct("bits", 4, btf.Member{Name: "a", Type: u32, BitfieldSize: 3})

		small := b.AddStruct("limits", 72, btf.Member{Name: "most", Type: i32}, btf.Member{Name: "least", Type: i32, BitOffset: 32},
			btf.Member{Name: "larger", Type: i128, BitOffset: 64}, btf.Member{Name: "smaller", Type: i128, BitOffset: 192},
			btf.Member{Name: "largest", Type: u128, BitOffset: 320}, btf.Member{Name: "smallest", Type: u128, BitOffset: 448})
		for component, tag := range []string{tagMax, tagMin, tagMax, tagMin, tagMax, tagMin} {
			b.AddDeclTag(tag, small, component)
		}
	})
}

func TestCompareParts(t *testing.T) {
	types := mixed(t)
	for _, c := range []struct {
		typ  string
		less []string // each is less than the next
	}{
		{"one", []string{`{"a":1}`, `{"a":2}`, `{"a":4294967295}`}},
		{"two", []string{`{"v":[-1,9],"n":9}`, `{"v":[1,1],"n":0}`, `{"v":[1,2],"n":0}`, `{"v":[2,1],"n":0}`, `{"v":[2,1],"n":1}`}},
		{"text", []string{`{"s":"","n":9}`, `{"s":"a","n":9}`, `{"s":"ab","n":0}`, `{"s":"b","n":0}`, `{"s":"b","n":3}`}},
		{"float", []string{`{"f":"-Inf"}`, `{"f":-1.5}`, `{"f":0}`, `{"f":0.25}`, `{"f":2}`}},
		{"large", []string{`{"s":"-0x10000000000000000","u":"1"}`, `{"s":"-2","u":"1"}`, `{"s":"-1","u":"0"}`, `{"s":"0","u":"0"}`,
			`{"s":"1","u":"0x100"}`, `{"s":"1","u":"0x200"}`, `{"s":"1","u":"0x80000000000000000000000000000000"}`}},
	} {
		typ := find(t, types, "struct "+c.typ)
		for i, x := range c.less {
			for j, y := range c.less {
				a, b := valueOf(t, typ, x), valueOf(t, typ, y)
				if got := typ.Compare(a, b); got != cmp.Compare(i, j) {
					t.Errorf("%s: Compare(%s, %s) = %d", c.typ, x, y, got)
				}
				if got := typ.CompareColumn(0, a, b); got*cmp.Compare(i, j) < 0 {
					t.Errorf("%s: CompareColumn(0, %s, %s) = %d", c.typ, x, y, got)
				}
			}
		}
	}
	flexible := find(t, types, "flexible")
	short, long := []byte{1, 0, 0, 0, 2, 0, 0, 0}, []byte{1, 0, 0, 0, 2, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}
	if flexible.Compare(short, long) != -1 || flexible.Compare(long, short) != 1 {
		t.Error("an array that begins with all of another one is not the larger one")
	}
	// Padding decides only between values that are equal.
	padded := find(t, types, "padded")
	if got := padded.Compare([]byte{1, 0, 0, 9, 2, 0, 0, 0}, []byte{1, 0, 0, 8, 3, 0, 0, 0}); got != -1 {
		t.Errorf("padding comes before a number: %d", got)
	}
	if got := padded.Compare([]byte{1, 0, 0, 9, 2, 0, 0, 0}, []byte{1, 0, 0, 8, 2, 0, 0, 0}); got != 1 {
		t.Errorf("padding makes no difference: %d", got)
	}
}

// Values that the data ends before are the smallest ones.
func TestCompareTruncated(t *testing.T) {
	large := find(t, mixed(t), "large")
	whole := valueOf(t, large, `{"s":"-5","u":"1"}`)
	for _, n := range []int{0, 15, 16, 31} {
		if a, b := large.Compare(whole[:n], whole), large.Compare(whole, whole[:n]); a != -1 || b != 1 {
			t.Errorf("%d bytes and all: %d, %d", n, a, b)
		}
		if got := large.Compare(whole[:n], whole[:n]); got != 0 {
			t.Errorf("%d bytes and the same: %d", n, got)
		}
	}
	number := find(t, mixed(t), "int")
	if got := number.CompareColumn(0, []byte{1, 0, 0, 0}, []byte{0xff, 0xff, 0xff, 0xff}); got != 1 {
		t.Errorf("CompareColumn of a number: %d", got)
	}
	if got := (*Type)(nil).CompareColumn(0, []byte{1}, []byte{2}); got != -1 {
		t.Errorf("CompareColumn of an unknown type: %d", got)
	}
	if got := find(t, mixed(t), "empty").CompareColumn(0, []byte{1}, []byte{2}); got != -1 {
		t.Errorf("CompareColumn of a struct without members: %d", got)
	}
}

func TestSummable(t *testing.T) {
	types := mixed(t)
	for name, want := range map[string]bool{
		"u32": true, "u128": true, "char": false, "struct one": true, "struct two": true, "struct large": true, "struct limits": true,
		"struct with_struct": true, "struct flexible": true, "struct text": false, "struct float": false, "struct empty": false,
		"union union": false, "struct with_union": false, "struct union_first": false, "struct bits": false, "struct padded": false,
	} {
		if got := find(t, types, name).Summable(); got != want {
			t.Errorf("%s is summable: %v", name, got)
		}
	}
}

// The largest and the smallest of values, also where one CPU's value ends too early.
func TestSumLimits(t *testing.T) {
	typ := find(t, mixed(t), "limits")
	value := func(text string) []byte { return valueOf(t, typ, text) }
	low := value(`{"most":-7,"least":-7,"larger":"-7","smaller":"-7","largest":"3","smallest":"3"}`)
	high := value(`{"most":-5,"least":-5,"larger":"0x100","smaller":"0x100","largest":"0xff","smallest":"0xff"}`)
	const want = "{most=-5 least=-7 larger=256 smaller=-7 largest=0xff smallest=0x3}"
	for _, values := range [][][]byte{{low, high}, {high, low}, {low, low, high}, {high, high, low}, {low, high, low}} {
		if got := typ.Text(typ.Sum(values)); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	for n := range 4 {
		for _, one := range [][]byte{low, high} {
			if got := typ.Sum([][]byte{one, make([]byte, n)}); !bytes.Equal(got, one) {
				t.Errorf("with a value of %d bytes: %s, want %s", n, typ.Text(got), typ.Text(one))
			}
		}
	}
	// A number that is there as a whole counts, and one in which the data ends does not.
	if got := typ.Text(typ.Sum([][]byte{low, high[:39]})); got != "{most=-5 least=-7 larger=256 smaller=-7 largest=0x3 smallest=0x3}" {
		t.Error(got)
	}
	if got := typ.Sum([][]byte{high[:39], low}); !bytes.Equal(got[24:], high[24:39]) {
		t.Errorf("a part of a number became %x", got[24:])
	}
}

// A carry goes on to the next byte, in both orders.
func TestSumLarge(t *testing.T) {
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		typ := part(t, madeType(t, order, "large"), "u")
		data := make([]byte, 32)
		if err := typ.Set(data, "0xffffffffffffffffff"); err != nil {
			t.Fatal(err)
		}
		one := make([]byte, 32)
		if err := typ.Set(one, "1"); err != nil {
			t.Fatal(err)
		}
		if got := typ.Text(typ.Sum([][]byte{data, one})); got != "0x1000000000000000000" {
			t.Errorf("%v: %s", order, got)
		}
	}
}
