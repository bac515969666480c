//go:build !race

package examples

import (
	"fmt"
	"strings"
	"testing"
)

func TestTally(t *testing.T) {
	t.Parallel()
	// More than the ring holds at once.
	var input strings.Builder
	for i := range 20000 {
		fmt.Fprintln(&input, []string{"GET /", "GET /", "GET /", "POST /form", strings.Repeat("long ", 100)}[i%5])
	}
	cmd := command(t, "tally", "-top", "2")
	cmd.Stdin = strings.NewReader(input.String())
	if text, want := startCommand(t, cmd).end(), "   12000 GET /\n    4000 POST /form\n"; text != want {
		t.Errorf("%q, want %q", text, want)
	}
	cmd = command(t, "tally")
	cmd.Stdin = strings.NewReader(input.String())
	matches(t, startCommand(t, cmd).end(), `^    4000 (long ){25}lon$`)
}
