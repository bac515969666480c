package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/libbpf-go/libbpf-go"
)

// Exit statuses.
const (
	StatusOK          = 0
	StatusFailed      = 1
	StatusUsage       = 2 // the command line is wrong
	StatusPermission  = 3 // the process lacks a capability, or something else forbids it
	StatusUnsupported = 4 // the kernel lacks something
	StatusRejected    = 5 // the verifier rejected a program, or a comparison came out worse
)

// usageError says what is wrong with the command line.
type usageError string

func (e usageError) Error() string { return string(e) }

// Usagef is an error about the command line.
func Usagef(format string, args ...any) error { return usageError(fmt.Sprintf(format, args...)) }

// Exit is an error of a command that has already shown what is wrong: bpfgo ends with the status, and says no more.
type Exit int

func (e Exit) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// WithStatus gives an error another exit status than the one that its kind has.
func WithStatus(err error, status int) error { return &statusError{err, status} }

type statusError struct {
	error
	status int
}

func (e *statusError) Unwrap() error { return e.error }

// Status is the exit status for an error.
func Status(err error) int {
	var usage usageError
	var exit Exit
	var with *statusError
	var rejected *libbpf.VerifierError
	switch {
	case err == nil:
		return StatusOK
	case errors.As(err, &exit):
		return int(exit)
	case errors.As(err, &with):
		return with.status
	case errors.As(err, &usage):
		return StatusUsage
	case errors.As(err, &rejected):
		return StatusRejected
	case errors.Is(err, fs.ErrPermission):
		return StatusPermission
	case errors.Is(err, errors.ErrUnsupported):
		return StatusUnsupported
	default:
		return StatusFailed
	}
}

// OneLine joins the lines of a message to one line.
func OneLine(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "; ")
}

// Note tells the user something that is no error, in one line on standard error.
func (e *Env) Note(format string, args ...any) {
	fmt.Fprintf(e.Stderr, "bpfgo: note: %s\n", Safe(OneLine(fmt.Sprintf(format, args...))))
}
