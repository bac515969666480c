package screen

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
)

// terminal is a terminal of 20 columns and 3 rows, and what is written to it.
func terminal(t *testing.T) (inside *os.File, outside *os.File) {
	t.Helper()
	outside, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = outside.Close() })
	fd := int(outside.Fd())
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 3, Col: 20})
	}
	if err != nil {
		t.Fatal(err)
	}
	if inside, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = inside.Close() })
	return inside, outside
}

func TestTerminal(t *testing.T) {
	inside, outside := terminal(t)
	t.Setenv("COLUMNS", "")
	env := cli.Quiet(nil, nil)
	env.Stdout = inside
	if width := env.Width(); width != 20 {
		t.Errorf("width %d", width)
	}
	s := New(env)
	for _, picture := range []string{"one\ntwo\n", "1\n2\n3\n4\n"} {
		if err := s.Draw(picture); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	fmt.Fprint(inside, "end")
	var got strings.Builder
	buf := make([]byte, 1000)
	for !strings.HasSuffix(got.String(), "end") {
		n, err := outside.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		got.Write(buf[:n])
	}
	want := enter + home + clearLine + "one\r\n" + clearRest + "two" +
		home + clearLine + "1\r\n" + clearLine + "2\r\n" + clearRest + "3" +
		leave + "1\n2\n3\n4\n" + "end"
	want = strings.ReplaceAll(want, "\n", "\r\n") // as a terminal does
	if got.String() != want {
		t.Errorf("got\n%q\nwant\n%q", got.String(), want)
	}
}

func TestNoTerminal(t *testing.T) {
	var out bytes.Buffer
	s := New(cli.Quiet(&out, nil))
	for _, picture := range []string{"one\n", "two\n"} {
		if err := s.Draw(picture); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if out.String() != "one\n\ntwo\n" {
		t.Errorf("%q", &out)
	}
}
