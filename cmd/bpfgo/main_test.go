package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// What the test's own binary does when it is started as bpfgo, or as the command that bpfgo runs.
const (
	helperVariable = "BPFGO_TEST_HELPER"
	helperMain     = "main"     // bpfgo; what follows the colon is for the command that it runs
	helperCalls    = "calls"    // getpgid(helperFirst + n), so many times
	helperStubborn = "stubborn" // ignores all signals that can be
	helperNobody   = "nobody"   // becomes another user
)

// patientVariable has the guard give an hour to those that were asked to end.
const patientVariable = "BPFGO_TEST_PATIENT"

const helperFirst = 0x40000000

func TestMain(m *testing.M) {
	if os.Args[0] == guardName {
		if os.Getenv(patientVariable) != "" {
			grace = time.Hour
		}
		os.Exit(guard(os.Args[1:]))
	}
	if helper := os.Getenv(helperVariable); helper != "" {
		os.Exit(runHelper(helper))
	}
	work, err := os.MkdirTemp("", "bpfgo-test-*")
	if err != nil {
		panic(err)
	}
	scratch = work
	status := testutil.Main(m)
	_ = os.RemoveAll(work)
	os.Exit(status)
}

// scratch is a folder that lasts as long as the tests.
var scratch string

func runHelper(helper string) int {
	verb, rest, _ := strings.Cut(helper, ":")
	switch verb {
	case helperMain:
		if err := os.Setenv(helperVariable, rest); err != nil {
			return 100
		}
		return run(os.Args[1:], os.Stdout, os.Stderr)
	case helperCalls:
		n, times, _ := strings.Cut(rest, ":")
		argument, err := strconv.Atoi(n)
		if err != nil {
			return 100
		}
		count, err := strconv.Atoi(times)
		if err != nil {
			return 100
		}
		for range count {
			testutil.Getpgid(helperFirst + argument)
		}
		return 7
	case helperStubborn:
		ignoreSignals()
		fmt.Println("ready")
		select {}
	case helperNobody:
		if err := syscall.Setuid(65534); err != nil {
			return 100
		}
		fmt.Println("ready")
		time.Sleep(time.Hour)
	}
	return 100
}

// helper is a command line that runs this test's binary as a helper.
func helper(t *testing.T, what string) []string {
	t.Helper()
	t.Setenv(helperVariable, what)
	return []string{"--", os.Args[0]}
}

func calls(n, times int) string { return fmt.Sprintf("%s:%d:%d", helperCalls, n, times) }

// lockedBuffer is a buffer that bpfgo and its command write to at the same time.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// bpfgo runs the command in this process.
func bpfgo(args ...string) (stdout, stderr string, status int) {
	var out, errs lockedBuffer
	status = run(args, &out, &errs)
	return out.String(), errs.String(), status
}

// mustRun is bpfgo for what has to succeed.
func mustRun(t *testing.T, args ...string) (stdout, stderr string) {
	t.Helper()
	stdout, stderr, status := bpfgo(args...)
	if status != exitOK {
		t.Fatalf("bpfgo %s: exit status %d\n%s", strings.Join(args, " "), status, stderr)
	}
	return stdout, stderr
}

// wantLine checks that there is one line, of bpfgo's, with all of these parts.
func wantLine(t *testing.T, text string, parts ...string) {
	t.Helper()
	if !strings.HasPrefix(text, "bpfgo: ") || strings.Count(text, "\n") != 1 || !strings.HasSuffix(text, "\n") {
		t.Errorf("not one line of bpfgo's: %q", text)
	}
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q lacks %q", text, part)
		}
	}
}

// program is bpfgo as a process of its own. What its command does, if it is this test's binary again, is in the
// environment of the test.
func program(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	testutil.Root(t)
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), helperVariable+"="+helperMain+":"+os.Getenv(helperVariable))
	return cmd
}

// shapesObject is bpf/shapes.bpf.c, compiled.
func shapesObject(t *testing.T) string {
	t.Helper()
	return testutil.Object(t, "shapes")
}

