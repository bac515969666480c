//go:build riscv64

package disassemble

import "golang.org/x/arch/riscv64/riscv64asm"

// least is how many bytes the smallest instruction has.
const least = 2

var decode = func(code []byte, _ uint64, _ func(target uint64) string) (string, int) {
	inst, err := riscv64asm.Decode(code)
	if err != nil {
		return "", 0
	}
	return riscv64asm.GNUSyntax(inst), inst.Len
}
