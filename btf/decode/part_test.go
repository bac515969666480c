package decode

import (
	"bytes"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/libbpf-go/libbpf-go/btf"
)

// Only what is at the end of the whole goes to the end of the data, also of its parts.
func TestFlexibleParts(t *testing.T) {
	types := build(t, func(b *btf.Builder) {
		u8, u32 := b.AddInt("u8", 1, 0), b.AddInt("u32", 4, 0)
		bytes := b.AddArray(u8, u32, 0)
		member := func(name string, typ btf.TypeID, at uint32) btf.Member {
			return btf.Member{Name: name, Type: typ, BitOffset: 8 * at}
		}
		only := b.AddStruct("only", 0, member("v", bytes, 0))
		flexible := b.AddStruct("flexible", 4, member("n", u32, 0), member("v", bytes, 4))
		b.AddStruct("last", 8, member("n", u32, 0), member("in", flexible, 4))
		b.AddStruct("first", 8, member("in", flexible, 0), member("n", u32, 4))
		b.AddStruct("both", 8, member("in", flexible, 0), member("last", flexible, 4))
		b.AddStruct("only_last", 4, member("n", u32, 0), member("in", only, 4))
		b.AddUnion("union", 4, member("v", bytes, 0), member("n", u32, 0))
		anonymous := b.AddStruct("", 4, member("n", u32, 0), member("v", bytes, 4))
		b.AddStruct("anonymous_first", 8, member("", anonymous, 0), member("m", u32, 4))
		b.AddStruct("anonymous_last", 8, member("m", u32, 0), member("", anonymous, 4))
		hidden := b.AddStruct("", 4, member("v", bytes, 0), member("n", u32, 0))
		b.AddStruct("begins", 4, member("v", bytes, 0), member("n", u32, 0))
		b.AddStruct("anonymous_hidden", 8, member("m", u32, 0), member("", hidden, 4))
	})
	data := []byte{1, 0, 0, 0, 2, 0, 0, 0, 7, 8}
	for _, c := range []struct {
		typ, path, want string
		extra           int // bytes behind it
	}{
		{"only", "", "{v=[1, 0, 0, 0, 2, 0, 0, 0, 7, 8]}", 0},
		{"only", "v", "[1, 0, 0, 0, 2, 0, 0, 0, 7, 8]", 0},
		{"last", "", "{n=1 in={n=2 v=[7, 8]}}", 0},
		{"last", "in", "{n=2 v=[7, 8]}", 0},
		{"last", "in.v", "[7, 8]", 0},
		{"last", "n", "1", 6},
		{"last", "in.n", "2", 2},
		{"first", "", "{in={n=1 v=[]} n=2}", 2},
		{"first", "in", "{n=1 v=[]}", 6},
		{"first", "in.v", "[]", 6},
		{"both", "", "{in={n=1 v=[]} last={n=2 v=[7, 8]}}", 0},
		{"both", "in", "{n=1 v=[]}", 6},
		{"both", "in.v", "[]", 6},
		{"both", "last", "{n=2 v=[7, 8]}", 0},
		{"both", "last.v", "[7, 8]", 0},
		{"only_last", "", "{n=1 in={v=[2, 0, 0, 0, 7, 8]}}", 0},
		{"union", "", "{v=[1, 0, 0, 0, 2, 0, 0, 0, 7, 8] n=1}", 0},
		{"union", "v", "[1, 0, 0, 0, 2, 0, 0, 0, 7, 8]", 0},
		{"anonymous_first", "", "{n=1 v=[] m=2}", 2},
		{"anonymous_last", "", "{m=1 n=2 v=[7, 8]}", 0},
		{"begins", "", "{v=[] n=1}", 6},
		{"begins", "v", "[]", 10},
		{"anonymous_hidden", "", "{m=1 v=[] n=2}", 2},
	} {
		typ := part(t, find(t, types, c.typ), c.path)
		if got := typ.Text(data); got != c.want {
			t.Errorf("%s %s is %s, want %s", c.typ, c.path, got, c.want)
		}
		if fit := typ.Fit(data); fit.Truncated || len(fit.Extra) != c.extra {
			t.Errorf("%s %s fits as %+v", c.typ, c.path, fit)
		}
	}
}

