package place

import (
	"encoding/binary"
	"errors"
	"math"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/btf"
)

// Places that no int counts are errors, and no places before the variable.
func TestFarElement(t *testing.T) {
	b := btf.NewBuilder()
	defer b.Close()
	n := b.AddInt("int", 4, btf.IntSigned)
	large := b.AddStruct("large", 1<<31-1, btf.Member{Name: "n", Type: n, BitOffset: 1<<32 - 8})
	variable := b.AddStruct("variable", 8,
		btf.Member{Name: "small", Type: b.AddArray(n, n, 0), BitOffset: 32},
		btf.Member{Name: "large", Type: b.AddArray(large, n, 0), BitOffset: 32})
	types, err := b.BTF()
	if err != nil {
		t.Fatal(err)
	}
	defer types.Close()
	for _, path := range []string{".small[4294967295]", ".small[134217728]", ".large[4294967295]", ".large[536870913]", ".large[1100000000]", ".large[536870912].n"} {
		part, err := At(types, variable, "v", path)
		var wrong *Error
		switch far := math.MaxInt == math.MaxInt32 || path[1] == 'l'; {
		case far && (!errors.As(err, &wrong) || wrong.Missing):
			t.Errorf("%s is %+v, %v", path, part, err)
		case !far && (err != nil || int64(part.Bit) < 1<<32):
			t.Errorf("%s is %+v, %v", path, part, err)
		}
	}
}

// The last place that an int counts, and elements that take no room.
func TestLastElement(t *testing.T) {
	b := btf.NewBuilder()
	defer b.Close()
	n := b.AddInt("int", 4, btf.IntSigned)
	large := b.AddArray(b.AddStruct("large", 1<<31-1), n, 0)
	empty := b.AddArray(b.AddStruct("empty", 0), n, 9)
	nothing := b.AddArray(0, n, 9)
	types, err := b.BTF()
	if err != nil {
		t.Fatal(err)
	}
	defer types.Close()
	if part, err := At(types, empty, "v", "[8]"); err != nil || part.Bit != 0 {
		t.Errorf("%+v, %v", part, err)
	}
	if part, err := At(types, nothing, "v", "[1]"); err == nil {
		t.Errorf("an element of no type is %+v", part)
	}
	path, last := "[536870912]", uint64(8*(1<<31-1)<<29)
	if math.MaxInt == math.MaxInt32 {
		path, last = "[0]", 0
	}
	if part, err := At(types, large, "v", path); err != nil || uint64(part.Bit) != last {
		t.Errorf("%+v, %v", part, err)
	}
}

// Damaged types are errors of their own.
func TestDamagedTypes(t *testing.T) {
	b := btf.NewBuilder()
	defer b.Close()
	endless := b.AddConst(b.NextID())
	in := b.AddStruct("in", 4, btf.Member{Type: endless})
	deep := b.AddStruct("deep", 4, btf.Member{Type: in})
	types, err := b.BTF()
	if err != nil {
		t.Fatal(err)
	}
	defer types.Close()
	for _, test := range []struct {
		id   btf.TypeID
		path string
		want error
	}{{endless, ".x", unix.ELOOP}, {in, ".x", unix.ELOOP}, {deep, ".x", unix.ELOOP}} {
		if text := Declaration(types, test.id, "v"); test.id == endless && text != "v" {
			t.Errorf("the declaration is %q", text)
		}
		if part, err := At(types, test.id, "v", test.path); !errors.Is(err, test.want) || part != (Part{}) {
			t.Errorf("%d%s is %+v, %v", test.id, test.path, part, err)
		}
	}
}

// parse makes types of words. Their names are 0 for none, and 1 for "x".
func parse(t *testing.T, words ...uint32) *btf.BTF {
	t.Helper()
	raw := binary.NativeEndian.AppendUint16(nil, 0xeb9f)
	raw = append(raw, 1, 0)
	size := uint32(4 * len(words))
	for _, word := range append([]uint32{24, 0, size, size, 3}, words...) {
		raw = binary.NativeEndian.AppendUint32(raw, word)
	}
	types, err := btf.ParseRaw(append(raw, "\x00x\x00"...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = types.Close() })
	return types
}

// Old compilers describe a bit field by an integer of fewer bits than its size.
func TestOldBitField(t *testing.T) {
	types := parse(t,
		0, 1<<24, 4, 3<<16|5, // an int of five bits, behind three others
		0, 4<<24|1, 4, // a struct of one member
		1, 1, 8, // at bit 8
	)
	if part, err := At(types, 2, "v", ".x"); err != nil || part != (Part{1, 8 + 3, 5}) {
		t.Errorf("%+v, %v", part, err)
	}
}

// A member without a name that is no struct has no members.
func TestNamelessMember(t *testing.T) {
	b := btf.NewBuilder()
	defer b.Close()
	n := b.AddInt("int", 4, btf.IntSigned)
	s := b.AddStruct("s", 8, btf.Member{Type: n}, btf.Member{Name: "x", Type: n, BitOffset: 32})
	types, err := b.BTF()
	if err != nil {
		t.Fatal(err)
	}
	defer types.Close()
	if part, err := At(types, s, "v", ".x"); err != nil || part.Bit != 32 {
		t.Errorf("%+v, %v", part, err)
	}
}

// A damaged object's structs may contain themselves, where C has none that do.
func TestMemberInCycle(t *testing.T) {
	const structKind, members = 4 << 24, 2
	types := parse(t,
		0, structKind|members, 8, // a struct of two members without names
		0, 1, 0, // of the struct itself
		0, 2, 0, // and of it again
		0, 10<<24, 1, // type 2: const
	)
	_, err := At(types, 1, "v", ".x")
	var wrong *Error
	if !errors.As(err, &wrong) || !wrong.Missing {
		t.Error(err)
	}
}
