package libbpf

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// PrintLevel is the importance of libbpf's messages (enum libbpf_print_level).
type PrintLevel int

// The levels, most important first.
const (
	PrintWarn PrintLevel = iota
	PrintInfo
	PrintDebug
)

// String returns "warn", "info" or "debug".
func (l PrintLevel) String() string {
	switch l {
	case PrintWarn:
		return "warn"
	case PrintInfo:
		return "info"
	}
	return "debug"
}

// PrintFunc receives libbpf's messages, each without its trailing newline. Several goroutines may call it at once. It
// must not call [SetPrint].
type PrintFunc func(level PrintLevel, message string)

// SlogPrint returns a PrintFunc that sends messages to a logger, at slog's levels of the same name.
func SlogPrint(logger *slog.Logger) PrintFunc {
	return func(level PrintLevel, message string) {
		to := slog.LevelDebug
		switch level {
		case PrintWarn:
			to = slog.LevelWarn
		case PrintInfo:
			to = slog.LevelInfo
		}
		logger.Log(context.Background(), to, message)
	}
}

// SetPrint sets the function that receives libbpf's messages for the whole process, and the least important level that
// it receives (libbpf_set_print). A nil print silences libbpf. By default warnings go to [slog.Default].
//
// When an operation fails, its warnings are in the [Error] or [VerifierError] that it returns, and print does not
// receive them. [ObjectBuilder] can have its own function for the messages of opening and loading one object.
//
// C code in the same program may call libbpf_set_print in a constructor, before Go begins. Until the first SetPrint,
// that function receives the messages that print would receive. If C code calls libbpf_set_print later, its function
// receives all messages, including those of Go's operations, and errors have no messages, until the next SetPrint.
//
// SetPrint is safe for concurrent use.
func SetPrint(level PrintLevel, print PrintFunc) {
	clib.SetPrinter(newPrinter(level, print))
}

// CurrentPrint returns what the last [SetPrint] set: the least important level that is delivered, and the function, or
// nil for none.
func CurrentPrint() (PrintLevel, PrintFunc) {
	current := clib.CurrentPrinter()
	if current.Print == nil {
		return PrintWarn, nil
	}
	return PrintLevel(current.Level), func(level PrintLevel, message string) { current.Print(clib.Level(level), message) }
}

func newPrinter(level PrintLevel, print PrintFunc) clib.Printer {
	if print == nil {
		return clib.Printer{Level: clib.LevelNone}
	}
	return clib.Printer{
		Level: clib.Level(level), Print: func(level clib.Level, text string) { print(PrintLevel(level), text) },
	}
}

// capturing runs one libbpf operation that may print. The error of f gets the warnings. The caller must deliver the
// remaining messages once it holds no lock and owns what f made, because a [PrintFunc] may use the object, and may
// panic.
func capturing(to *clib.Printer, op, object string, f func() error) (said []clib.Message, err error) {
	said = clib.Capture(to.Level, func() { err = f() })
	if err == nil {
		return said, nil
	}
	if isPassing(err) {
		clib.ForgetMissing()
	}
	return failedSaying(said, op, object, err)
}

// isPassing reports whether an error is about the current state of the process. libbpf's probes for kernel features may
// have failed with the same error.
func isPassing(err error) bool {
	errno, _ := err.(syscall.Errno)
	switch errno {
	case unix.EMFILE, unix.ENFILE, unix.ENOMEM, unix.EPERM, unix.EACCES, unix.EAGAIN, unix.EINTR:
		return true
	}
	return false
}

// failedSaying makes the error of a failed operation, with the messages that belong to it, and returns the other
// messages.
func failedSaying(said []clib.Message, op, object string, err error) ([]clib.Message, *Error) {
	warnings, rest := clib.Warnings(said)
	return rest, &Error{Op: op, Object: object, Err: err, Messages: warnings}
}

// call is capturing, followed by delivery.
func call(op, object string, f func() error) error {
	to := clib.CurrentPrinter()
	said, err := capturing(to, op, object, f)
	to.Deliver(said)
	return err
}

// callLocked is call that holds a lock during f.
func callLocked(mu *sync.Mutex, to *clib.Printer, op, object string, f func() error) error {
	said, err := capturingLocked(mu, to, op, object, f)
	to.Deliver(said)
	return err
}

func capturingLocked(mu *sync.Mutex, to *clib.Printer, op, object string, f func() error) ([]clib.Message, error) {
	mu.Lock()
	defer mu.Unlock()
	return capturing(to, op, object, f)
}

// printLost handles an error that no caller receives: that of a Close that had to wait, or of what came after Close.
func printLost(err error) { discard(err, PrintWarn) }

// discard handles an error that nobody receives: it prints the warnings in it, at the given level.
func discard(err error, level PrintLevel) {
	var failed *Error
	if !errors.As(err, &failed) {
		return
	}
	var said []clib.Message
	for _, text := range failed.Messages {
		said = append(said, clib.Message{Level: clib.Level(level), Text: text})
	}
	clib.CurrentPrinter().Deliver(said)
}
