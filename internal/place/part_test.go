package place

import (
	"encoding/binary"
	"errors"
	"math"
	"testing"

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
	for _, path := range []string{".small[4294967295]", ".small[134217728]", ".large[4294967295]", ".large[536870913].n"} {
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

// A damaged object's structs may contain themselves, where C has none that do.
func TestMemberInCycle(t *testing.T) {
	const structKind, members = 4 << 24, 2
	words := []uint32{
		0, structKind | members, 8, // a struct of two members without names
		0, 1, 0, // of the struct itself
		0, 2, 0, // and of it again
		0, 10 << 24, 1, // type 2: const
	}
	raw := binary.NativeEndian.AppendUint16(nil, 0xeb9f)
	raw = append(raw, 1, 0)
	size := uint32(4 * len(words))
	for _, word := range append([]uint32{24, 0, size, size, 1}, words...) {
		raw = binary.NativeEndian.AppendUint32(raw, word)
	}
	types, err := btf.ParseRaw(append(raw, 0))
	if err != nil {
		t.Fatal(err)
	}
	defer types.Close()
	_, err = At(types, 1, "v", ".x")
	var wrong *Error
	if !errors.As(err, &wrong) || !wrong.Missing {
		t.Error(err)
	}
}
