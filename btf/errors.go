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
	// ErrClosed says that the BTF was nil or closed. It is an [os.ErrClosed] as well.
	ErrClosed = handle.ErrClosed

	// ErrNotFound says that there is no type with the name and kind or the number asked for. It is unix.ENOENT, and so
	// [os.ErrNotExist], as well.
	ErrNotFound = fault.New("no such type", unix.ENOENT)

	// ErrNoBTF says that an ELF file has no type information: it was compiled without -g, or was stripped of it.
	ErrNoBTF = errors.New("no BTF")
)

// Errors with the meaning of an errno, whose text is about something else.
var (
	errCycle    = fault.New("it is a cycle", unix.ELOOP)
	errTooLarge = fault.New("that is too large", unix.E2BIG)
)

// saying runs a call into libbpf, which may print. f returns its error, which takes the warnings along; what else was said
// is printed.
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

// said is an error with what libbpf said about it, which are a few words here.
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
