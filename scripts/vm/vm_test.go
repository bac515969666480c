package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
)

// split finds where each job's output ends, no matter how the port divides it. Output that only looks like a mark stays
// output.
func TestSplit(t *testing.T) {
	const text = "one\n\036TOKEN 0\036two \036 and \036TOKEN 0\036\036TOKEN 1\036thr"
	for _, port := range []io.Reader{strings.NewReader(text), iotest.OneByteReader(strings.NewReader(text)),
		iotest.HalfReader(strings.NewReader(text)), iotest.DataErrReader(strings.NewReader(text))} {
		var said [3]bytes.Buffer
		whole := split(port, "TOKEN", 3, func(i int) io.Writer { return &said[i] })
		if got := fmt.Sprintf("%d %q %q %q", whole, &said[0], &said[1], &said[2]); got !=
			fmt.Sprintf("2 %q %q %q", "one\n", "two \036 and \036TOKEN 0\036", "thr") {
			t.Errorf("%s", got)
		}
	}
}

func TestReadStatus(t *testing.T) {
	outcomes := []outcome{{}, {}, {err: errors.New("not begun")}}
	readStatus(strings.NewReader("begin 0\nend 0 3\nnoise\nend 9 0\nbegin 7\nbegin 1\n"), outcomes)
	if outcomes[0].status != 3 || outcomes[0].err != nil || outcomes[1].err == nil ||
		outcomes[2].err.Error() != "not begun" {
		t.Errorf("%v", outcomes)
	}
}

// The guest's shell reads quoted words correctly.
func TestScript(t *testing.T) {
	j := job{dir: "/tmp", argv: []string{"printf", "%s|", "it's", "a b", "$HOME", "`ls`", ""}, env: []string{"X=a 'b' $c"}}
	out, err := exec.Command("sh", "-c", j.script()).Output()
	if want := "it's|a b|$HOME|`ls`||"; err != nil || string(out) != want {
		t.Errorf("%q, %v, want %q", out, err, want)
	}
	j.argv = []string{"sh", "-c", `printf %s "$X"`}
	if out, err := exec.Command("sh", "-c", j.script()).Output(); err != nil || string(out) != "a 'b' $c" {
		t.Errorf("%q, %v", out, err)
	}
}

// Profiles are copied to the host. Relative paths are relative to the folder of "go test".
func TestNewJob(t *testing.T) {
	t.Setenv("GOCOVERDIR", "/cover")
	j, err := newJob([]string{"sh", "-test.coverprofile=/tmp/c.out", "-test.outputdir=/out", "-test.cpuprofile=cpu.out",
		"-test.testlogfile=log", "-test.memprofile=", "-test.v"})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"/cover", "/tmp/c.out", "/out/cpu.out", filepath.Join(j.dir, "log")}
	if got := strings.Join(j.bring, " "); got != strings.Join(want, " ") {
		t.Errorf("%s, want %s", got, want)
	}
}

