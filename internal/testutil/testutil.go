// Package testutil has what the tests of all packages share: skipping a test, running the tests of a package and
// checking for what they leave behind, and mounting a test's own bpf file system.
package testutil

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/testutil/skips"
)

// Skip skips the test because the kernel refused what it needs. It notes the test and the reason in the file that
// LIBBPF_GO_SKIPPED names; "make test" then runs the test on another kernel. With LIBBPF_GO_KNOWN_KERNEL=1, which is
// set on the kernels of the matrix, Skip fails the test, unless skips.txt permits the skip for the running kernel.
func Skip(t testing.TB, feature string, cause error) {
	t.Helper()
	if err := skip(t.Name(), feature, cause); err != nil {
		t.Fatal(err)
	}
	t.Skipf("%s is missing: %v", feature, cause)
}

func skip(test, feature string, cause error) error {
	if os.Getenv("LIBBPF_GO_KNOWN_KERNEL") == "1" && !skips.Permitted(release(), feature) {
		return fmt.Errorf("%s is missing (%w), and skips.txt does not permit that on Linux %s", feature, cause, release())
	}
	file := os.Getenv("LIBBPF_GO_SKIPPED")
	if file == "" {
		return nil
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return errors.New("the test's binary has no package path")
	}
	return skips.Note(file, skips.Test{
		Package: strings.TrimSuffix(info.Path, ".test"), Name: test, Feature: feature, Cause: cause.Error(),
	})
}

// Refused reports whether an error means that the kernel does not support what was asked for. ENOMEM is what a kernel
// without CONFIG_BPF_JIT says to fentry.
func Refused(err error) bool {
	return slices.ContainsFunc([]error{
		errors.ErrUnsupported, unix.EINVAL, unix.ENOENT, unix.EPERM, unix.EACCES, unix.E2BIG, unix.EBUSY, unix.ESRCH,
		unix.ENOMEM,
	}, func(missing error) bool { return errors.Is(err, missing) })
}

func release() string {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return "unknown"
	}
	return unix.ByteSliceToString(name.Release[:])
}

// Root skips a test that needs privileges if the process has none.
func Root(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		Skip(t, "root", os.ErrPermission)
	}
}

// Object returns the path of a compiled object in the bpf folder.
func Object(t testing.TB, name string) string {
	t.Helper()
	path, err := FindObject(name)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// FindObject is Object for callers without a test.
func FindObject(name string) (string, error) {
	for dir := "."; ; dir = filepath.Join(dir, "..") {
		// Not go.mod, which modules in this one have too.
		if _, err := os.Stat(filepath.Join(dir, "libbpf", "upstream.lock")); err == nil {
			path := filepath.Join(dir, "bpf", name+".bpf.o")
			if _, err := os.Stat(path); err != nil {
				return "", fmt.Errorf("%w: run 'make bpf' first", err)
			}
			return path, nil
		}
		if abs, err := filepath.Abs(dir); err != nil || abs == "/" {
			return "", errors.New("the test is not in the source tree")
		}
	}
}

// BPFFS mounts a bpf file system for the test, and unmounts it when the test ends, which removes all pins.
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

// TraceFS makes sure that tracefs is mounted where libbpf looks for it. If it is not, TraceFS replaces the process by a
// new run of the test binary, in its own mount namespace with tracefs. The machine's own mounts do not change. Call it
// first in TestMain.
func TraceFS() {
	const dir = "/sys/kernel/tracing"
	if _, err := os.Stat(filepath.Join(dir, "events")); err == nil || os.Geteuid() != 0 {
		return
	}
	// The mount namespace belongs to the thread, and execve turns this thread into the process. If this fails, tests
	// that need tracefs skip, and the goroutine keeps the thread.
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
