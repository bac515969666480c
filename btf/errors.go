package btf

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

var (
	// ErrClosed says that the BTF was nil or closed. It is an [os.ErrClosed] as well.
	ErrClosed = fmt.Errorf("btf: %w", os.ErrClosed)

	// ErrNotFound says that there is no type with the name and kind or the number asked for.
	ErrNotFound = errors.New("no such type")

	// ErrNoBTF says that an ELF file has no type information: it was compiled without -g, or was stripped of it.
	ErrNoBTF = errors.New("no BTF")
)

// Errors with the meaning of an errno, whose text is about something else.
var (
	errCycle    error = &meaning{"it is a cycle", unix.ELOOP}
	errTooLarge error = &meaning{"that is too large", unix.E2BIG}
)

type meaning struct {
	text string
	is   error
}

func (m *meaning) Error() string { return m.text }
func (m *meaning) Unwrap() error { return m.is }