// The variables of a section are where the section says.
func TestVariables(t *testing.T) {
	var id btf.TypeID
	types := build(t, func(b *btf.Builder) {
		u32 := b.AddInt("u32", 4, 0)
		first, second := b.AddVar("first", btf.LinkageGlobal, u32), b.AddVar("second", btf.LinkageGlobal, u32)
		id = b.AddDatasec(".data", 12, btf.DatasecVar{Type: first, Size: 4}, btf.DatasecVar{Type: second, Offset: 8, Size: 4})
	})
	typ, err := types.Type(id)
	if err != nil {
		t.Fatal(err)
	}
	data := []byte{1, 0, 0, 0, 9, 9, 9, 9, 2, 0, 0, 0}
	if got := typ.Text(data); got != "{first=1 second=2}" {
		t.Error(got)
	}
	if got, ok := part(t, typ, "second").Uint(data); got != 2 || !ok {
		t.Errorf("second = %d, %v", got, ok)
	}
}

// Each kind of value is read by the methods for its kind, and by no others.
func TestReaders(t *testing.T) {
	typ := named(t, "everything")
	whole := everything()
	for _, c := range []struct {
		path    string
		number  any // of Uint, or nil if there is none
		float   any
		bytes   string
		end     string // what Whole has besides
		partial bool   // Bytes has what is there
	}{
		{"i8", uint64(1<<64 - 128), nil, "\x80", "", true},
		{"yes", uint64(1), nil, "\x01", "", true},
		{"letter", uint64('R'), nil, "R", "", true},
		{"color", uint64(5), nil, native("\x05\x00\x00\x00", "\x00\x00\x00\x05"), "", true},
		{"pointer", uint64(0xffff888000001000), nil, native("\x00\x10\x00\x00\x80\x88\xff\xff", "\xff\xff\x88\x80\x00\x00\x10\x00"), "", true},
		{"low", uint64(5), nil, "", "", false},
		{"name", nil, nil, "a\"\xff\n", "\x00zz?", true},
		{"f", nil, 1.5, native("\x00\x00\xc0\x3f", "\x3f\xc0\x00\x00"), "", true},
		{"inner.b", nil, nil, "\x01\x02\x03", "", true},
		{"named", nil, nil, native("\x01\x02\x03\x04", "\x04\x03\x02\x01"), "", true},
		{"lines[0]", nil, nil, "ab", "\x00\x00", true},
	} {
		p := part(t, typ, c.path)
		number, isNumber := p.Uint(whole)
		if isNumber != (c.number != nil) || isNumber && number != c.number {
			t.Errorf("%s: Uint is %#x, %v", c.path, number, isNumber)
		}
		if signed, ok := p.Int(whole); ok != isNumber || uint64(signed) != number {
			t.Errorf("%s: Int is %d, %v", c.path, signed, ok)
		}
		float, isFloat := p.Float(whole)
		if isFloat != (c.float != nil) || isFloat && float != c.float || !isFloat && !math.IsNaN(float) {
			t.Errorf("%s: Float is %v, %v", c.path, float, isFloat)
		}
		if got := string(p.Bytes(whole)); got != c.bytes {
			t.Errorf("%s: Bytes are %q", c.path, got)
		}
		if got := string(p.Whole(whole)); got != c.bytes+c.end {
			t.Errorf("%s: Whole is %q", c.path, got)
		}
		for _, short := range [][]byte{nil, whole[:p.at.bit/8]} {
			_, isNumber = p.Uint(short)
			_, isFloat = p.Float(short)
			if isNumber || isFloat || len(p.Bytes(short)) > 0 || len(p.Whole(short)) > 0 {
				t.Errorf("%s is read from %d bytes", c.path, len(short))
			}
		}
		if c.partial {
			short := whole[:p.at.bit/8+1]
			if !bytes.Equal(p.Whole(short), whole[p.at.bit/8:][:1]) {
				t.Errorf("%s: Whole of its first byte is %q", c.path, p.Whole(short))
			}
		}
	}
}

