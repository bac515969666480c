package clib

/*
#include <stdlib.h>
#include "messages_cgo.h"
*/
import "C"

import (
	"log/slog"
	"runtime"
	"strings"
	"sync/atomic"
	"unsafe"
)

// Level is the importance of a message (enum libbpf_print_level).
type Level int

// The levels, most important first. LevelNone is below all of them: no messages.
const (
	LevelNone Level = iota - 1
	LevelWarn
	LevelInfo
	LevelDebug
)

// Message is one message of libbpf, without its trailing newline.
type Message struct {
	Level Level
	Text  string
}

// Printer says where messages go, and up to which level.
type Printer struct {
	Level Level
	Print func(Level, string) // nil only at LevelNone
}

var currentPrinter atomic.Pointer[Printer]

// If C code has set a print function, it keeps getting the messages.
func init() {
	if C.lbg_print_install() {
		setPrinter(Printer{LevelDebug, printToTheirs})
	} else {
		setPrinter(Printer{LevelWarn, func(_ Level, text string) { slog.Warn(text) }})
	}
}

// printToTheirs passes a message to the function that C code had set.
func printToTheirs(level Level, text string) {
	c := append([]byte(text), 0)
	C.lbg_print_to_theirs(C.int(level), (*C.char)(unsafe.Pointer(&c[0])))
}

// SetPrinter sets where messages go that no operation captures (libbpf_set_print).
func SetPrinter(p Printer) {
	setPrinter(p)
	C.lbg_print_take()
}

func setPrinter(p Printer) {
	currentPrinter.Store(&p)
	C.lbg_print_set_level(C.int(p.Level))
}

// CurrentPrinter is the printer that SetPrinter set last. Initially it passes all messages to a function that C code
// had set before, or, without one, warnings to [slog.Default].
func CurrentPrinter() *Printer { return currentPrinter.Load() }

// Deliver prints messages.
func (p *Printer) Deliver(messages []Message) {
	for _, m := range messages {
		if m.Level <= p.Level {
			p.Print(m.Level, m.Text)
		}
	}
}

// lbgPrint delivers what libbpf prints outside of any capture, such as when C code in the same program calls libbpf.
//
//export lbgPrint
func lbgPrint(level C.int, text *C.char) {
	CurrentPrinter().Deliver([]Message{{Level(level), trimMessage(C.GoString(text))}})
}

func trimMessage(text string) string { return strings.TrimRight(text, "\n") }

// Capture runs a call into libbpf and collects what it prints: warnings always, other messages if level includes them.
// Captures nest: a message goes to the innermost one. f must not call Go code of the user, because it runs on a locked
// thread with signals blocked.
func Capture(level Level, f func()) (messages []Message) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	capture := C.lbg_capture_begin(C.int(max(level, LevelWarn)))
	// Deferred, so that a panic also restores the thread.
	defer func() {
		var size C.size_t
		buf := C.lbg_capture_end(capture, &size)
		defer C.free(unsafe.Pointer(buf))
		rest := unsafe.String((*byte)(unsafe.Pointer(buf)), int(size))
		for len(rest) > 0 {
			end := 1 + strings.IndexByte(rest[1:], 0)
			text := trimMessage(rest[1:end])
			messages = append(messages, Message{Level(rest[0]), strings.Clone(text)})
			rest = rest[end+1:]
		}
	}()
	f()
	return nil
}

// Warnings returns the texts of the warnings, and the other messages.
func Warnings(messages []Message) (warnings []string, rest []Message) {
	for _, m := range messages {
		if m.Level == LevelWarn {
			warnings = append(warnings, m.Text)
		} else {
			rest = append(rest, m)
		}
	}
	return warnings, rest
}
