//go:build ppc64 || ppc64le

package disassemble

import (
	"encoding/binary"

	"golang.org/x/arch/ppc64/ppc64asm"
)

// least is how many bytes the smallest instruction has.
const least = 4

var decode = func(code []byte, pc uint64, _ func(target uint64) string) (string, int) {
	var order binary.ByteOrder = binary.LittleEndian
	if binary.NativeEndian.Uint16([]byte{0, 1}) == 1 {
		order = binary.BigEndian
	}
	inst, err := ppc64asm.Decode(code, order)
	if err != nil {
		return "", 0
	}
	return ppc64asm.GNUSyntax(inst, pc), inst.Len
}
