//go:build !linux || !cgo

package usdt

// This package does not build then, and that one says why.
import _ "github.com/libbpf-go/libbpf-go/libbpf"
