package libbpf_test

import (
	"errors"
	"io"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

func TestProgramStreams(t *testing.T) {
	p := findProgram(t, loadTestRun(t, false), "count_packet")
	n, err := p.Stdout().Read(make([]byte, 16))
	if errors.Is(err, errors.ErrUnsupported) {
		feature := "program-streams"
		if v := (*libbpf.VersionError)(nil); errors.As(err, &v) {
			feature = "libbpf-1.6"
		}
		testutil.Skip(t, feature, err)
	}
	if n != 0 || err != io.EOF {
		t.Errorf("%d, %v where nothing was written", n, err)
	}

	o, err := open(t, "streams").Load()
	if errors.Is(err, errors.ErrUnsupported) {
		testutil.Skip(t, "writing-to-streams", err) // without a compiler, programs can't call the kernel's functions
	}
	check(t, err)
	defer o.Close()
	p = findProgram(t, o, "print_length")
	write := func(length int) {
		result, err := p.TestRun(libbpf.TestRunOptions{Data: make([]byte, length)})
		check(t, err)
		switch ret := int32(result.ReturnValue); {
		case ret == -int32(unix.ENOMEM): // the kernel has no memory that it can allocate without waiting
			testutil.Skip(t, "writing-to-streams", unix.ENOMEM)
		case ret < 0:
			t.Fatalf("writing gives %v", syscall.Errno(-ret))
		}
	}
	wantText := func(from io.Reader, want string) {
		t.Helper()
		if text, err := io.ReadAll(from); err != nil || string(text) != want {
			t.Errorf("read %q, %v, want %q", text, err, want)
		}
	}
	write(100)
	wantText(p.Stdout(), "packet of 100 bytes\n")
	wantText(p.Stderr(), "packet of 101 bytes\n")
	bothProgramCores(t, p, func(t *testing.T, p libbpf.ProgramCore) {
		wantText(p.Stdout(), "")
		write(200)
		wantText(p.Stdout(), "packet of 200 bytes\n")
		wantText(p.Stderr(), "packet of 201 bytes\n")

		// Reading in small pieces works too.
		write(300)
		var text strings.Builder
		_, err := io.CopyBuffer(struct{ io.Writer }{&text}, p.Stdout(), make([]byte, 3))
		check(t, err)
		if text.String() != "packet of 300 bytes\n" {
			t.Errorf("read %q", text.String())
		}
		if n, err := p.Stderr().Read(nil); n != 0 || err != nil {
			t.Errorf("reading into nothing: %d, %v", n, err)
		}
		wantText(p.Stderr(), "packet of 301 bytes\n")
	})
	stdout := p.Stdout()
	check(t, o.Close())
	_, err = stdout.Read(make([]byte, 16))
	wantErr(t, err, libbpf.ErrClosed)
}
