package races

import (
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

func TestMain(m *testing.M) { os.Exit(testutil.Main(m)) }

// File is a descriptor, with the faults that its kind names.
type File struct {
	fd     int
	kind   string
	closed atomic.Bool
}

func (f *File) Close() error {
	if !f.closed.Swap(true) || f.kind == "closes twice" {
		_ = unix.Close(f.fd)
	}
	return nil
}

func (f *File) Read() error {
	if f.closed.Load() {
		switch f.kind {
		case "reads", "says EBADF":
		case "is silent":
			return nil
		default:
			return os.ErrClosed
		}
	}
	_, err := unix.Read(f.fd, make([]byte, 1))
	if err != nil && f.kind != "says EBADF" {
		return os.ErrClosed
	}
	return err
}

const faultVariable = "LIBBPF_GO_RACES_FAULT"

// faults are what the harness must find, and a part of what it says.
var faults = map[string]string{
	"reads":        "an operation reached a foreign descriptor: the file is at position",
	"closes twice": "became another file's",
	"is silent":    "Read after Close returns no error",
	"says EBADF":   "bad file descriptor",
	"lacks a type": "type Other has methods, and is missing in the table",
}

func TestFaultsAreFound(t *testing.T) {
	testutil.Root(t)
	for fault, want := range faults {
		t.Run(fault, func(t *testing.T) {
			// A race may end well.
			const tries = 20
			for try := 1; ; try++ {
				cmd := exec.Command("/proc/self/exe", "-test.run=^TestFaulty$")
				cmd.Env = append(os.Environ(), faultVariable+"="+fault, roundsVariable+"=40")
				out, err := cmd.CombinedOutput()
				if err != nil && strings.Contains(string(out), want) {
					return
				}
				if try == tries {
					t.Fatalf("%v; there is no %q in:\n%s", err, want, out)
				}
			}
		})
	}
}

// TestFaulty runs the harness on a File with the fault that the environment names.
func TestFaulty(t *testing.T) {
	fault := os.Getenv(faultVariable)
	if fault == "" {
		return
	}
	table := Table{Folder: "testdata", Types: []Type{{Name: "File", Make: func(t testing.TB) Value {
		fd, err := unix.Open("/dev/zero", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		testutil.Check(t, err)
		f := &File{fd: fd, kind: fault}
		return Value{It: f, Close: f.Close}
	}}}}
	if fault != "lacks a type" {
		table.Types = append(table.Types, Type{Name: "Other", Make: func(testing.TB) Value {
			o := new(Other)
			o.closed.Store(true)
			return Value{It: o, Close: func() error { return nil }}
		}, Only: []string{"Close"}})
	}
	Run(t, table)
}

// Other embeds the methods of a File.
type Other struct{ File }
