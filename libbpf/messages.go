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

// The levels, most important first. LevelNone is below every one: no message at all.
const (
	LevelNone Level = iota - 1
	LevelWarn
	LevelInfo
	LevelDebug
)

// Message is one thing that libbpf said, without its trailing newline.
type Message struct {
	Level Level
	Text  string
}

// Printer is where messages go, and down to which level.
type Printer struct {
	Level Level
	Print func(Level, string) // nil only at LevelNone
}

var currentPrinter atomic.Pointer[Printer]

// A function that C code set before is not taken from it.
func init() {
	if C.lbg_print_install() {
		setPrinter(Printer{LevelDebug, printToTheirs})
	} else {
		setPrinter(Printer{LevelWarn, func(_ Level, text string) { slog.Warn(text) }})
	}
}

// printToTheirs gives a message to the function that C code had set.
func printToTheirs(level Level, text string) {
	c := C.CString(text)
	defer C.free(unsafe.Pointer(c))
	C.lbg_print_to_theirs(C.int(level), c)
}

// SetPrinter says where messages go that no operation takes for itself (libbpf_set_print).
func SetPrinter(p Printer) {
	setPrinter(p)
	C.lbg_print_take()
}

func setPrinter(p Printer) {
	currentPrinter.Store(&p)
	C.lbg_print_set_level(C.int(p.Level))
}

// CurrentPrinter is what SetPrinter set last: at first, warnings to [slog.Default], or all to a function that C code set
// before.
func CurrentPrinter() *Printer { return currentPrinter.Load() }

// Deliver prints messages.
func (p *Printer) Deliver(messages []Message) {
	for _, m := range messages {
		if m.Level <= p.Level {
			p.Print(m.Level, m.Text)
		}
	}
}

// lbgPrint delivers what libbpf prints outside of any capture, as when C code in the same program calls it.
//
//export lbgPrint
func lbgPrint(level C.int, text *C.char) {
	CurrentPrinter().Deliver([]Message{{Level(level), trimMessage(C.GoString(text))}})
}

func trimMessage(text string) string { return strings.TrimRight(text, "\n") }

// Capture runs a call into libbpf and collects what it prints, warnings always and more if level says so. Captures nest:
// each has what libbpf prints below it and in no inner one. f must not call Go code of a user's: it runs on a locked
// thread, with signals blocked.
func Capture(level Level, f func()) (messages []Message) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	capture := C.lbg_capture_begin(C.int(max(level, LevelWarn)))
	// Deferred, so that a panic does not leave the thread as it is now.
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

// Warnings are the texts of the messages that are warnings, and the other messages.
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
