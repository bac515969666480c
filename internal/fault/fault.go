// Package fault makes errors that have a text of their own and stand for another error.
package fault

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// ErrInvalid says that an argument has the wrong length, type or range. It matches unix.EINVAL.
var ErrInvalid = New("invalid argument", unix.EINVAL)

// fault is the one type of such errors.
type fault struct {
	text string
	is   error
}

func (f *fault) Error() string { return f.text }
func (f *fault) Unwrap() error { return f.is }

// New makes an error with this text that matches is, and all that is matches, for [errors.Is].
func New(text string, is error) error { return &fault{text, is} }

// Newf is [New] with a format.
func Newf(is error, format string, args ...any) error { return New(fmt.Sprintf(format, args...), is) }

// Invalidf makes an [ErrInvalid] that says what is wrong.
func Invalidf(format string, args ...any) error { return Newf(ErrInvalid, format, args...) }
