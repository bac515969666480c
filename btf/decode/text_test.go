package decode

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/libbpf-go/libbpf-go/btf"
)

// shown are types whose values are shown in some way of their own.
func shown(t testing.TB) *Types {
	t.Helper()
	return build(t, func(b *btf.Builder) {
		u8, i16, u32, u64 := b.AddInt("u8", 1, 0), b.AddInt("i16", 2, btf.IntSigned), b.AddInt("u32", 4, 0), b.AddInt("u64", 8, 0)
		char, flag := b.AddInt("char", 1, btf.IntChar), b.AddInt("_Bool", 1, btf.IntBool)
		float, double, large := b.AddFloat("float", 4), b.AddFloat("double", 8), b.AddInt("u128", 16, 0)
		text := func(n uint32) btf.TypeID { return b.AddArray(char, u32, n) }
		color := b.AddEnum("color", 4, btf.EnumValue{Name: "RED"}, btf.EnumValue{Name: "GREEN", Value: 1})
		long := b.AddEnum("long", 4, btf.EnumValue{Name: "A_NAME_OF_MORE_THAN_SIXTEEN", Value: 1})
		pointer, nothing := b.AddPtr(0), b.AddStruct("nothing", 0)
		b.AddStruct("one", 4, btf.Member{Name: "n", Type: u32})
		b.AddStruct("columns", 100,
			btf.Member{Name: "u8", Type: u8}, btf.Member{Name: "i16", Type: i16}, btf.Member{Name: "u32", Type: u32},
			btf.Member{Name: "u64", Type: u64}, btf.Member{Name: "bool", Type: flag}, btf.Member{Name: "char", Type: char},
			btf.Member{Name: "float", Type: float}, btf.Member{Name: "double", Type: double}, btf.Member{Name: "large", Type: large},
			btf.Member{Name: "color", Type: color}, btf.Member{Name: "long", Type: long}, btf.Member{Name: "pointer", Type: pointer},
			btf.Member{Name: "short", Type: text(5)}, btf.Member{Name: "text", Type: text(40)}, btf.Member{Name: "array", Type: b.AddArray(u8, u32, 3)},
			btf.Member{Name: "struct", Type: nothing})
		b.AddStruct("ends", 40, btf.Member{Name: "v", Type: b.AddArray(i16, u32, 3)},
			btf.Member{Name: "s", Type: text(1), BitOffset: 8 * 6}, btf.Member{Name: "l", Type: large, BitOffset: 8 * 8},
			btf.Member{Name: "e", Type: color, BitOffset: 8 * 24}, btf.Member{Name: "p", Type: pointer, BitOffset: 8 * 32})
		b.AddStruct("nothings", 4, btf.Member{Name: "n", Type: u32},
			btf.Member{Name: "e", Type: b.AddArray(nothing, u32, 2), BitOffset: 32})
		b.AddStruct("array", 24, btf.Member{Name: "v", Type: b.AddArray(u32, u32, 6)})
		b.AddStruct("floats", 12, btf.Member{Name: "f", Type: float}, btf.Member{Name: "d", Type: double, BitOffset: 32})
		b.AddTypedef("string", text(8))
	})
}

