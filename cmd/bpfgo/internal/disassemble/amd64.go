//go:build amd64

package disassemble

import (
	"bytes"
	"strings"

	"golang.org/x/arch/x86/x86asm"
)

// least is how many bytes the smallest instruction has.
const least = 1

// endbr64 marks where indirect branches may end. The decoder does not know it.
var endbr64 = []byte{0xf3, 0x0f, 0x1e, 0xfa}

var decode = func(code []byte, pc uint64, where func(target uint64) string) (string, int) {
	if bytes.HasPrefix(code, endbr64) {
		return "endbr64", len(endbr64)
	}
	inst, err := x86asm.Decode(code, 64)
	if err != nil {
		return "", 0
	}
	text := x86asm.GNUSyntax(inst, pc, nil)
	for _, arg := range inst.Args {
		to, relative := arg.(x86asm.Rel)
		if !relative {
			continue
		}
		// The operand is the last word: prefixes, as in "cs callq", are before the instruction.
		text = text[:strings.LastIndexByte(text, ' ')+1] + where(pc+uint64(inst.Len)+uint64(int64(to)))
	}
	return text, inst.Len
}
