package libbpf

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/internal/fault"
	"github.com/libbpf-go/libbpf-go/internal/handle"
	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// Errno is one of libbpf's own error codes, which begin at 4000. Smaller codes are the kernel's and have the type
// [syscall.Errno], so errors.Is(err, unix.EPERM) and errors.Is(err, os.ErrPermission) work.
type Errno = clib.Errno

// Errors to test for with [errors.Is]. Those that stand for an errno match that errno too.
var (
	// ErrClosed: the receiver of the method is closed or nil. It matches [os.ErrClosed].
	ErrClosed = handle.ErrClosed
	// ErrLoaded: an OpenObject, or a value that came from it, was used after Load consumed it.
	ErrLoaded = errors.New("already loaded")
	// ErrNotFound: the object has no map, program or variable of that name, or has it but did not create or load it. It
	// matches unix.ENOENT, the error that libbpf uses, and so [os.ErrNotExist].
	ErrNotFound = fault.New("not found", unix.ENOENT)
	// ErrNoBTF: the object carries no type information. It matches [btf.ErrNoBTF].
	ErrNoBTF = fault.New("no BTF: compile with -g", btf.ErrNoBTF)
	// ErrKeyNotExist: the map has no element with this key, or the queue or stack is empty. It matches unix.ENOENT.
	ErrKeyNotExist = fault.New("key does not exist", unix.ENOENT)
	// ErrKeyExist: the map has an element with this key already ([NoExist]). It matches unix.EEXIST.
	ErrKeyExist = fault.New("key exists already", unix.EEXIST)
	// ErrMapFull: the map has its maximum number of entries. It matches unix.E2BIG, also for map types whose kernel
	// error is unix.ENOSPC.
	ErrMapFull = fault.New("map is full", unix.E2BIG)
	// ErrIndexRange: the index is not smaller than the array's number of entries. It matches unix.E2BIG.
	ErrIndexRange = fault.New("index out of range", unix.E2BIG)
	// ErrInvalid: an argument has the wrong length, type or range. This package refused it before it reached the
	// kernel. It matches unix.EINVAL, the error that the kernel would return.
	ErrInvalid = fault.ErrInvalid
)

// Error is a failed operation: the operation, its object, and the cause. Err is a [syscall.Errno], an [Errno], a
// [VersionError] or one of this package's Err values; [errors.Is] unwraps it.
type Error struct {
	Op     string // the operation, such as "lookup"
	Object string // what the operation was for, such as `map "counts"`; "" when there is only one
	Err    error
	// Messages has the warnings that libbpf printed during the operation, in order, each without the trailing newline.
	// They do not also go to the function that [SetPrint] set.
	Messages []string
}

// Error returns the operation, the object and the cause in one line. It quotes the libbpf message that explains the
// error best: one that names the errno, and is not about an optional feature. %+v prints all messages. Control
// characters, which names may have, are escaped as in Go, such as \n or \x1b.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	if e.Object != "" {
		b.WriteByte(' ')
		b.WriteString(e.Object)
	}
	b.WriteString(": ")
	b.WriteString(errorText(e.Err))
	if cause := clib.Cause(e.Messages, e.Err); cause != "" {
		fmt.Fprintf(&b, " (%s)", cause)
	}
	return withoutControls(b.String())
}

// withoutControls escapes the control characters in a text.
func withoutControls(text string) string {
	if !strings.ContainsFunc(text, unicode.IsControl) {
		return text
	}
	var b strings.Builder
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		if unicode.IsControl(r) {
			quoted := strconv.QuoteRune(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		} else {
			b.WriteString(text[:size]) // which need not be UTF-8
		}
		text = text[size:]
	}
	return b.String()
}

// Format writes Error, and for %+v all messages after it, one in each line.
func (e *Error) Format(f fmt.State, verb rune) { formatError(f, verb, e.Error(), e.Messages) }

func (e *Error) Unwrap() error { return e.Err }

// Is reports whether the kernel's error is ENOTSUPP, if target is [errors.ErrUnsupported]. The syscall package does not
// know ENOTSUPP.
func (e *Error) Is(target error) bool { return isNotSupp(e.Err, target) }

// isNotSupp implements Is for errors that wrap an errno.
func isNotSupp(err, target error) bool {
	return target == errors.ErrUnsupported && errors.Is(err, errNotSupp)
}

// formatError formats an error by its one-line text, and for %+v by the details too.
func formatError(f fmt.State, verb rune, text string, details []string) {
	if verb == 'q' {
		_, _ = fmt.Fprintf(f, "%q", text)
		return
	}
	_, _ = io.WriteString(f, text)
	if verb == 'v' && f.Flag('+') {
		for _, d := range details {
			_, _ = io.WriteString(f, "\n"+d)
		}
	}
}

// errNotSupp is the kernel's ENOTSUPP. It is not meant for user space, and C has no text for it, but bpf(2) returns it.
const errNotSupp = syscall.Errno(524)

// errorText returns err's text, with a better one for ENOTSUPP.
func errorText(err error) string {
	if err == errNotSupp {
		return "operation not supported by the kernel (ENOTSUPP)"
	}
	return err.Error()
}

// closing names the operation in an error of Close. What is closed stays closed.
func closing(what string, err error) error {
	var named *Error
	if err == nil || errors.As(err, &named) {
		return err
	}
	return &Error{Op: "close", Object: what, Err: err}
}

// checkInt32 refuses a number that is negative or does not fit an int of C's.
func checkInt32(what string, n int) error {
	if n < 0 || n > math.MaxInt32 {
		return fault.Invalidf("%s is %d and must be from 0 to %d", what, n, math.MaxInt32)
	}
	return nil
}

// lacking is an errno that means, in its context, that the kernel lacks a feature. It matches [errors.ErrUnsupported]
// and the errno.
type lacking struct {
	what  string
	errno error
}

func (l *lacking) Error() string {
	return l.what + ": not supported by the kernel (" + l.errno.Error() + ")"
}
func (l *lacking) Unwrap() error        { return l.errno }
func (l *lacking) Is(target error) bool { return target == errors.ErrUnsupported }

// VersionError says that the linked libbpf is too old for an operation: Func is what is missing, a function or a
// feature, and Needs the first libbpf that has it, such as "1.5". It matches [errors.ErrUnsupported].
type VersionError = clib.VersionError

// fromErrno translates the errno that cgo returns with a NULL of libbpf's. It returns other errors unchanged.
func fromErrno(err error) error {
	switch err := err.(type) {
	case nil:
		return ErrInvalid // libbpf set no errno, but returned NULL
	case syscall.Errno:
		return clib.FromRet(-int(err))
	default:
		return err
	}
}