func TestUsage(t *testing.T) {
	tests := []struct {
		args string
		want string
	}{
		{"", "no command given"},
		{"frobnicate", `unknown command "frobnicate"`},
		{"btf load x", `unknown command "btf load"`},
		{"help nothing", `no help for "nothing"`},
		{"version 1", "version takes no arguments"},
		{"btf dump x", `unexpected argument "x"`},
		{"btf dump --file", "flag needs an argument: --file"},
		{"btf dump --fil x", "flag provided but not defined: --fil"},
		{"link a.o", "give -o OUT"},
		{"link -o a.o", "give the objects"},
		{"btf dump --file a --id 1", "exclude each other"},
		{"btf dump --base a", "--base needs --file"},
		{"btf dump --id x", `invalid value "x" for flag --id`},
		{"btf dump --id 4294967296", "must be below"},
		{"btf min a.o", "give -o OUT"},
		{"btf min -o x", "give the objects"},
		{"btf relocations", "give one object"},
		{"cflags x", `unexpected argument "x"`},
		{"ldflags x", "ldflags takes no arguments"},
		{"run", "no object given"},
		{"run a b", `unexpected argument "b"`},
		{"run a --", "no command after --"},
		{"run a --nonsense", "flag provided but not defined: --nonsense"},
		{"run a --set x", "must be NAME=VALUE"},
		{"run a --set =1", "must be NAME=VALUE"},
		{"run a --event x", "must be MAP=TYPE"},
		{"run a --event x=", "must be MAP=TYPE"},
		{"run a --event x=y --event x=z", "map x already has a type"},
		{"run a --dump=", "must be the name of a map"},
		{"run a --pid 0", `invalid value "0" for flag --pid: must be a whole number from 1 to 2147483647`},
		{"run a --pid -5", `invalid value "-5" for flag --pid: must be a whole number`},
		{"run a --pid x", `invalid value "x" for flag --pid: must be a whole number`},
		{"run a --pid 2147483648", "must be a whole number from 1 to 2147483647"},
		{"run a --pid 1 -- true", "--pid and a command exclude each other"},
		{"run a --interval 0s --dump x", `invalid value "0s" for flag --interval: must be a duration above 0, such as 500ms`},
		{"run a --interval 1s", "--interval needs --dump"},
		{"run a --interval x --dump y", `invalid value "x" for flag --interval: must be a duration above 0, such as 500ms`},
		{"run a --duration -1s", `invalid value "-1s" for flag --duration: must be a duration above 0`},
		{"run a --top 0 --dump x", `invalid value "0" for flag --top: must be a whole number`},
		{"run a --json=7", `invalid boolean value "7" for --json`},
		{"run a --sort x", "--sort needs --dump"},
		{"run a --per-cpu", "--per-cpu needs --dump"},
	}
	for _, tt := range tests {
		stdout, stderr, status := bpfgo(strings.Fields(tt.args)...)
		if status != exitUsage || stdout != "" {
			t.Errorf("bpfgo %s: exit status %d, output %q", tt.args, status, stdout)
		}
		wantLine(t, stderr, tt.want)
	}
}

func TestHelp(t *testing.T) {
	for args, want := range map[string]string{
		"help":            "bpfgo run",
		"--help":          "bpfgo btf dump",
		"-h":              "bpfgo version",
		"help run":        "--event MAP=TYPE",
		"run --help":      "--event MAP=TYPE",
		"run x.o -h":      "--event MAP=TYPE",
		"help link":       "usage: bpfgo link -o OUT",
		"btf":             "usage: bpfgo btf dump",
		"btf min --help":  "usage: bpfgo btf min",
		"help btf":        "--file PATH",
		"help btf dump":   "--file PATH",
		"btf dump --help": "--file PATH",
		"help cflags":     "--output FILE",
		"ldflags":         "-lbpf",
		"help version":    "usage: bpfgo version",
		"version":         "libbpf  1.",
		"--version":       "libbpf  1.",
	} {
		if stdout, _ := mustRun(t, strings.Fields(args)...); !strings.Contains(stdout, want) {
			t.Errorf("bpfgo %s lacks %q:\n%s", args, want, stdout)
		}
	}
}

