package place

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/libbpf-go/libbpf-go/btf"
)

// example has global variables of most kinds of types: "config" of a struct, "table" of an array of it.
type example struct {
	*btf.BTF
	config, table, section, n, array btf.TypeID
}

func newExample(t *testing.T) example {
	t.Helper()
	b := btf.NewBuilder()
	defer b.Close()
	var e example
	e.n = b.AddInt("int", 4, btf.IntSigned)
	inner := b.AddStruct("", 8, btf.Member{Name: "deep", Type: e.n}, btf.Member{Name: "deeper", Type: e.n, BitOffset: 32})
	box := b.AddStruct("box", 4, btf.Member{Name: "inside", Type: e.n})
	e.array = b.AddArray(e.n, e.n, 3)
	e.config = b.AddStruct("config", 32,
		btf.Member{Name: "mode", Type: b.AddConst(e.n)},
		btf.Member{Name: "low", Type: e.n, BitOffset: 32, BitfieldSize: 3},
		btf.Member{Name: "high", Type: e.n, BitOffset: 35, BitfieldSize: 5},
		btf.Member{Type: inner, BitOffset: 64},
		btf.Member{Name: "list", Type: e.array, BitOffset: 128},
		btf.Member{Name: "box", Type: box, BitOffset: 224},
	)
	e.table = b.AddArray(e.config, e.n, 4)
	v := func(name string, typ btf.TypeID) btf.TypeID { return b.AddVar(name, btf.LinkageGlobal, typ) }
	e.section = b.AddDatasec(".data", 172,
		btf.DatasecVar{Type: v("config", e.config), Offset: 8, Size: 32},
		btf.DatasecVar{Type: v("table", e.table), Offset: 40, Size: 128},
		btf.DatasecVar{Type: v("twice", e.n), Offset: 168, Size: 4},
	)
	b.AddDatasec(".bss", 12,
		btf.DatasecVar{Type: v("twice", e.n), Offset: 0, Size: 4},
		btf.DatasecVar{Type: v("f.count", e.n), Offset: 4, Size: 4},
		btf.DatasecVar{Type: v("f.count", e.n), Offset: 8, Size: 4},
	)
	b.AddDatasec(".data.more", 4, btf.DatasecVar{Type: v("f", e.config), Size: 4})
	b.AddDatasec(".kconfig", 4, btf.DatasecVar{Type: v("CONFIG_HZ", e.n), Size: 4})
	b.AddDatasec(".maps", 4, btf.DatasecVar{Type: v("counts", e.n), Size: 4})
	b.AddDatasec(".ksyms", 4, btf.DatasecVar{Type: v("jiffies", e.n), Size: 4})
	b.AddDatasec(".struct_ops.link", 4, btf.DatasecVar{Type: v("ops", e.n), Size: 4})
	b.AddDatasec(".data.long", 8, // longer names than others, once before and once after
		btf.DatasecVar{Type: v("g.deep", e.n), Size: 4},
		btf.DatasecVar{Type: v("h", e.config), Offset: 4, Size: 4})
	b.AddDatasec(".data.short", 8,
		btf.DatasecVar{Type: v("g", e.config), Size: 4},
		btf.DatasecVar{Type: v("h.deep", e.n), Offset: 4, Size: 4})
	b.AddDatasec("license", 4, btf.DatasecVar{Type: v("LICENSE", e.n), Size: 4})
	types, err := b.BTF()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = types.Close() })
	e.BTF = types
	return e
}

