package libbpf

import (
	"errors"
	"log/slog"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/handle"
)

// When no caller receives an error, its warnings are printed: after a Close that had to wait, and where a child comes
// too late. Close of a parent returns the errors of its children.
func TestDiscardedWarningsArePrinted(t *testing.T) {
	var printed []string
	SetPrint(PrintWarn, func(_ PrintLevel, message string) { printed = append(printed, message) })
	defer SetPrint(PrintWarn, SlogPrint(slog.Default()))

	says := func(text string) handle.Resource {
		return handle.Resource{
			Release: func() error {
				if text == "" {
					return nil
				}
				return &Error{Op: "close", Err: unix.EINVAL, Messages: []string{text}}
			},
			Lost: printLost,
		}
	}
	parent := handle.New(says(""))
	if _, err := handle.NewChild(parent, says("child")); err != nil {
		t.Fatal(err)
	}
	var failed *Error
	if err := parent.Close(); !errors.As(err, &failed) || !slices.Equal(failed.Messages, []string{"child"}) {
		t.Errorf("close returned %v", err)
	}
	if _, err := handle.NewChild(parent, says("late child")); !errors.Is(err, ErrClosed) {
		t.Fatal(err)
	}

	busy := handle.New(says("busy"))
	if err := busy.Acquire(); err != nil {
		t.Fatal(err)
	}
	if err := busy.Close(); err != nil {
		t.Fatal(err)
	}
	busy.Drop()

	seen := handle.New(says("in the error"))
	if err := seen.Close(); !errors.As(err, &failed) || !slices.Equal(failed.Messages, []string{"in the error"}) {
		t.Errorf("close returned %v", err)
	}
	discard(&Error{Err: unix.EINVAL, Messages: []string{"expected"}}, PrintDebug)
	if want := []string{"late child", "busy"}; !slices.Equal(printed, want) {
		t.Errorf("printed %q, want %q", printed, want)
	}
}