type fullWriter struct{}

func (fullWriter) Write([]byte) (int, error) { return 0, unix.ENOSPC }

func TestBTFDump(t *testing.T) {
	stdout, _ := mustRun(t, "btf", "dump")
	for _, want := range []string{"#ifndef __VMLINUX_H__\n", "\nstruct task_struct {\n", "#endif /* __VMLINUX_H__ */\n"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("the kernel's types lack %q", want)
		}
	}
	stdout, _ = mustRun(t, "btf", "dump", "--file", shapesObject(t))
	if !strings.Contains(stdout, "\nstruct labelled {\n") {
		t.Errorf("the object's types lack a struct:\n%s", stdout)
	}
	var stderr bytes.Buffer
	if status := run([]string{"btf", "dump"}, fullWriter{}, &stderr); status != exitFailure {
		t.Errorf("exit status %d where there is no space", status)
	}
	wantLine(t, stderr.String(), "no space left")
	for path, want := range map[string]string{
		"/no/such/file": "no such file",
		"/":             "",
		"/etc/hostname": "",
		os.Args[0]:      "no BTF",
	} {
		stdout, stderr, status := bpfgo("btf", "dump", "--file", path)
		if status != exitFailure || stdout != "" {
			t.Errorf("%s: exit status %d, output %q", path, status, stdout)
		}
		wantLine(t, stderr, path, want)
	}
}

// The types of a program that is in the kernel, and those of a file that refers to another one.
func TestBTFDumpOfOthers(t *testing.T) {
	testutil.Root(t)
	o, err := libbpf.OpenFile(testutil.Object(t, "core"))
	if err != nil {
		t.Fatal(err)
	}
	obj, err := o.Load()
	if err != nil {
		t.Fatal(err)
	}
	defer obj.Close()
	program, err := obj.Program("relocated")
	if err != nil {
		t.Fatal(err)
	}
	info, err := program.Info(0)
	if err != nil {
		t.Fatal(err)
	}
	stdout, _ := mustRun(t, "btf", "dump", "--id", fmt.Sprint(info.BTFID))
	if !strings.Contains(stdout, "\nstruct task_struct___partly {\n") {
		t.Errorf("the program's types lack a struct:\n%s", stdout)
	}

	kernel, err := btf.LoadKernel()
	if err != nil {
		t.Fatal(err)
	}
	defer kernel.Close()
	b := btf.NewSplitBuilder(kernel)
	defer b.Close()
	task, err := kernel.TypeByName("list_head", btf.KindStruct)
	if err != nil {
		t.Fatal(err)
	}
	b.AddStruct("of_a_module", 16, btf.Member{Name: "list", Type: task.ID()})
	raw, err := b.Raw()
	if err != nil {
		t.Fatal(err)
	}
	module := filepath.Join(t.TempDir(), "module.btf")
	if err := os.WriteFile(module, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	stdout, _ = mustRun(t, "btf", "dump", "--file", module, "--base", "/sys/kernel/btf/vmlinux")
	if !strings.Contains(stdout, "\nstruct of_a_module {\n\tstruct list_head list;\n};\n") {
		t.Errorf("the module's types lack a struct in %d bytes", len(stdout))
	}
	for args, want := range map[string]string{"--id 4294967295": "no such", "--module no_such_module": "no_such_module"} {
		_, stderr, status := bpfgo(append([]string{"btf", "dump"}, strings.Fields(args)...)...)
		if status != exitFailure {
			t.Errorf("%s: exit status %d", args, status)
		}
		wantLine(t, stderr, want)
	}
}

func TestOneLine(t *testing.T) {
	for text, want := range map[string]string{"a": "a", "a\n": "a", " a \n\n b\n": "a; b", "": ""} {
		if got := oneLine(text); got != want {
			t.Errorf("oneLine(%q) = %q, want %q", text, got, want)
		}
	}
}
