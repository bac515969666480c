//go:build linux && !cgo

package clib

// The compiler quotes these, where it would say "build constraints exclude all Go files". It quotes 72 characters.
const (
	_ int = "libbpf-go needs cgo: install a C compiler, and set CGO_ENABLED=1;"
	_ int = "to build for another architecture, set CC to its C compiler as well"
)
