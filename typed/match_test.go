package typed

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// Which Go types serve for which C types, by size, sign and place.
func TestMatch(t *testing.T) {
	b := btf.NewBuilder()
	defer b.Close()
	u8, u32, i32, u64 := b.AddInt("u8", 1, 0), b.AddInt("u32", 4, 0), b.AddInt("int", 4, btf.IntSigned), b.AddInt("u64", 8, 0)
	flag, char := b.AddInt("_Bool", 1, btf.IntBool), b.AddInt("char", 1, btf.IntSigned)
	float, double := b.AddFloat("float", 4), b.AddFloat("double", 8)
	enum := b.AddEnum("enum", 4, btf.EnumValue{Name: "A"})
	pointer := b.AddPtr(0)
	member := func(name string, typ btf.TypeID, byteOffset, bits uint32) btf.Member {
		return btf.Member{Name: name, Type: typ, BitOffset: 8 * byteOffset, BitfieldSize: bits}
	}
	pair := b.AddStruct("pair", 8, member("a", u32, 0, 0), member("b", i32, 4, 0))
	union := b.AddUnion("union", 8, member("n", u64, 0, 0), member("p", pair, 0, 0), member("f", double, 0, 0))
	bits := b.AddStruct("bits", 8, member("x", u32, 0, 3), btf.Member{Name: "y", Type: u32, BitOffset: 3, BitfieldSize: 13},
		member("z", u32, 4, 0))
	c := map[string]btf.TypeID{
		"u8": u8, "u32": u32, "i32": i32, "u64": u64, "flag": flag, "char": char, "float": float, "double": double, "enum": enum,
		"pointer": pointer, "pair": pair, "union": union, "bits": bits, "pairs": b.AddArray(pair, u32, 3), "numbers": b.AddArray(u32, u32, 4),
		"none": b.AddArray(u32, u32, 0), "matrix": b.AddArray(b.AddArray(u32, u32, 2), u32, 2),
		"typedef": b.AddTypedef("number", b.AddConst(u32)),
	}
	types, err := b.BTF()
	testutil.Check(t, err)
	defer types.Close()
	type goPair struct {
		A uint32
		B int32
	}
	for _, m := range []struct {
		c    string
		typ  reflect.Type
		want string // a part of the error, or empty for none
	}{
		{"u8", reflect.TypeFor[uint8](), ""}, {"u8", reflect.TypeFor[int8](), ""}, {"u8", reflect.TypeFor[bool](), "no such thing"},
		{"u8", reflect.TypeFor[uint16](), "has 2 bytes and must have 1"}, {"u8", reflect.TypeFor[[1]uint8](), ""},
		{"char", reflect.TypeFor[uint8](), ""}, {"char", reflect.TypeFor[int8](), ""},
		{"u32", reflect.TypeFor[uint32](), ""}, {"u32", reflect.TypeFor[int32](), "no such thing"}, {"u32", reflect.TypeFor[float32](), "no such thing"},
		{"u32", reflect.TypeFor[[4]uint8](), ""}, {"u32", reflect.TypeFor[[2]uint16](), "no such thing"}, {"u32", reflect.TypeFor[[1]uint32](), ""},
		{"typedef", reflect.TypeFor[uint32](), ""}, {"i32", reflect.TypeFor[int32](), ""}, {"i32", reflect.TypeFor[uint32](), "no such thing"},
		{"u64", reflect.TypeFor[uint64](), ""}, {"u64", reflect.TypeFor[complex64](), "no such thing"},
		{"flag", reflect.TypeFor[bool](), ""}, {"flag", reflect.TypeFor[uint8](), ""},
		{"float", reflect.TypeFor[float32](), ""}, {"float", reflect.TypeFor[uint32](), "no such thing"},
		{"double", reflect.TypeFor[float64](), ""}, {"double", reflect.TypeFor[[2]float32](), "no such thing"},
		{"enum", reflect.TypeFor[uint32](), ""}, {"enum", reflect.TypeFor[int32](), ""}, {"enum", reflect.TypeFor[float32](), "no such thing"},
		{"pointer", reflect.TypeFor[uint64](), ""}, {"pointer", reflect.TypeFor[int64](), "no such thing"},
		{"pair", reflect.TypeFor[goPair](), ""}, {"pair", reflect.TypeFor[struct{ A, B uint32 }](), "struct { A uint32; B uint32 }.B is of type uint32"},
		{"pair", reflect.TypeFor[[8]uint8](), ""}, {"pair", reflect.TypeFor[uint64](), "no such thing at byte 0"},
		{"pair", reflect.TypeFor[[2]uint32](), "no such thing at byte 4"},
		{"pair", reflect.TypeFor[struct {
			A [4]uint8
			B int32
		}](), ""},
		{"pair", reflect.TypeFor[struct {
			_ uint32
			B int32
		}](), ""},
		{"pair", reflect.TypeFor[struct {
			A uint16
			B uint16
			C int32
		}](), "no such thing at byte 0"},
		{"union", reflect.TypeFor[uint64](), ""}, {"union", reflect.TypeFor[float64](), ""}, {"union", reflect.TypeFor[goPair](), ""},
		{"union", reflect.TypeFor[int64](), "no such thing"},
		{"bits", reflect.TypeFor[struct {
			XY uint16
			_  uint16
			Z  uint32
		}](), ""},
		{"bits", reflect.TypeFor[struct{ XY, Z uint32 }](), ""},
		{"bits", reflect.TypeFor[struct {
			XY int32
			Z  uint32
		}](), ""},
		{"bits", reflect.TypeFor[struct {
			XY float32
			Z  uint32
		}](), "no such thing at byte 0"},
		{"bits", reflect.TypeFor[struct {
			XY uint32
			Z  int32
		}](), "no such thing at byte 4"},
		{"bits", reflect.TypeFor[struct {
			X uint8
			_ [3]uint8
			Z uint32
		}](), ""},
		{"pairs", reflect.TypeFor[[3]goPair](), ""}, {"pairs", reflect.TypeFor[[2]goPair](), "has 16 bytes and must have 24"},
		{"pairs", reflect.TypeFor[[6]uint32](), "no such thing at byte 4"},
		{"pairs", reflect.TypeFor[struct {
			A goPair
			B [2]goPair
		}](), ""},
		{"numbers", reflect.TypeFor[[4]uint32](), ""}, {"numbers", reflect.TypeFor[[2][2]uint32](), ""}, {"numbers", reflect.TypeFor[[4]int32](), "no such thing"},
		{"numbers", reflect.TypeFor[[2]uint64](), "no such thing"}, {"numbers", reflect.TypeFor[struct{ A, B, C, D uint32 }](), ""},
		{"numbers", reflect.TypeFor[struct {
			A, B, C uint32
			D       int32
		}](), "no such thing at byte 12"},
		{"matrix", reflect.TypeFor[[2][2]uint32](), ""}, {"matrix", reflect.TypeFor[[4]uint32](), ""},
		{"none", reflect.TypeFor[struct{}](), ""}, {"none", reflect.TypeFor[[0]uint32](), ""}, {"none", reflect.TypeFor[uint32](), "must have 0"},
	} {
		err := (&matcher{types: types}).match(m.typ, c[m.c], "v")
		if m.want == "" && err != nil || m.want != "" && (!errors.Is(err, libbpf.ErrInvalid) || !strings.Contains(err.Error(), m.want)) {
			t.Errorf("%s for %s: %v, want %q", m.typ, m.c, err, m.want)
		}
	}
	if err := (&matcher{types: types, steps: maxSteps}).match(reflect.TypeFor[uint32](), u32, "v"); !errors.Is(err, libbpf.ErrInvalid) {
		t.Errorf("too many steps: %v", err)
	}
	testutil.Check(t, (&matcher{types: types, steps: maxSteps - 1}).match(reflect.TypeFor[uint32](), u32, "v"))
	testutil.Check(t, types.Close())
	if err := (&matcher{types: types}).match(reflect.TypeFor[uint32](), u32, "v"); !errors.Is(err, btf.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}
