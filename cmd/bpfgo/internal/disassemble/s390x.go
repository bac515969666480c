//go:build s390x

package disassemble

import "golang.org/x/arch/s390x/s390xasm"

// least is how many bytes the smallest instruction has.
const least = 2

var decode = func(code []byte, pc uint64, _ func(target uint64) string) (string, int) {
	inst, err := s390xasm.Decode(code)
	if err != nil {
		return "", 0
	}
	return s390xasm.GNUSyntax(inst, pc), inst.Len
}
