//go:build arm64

package disassemble

import "golang.org/x/arch/arm64/arm64asm"

// least is how many bytes the smallest instruction has.
const least = 4

var decode = func(code []byte, _ uint64, _ func(target uint64) string) (string, int) {
	inst, err := arm64asm.Decode(code)
	if err != nil {
		return "", 0
	}
	return arm64asm.GNUSyntax(inst), least
}
