package symbol

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// wantNames checks that the code at these offsets, and behind, is named.
func wantNames(t *testing.T, path string, names []string, offsets []uint64) {
	t.Helper()
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	all := f.Names()
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	for i, offset := range offsets {
		for _, into := range []uint64{0, 1} {
			name, at, ok := all.At(offset + into)
			if !ok || name != names[i] || at != into {
				t.Errorf("at %#x+%d is %q+%d, %v, want %q", offset, into, name, at, ok, names[i])
			}
		}
	}
	for _, nowhere := range []uint64{0, 1 << 40, 1<<64 - 1} {
		if name, _, ok := all.At(nowhere); ok {
			t.Errorf("at %#x is %q", nowhere, name)
		}
	}
}

func TestNamesOfC(t *testing.T) {
	for name, flags := range map[string][]string{
		"pie": {"-pie", "-fPIE"}, "fixed": {"-no-pie", "-fno-pie"}, "static": {"-static"}, "library": {"-shared", "-fPIC"},
	} {
		t.Run(name, func(t *testing.T) {
			path := compile(t, flags...)
			names := []string{"hidden", "victim", "weak", "main"} // victim_too is a longer name of victim
			offsets := truth(t, path, names...)
			wantNames(t, path, names, offsets)
			if name != "library" {
				return
			}
			run(t, filepath.Dir(path), "strip", "binary")
			wantNames(t, path, names[1:], offsets[1:]) // what it exports
		})
	}
}

// The code of a function without a size ends where its section does: what is behind is no function of the binary.
func TestNamesWithoutSize(t *testing.T) {
	path := compile(t, "-no-pie", "-fno-pie")
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	init, plt := f.elf.Section(".init"), f.elf.Section(".plt")
	if init == nil || plt == nil {
		testutil.Skip(t, "toolchain", errors.New("no sections .init and .plt"))
	}
	names := f.Names()
	if name, _, ok := names.At(init.Offset); name != "_init" {
		t.Errorf("%q, %v", name, ok)
	}
	if name, _, ok := names.At(plt.Offset); ok {
		t.Errorf("the section .plt is %q", name)
	}
}

// The names of a stripped binary are those of its debug file.
func TestNamesOfDebugFile(t *testing.T) {
	saved := debugRoot
	defer func() { debugRoot = saved }()
	debugRoot = t.TempDir()
	path := compile(t, "-Wl,--build-id=0x1234567890", "-pie", "-fPIE")
	names := []string{"hidden", "victim", "main"}
	offsets := truth(t, path, names...)
	if err := os.MkdirAll(filepath.Join(debugRoot, ".build-id/12"), 0o755); err != nil {
		t.Fatal(err)
	}
	run(t, filepath.Dir(path), "objcopy", "--only-keep-debug", "binary",
		filepath.Join(debugRoot, ".build-id/12/34567890.debug"))
	run(t, filepath.Dir(path), "strip", "binary")
	wantNames(t, path, names, offsets)
}

func TestNamesOfGo(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "main.go"), []byte(strings.Replace(goSource, "IMPORT", "", 1)))
	write(t, filepath.Join(dir, "go.mod"), []byte("module main\n\ngo 1.25\n"))
	names := []string{"main.target", "main.(*T).Method", "main.main", "runtime.mallocgc"}
	for _, strip := range []string{"", "-s -w"} {
		path := filepath.Join(dir, "binary"+strings.ReplaceAll(strip, " ", ""))
		run(t, dir, "go", "build", "-o", path, "-ldflags="+strip, ".")
		got, err := offsets(t, path, names...)
		if err != nil {
			t.Fatal(err)
		}
		wantNames(t, path, names, got)
	}
}

// A path may lead to anything. To open it must not wait.
func TestOpenDoesNotWait(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	run(t, "/", "mkfifo", path)
	_, err := Open(path)
	wantError(t, err, ErrFormat, path)
}
