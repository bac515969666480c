package ctypes

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// Errors of SetText.
var (
	// ErrTooLong: the text and its NUL do not fit.
	ErrTooLong = errors.New("text is too long")

	// ErrNUL: the text has a NUL, so C and [Text] would read less of it.
	ErrNUL = errors.New("text has a NUL")
)

// Text returns the text in b, which ends before the first NUL, or at the end of b if there is none.
func Text(b []byte) string {
	if end := bytes.IndexByte(b, 0); end >= 0 {
		b = b[:end]
	}
	return string(b)
}

// SetText stores s in b, and fills the rest with NULs, of which there is at least one. If there is an error, b stays as
// it is.
//
// errors.Is: [ErrTooLong], [ErrNUL].
func SetText(b []byte, s string) error {
	switch {
	case strings.IndexByte(s, 0) >= 0:
		return ErrNUL
	case len(s) >= len(b):
		return fmt.Errorf("%w: %d bytes, and a NUL, for %d bytes", ErrTooLong, len(s), len(b))
	}
	clear(b[copy(b, s):])
	return nil
}