// The archive has the kernel's format. scripts/vm_test.sh tests that kernels can read it.
func TestInitramfs(t *testing.T) {
	var archive bytes.Buffer
	c := newCPIO(&archive, &machines[0])
	c.Text("/a/b/file", "text\n")
	c.Symlink("/a/link", "b/file")
	c.Text("/a/b/file", "not twice")
	if err := c.End(); err != nil {
		t.Fatal(err)
	}
	want := []string{"a 40755 ", "a/b 40755 ", "a/b/file 100644 text\n", "a/link 120777 b/file", "TRAILER!!! 0 "}
	if got := readCPIO(t, archive.Bytes()); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// readCPIO reads an archive as Documentation/driver-api/early-userspace/buffer-format.rst in the kernel's source
// describes it: name, mode and content of each member. Header with name, and content, are padded to multiples of four.
func readCPIO(t *testing.T, archive []byte) (members []string) {
	t.Helper()
	const headerSize = 110
	at := 0
	take := func(n int) string {
		if n > len(archive)-at {
			t.Fatalf("it ends at %d, and wants %d bytes more", at, n)
		}
		text := string(archive[at : at+n])
		at += n
		return text
	}
	numbers := make(map[string]bool)
	for at < len(archive) {
		header := take(headerSize)
		field := func(i int) int {
			n, err := strconv.ParseUint(header[6+8*i:6+8*(i+1)], 16, 32)
			if err != nil {
				t.Fatal(err)
			}
			return int(n)
		}
		if header[:6] != "070701" {
			t.Fatalf("header %q", header)
		}
		if number := header[6:14]; numbers[number] {
			t.Errorf("two members have the number %s", number)
		} else {
			numbers[number] = true
		}
		name := take(field(11))
		take(-at & 3)
		content := take(field(6))
		take(-at & 3)
		members = append(members, fmt.Sprintf("%s %o %s", strings.TrimSuffix(name, "\x00"), field(1), content))
	}
	return members
}

const output = `=== RUN   TestLinkConformance
=== RUN   TestLinkConformance/kprobe
=== RUN   TestLinkConformance/tcx
    link_test.go:12: tcx is missing: invalid argument
--- %[2]s: TestLinkConformance (0.00s)
    --- %[1]s: TestLinkConformance/kprobe (0.00s)
    --- SKIP: TestLinkConformance/tcx (0.00s)
=== RUN   TestTrie
    map_test.go:1: tries are missing: this is no skip's text
--- PASS: TestTrie (0.00s)
=== RUN   TestToken
%[3]s`

const (
	tokenMissing = "    token_test.go:3: token is missing: no such call\n--- SKIP: TestToken (0.00s)\n%s\n"
	tokenWorks   = "--- PASS: TestToken (0.00s)\n%s\n"
)

func newTestReport(t *testing.T, output string, end outcome) *report {
	t.Helper()
	r := newReport("6.1")
	r.release = "6.1.0-1-cloud-amd64"
	if err := r.add(context.Background(), "p", []byte(output), end); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestReport(t *testing.T) {
	good := fmt.Sprintf(output, "PASS", "PASS", fmt.Sprintf(tokenMissing, "PASS"))
	for _, c := range []struct {
		what, output            string
		end                     outcome
		ok                      bool
		passed, failed, skipped int
		says                    string
	}{
		{"all is well", good, outcome{}, true, 2, 0, 2, "token (1): no such call"},
		{"a test failed", fmt.Sprintf(output, "FAIL", "FAIL", fmt.Sprintf(tokenWorks, "FAIL")), outcome{status: 1},
			false, 2, 1, 1, "TestLinkConformance/kprobe"},
		{"a test did not end", fmt.Sprintf(output, "PASS", "PASS", "panic: x\n"), outcome{status: 2}, false, 2, 1, 1,
			"panic: x"},
		{"no test failed, but the program", good, outcome{status: 1}, false, 2, 0, 2, "exit status 1"},
		{"the machine died", good, outcome{err: errors.New("Kernel panic")}, false, 2, 0, 2, "Kernel panic"},
	} {
		r := newTestReport(t, c.output, c.end)
		var said bytes.Buffer
		r.writeFailures(&said)
		writeTable(&said, []*report{r})
		if r.ok() != c.ok || r.count("pass") != c.passed || r.count("fail") != c.failed || r.count("skip") != c.skipped ||
			!strings.Contains(said.String(), c.says) {
			t.Errorf("%s: ok %t, %d passed, %d failed, %d skipped:\n%s", c.what, r.ok(), r.count("pass"), r.count("fail"),
				r.count("skip"), &said)
		}
	}
}

// A kernel that is not available is named, and is a failure only if none is available.
func TestConclude(t *testing.T) {
	gone := newReport("5.10")
	gone.missing = errors.New("the suite is gone")
	good := newTestReport(t, fmt.Sprintf(output, "PASS", "PASS", fmt.Sprintf(tokenWorks, "PASS")), outcome{})
	page := filepath.Join(t.TempDir(), "page.md")
	m := matrix{page: page}
	if err := m.conclude(io.Discard, []*report{gone, good}); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(page); err == nil {
		t.Error("a page without all kernels")
	}
	if err := m.conclude(io.Discard, []*report{gone}); err == nil {
		t.Error("no kernel, and no error")
	}
	if line := gone.line(); !strings.Contains(line, "5.10") || !strings.Contains(line, "the suite is gone") {
		t.Errorf("%q", line)
	}
	bad := newTestReport(t, fmt.Sprintf(output, "PASS", "PASS", ""), outcome{err: errors.New("it hung")})
	if err := m.conclude(io.Discard, []*report{good, bad}); err == nil {
		t.Error("a machine that hung passes")
	}
	if err := m.conclude(io.Discard, []*report{good, good}); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(page); err != nil {
		t.Error(err)
	}
}

func TestPage(t *testing.T) {
	old := newTestReport(t, fmt.Sprintf(output, "SKIP", "PASS", fmt.Sprintf(tokenMissing, "PASS")), outcome{})
	young := newTestReport(t, fmt.Sprintf(output, "PASS", "PASS", fmt.Sprintf(tokenWorks, "PASS")), outcome{})
	young.release = "7.2-cloud-amd64"
	other := newTestReport(t, fmt.Sprintf(output, "SKIP", "PASS", fmt.Sprintf(tokenWorks, "PASS")), outcome{})
	other.release = "7.2-s390x"
	var page bytes.Buffer
	writePage(&page, []*report{old, young, other})
	for _, row := range []string{
		"| 6.1.0-1 | 7.2 | 7.2-s390x |", "These tests do not run on s390x:",
		"| kprobe | – | yes | – |", "| tcx | – | – | – |", "| token | – | yes | yes |",
	} {
		if strings.Count(page.String(), row) == 0 {
			t.Errorf("no row %q in\n%s", row, &page)
		}
	}
	if strings.Count(page.String(), "| tcx |") != 1 {
		t.Errorf("a feature twice:\n%s", &page)
	}
}

// Names of kernels.txt, releases and folders tell the architecture.
func TestMachineOf(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "release"), []byte("7.2.13+deb14-s390x\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for kernel, want := range map[string]string{
		"6.1": "amd64", "6.12.118+deb13-cloud-amd64": "amd64", "6.12-arm64": "arm64", "6.12-cloud-arm64": "arm64",
		"7-arm64-16k": "arm64", "7.2.13+deb14-arm64-16k": "arm64", "7-s390x": "s390x", folder: "s390x",
	} {
		if got, err := machineOf(kernel); err != nil || got.arch != want {
			t.Errorf("%s: %v, %v, want %s", kernel, got, err, want)
		}
	}
	if got, err := machineOf("7-riscv64"); err == nil {
		t.Errorf("a machine for riscv64: %v", got)
	}
}

// A guest of another architecture gets the objects that are compiled for it, under the names of the host's, and none of
// the host's.
func TestObjectsOfOtherArchitectures(t *testing.T) {
	root := t.TempDir()
	for name, content := range map[string]string{
		"go.mod": "m", "bpf/both.bpf.o": "host", "bpf/host.bpf.o": "host", "bin/vm": "x",
		"x/x_bpf.go": "host", "x/x_bpf.o": "host", "bin/other/x/x_bpf.go": "other", "bin/other/x/x_bpf.o": "other",
		"bin/other/bpf/both.bpf.o": "other", "bin/other/bpf/generated/vmlinux.h": "x",
	} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for arch, want := range map[string]string{
		runtime.GOARCH: "go.mod=m both.bpf.o=host host.bpf.o=host x_bpf.go=host x_bpf.o=host",
		"other":        "both.bpf.o=other go.mod=m x_bpf.go=other x_bpf.o=other",
	} {
		var archive bytes.Buffer
		c := newCPIO(&archive, &machine{arch: arch})
		if err := errors.Join(c.tree(root), c.End()); err != nil {
			t.Fatal(err)
		}
		var files []string
		for _, member := range readCPIO(t, archive.Bytes()) {
			if name, content, file := strings.Cut(member, " 100644 "); file {
				files = append(files, filepath.Base(name)+"="+content)
			}
		}
		slices.Sort(files)
		wanted := strings.Fields(want)
		slices.Sort(wanted)
		if !slices.Equal(files, wanted) {
			t.Errorf("%s: %q, want %q", arch, files, wanted)
		}
	}
}

func TestTail(t *testing.T) {
	k := tail{}
	for i := range 10_000 {
		fmt.Fprintf(&k, "line %d\r\n", i)
	}
	if text := k.quote(); !strings.HasSuffix(text, "\n    line 9999") || len(text) > 4*tailSize {
		t.Errorf("%d bytes, the last %q", len(text), text[len(text)-20:])
	}
}
