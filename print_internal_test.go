package libbpf

import (
	"errors"
	"log/slog"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// The warnings in an error that nobody gets are printed: that of a close that had to wait, or comes with a parent's.
func TestDiscardedWarningsArePrinted(t *testing.T) {
	var printed []string
	SetPrint(PrintWarn, func(_ PrintLevel, message string) { printed = append(printed, message) })
	defer SetPrint(PrintWarn, SlogPrint(slog.Default()))

	says := func(text string) func() error {
		return func() error { return &Error{Op: "close", Err: unix.EINVAL, Messages: []string{text}} }
	}
	parent, err := newHandle(nil, func() error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := newHandle(parent, says("child")); err != nil {
		t.Fatal(err)
	}
	if err := parent.close(); err != nil {
		t.Fatal(err)
	}
	if _, err := newHandle(parent, says("late child")); !errors.Is(err, ErrClosed) {
		t.Fatal(err)
	}

	busy, err := newHandle(nil, says("busy"))
	if err != nil {
		t.Fatal(err)
	}
	if err := busy.acquire(); err != nil {
		t.Fatal(err)
	}
	if err := busy.close(); err != nil {
		t.Fatal(err)
	}
	busy.drop()

	seen, err := newHandle(nil, says("in the error"))
	if err != nil {
		t.Fatal(err)
	}
	var failed *Error
	if err := seen.close(); !errors.As(err, &failed) || !slices.Equal(failed.Messages, []string{"in the error"}) {
		t.Errorf("close returned %v", err)
	}
	discard(&Error{Err: unix.EINVAL, Messages: []string{"expected"}}, PrintDebug)
	if want := []string{"child", "late child", "busy"}; !slices.Equal(printed, want) {
		t.Errorf("printed %q, want %q", printed, want)
	}
}
