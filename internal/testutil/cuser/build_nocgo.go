//go:build !linux || !cgo

package cuser

// Without cgo, importing this package fails with an error that explains why.
import _ "github.com/libbpf-go/libbpf-go/libbpf"
