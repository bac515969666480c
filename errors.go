package libbpf

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/internal/fault"
	"github.com/libbpf-go/libbpf-go/internal/handle"
	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// Errno is an error code of libbpf's own, 4000 and above. Everything below is the kernel's and appears as a
// [syscall.Errno], so errors.Is(err, unix.EPERM) and errors.Is(err, os.ErrPermission) work.
type Errno = clib.Errno

// What to test for with [errors.Is]. Those that stand for an errno match that errno as well.
var (
	// ErrClosed: the operation's receiver was closed, or is nil. It matches [os.ErrClosed].
	ErrClosed = handle.ErrClosed
	// ErrLoaded: an OpenObject, or a view of one, was used after Load took it over.
	ErrLoaded = errors.New("already loaded")
	// ErrNotFound: the object has no map, program or variable of that name, or has it but did not create or load it. It
	// matches unix.ENOENT, as which libbpf reports it, and so [os.ErrNotExist].
	ErrNotFound = fault.New("not found", unix.ENOENT)
	// ErrNoBTF: the object carries no type information. It matches [btf.ErrNoBTF].
	ErrNoBTF = fault.New("no BTF: compile with -g", btf.ErrNoBTF)
	// ErrKeyNotExist: no element with this key, or the queue or stack is empty. It matches unix.ENOENT.
	ErrKeyNotExist = fault.New("key does not exist", unix.ENOENT)
	// ErrKeyExist: an element with this key is there already ([NoExist]). It matches unix.EEXIST.
	ErrKeyExist = fault.New("key exists already", unix.EEXIST)
	// ErrMapFull: the map holds its maximum of entries. It matches unix.E2BIG, also for the kinds of maps for which the
	// kernel says unix.ENOSPC.
	ErrMapFull = fault.New("map is full", unix.E2BIG)
	// ErrIndexRange: the index is not below the array's number of entries. It matches unix.E2BIG.
	ErrIndexRange = fault.New("index out of range", unix.E2BIG)
	// ErrInvalid: an argument has the wrong length, type or range, and never reached the kernel. It matches
	// unix.EINVAL, as which the kernel would have refused it.
	ErrInvalid = fault.ErrInvalid
)

// Error is a failed operation: what was tried, on what, and why it failed. Err is a [syscall.Errno], an [Errno], a
// [VersionError] or one of this package's Err values; [errors.Is] sees through to it.
type Error struct {
	Op     string // the operation, such as "lookup"
	Object string // what it was tried on, such as `map "counts"`; "" where there is only one
	Err    error
	// Messages holds the warnings that libbpf printed meanwhile, in order, each without the trailing newline.
	// They are not also sent to the function that [SetPrint] set.
	Messages []string
}

// Error names the operation, the object and the cause, and quotes the one of libbpf's messages that says best why: it
// names the errno, and is not about something that libbpf can do without. %+v has them all.
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
	return b.String()
}

// Format writes Error, and for %+v all messages after it, one a line.
func (e *Error) Format(f fmt.State, verb rune) { formatError(f, verb, e.Error(), e.Messages) }

func (e *Error) Unwrap() error { return e.Err }

// Is makes the kernel's ENOTSUPP, which the syscall package does not know, an [errors.ErrUnsupported].
func (e *Error) Is(target error) bool { return isNotSupp(e.Err, target) }

// isNotSupp is what errors that wrap an errno have as their Is.
func isNotSupp(err, target error) bool {
	return target == errors.ErrUnsupported && errors.Is(err, errNotSupp)
}

// formatError formats an error by its text, which is one line, and for %+v by the details as well.
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

// errNotSupp is the kernel's ENOTSUPP, which is not meant for user space and has no text there, yet bpf(2) returns it.
const errNotSupp = syscall.Errno(524)

// errorText is err's text, or what it should have been.
func errorText(err error) string {
	if err == errNotSupp {
		return "operation not supported by the kernel (ENOTSUPP)"
	}
	return err.Error()
}

// checkInt32 refuses a number that is negative or does not fit an int of C's.
func checkInt32(what string, n int) error {
	if n < 0 || n > math.MaxInt32 {
		return fault.Invalidf("%s is %d and must be from 0 to %d", what, n, math.MaxInt32)
	}
	return nil
}

// lacking is an errno that, where it came from, says that the kernel lacks a feature. It matches [errors.ErrUnsupported],
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

// VersionError says that the libbpf that is linked is too old for an operation. It matches [errors.ErrUnsupported].
type VersionError struct {
	Func  string // what is missing: a function, or such as `section "tcx/ingress"`
	Needs string // the first libbpf that has it, such as "1.5"
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("%s needs libbpf %s, and %s is linked", e.Func, e.Needs, clib.VersionString())
}

// Is reports whether target is [errors.ErrUnsupported].
func (e *VersionError) Is(target error) bool { return target == errors.ErrUnsupported }

// fromErrno translates the errno that cgo returns beside a NULL of libbpf's. An error that is no errno stays what it is.
func fromErrno(err error) error {
	switch err := err.(type) {
	case nil:
		return ErrInvalid // libbpf left none, which is still no success
	case syscall.Errno:
		return clib.FromRet(-int(err))
	default:
		return err
	}
}
