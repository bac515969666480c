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

// PrintLevel is the importance of a message of libbpf's (enum libbpf_print_level).
type PrintLevel int

// The levels, most important first.
const (
	PrintWarn PrintLevel = iota
	PrintInfo
	PrintDebug
)

// String is "warn", "info" or "debug".
func (l PrintLevel) String() string {
	switch l {
	case PrintWarn:
		return "warn"
	case PrintInfo:
		return "info"
	}
	return "debug"
}

// PrintFunc receives a message of libbpf's, without its trailing newline. It may be called from several goroutines at
// once, and must not call [SetPrint].
type PrintFunc func(level PrintLevel, message string)

// SlogPrint hands messages to a logger, at slog's levels of the same name.
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

// SetPrint sets where libbpf's messages go for the whole process, and the least important level that is delivered
// (libbpf_set_print). A nil print silences libbpf. At first it is warnings, to [slog.Default].
//
// A warning that belongs to an operation that failed is in the [Error] or the [VerifierError] that the operation
// returned, and not printed as well. [ObjectBuilder] can take the messages of one object's opening and loading for itself.
//
// A function that C code in the same program has set before Go began, by libbpf_set_print in a constructor, is left in
// place until the first SetPrint: it receives what SetPrint's would. One that C code sets later takes all messages, those
// of Go's operations too, and errors quote none, until the next SetPrint.
//
// It is safe for concurrent use.
func SetPrint(level PrintLevel, print PrintFunc) {
	clib.SetPrinter(newPrinter(level, print))
}

// CurrentPrint is what [SetPrint] set last: the least important level that is delivered, and the function, nil for none.
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

// capturing runs one operation of libbpf's that may print. f returns its error, which takes the warnings along. What
// else was said remains to be delivered, by the caller, once it holds no lock and owns what f made: a [PrintFunc] may
// use the object, and may panic.
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

// isPassing tells whether an error is about the process as it is now, and may have been the answer to libbpf's
// questions about features of the kernel too.
func isPassing(err error) bool {
	errno, _ := err.(syscall.Errno)
	switch errno {
	case unix.EMFILE, unix.ENFILE, unix.ENOMEM, unix.EPERM, unix.EACCES, unix.EAGAIN, unix.EINTR:
		return true
	}
	return false
}

// failedSaying makes the error of an operation that failed after libbpf said something, and leaves what does not belong
// to it.
func failedSaying(said []clib.Message, op, object string, err error) ([]clib.Message, *Error) {
	warnings, rest := clib.Warnings(said)
	return rest, &Error{Op: op, Object: object, Err: err, Messages: warnings}
}

// call is capturing and delivering.
func call(op, object string, f func() error) error {
	to := clib.CurrentPrinter()
	said, err := capturing(to, op, object, f)
	to.Deliver(said)
	return err
}

// callLocked is call with a lock held during f.
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

// printLost is for an error that no caller gets: that of a Close that had to wait, or came with a parent's.
func printLost(err error) { discard(err, PrintWarn) }

// discard is for an error that nobody will see: the warnings in it are printed, at a level of their own.
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
