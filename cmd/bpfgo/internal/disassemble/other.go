//go:build !(amd64 || arm64 || s390x || riscv64 || loong64 || ppc64 || ppc64le)

package disassemble

const least = 1

// decode is nil where there is no disassembler.
var decode func(code []byte, pc uint64, where func(target uint64) string) (string, int)
