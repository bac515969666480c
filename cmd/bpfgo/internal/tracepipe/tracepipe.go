// Package tracepipe has "bpfgo trace-pipe".
package tracepipe

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/holders"
)

const long = `Shows what BPF programs print with bpf_printk, until ^C. All programs of the system print to the same pipe in tracefs,
and each line is read once: two readers share the lines. Lines that the kernel dropped because nobody read them are
counted.

It needs tracefs, and the right to read it, usually that of root.`

const example = `  bpfgo trace-pipe

  # of one process, and only lines that match
  bpfgo trace-pipe --pid 1234 --grep '^open'

  # a line of JSON each, ten of them
  bpfgo trace-pipe --json --count 10`

// options are the flags.
type options struct {
	pid   int
	grep  *regexp.Regexp
	count int
	all   bool
}

// Command is "bpfgo trace-pipe".
func Command(env *cli.Env) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:     "trace-pipe [flags]",
		Short:   "show what programs print with bpf_printk",
		Long:    long,
		Example: example,
		Args:    cli.Operands(0, 0, ""),
	}
	cli.Func(cmd.Flags(), "pid", "PID", "only lines of this process", cli.Count(&o.pid))
	cli.Func(cmd.Flags(), "grep", "REGEXP", "only lines whose message matches this regular expression",
		func(text string) (err error) {
			o.grep, err = regexp.Compile(text)
			return err
		})
	cli.Func(cmd.Flags(), "count", "N", "end after N lines", cli.Count(&o.count))
	cmd.Flags().BoolVar(&o.all, "all", false, "show other events of tracefs, too, where somebody has enabled them")
	mode := env.JSONFlag(cmd, "write a line of JSON for each line")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		ctx, stop := signal.NotifyContext(cmd.Context(), unix.SIGINT, unix.SIGTERM, unix.SIGHUP)
		defer stop()
		pipe, err := open()
		if err != nil {
			return err
		}
		defer pipe.Close()
		end := context.AfterFunc(ctx, func() { _ = pipe.SetReadDeadline(time.Now()) })
		defer end()
		err = o.copy(env, mode, pipe)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return nil
		}
		return err
	}
	return cmd
}

// open opens the pipe of tracefs.
func open() (*os.File, error) {
	var places []string
	if mounts, err := holders.Mounts("tracefs"); err == nil {
		places = mounts
	}
	// debugfs mounts it when somebody looks there.
	places = append(places, "/sys/kernel/tracing", "/sys/kernel/debug/tracing")
	for _, place := range places {
		path := filepath.Join(place, "trace_pipe")
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case errors.Is(err, unix.EBUSY):
			return nil, fmt.Errorf("open %s: another process reads it: %w", path, err)
		case err != nil:
			return nil, &fs.PathError{Op: "open", Path: path, Err: err}
		}
		return os.NewFile(uintptr(fd), path), nil
	}
	return nil, errors.New("tracefs is not mounted: mount -t tracefs tracefs /sys/kernel/tracing")
}

// copy shows the lines of the pipe.
func (o *options) copy(env *cli.Env, mode *cli.JSON, pipe io.Reader) error {
	const longest = 1 << 16
	lines := bufio.NewScanner(pipe)
	lines.Buffer(nil, longest)
	for n := 0; lines.Scan(); {
		l := parse(lines.Text())
		if !o.wants(l) {
			continue
		}
		var err error
		if mode.On {
			err = mode.WriteLine(env.Stdout, l)
		} else {
			_, err = fmt.Fprintln(env.Stdout, l.text(env))
		}
		if err != nil {
			return err
		}
		if n++; n == o.count {
			return nil
		}
	}
	return lines.Err()
}

// wants tells whether to show a line. Lost lines always are.
func (o *options) wants(l line) bool {
	switch {
	case l.Lost > 0:
		return true
	case !o.all && l.Event != "" && l.Event != printk:
		return false
	case o.pid != 0 && !isThread(l.PID, o.pid):
		return false
	}
	return o.grep == nil || o.grep.MatchString(l.Message)
}

// isThread tells whether a thread is one of a process.
func isThread(thread, process int) bool {
	if thread == process {
		return true
	}
	_, err := os.Stat("/proc/" + strconv.Itoa(process) + "/task/" + strconv.Itoa(thread))
	return err == nil
}