func TestUnknownParts(t *testing.T) {
	var unknown *Type
	data := []byte{1, 0, 2}
	number, isNumber := unknown.Uint(data)
	float, isFloat := unknown.Float(data)
	if number != 0 || isNumber || !math.IsNaN(float) || isFloat {
		t.Errorf("numbers are %d, %v and %v, %v", number, isNumber, float, isFloat)
	}
	if unknown.As("x") != nil || unknown.Kind() != KindMissing || unknown.ID() != 0 {
		t.Errorf("%v, %d, %d", unknown.As("x"), unknown.Kind(), unknown.ID())
	}
	if !bytes.Equal(unknown.Bytes(data), data) || !bytes.Equal(unknown.Whole(data), data) {
		t.Errorf("bytes are %q and %q", unknown.Bytes(data), unknown.Whole(data))
	}
	known := named(t, "everything")
	if known.Kind() != KindStruct || known.ID() == 0 || known.Name() != "everything" {
		t.Errorf("%d, %d, %s", known.Kind(), known.ID(), known.Name())
	}
}

// One Value is used for one type after the other: nothing of the value before is left.
func TestValueAgain(t *testing.T) {
	types := shown(t)
	ends, array := find(t, types, "ends"), part(t, find(t, types, "array"), "v")
	data := valueOf(t, ends, `{"v":[1,2,3],"s":"","l":"0x1234","e":"GREEN","p":"0xff"}`)
	v := Value{Name: "before", Bits: 9, Bytes: []byte("before")}
	ends.Decode(&v, data)
	if v.Name != "" || v.Kind != KindStruct || v.Bits != 0 || v.Bytes != nil || len(v.Elems) != 5 {
		t.Errorf("%+v", v)
	}
	for i, want := range []Value{{Name: "v", Kind: KindArray}, {Name: "s", Kind: KindString}, {Name: "l", Kind: KindBig},
		{Name: "e", Kind: KindEnum, Bits: 1}, {Name: "p", Kind: KindPtr, Bits: 0xff}} {
		if e := v.Elems[i]; e.Name != want.Name || e.Kind != want.Kind || e.Bits != want.Bits {
			t.Errorf("%+v, want %+v", e, want)
		}
	}
	big := v.Member("l")
	if got := big.Big(); got == nil || got.Int64() != 0x1234 || len(big.Bytes) != 16 {
		t.Errorf("%v", got)
	}
	if e := v.Member("e"); e.Enumerator() != "GREEN" || e.Float() != 0 || e.Big() != nil || v.Member("p").Enumerator() != "" {
		t.Errorf("%+v", e)
	}
	ends.Decode(&v, data[:7])
	want := map[string]any{"v": []any{int16(1), int16(2), int16(3)}, "s": "", "l": nil, "e": nil, "p": nil}
	if diff := cmp.Diff(want, v.Any()); diff != "" {
		t.Errorf("7 bytes (-want +got):\n%s", diff)
	}
	for _, name := range []string{"l", "e", "p"} {
		e := v.Member(name)
		if e.Kind != KindMissing || e.Bits != 0 || e.Bytes != nil || e.Enumerator() != "" || e.Float() != 0 || e.Big() != nil {
			t.Errorf("7 bytes: %+v", e)
		}
	}
	ends.Decode(&v, data[:6])
	if s := v.Member("s"); s.Kind != KindMissing {
		t.Errorf("6 bytes: %+v", s)
	}
	ends.Decode(&v, data[:23])
	if l := v.Member("l"); l.Kind != KindMissing || l.Bytes != nil {
		t.Errorf("23 bytes: %+v", l)
	}
	array.Decode(&v, make([]byte, 24))
	for _, e := range v.Elems {
		if e.Name != "" || e.Kind != KindInt {
			t.Errorf("%+v", e)
		}
	}
}

// An enum's value without a name is a number, with the sign of its type.
func TestAnyEnum(t *testing.T) {
	types := build(t, func(b *btf.Builder) {
		b.AddEnum("signed", 4, btf.EnumValue{Name: "A", Value: -1})
		b.AddEnum("unsigned", 4, btf.EnumValue{Name: "B", Value: 1})
	})
	for name, want := range map[string]any{"signed": int64(-2), "unsigned": uint64(0xfffffffe)} {
		if got := find(t, types, name).Any([]byte{0xfe, 0xff, 0xff, 0xff}); got != want {
			t.Errorf("%s is %T %v, want %v", name, got, got, want)
		}
	}
	if got := find(t, types, "signed").Any([]byte{0xff, 0xff, 0xff, 0xff}); got != "A" {
		t.Errorf("%v", got)
	}
}
