// Package clitest runs bpfgo's commands in tests.
package clitest

import (
	"bytes"
	"strings"
	"sync"
	"testing"

	"github.com/spf13/cobra"

	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
)

// Tool is bpfgo with some of its commands.
type Tool []func(env *cli.Env) *cobra.Command

// Execute runs a command line with these streams, and returns the exit status.
func (t Tool) Execute(env *cli.Env, args ...string) int {
	root := &cobra.Command{Use: "bpfgo"}
	for _, command := range t {
		root.AddCommand(command(env))
	}
	env.Prepare(root)
	return env.Execute(root, args)
}

// Run runs a command line.
func (t Tool) Run(args ...string) (stdout, stderr string, status int) {
	var out, errs Buffer
	status = t.Execute(cli.Quiet(&out, &errs), args...)
	return out.String(), errs.String(), status
}

// Must is Run for what has to succeed.
func (t Tool) Must(tb testing.TB, args ...string) (stdout, stderr string) {
	tb.Helper()
	stdout, stderr, status := t.Run(args...)
	if status != cli.StatusOK {
		tb.Fatalf("bpfgo %s: exit status %d\n%s", strings.Join(args, " "), status, stderr)
	}
	return stdout, stderr
}

// WantLine checks that a text is one line, of bpfgo's, with all of these parts.
func WantLine(tb testing.TB, text string, parts ...string) {
	tb.Helper()
	if !strings.HasPrefix(text, "bpfgo: ") || strings.Count(text, "\n") != 1 || !strings.HasSuffix(text, "\n") {
		tb.Errorf("not one line of bpfgo's: %q", text)
	}
	for _, part := range parts {
		if !strings.Contains(text, part) {
			tb.Errorf("%q lacks %q", text, part)
		}
	}
}

// Buffer is a buffer that a command and what it runs write to at the same time.
type Buffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
