package btf

import (
	"errors"
	"fmt"
	"os"
)

var (
	// ErrClosed says that the BTF was nil or closed. It is an [os.ErrClosed] as well.
	ErrClosed = fmt.Errorf("btf: %w", os.ErrClosed)

	// ErrNotFound says that there is no type with the name and kind or the number asked for.
	ErrNotFound = errors.New("no such type")

	// ErrNoBTF says that an ELF file has no type information: it was compiled without -g, or was stripped of it.
	ErrNoBTF = errors.New("no BTF")
)
