// Package testutil is what the tests of all packages share: the written list of permitted skips, the check for leaked
// descriptors, and a bpf file system of the test's own.
package testutil

import (
	_ "embed"
	"flag"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sort"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// skips lists the skips that are permitted: a line each, of patterns for the kernel's release (as path.Match has them,
// separated by commas), a feature, and why the feature is missing there.
//
//go:embed skips.txt
var skips string

// Skip skips the test because a feature is missing here. With LIBBPF_GO_STRICT=1 in the environment it fails instead,
// unless the written list permits the skip for the running kernel.
func Skip(t testing.TB, feature string, cause error) {
	t.Helper()
	if os.Getenv("LIBBPF_GO_STRICT") == "1" && !permitted(skips, release(), feature) {
		t.Fatalf("%s is missing (%v), and skips.txt does not permit that on Linux %s", feature, cause, release())
	}
	t.Skipf("%s is missing: %v", feature, cause)
}

func permitted(list, release, feature string) bool {
	for permission := range permissions(list, release) {
		if permission == feature {
			return true
		}
	}
	return false
}

// permissions are the features that a list permits to be missing on a kernel.
func permissions(list, release string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for line := range strings.Lines(list) {
			fields := strings.Fields(line)
			if len(fields) < 3 || strings.HasPrefix(line, "#") {
				continue
			}
			matches := func(pattern string) bool { ok, err := filepath.Match(pattern, release); return ok && err == nil }
			if slices.ContainsFunc(strings.Split(fields[0], ","), matches) && !yield(fields[1]) {
				return
			}
		}
	}
}

func release() string {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return "unknown"
	}
	return unix.ByteSliceToString(name.Release[:])
}

// Root skips a test that needs privileges where there are none.
func Root(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		Skip(t, "root", os.ErrPermission)
	}
}

// Object is the path of a compiled object in the bpf folder.
func Object(t testing.TB, name string) string {
	t.Helper()
	for dir := "."; ; dir = filepath.Join(dir, "..") {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			path := filepath.Join(dir, "bpf", name+".bpf.o")
			if _, err := os.Stat(path); err != nil {
				t.Fatalf("%v: run 'make bpf' first", err)
			}
			return path
		}
		if abs, err := filepath.Abs(dir); err != nil || abs == "/" {
			t.Fatal("no go.mod above the test")
		}
	}
}

// BPFFS mounts a bpf file system for the test, and unmounts it when the test ends, which releases all that is pinned there.
func BPFFS(t testing.TB) string {
	t.Helper()
	Root(t)
	dir := t.TempDir()
	if err := unix.Mount("bpf", dir, "bpf", 0, ""); err != nil {
		t.Fatalf("mount a bpf file system: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Errorf("unmount the bpf file system: %v", err)
		}
	})
	return dir
}

// Main runs a package's tests, and fails when they leave descriptors open that were not before.
func Main(m *testing.M) int {
	// The runtime opens its poller and its pipe when they are first needed.
	if r, w, err := os.Pipe(); err == nil {
		_ = r.Close()
		_ = w.Close()
	}
	if err := skipExamples(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	before := OpenFiles()
	status := m.Run()
	if status != 0 {
		return status
	}
	after := OpenFiles()
	var leaked []string
	for fd, target := range after {
		if before[fd] != target {
			leaked = append(leaked, fmt.Sprintf("%d -> %s", fd, target))
		}
	}
	if len(leaked) > 0 {
		sort.Strings(leaked)
		fmt.Fprintf(os.Stderr, "descriptors left open by the tests:\n\t%s\n", strings.Join(leaked, "\n\t"))
		return 1
	}
	return 0
}

// skipExamples leaves out the examples that the written list names for the running kernel: they cannot skip themselves.
func skipExamples() error {
	flag.Parse()
	if flag.Lookup("test.skip").Value.String() != "" {
		return nil
	}
	var names []string
	for name := range permissions(skips, release()) {
		if strings.HasPrefix(name, "Example") {
			fmt.Printf("%s is left out on Linux %s: see skips.txt\n", name, release())
			names = append(names, "^"+name+"$")
		}
	}
	return flag.Set("test.skip", strings.Join(names, "|"))
}

// OpenFiles are the process's descriptors and what they are of.
func OpenFiles() map[int]string {
	files := make(map[int]string)
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		panic(err)
	}
	for _, entry := range entries {
		var fd int
		if _, err := fmt.Sscan(entry.Name(), &fd); err != nil {
			continue
		}
		// The descriptor of the listing itself is gone by now.
		if target, err := os.Readlink("/proc/self/fd/" + entry.Name()); err == nil {
			files[fd] = target
		}
	}
	return files
}

// TraceFS makes sure that tracefs is mounted where libbpf looks for it. Where it is not, it starts the test binary once
// more in place of this one, in a mount namespace of its own that has it: the machine's own mounts remain as they are.
// It is for TestMain, before anything else.
func TraceFS() {
	const dir = "/sys/kernel/tracing"
	if _, err := os.Stat(filepath.Join(dir, "events")); err == nil || os.Geteuid() != 0 {
		return
	}
	// The namespace is the thread's, and execve makes this thread the process. Where that fails, tests skip what needs
	// tracefs, and the goroutine keeps the thread.
	runtime.LockOSThread()
	if unix.Unshare(unix.CLONE_NEWNS) != nil || unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "") != nil ||
		unix.Mount("tracefs", dir, "tracefs", 0, "") != nil {
		return
	}
	if _, err := os.Stat(filepath.Join(dir, "events")); err == nil {
		err = unix.Exec("/proc/self/exe", os.Args, os.Environ())
		panic(fmt.Sprintf("start the tests with tracefs: %v", err))
	}
}
