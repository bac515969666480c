//go:build !linux

package clib

// The compiler quotes these, as those of build_nocgo.go.
const (
	_ int = "libbpf-go works on Linux only: build there, or set GOOS=linux,"
	_ int = "CGO_ENABLED=1, and CC to a C compiler for Linux"
)
