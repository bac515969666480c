//go:build !linux || !cgo

package sanitize

// Without cgo, importing this package fails with an error that explains why.
import _ "github.com/libbpf-go/libbpf-go/libbpf"
