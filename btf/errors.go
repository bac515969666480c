package btf

import (
	"errors"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/fault"
	"github.com/libbpf-go/libbpf-go/internal/handle"
	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

var (
	// ErrClosed: the BTF is nil or closed. It matches [os.ErrClosed].
	ErrClosed = handle.ErrClosed

	// ErrNotFound: there is no type with that number, or with that name and kind. It matches unix.ENOENT, and so
	// [os.ErrNotExist].
	ErrNotFound = fault.New("no such type", unix.ENOENT)

	// ErrNoBTF: an ELF file has no type information, because it was compiled without -g or stripped.
	ErrNoBTF = errors.New("no BTF")
)

// Errors that match an errno, with their own text.
var (
	errCycle    = fault.New("cycle", unix.ELOOP)
	errTooLarge = fault.New("too large", unix.E2BIG)
)

// saying runs a call into libbpf that may print. If f returns an error, saying adds libbpf's warnings to it. It prints
// the other messages.
func saying(f func() error) error {
	var err error
	to := clib.CurrentPrinter()
	messages := clib.Capture(to.Level, func() { err = f() })
	if err != nil {
		var warnings []string
		warnings, messages = clib.Warnings(messages)
		err = &said{err, warnings}
	}
	to.Deliver(messages)
	return err
}

// said is an error with libbpf's warnings about it, which are short in this package.
type said struct {
	err      error
	warnings []string
}

func (s *said) Error() string {
	if len(s.warnings) == 0 {
		return s.err.Error()
	}
	return s.err.Error() + " (" + strings.ReplaceAll(strings.Join(s.warnings, "; "), "libbpf: ", "") + ")"
}

func (s *said) Unwrap() error { return s.err }