func TestColumns(t *testing.T) {
	types := shown(t)
	want := []Column{{"u8", 4, true}, {"i16", 6, true}, {"u32", 8, true}, {"u64", 12, true}, {"bool", 4, true}, {"char", 4, true},
		{"float", 8, true}, {"double", 12, true}, {"large", 18, true}, {"color", 5, false}, {"long", 16, false}, {"pointer", 18, false},
		{"short", 5, false}, {"text", 16, false}, {"array", 0, false}, {"struct", 0, false}}
	if diff := cmp.Diff(want, find(t, types, "columns").Columns()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for name, want := range map[string]struct {
		column Column
		cell   string
	}{
		"struct one": {Column{"n", 8, true}, "7"}, "u32": {Column{"", 8, true}, "7"}, "struct nothing": {Column{}, "{}"},
	} {
		typ := find(t, types, name)
		columns, cells := typ.Columns(), typ.Cells([]byte{7, 0, 0, 0})
		if len(columns) != 1 || columns[0] != want.column || len(cells) != 1 || cells[0] != want.cell {
			t.Errorf("%s: %+v, %q", name, columns, cells)
		}
	}
}

// Where the data ends within a value, text and JSON tell what is there.
func TestTruncated(t *testing.T) {
	typ := find(t, shown(t), "ends")
	data := valueOf(t, typ, `{"v":[1,2,3],"l":"0x1234","p":"0xff"}`)
	for n, want := range map[int]struct{ text, json string }{
		0:  {"{v=[?] s=? l=? e=? p=?}", `{}`},
		1:  {"{v=[?, ?] s=? l=? e=? p=?}", `{"v":[null]}`},
		2:  {"{v=[1, ?] s=? l=? e=? p=?}", `{"v":[1]}`},
		3:  {"{v=[1, ?, ?] s=? l=? e=? p=?}", `{"v":[1,null]}`},
		6:  {"{v=[1, 2, 3] s=? l=? e=? p=?}", `{"v":[1,2,3]}`},
		7:  {`{v=[1, 2, 3] s="" l=? e=? p=?}`, `{"v":[1,2,3],"s":""}`},
		8:  {`{v=[1, 2, 3] s="" l=? e=? p=?}`, `{"v":[1,2,3],"s":""}`},
		23: {`{v=[1, 2, 3] s="" l=? e=? p=?}`, `{"v":[1,2,3],"s":"","l":null}`},
		24: {`{v=[1, 2, 3] s="" l=0x1234 e=? p=?}`, `{"v":[1,2,3],"s":"","l":"0x1234"}`},
		25: {`{v=[1, 2, 3] s="" l=0x1234 e=? p=?}`, `{"v":[1,2,3],"s":"","l":"0x1234","e":null}`},
		39: {`{v=[1, 2, 3] s="" l=0x1234 e=RED p=?}`, `{"v":[1,2,3],"s":"","l":"0x1234","e":"RED","p":null}`},
		40: {`{v=[1, 2, 3] s="" l=0x1234 e=RED p=0xff}`, `{"v":[1,2,3],"s":"","l":"0x1234","e":"RED","p":"0xff"}`},
	} {
		if got := typ.Text(data[:n]); got != want.text {
			t.Errorf("%d bytes: %s, want %s", n, got, want.text)
		}
		if got := string(typ.AppendJSON(nil, data[:n])); got != want.json {
			t.Errorf("%d bytes: %s, want %s", n, got, want.json)
		}
	}
}

// Elements without bytes are there if the data goes to where they are.
func TestElementsWithoutBytes(t *testing.T) {
	typ := find(t, shown(t), "nothings")
	for n, want := range map[int]struct{ text, json string }{
		4: {"{n=0 e=[{}, {}]}", `{"n":0,"e":[{},{}]}`},
		3: {"{n=? e=[?]}", `{"n":null,"e":[]}`},
	} {
		data := make([]byte, n)
		if got := typ.Text(data); got != want.text {
			t.Errorf("%d bytes: %s, want %s", n, got, want.text)
		}
		if got := string(typ.AppendJSON(nil, data)); got != want.json {
			t.Errorf("%d bytes: %s, want %s", n, got, want.json)
		}
	}
}

// The zeroes at the end of an array are left out if there are four or more.
func TestZeros(t *testing.T) {
	typ := part(t, find(t, shown(t), "array"), "v")
	for value, want := range map[string]string{
		"0": "[0...]", "7": "[7, 0...]", "7,8": "[7, 8, 0...]", "0,8": "[0, 8, 0...]", "7,8,9": "[7, 8, 9, 0, 0, 0]",
		"0,0,0,0,0,1": "[0, 0, 0, 0, 0, 1]", "0,256": "[0, 256, 0...]",
	} {
		data := make([]byte, 24)
		if err := typ.Set(data, value); err != nil || typ.Text(data) != want {
			t.Errorf("%s is %s, %v", value, typ.Text(data), err)
		}
	}
	if got := typ.Text(make([]byte, 23)); got != "[0, 0, 0, 0, 0, ?]" {
		t.Error(got)
	}
}

// A character is itself if it can be printed, otherwise a number.
func TestCharacters(t *testing.T) {
	typ := find(t, shown(t), "char")
	for c, want := range map[byte]string{' ': "' '", '~': "'~'", 'a': "'a'", 0x1f: "31", 0x7f: "127", 0: "0", 0xff: "255"} {
		if got := typ.Text([]byte{c}); got != want {
			t.Errorf("%#x is %s, want %s", c, got, want)
		}
	}
}

// A string has quotes where it would not be clear without them.
func TestQuotes(t *testing.T) {
	typ := find(t, shown(t), "string")
	for text, want := range map[string]string{
		"a": "a", "a b": "a b", "\ufffd": "\ufffd", " a": `" a"`, "a ": `"a "`, `"a`: `"\"a"`, "a\n": `"a\n"`, "a\xff": `"a\xff"`, "é": "é",
		"": `""`, "\n": `"\n"`,
	} {
		if got := typ.Text(append([]byte(text), 0)); got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
		if got := string(typ.AppendText(nil, append([]byte(text), 0))); got[0] != '"' {
			t.Errorf("%q within others is %s", text, got)
		}
	}
	if got := typ.Text(nil); got != "?" {
		t.Errorf("a string that is not there is %s", got)
	}
}

// JSON has no numbers for what is no number.
func TestJSONFloats(t *testing.T) {
	typ := find(t, shown(t), "floats")
	for _, c := range []struct {
		f    float64
		want string
	}{
		{math.Inf(1), `{"f":"+Inf","d":"+Inf"}`}, {math.Inf(-1), `{"f":"-Inf","d":"-Inf"}`}, {math.NaN(), `{"f":"NaN","d":"NaN"}`},
		{-0.5, `{"f":-0.5,"d":-0.5}`},
	} {
		data := make([]byte, 12)
		for _, path := range []string{"f", "d"} {
			if err := part(t, typ, path).SetFloat(data, c.f); err != nil {
				t.Error(err)
			}
		}
		if got := string(typ.AppendJSON(nil, data)); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}

func TestHex(t *testing.T) {
	var unknown *Type
	for n, want := range map[int]string{0: "", 1: "00", 64: strings.Repeat("00", 64), 65: strings.Repeat("00", 64) + "... (65 bytes)"} {
		data := make([]byte, n)
		for what, got := range map[string]string{"Hex": Hex(data), "Text": unknown.Text(data), "AppendText": string(unknown.AppendText(nil, data))} {
			if got != want {
				t.Errorf("%s of %d bytes = %s, want %s", what, n, got, want)
			}
		}
	}
}
