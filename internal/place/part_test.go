package place

import (
	"encoding/binary"
	"errors"
	"testing"

	"github.com/libbpf-go/libbpf-go/btf"
)

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
