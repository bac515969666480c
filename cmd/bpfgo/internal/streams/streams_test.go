package streams

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/clitest"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

func TestMain(m *testing.M) { os.Exit(testutil.Main(m)) }

// Lines are whole, however they are read, and safe.
func TestCopy(t *testing.T) {
	const text = "one\n\ntwo \x1b[2J\nrest"
	for _, from := range []io.Reader{strings.NewReader(text), iotest.OneByteReader(strings.NewReader(text))} {
		var out bytes.Buffer
		c := copier{env: cli.Quiet(&out, io.Discard), mode: &cli.JSON{}, from: from}
		testutil.Check(t, c.copy(context.Background(), false))
		if want := "one\n\ntwo \\x1b[2J\nrest\n"; out.String() != want {
			t.Errorf("%q, want %q", &out, want)
		}
	}
	var out bytes.Buffer
	c := copier{env: cli.Quiet(&out, io.Discard), mode: &cli.JSON{On: true}, name: "stderr", from: strings.NewReader("a\nb\n")}
	testutil.Check(t, c.copy(context.Background(), false))
	if want := "{\"stream\":\"stderr\",\"text\":\"a\"}\n{\"stream\":\"stderr\",\"text\":\"b\"}\n"; out.String() != want {
		t.Errorf("%q, want %q", &out, want)
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	c.from = strings.NewReader("x\n")
	testutil.Check(t, c.copy(ended, true))
}

// endless is the stream of a program that writes all the time, and never ends a line. After some reads, the user ends it.
type endless struct {
	reads int
	stop  func()
}

func (e *endless) Read(buffer []byte) (int, error) {
	if e.reads++; e.reads == 10 {
		e.stop()
	}
	for i := range buffer {
		buffer[i] = 'x'
	}
	return len(buffer), nil
}

// Who writes all the time neither keeps bpfgo from ending, nor fills its memory.
func TestEndless(t *testing.T) {
	for _, follow := range []bool{false, true} {
		ctx, stop := context.WithCancel(context.Background())
		var out bytes.Buffer
		from := &endless{stop: stop}
		c := copier{env: cli.Quiet(&out, io.Discard), mode: &cli.JSON{}, from: from}
		testutil.Check(t, c.copy(ctx, follow))
		if lines := strings.Count(out.String(), "\n"); from.reads != 10 || lines != 10 {
			t.Errorf("%d reads, %d lines", from.reads, lines)
		}
	}
}

func TestKernel(t *testing.T) {
	testutil.Root(t)
	open, err := libbpf.OpenFile(testutil.Object(t, "streams"))
	testutil.Check(t, err)
	o, err := open.Load()
	if errors.Is(err, errors.ErrUnsupported) {
		testutil.Skip(t, "writing-to-streams", err)
	}
	testutil.Check(t, err)
	defer o.Close()
	p, err := o.Program("print_length")
	testutil.Check(t, err)
	info, err := p.Info(0)
	testutil.Check(t, err)
	result, err := p.TestRun(libbpf.TestRunOptions{Data: make([]byte, 100)})
	testutil.Check(t, err)
	switch ret := int32(result.ReturnValue); {
	case ret == -int32(unix.ENOMEM): // the kernel has no memory that it can allocate without waiting
		testutil.Skip(t, "writing-to-streams", unix.ENOMEM)
	case ret == -1: // the object's own: the kernel has no such function
		testutil.Skip(t, "program-streams", errors.ErrUnsupported)
	case ret < 0:
		t.Fatalf("writing gives %v", unix.Errno(-ret))
	}
	tool := clitest.Tool{Command}
	id := fmt.Sprint(info.ID)
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"streams", id}, "packet of 100 bytes\n"},
		{[]string{"streams", id}, ""},
		{[]string{"streams", id, "--stderr", "--json"}, "{\"stream\":\"stderr\",\"text\":\"packet of 101 bytes\"}\n"},
	} {
		stdout, stderr, status := tool.Run(tt.args...)
		if status == cli.StatusUnsupported {
			testutil.Skip(t, "program-streams", errors.New(strings.TrimSpace(stderr)))
		}
		if status != cli.StatusOK || stdout != tt.want {
			t.Errorf("%v: exit status %d, %q, %q", tt.args, status, stdout, stderr)
		}
	}
}