func TestAt(t *testing.T) {
	e := newExample(t)
	for _, test := range []struct {
		id        btf.TypeID
		path      string
		bit, bits int
		err       string
	}{
		{e.config, "", 0, 0, ""},
		{e.config, ".mode", 0, 0, ""},
		{e.config, ".low", 32, 3, ""},
		{e.config, ".high", 35, 5, ""},
		{e.config, ".deep", 64, 0, ""},
		{e.config, ".deeper", 96, 0, ""},
		{e.config, ".list", 128, 0, ""},
		{e.config, ".box.inside", 224, 0, ""},
		{e.config, ".list[0]", 128, 0, ""},
		{e.config, ".list[2]", 192, 0, ""},
		{e.table, "[3].high", 3*256 + 35, 5, ""},
		{e.table, "[1].deeper", 256 + 96, 0, ""},
		{e.section, ".config.deeper", 64 + 96, 0, ""},
		{e.section, ".table[1].mode", 320 + 256, 0, ""},

		{e.config, ".list[3]", 0, 0, "int v.list[3] has no element 3"},
		{e.config, ".list[4]", 0, 0, "int v.list[3] has no element 4"},
		{e.config, ".list[x]", 0, 0, "[x] must be an index such as [0]"},
		{e.config, ".list[1", 0, 0, "[1 must be an index such as [0]"},
		{e.config, ".list[-1]", 0, 0, "[-1] must be an index such as [0]"},
		{e.table, "[4294967296]", 0, 0, "[4294967296] must be an index such as [0]"},
		{e.config, "[0]", 0, 0, "struct config v is not an array and has no element 0"},
		{e.config, ".mode.x", 0, 0, "int v.mode is not a struct and has no member x"},
		{e.config, ".inside", 0, 0, "struct config v has no member inside"},
		{e.config, ".none", 0, 0, "struct config v has no member none"},
		{e.config, ".", 0, 0, "struct config v has no member "},
		{e.table, ".x", 0, 0, "struct config v[4] is not a struct and has no member x"},
		{e.section, ".none", 0, 0, "v has no variable none"},
		{1000, "[0]", 0, 0, "1000"},
		{1000, ".x", 0, 0, "1000"},
	} {
		part, err := At(e.BTF, test.id, "v", test.path)
		switch {
		case test.err == "" && (err != nil || part.Bit != test.bit || part.Bits != test.bits):
			t.Errorf("%q is %+v, %v, want %+v", test.path, part, err, test)
		case test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err) || part != Part{}):
			t.Errorf("%q is %+v, %v, want %q", test.path, part, err, test.err)
		}
	}
}

func TestFind(t *testing.T) {
	e := newExample(t)
	for text, want := range map[string]struct {
		section    string
		offset     int
		path, fail string
	}{
		"config":            {".data", 8, "", ""},
		"config.mode":       {".data", 8, ".mode", ""},
		"table[3].high":     {".data", 40, "[3].high", ""},
		".data:config.mode": {".data", 8, ".mode", ""},
		".data:twice":       {".data", 168, "", ""},
		".bss:twice":        {".bss", 0, "", ""},
		".bss+8:f.count":    {".bss", 8, "", ""},
		"f.mode":            {".data.more", 0, ".mode", ""},
		"CONFIG_HZ":         {".kconfig", 0, "", ""},
		":config":           {".data", 8, "", ""},
		"g.deep":            {".data.long", 0, "", ""},
		"h.deep":            {".data.short", 4, "", ""},

		"f.count":      {fail: "there are 2 variables of that name: use one of the names .bss+4:f.count, .bss+8:f.count"},
		"twice":        {fail: "there are 2 variables of that name: use one of the names .data:twice, .bss:twice"},
		"configs":      {fail: "the object has no such global variable"},
		".bss:config":  {fail: "the object has no such global variable"},
		".bss+4:twice": {fail: "the object has no such global variable"},
		"counts":       {fail: "it is a map and no global variable"},
		"jiffies":      {fail: "it is an extern, which the kernel defines, and no global variable of the object"},
		"ops":          {fail: "it is a map of type struct_ops and no global variable"},
		"LICENSE":      {fail: "section license, in which it is, is not of global variables"},
	} {
		v, path, err := Find(e.BTF, text)
		switch {
		case want.fail == "" && (err != nil || v.Section != want.section || v.Offset != want.offset || path != want.path):
			t.Errorf("%s: %+v, %q, %v, want %+v", text, v, path, err, want)
		case want.fail != "" && (err == nil || err.Error() != want.fail || v != Variable{}):
			t.Errorf("%s: %+v, %v, want %q", text, v, err, want.fail)
		}
	}
	var wrong *Error
	for text, missing := range map[string]bool{"none": true, "counts": true, "twice": false} {
		_, _, err := Find(e.BTF, text)
		if wrong, _ = err.(*Error); wrong == nil || wrong.Missing != missing {
			t.Errorf("%s: %#v", text, err)
		}
	}
}

