//go:build !linux || !cgo || asan || msan || !(amd64 || arm64 || s390x)

package cmalloc

const supported = false

func overflowed() bool          { return false }
func serial() uint64            { return 0 }
func since(uint64) []Allocation { return nil }
func choose(int, bool)          {}
func chosen() []uintptr         { return nil }
func counted() int              { return 0 }

func describe(uintptr) (symbol, library string, offset uint64) { return "", "", 0 }
