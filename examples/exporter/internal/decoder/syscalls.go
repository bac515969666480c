//go:build !amd64 && !arm64 && !riscv64 && !s390x

package decoder

// Of other architectures, system calls have numbers.
var systemCalls map[uint64]string