func TestIsData(t *testing.T) {
	for section, want := range map[string]bool{
		".data": true, ".rodata": true, ".bss": true, ".data.x": true, Arena: true,
		".database": false, Kconfig: false, ".maps": false, "": false,
	} {
		if IsData(section) != want {
			t.Errorf("%s: %v", section, !want)
		}
	}
}

func TestNamed(t *testing.T) {
	b := btf.NewBuilder()
	defer b.Close()
	n := b.AddInt("unsigned int", 4, 0)
	ids := map[string]btf.TypeID{
		"unsigned int": n, "struct a": b.AddStruct("a", 4), "union a": b.AddUnion("a", 4), "typedef a": b.AddTypedef("a", n),
		"enum a": b.AddEnum("a", 4, btf.EnumValue{Name: "A"}), "enum b": b.AddEnum64("b", 8, false, btf.EnumValue{Name: "B"}),
	}
	types, err := b.BTF()
	if err != nil {
		t.Fatal(err)
	}
	defer types.Close()
	for name, want := range ids {
		if got, err := Named(types, name, btf.KindInt); err != nil || got.ID() != want {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if got, err := Named(types, "a", btf.KindUnion); err != nil || got.ID() != ids["union a"] {
		t.Errorf("%v, %v", got, err)
	}
}

func TestOrder(t *testing.T) {
	if big := Order(slices.Equal(binary.NativeEndian.AppendUint16(nil, 1), []byte{0, 1})); Native != big {
		t.Errorf("this machine is big-endian: %v", Native)
	}
	for order, want := range map[Order][]byte{
		OrderOf(binary.LittleEndian): {0, 0xa8, 0},
		OrderOf(binary.BigEndian):    {0, 0x15, 0},
	} {
		data := make([]byte, 3)
		if !order.Store(data, 11, 5, 0x15) || !slices.Equal(data, want) {
			t.Errorf("%v: %x, want %x", order, data, want)
		}
		if v, ok := order.Load(data, 11, 5); v != 0x15 || !ok {
			t.Errorf("%v: %#x, %v", order, v, ok)
		}
		for _, place := range []struct {
			bit, width int
			ok         bool
		}{{0, 24, true}, {16, 8, true}, {23, 1, true}, {16, 9, false}, {24, 1, false}, {-1, 4, false}} {
			data := make([]byte, 3)
			if order.Store(data, place.bit, place.width, 1) != place.ok {
				t.Errorf("%v: store at %+v", order, place)
			}
			if v, ok := order.Load(data, place.bit, place.width); ok != place.ok || ok != (v == 1) || !ok && v != 0 {
				t.Errorf("%v: load at %+v: %d, %v", order, place, v, ok)
			}
		}
	}
}

func TestDeclaration(t *testing.T) {
	b := btf.NewBuilder()
	defer b.Close()
	n := b.AddInt("int", 4, btf.IntSigned)
	config := b.AddStruct("config", 4)
	inner := b.AddStruct("", 4, btf.Member{Name: "x", Type: n})
	tests := map[btf.TypeID]string{
		n: "int v", b.AddArray(n, n, 3): "int v[3]", b.AddConst(n): "int v", b.AddArray(config, n, 4): "struct config v[4]",
		config: "struct config v", b.AddConst(b.AddVolatile(config)): "struct config v", b.AddVar("v", 1, config): "struct config v",
		b.AddVar("w", 1, inner): "anonymous struct v",
		inner:                   "anonymous struct v", b.AddUnion("", 4): "anonymous union v",
		b.AddPtr(inner): "v", 1000: "v", // too long, none
	}
	types, err := b.BTF()
	if err != nil {
		t.Fatal(err)
	}
	defer types.Close()
	for id, want := range tests {
		if got := Declaration(types, id, "v"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
