// Package streams has "bpfgo streams".
package streams

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/pick"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/privilege"
)

const long = `Shows what a program has written to its standard output with bpf_stream_printk or, with --stderr, to its standard
error, where the kernel also reports faults of the program. What was read is removed. It needs CAP_SYS_ADMIN, and Linux
6.17; the exit status is 4 before.

PROG is a program in the kernel, ` + pick.WaysOfProgram + "."

const example = `  bpfgo streams my_program

  # what the kernel reports about it, until ^C
  bpfgo streams my_program --stderr --follow`

// pause is how long to wait for more. The kernel can't tell when there is more.
const pause = 100 * time.Millisecond

// Command is "bpfgo streams".
func Command(env *cli.Env) *cobra.Command {
	var useStderr, follow bool
	cmd := &cobra.Command{
		Use:               "streams PROG [flags]",
		Short:             "show what a program wrote to its standard output or standard error",
		Long:              long,
		Example:           example,
		Args:              cli.Operands(1, 1, "one program"),
		ValidArgsFunction: pick.CompleteProgram,
	}
	cmd.Flags().BoolVar(&useStderr, "stderr", false, "its standard error instead")
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "wait for more, until ^C")
	mode := env.JSONFlag(cmd, "write a line of JSON for each line")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		p, err := pick.Program(args[0])
		if err != nil {
			return err
		}
		defer p.Close()
		ctx, stop := signal.NotifyContext(cmd.Context(), unix.SIGINT, unix.SIGTERM, unix.SIGHUP)
		defer stop()
		c := copier{env: env, mode: mode, name: "stdout", from: p.Stdout()}
		if useStderr {
			c.name, c.from = "stderr", p.Stderr()
		}
		return privilege.Need(c.copy(ctx, follow), privilege.SysAdmin)
	}
	return cmd
}

// copier writes the lines of a stream.
type copier struct {
	env  *cli.Env
	mode *cli.JSON
	name string
	from io.Reader
	rest string // a line without its end
}

func (c *copier) copy(ctx context.Context, follow bool) error {
	buffer := make([]byte, 64<<10)
	for ctx.Err() == nil { // also while the program writes faster than this reads
		n, err := c.from.Read(buffer)
		if err := c.write(string(buffer[:n])); err != nil {
			return err
		}
		switch {
		case err == nil:
			continue
		case !errors.Is(err, io.EOF):
			return err
		case !follow:
			return c.end()
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
	return c.end()
}

// longest is how long a line can be. The rest of a longer one is another line, as a program may never end one.
const longest = 64 << 10

// write writes the lines that are complete.
func (c *copier) write(text string) error {
	c.rest += text
	for {
		one, rest, found := strings.Cut(c.rest, "\n")
		switch {
		case found:
		case len(c.rest) < longest:
			return nil
		default:
			one, rest = c.rest[:longest], c.rest[longest:]
		}
		c.rest = rest
		if err := c.line(one); err != nil {
			return err
		}
	}
}

// end writes the last line, if its end is missing.
func (c *copier) end() error {
	if c.rest == "" {
		return nil
	}
	return c.line(c.rest)
}

func (c *copier) line(text string) error {
	if c.mode.On {
		return c.mode.WriteLine(c.env.Stdout, struct {
			Stream string `json:"stream"`
			Text   string `json:"text"`
		}{c.name, text})
	}
	_, err := fmt.Fprintln(c.env.Stdout, cli.Safe(text))
	return err
}
