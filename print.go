package libbpf

/*
#cgo CFLAGS: -I${SRCDIR}/libbpf/upstream/api

#include <stdlib.h>
#include "libbpf/vendor.h"
#include "print_cgo.h"
*/
import "C"

import (
	"context"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"unsafe"
)

// PrintLevel is the importance of a message of libbpf's (enum libbpf_print_level).
type PrintLevel int

// The levels, most important first.
const (
	PrintWarn PrintLevel = iota
	PrintInfo
	PrintDebug
)

// printNone is below every level: no message at all.
const printNone PrintLevel = -1

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

// printer is where messages go, and down to which level.
type printer struct {
	level PrintLevel
	print PrintFunc
}

var currentPrinter atomic.Pointer[printer]

func init() {
	SetPrint(PrintWarn, func(level PrintLevel, message string) { SlogPrint(slog.Default())(level, message) })
	C.lbg_print_install()
}

// SetPrint sets where libbpf's messages go for the whole process, and the least important level that is delivered
// (libbpf_set_print). A nil print silences libbpf. At first it is warnings, to [slog.Default].
//
// A warning that belongs to an operation that failed is in the [Error] that the operation returned, and not printed as
// well. [ObjectBuilder] can take the messages of one object's opening and loading for itself.
//
// It is safe for concurrent use.
func SetPrint(level PrintLevel, print PrintFunc) {
	if print == nil {
		level = printNone
	}
	currentPrinter.Store(&printer{level, print})
	C.lbg_print_set_level(C.int(level))
}

// libbpfGoPrint delivers what libbpf prints outside of any capture, as when C code in the same program calls it.
//
//export libbpfGoPrint
func libbpfGoPrint(level C.int, text *C.char) {
	deliver(currentPrinter.Load(), []message{{PrintLevel(level), trimMessage(C.GoString(text))}})
}

func deliver(to *printer, messages []message) {
	for _, m := range messages {
		if m.level <= to.level {
			to.print(m.level, m.text)
		}
	}
}

// message is one thing that libbpf said.
type message struct {
	level PrintLevel
	text  string
}

func trimMessage(text string) string { return strings.TrimRight(text, "\n") }

// capture runs a call into libbpf and collects what it prints, warnings always and more if somebody wants it. f must
// not call Go code of a user's: it runs on a locked thread, with signals blocked.
func capture(level PrintLevel, f func()) (messages []message) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	C.lbg_capture_begin(C.int(max(level, PrintWarn)))
	// Deferred, so that a panic does not leave the thread as it is now.
	defer func() {
		var size C.size_t
		buf := C.lbg_capture_end(&size)
		defer C.free(unsafe.Pointer(buf))
		rest := unsafe.String((*byte)(unsafe.Pointer(buf)), int(size))
		for len(rest) > 0 {
			end := 1 + strings.IndexByte(rest[1:], 0)
			text := trimMessage(rest[1:end])
			messages = append(messages, message{PrintLevel(rest[0]), strings.Clone(text)})
			rest = rest[end+1:]
		}
	}()
	f()
	return nil
}

// capturing runs one operation of libbpf's that may print. f returns its error, which takes the warnings along. What
// else was said remains to be delivered, by the caller, once it holds no lock and owns what f made: a [PrintFunc] may
// use the object, and may panic.
func capturing(to *printer, op, object string, f func() error) (said []message, err error) {
	said = capture(to.level, func() { err = f() })
	if err == nil {
		return said, nil
	}
	failed := &Error{Op: op, Object: object, Err: err}
	rest := said[:0:0]
	for _, m := range said {
		if m.level == PrintWarn {
			failed.Messages = append(failed.Messages, m.text)
		} else {
			rest = append(rest, m)
		}
	}
	return rest, failed
}

// call is capturing and delivering.
func call(op, object string, f func() error) error {
	to := currentPrinter.Load()
	said, err := capturing(to, op, object, f)
	deliver(to, said)
	return err
}

// callLocked is call with a lock held during f.
func callLocked(mu *sync.Mutex, to *printer, op, object string, f func() error) error {
	said, err := capturingLocked(mu, to, op, object, f)
	deliver(to, said)
	return err
}

func capturingLocked(mu *sync.Mutex, to *printer, op, object string, f func() error) ([]message, error) {
	mu.Lock()
	defer mu.Unlock()
	return capturing(to, op, object, f)
}
