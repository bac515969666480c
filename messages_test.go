package libbpf_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

const (
	notAName = "Invalid name"
	aboutBTF = "libbpf: BTF loading error: "
)

// openWarned opens warned.bpf.o, which libbpf warns about before something else fails, to load one of its programs.
func openWarned(t *testing.T, builder libbpf.ObjectBuilder, program, pinRoot string) *libbpf.OpenObject {
	t.Helper()
	testutil.Root(t)
	builder.PinRootPath = pinRoot
	o, err := builder.OpenFile(testutil.Object(t, "warned"))
	check(t, err)
	t.Cleanup(func() { check(t, o.Close()) })
	p, err := o.Program(program)
	check(t, err)
	check(t, p.SetAutoload(true))
	m, err := o.Map("counts")
	check(t, err)
	if pinRoot == "" {
		check(t, m.SetPinPath(""))
	} else {
		check(t, m.SetPinPath(filepath.Join(pinRoot, "counts")))
	}
	return o
}

// What libbpf said before the verifier rejected a program is in the error.
func TestRejectionKeepsWarnings(t *testing.T) {
	var printed printed
	for name, builder := range map[string]libbpf.ObjectBuilder{
		"libbpf's log": {Print: printed.print},
		"an own log":   {Print: printed.print, KernelLogSize: 1 << 20},
	} {
		_, err := openWarned(t, builder, "loops", "").Load()
		var rejected *libbpf.VerifierError
		if !errors.As(err, &rejected) {
			t.Fatalf("%s: error %v", name, err)
		}
		text, whole := err.Error(), fmt.Sprintf("%+v", err)
		if strings.Contains(text, "\n") || strings.Contains(text, "BTF LOAD") {
			t.Errorf("%s: the text is %q", name, text)
		}
		said := strings.Join(rejected.Messages, "\n")
		// With an own log, the log of loading BTF is there too.
		if !strings.Contains(said, aboutBTF) || builder.KernelLogSize == 0 && !strings.Contains(said, notAName) {
			t.Errorf("%s: the messages are %q", name, rejected.Messages)
		}
		if strings.Contains(said, "BEGIN PROG LOAD LOG") || rejected.Log == "" {
			t.Errorf("%s: the log is among the messages, or nowhere", name)
		}
		if !strings.Contains(whole, said) || !strings.HasSuffix(whole, rejected.Log) || !strings.HasPrefix(whole, text) {
			t.Errorf("%s: %%+v is %q", name, whole)
		}
	}
	if printed.contains("warn ") {
		t.Errorf("printed as well: %q", printed.messages)
	}
}

// The cause that is quoted is of what failed, not of what libbpf can do without. All the rest is in %+v.
func TestQuotedCause(t *testing.T) {
	nowhere := filepath.Join(t.TempDir(), "nope")
	_, err := openWarned(t, libbpf.ObjectBuilder{}, "plain", nowhere).Load()
	if err == nil || !strings.Contains(err.Error(), nowhere) || strings.Contains(err.Error(), "BTF") {
		t.Errorf("error %v", err)
	}
	if whole := fmt.Sprintf("%+v", err); !strings.Contains(whole, aboutBTF) || !strings.Contains(whole, notAName) {
		t.Errorf("%%+v is %s", whole)
	}

	o := open(t, "maps")
	m, err := o.Map("hash")
	check(t, err)
	check(t, m.SetMaxEntries(0))
	_, err = o.Load()
	wantErr(t, err, unix.EINVAL)
	if !strings.Contains(err.Error(), "hash") {
		t.Errorf("error %v", err)
	}
}

// A load without the right to it is not blamed on a limit that the kernel does not have.
func TestPermissionIsNotALimit(t *testing.T) {
	err := &libbpf.Error{Op: "load", Object: "o", Err: unix.EPERM, Messages: []string{
		"libbpf: prog 'p': BPF program load failed: -EPERM",
		"libbpf: permission error while running as root; try raising 'ulimit -l'? current value: 8.0 MiB",
	}}
	if text := err.Error(); strings.Contains(text, "ulimit") || !strings.Contains(text, "BPF program load failed") {
		t.Errorf("the text is %q", text)
	}
	if whole := fmt.Sprintf("%+v", err); !strings.Contains(whole, "ulimit") {
		t.Errorf("%%+v is %q", whole)
	}
}

// Close does not wait for a Load that is in progress. This Load waits for the kernel's types, which come from a pipe.
func TestCloseDoesNotWaitForLoad(t *testing.T) {
	testutil.Root(t)
	fifo := filepath.Join(t.TempDir(), "btf")
	check(t, unix.Mkfifo(fifo, 0o600))
	o, err := libbpf.ObjectBuilder{BTFCustomPath: fifo}.OpenFile(testutil.Object(t, "syscalls"))
	check(t, err)
	done := make(chan error)
	go func() {
		loaded, err := o.Load()
		if err == nil {
			_ = loaded.Close()
		}
		done <- err
	}()
	for {
		_, err := o.Program("")
		if errors.Is(err, libbpf.ErrLoaded) {
			break
		}
		runtime.Gosched()
	}
	check(t, o.Close())
	check(t, o.Close())
	_, err = o.Program("")
	wantErr(t, err, libbpf.ErrClosed)
	// Load ends once the pipe has said, as often as it is asked, that it has nothing.
	for {
		if w, err := os.OpenFile(fifo, os.O_WRONLY|unix.O_NONBLOCK, 0); err == nil {
			_ = w.Close()
		}
		select {
		case err := <-done:
			if err == nil {
				t.Error("loaded")
			}
			return
		default:
			runtime.Gosched()
		}
	}
}

// An argument that is refused comes with the rule that it breaks.
func TestRulesAreSaid(t *testing.T) {
	says := func(err error, rule string) {
		t.Helper()
		if !errors.Is(err, libbpf.ErrInvalid) || !strings.Contains(err.Error(), rule) {
			t.Errorf("error %v, want %q", err, rule)
		}
	}
	path := testutil.Object(t, "attach")
	_, err := libbpf.ObjectBuilder{KernelLogSize: -1}.OpenFile(path)
	says(err, "KernelLogSize is -1 and must be from 0 to 2147483647")
	_, err = libbpf.ObjectBuilder{TokenPath: "/x", NoToken: true}.OpenFile(path)
	says(err, "TokenPath and NoToken exclude one another")
	o := open(t, "attach")
	p, err := o.Program("on_enter")
	check(t, err)
	says(p.SetLogSize(-1), "the size is -1 and must be from 0")
	says(p.SetInstructions(nil), "there are 0 instructions and must be")

	onEnter, err := load(t, o).Program("on_enter")
	check(t, err)
	_, err = onEnter.TestRun(libbpf.TestRunOptions{Repeat: -1})
	says(err, "Repeat is -1 and must be from 0")
	_, err = onEnter.TestRun(libbpf.TestRunOptions{CPU: 1})
	says(err, "CPU is 1, but Flags lacks TestRunOnCPU")
}
