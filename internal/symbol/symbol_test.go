package symbol

import (
	"debug/elf"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

const source = `
#include <stdio.h>
int victim(int x) { return x + 1; }
int __attribute__((weak)) weak(int x) { return x + 2; }
static int __attribute__((noinline, used)) hidden(int x) { return x + 3; }
static int (*resolve(void))(int) { return victim; }
int chosen(int x) __attribute__((ifunc("resolve")));
int victim_too(int x) __attribute__((alias("victim")));
int main(int argc, char **argv) { int (*p)(const char *, ...) = printf; return p("%d%d", victim(argc), hidden(argc)); }
`

// run runs a tool of the C or Go tool chain. Machines that only run tests have none.
func run(t testing.TB, dir string, command ...string) {
	t.Helper()
	if _, err := exec.LookPath(command[0]); err != nil {
		testutil.Skip(t, "toolchain", err)
	}
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", command, err, out)
	}
}

// compile compiles the source above.
func compile(t *testing.T, flags ...string) string {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "c.c"), []byte(source))
	run(t, dir, append([]string{"gcc", "-O1", "-o", "binary", "c.c"}, flags...)...)
	return filepath.Join(dir, "binary")
}

func write(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o755); err != nil {
		t.Fatal(err)
	}
}

func offsets(t *testing.T, path string, names ...string) ([]uint64, error) {
	t.Helper()
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	return f.Offsets(names)
}

func matching(t *testing.T, path, pattern string) ([]uint64, error) {
	t.Helper()
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	return f.Matching(pattern)
}

// truth are the offsets as the compiler's symbols and sections have them, which is not how they are looked for.
func truth(t *testing.T, path string, names ...string) []uint64 {
	t.Helper()
	e, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	symbols, err := e.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	var offsets []uint64
	for _, name := range names {
		for _, s := range symbols {
			if s.Name == name && int(s.Section) < len(e.Sections) && s.Section != elf.SHN_UNDEF {
				section := e.Sections[s.Section]
				offsets = append(offsets, s.Value-section.Addr+section.Offset)
				break
			}
		}
	}
	if len(offsets) != len(names) {
		t.Fatalf("of %q the compiler knows %#x", names, offsets)
	}
	return offsets
}

func want(t *testing.T, got []uint64, err error, want []uint64) {
	t.Helper()
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%#x, %v, want %#x", got, err, want)
	}
}

func wantError(t *testing.T, err, is error, says ...string) {
	t.Helper()
	if !errors.Is(err, is) {
		t.Fatalf("%v is not %v", err, is)
	}
	for _, text := range says {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%q is not in: %v", text, err)
		}
	}
}

func TestC(t *testing.T) {
	for name, flags := range map[string][]string{
		"pie": {"-pie", "-fPIE"}, "fixed": {"-no-pie", "-fno-pie"}, "static": {"-static"},
		"static-pie": {"-static-pie", "-fPIE"}, "library": {"-shared", "-fPIC"},
	} {
		t.Run(name, func(t *testing.T) {
			path := compile(t, flags...)
			names := []string{"hidden", "victim", "weak", "main"}
			expect := truth(t, path, names...)
			got, err := offsets(t, path, names...)
			want(t, got, err, expect)

			for _, pattern := range []string{"victi?", "v*m", "*ictim", "victim", "victim*"} {
				got, err = matching(t, path, pattern)
				want(t, got, err, expect[1:2])
			}
			got, err = matching(t, path, "victim_too") // of the same code
			want(t, got, err, expect[1:2])

			_, err = offsets(t, path, "victim", "missing", "weak", "absent")
			wantError(t, err, ErrNotFound, path, `"missing"`, `"absent"`)
			_, err = offsets(t, path, "victim", "weak", "victim")
			wantError(t, err, ErrAmbiguous, `"victim"`, "twice")
			run(t, filepath.Dir(path), "objcopy", "--add-symbol", "nowhere=0x7fffff,function,global", "binary")
			_, err = offsets(t, path, "nowhere") // no code is there
			wantError(t, err, ErrNotFound, `"nowhere"`)
			_, err = offsets(t, path, "chosen")
			wantError(t, err, ErrNotFound, `"chosen"`, "IFUNC")
			_, err = matching(t, path, "missing*")
			wantError(t, err, ErrNotFound, "missing*")
			if strings.HasPrefix(name, "static") {
				return
			}
			_, err = offsets(t, path, "victim", "printf", "missing")
			wantError(t, err, ErrNotFound, `"printf"`, "imports", `"missing"`)
			_, err = matching(t, path, "print*")
			wantError(t, err, ErrNotFound, "print*", "imports")
		})
	}
}

// What strip(1) takes away is in the debug file, if that belongs to the binary.
func TestDebugFile(t *testing.T) {
	saved := debugRoot
	defer func() { debugRoot = saved }()
	for _, c := range []struct {
		name  string
		flags []string
		other string // flag for another build
		// where the debug file is, from the binary's folder or, with a slash before it, from debugRoot
		at func(dir string) string
	}{
		{"build id", []string{"-Wl,--build-id=0x1234567890"}, "-Wl,--build-id=0x1234567891",
			func(string) string { return "/.build-id/12/34567890.debug" }},
		{"beside", []string{"-Wl,--build-id=none"}, "-O2", func(string) string { return "binary.debug" }},
		{"in a folder", []string{"-Wl,--build-id=none"}, "-O2", func(string) string { return ".debug/binary.debug" }},
		{"installed", []string{"-Wl,--build-id=none"}, "-O2", func(dir string) string { return "/" + dir + "/binary.debug" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			debugRoot = t.TempDir()
			path := compile(t, append(c.flags, "-g", "-pie", "-fPIE")...)
			dir := filepath.Dir(path)
			expect := truth(t, path, "hidden", "main")
			run(t, dir, "objcopy", "--only-keep-debug", "binary", "binary.debug")
			run(t, dir, "objcopy", "--strip-all", "--add-gnu-debuglink=binary.debug", "binary")
			debug := filepath.Join(dir, c.at(dir))
			if at, ok := strings.CutPrefix(c.at(dir), "/"); ok {
				debug = filepath.Join(debugRoot, at)
			}
			data, err := os.ReadFile(filepath.Join(dir, "binary.debug"))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Remove(filepath.Join(dir, "binary.debug")); err != nil {
				t.Fatal(err)
			}
			_, err = offsets(t, path, "hidden", "main")
			wantError(t, err, ErrNotFound, `"hidden"`, `"main"`, "stripped")

			if err := os.MkdirAll(filepath.Dir(debug), 0o755); err != nil {
				t.Fatal(err)
			}
			write(t, debug, data)
			got, err := offsets(t, path, "hidden", "main")
			want(t, got, err, expect)
			got, err = matching(t, path, "hid*")
			want(t, got, err, expect[:1])
			link := filepath.Join(t.TempDir(), "link")
			if err := os.Symlink(path, link); err != nil {
				t.Fatal(err)
			}
			got, err = offsets(t, link, "hidden", "main")
			want(t, got, err, expect)

			// One of another build does not count: of its build id, or of its checksum.
			other := compile(t, append(slices.Clone(c.flags), c.other, "-pie", "-fPIE", "-O0")...)
			data, err = os.ReadFile(other)
			if err != nil {
				t.Fatal(err)
			}
			write(t, debug, data)
			_, err = offsets(t, path, "hidden")
			wantError(t, err, ErrNotFound, `"hidden"`)
		})
	}
}

const goSource = `package main

IMPORT
import "fmt"

type T struct{}

//go:noinline
func (*T) Method(x int) int { return x + 1 }

//go:noinline
func target(x int) int { return x + 2 }

func main() { fmt.Println(target(1), (&T{}).Method(2)) }
`

// Go's own table has the functions of a stripped binary, wherever the linker puts Go's code.
func TestGo(t *testing.T) {
	names := []string{"main.target", "main.(*T).Method", "main.main", "runtime.mallocgc"}
	for name, c := range map[string]struct{ imports, mode, link string }{
		"fixed": {"", "exe", "internal"}, "pie": {"", "pie", "internal"},
		"cgo": {`import "C"`, "exe", "external"}, "cgo-pie": {`import "C"`, "pie", "external"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, filepath.Join(dir, "main.go"), []byte(strings.Replace(goSource, "IMPORT", c.imports, 1)))
			write(t, filepath.Join(dir, "go.mod"), []byte("module main\n\ngo 1.25\n"))
			build := func(flags string) string {
				path := filepath.Join(dir, "binary"+strings.ReplaceAll(flags, " ", ""))
				run(t, dir, "go", "build", "-o", path, "-buildmode="+c.mode,
					"-ldflags="+flags+"-linkmode="+c.link, ".")
				return path
			}
			path := build("")
			expect := truth(t, path, names...)
			got, err := offsets(t, path, names...)
			want(t, got, err, expect)

			stripped := build("-s -w ")
			got, err = offsets(t, stripped, names...)
			if err != nil {
				t.Fatal(err)
			}
			for i := range got {
				if code(t, stripped, got[i]) != code(t, path, expect[i]) {
					t.Errorf("%s is not at %#x", names[i], got[i])
				}
			}
			one, err := matching(t, stripped, "main.(\\*T).Metho?")
			if err == nil {
				t.Errorf("a pattern has no escapes: %#x", one)
			}
			one, err = matching(t, stripped, "main.t*get")
			want(t, one, err, got[:1])
			_, err = offsets(t, stripped, "main.missing", "main.target")
			wantError(t, err, ErrNotFound, `"main.missing"`)

			// As Go wrote it up to 1.25: the table has the address itself, and there is no other.
			f, err := Open(stripped)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			table := f.elf.Section(goTable)
			data, err := table.Data()
			if err != nil {
				t.Fatal(err)
			}
			start, ok := f.goTextStart(table, data)
			image, err := os.ReadFile(stripped)
			if err != nil || !ok {
				t.Fatal(start, ok, err)
			}
			f.elf.ByteOrder.PutUint64(image[table.Offset+8+16:], start)
			old := filepath.Join(dir, "old")
			write(t, old, []byte(strings.Replace(string(image), ".go.module", ".go.xodule", 1)))
			got125, err := offsets(t, old, names...)
			want(t, got125, err, got)
			f.elf.ByteOrder.PutUint64(image[table.Offset+8+16:], 0)
			write(t, old, []byte(strings.Replace(string(image), ".go.module", ".go.xodule", 1)))
			_, err = offsets(t, old, names...) // it must not guess
			wantError(t, err, ErrNotFound, names...)
		})
	}
}

// code is the beginning of the code at an offset.
func code(t *testing.T, path string, offset uint64) string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, 16)
	if _, err := f.ReadAt(b, int64(offset)); err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"", "", true}, {"", "a", false}, {"*", "", true}, {"*", "abc", true}, {"a*", "abc", true}, {"*c", "abc", true},
		{"a*c", "abc", true}, {"a*d", "abc", false}, {"?", "", false}, {"??c", "abc", true}, {"a?c?", "abc", false},
		{"*a*b*", "xxaxxbxx", true}, {"*ab", "aab", true}, {"a**", "a", true}, {"abc", "ab", false}, {"ab", "abc", false},
		{"*aab", "aaaab", true},
	} {
		if got := matches(c.pattern, []byte(c.name)); got != c.want {
			t.Errorf("%q, %q: %v", c.pattern, c.name, got)
		}
	}
}

// failingReader fails at one call, counted from 1.
type failingReader struct {
	io.ReaderAt
	at, calls int
}

func (r *failingReader) ReadAt(p []byte, offset int64) (int, error) {
	if r.calls++; r.calls == r.at {
		return 0, &os.PathError{Op: "read", Path: "binary", Err: unix.EIO}
	}
	return r.ReaderAt.ReadAt(p, offset)
}

// Where reading fails, all functions are found nevertheless, or the error is that of reading.
func TestReadErrors(t *testing.T) {
	file, err := os.Open(compile(t))
	testutil.Check(t, err)
	defer file.Close()
	for name, find := range map[string]func(*File) ([]uint64, error){
		"Offsets":  func(f *File) ([]uint64, error) { return f.Offsets([]string{"victim"}) },
		"Matching": func(f *File) ([]uint64, error) { return f.Matching("*i*d*") },
	} {
		var want []uint64
		failed := 0
		for at := 0; ; at++ {
			reader := &failingReader{ReaderAt: file, at: at}
			f, err := New(reader, "/", "binary")
			var got []uint64
			if err == nil {
				got, err = find(f)
			}
			if at == 0 {
				testutil.Check(t, err)
				want = got
				continue
			}
			if reader.calls < at {
				break
			}
			if err != nil {
				failed++
			}
			if err != nil && !errors.Is(err, unix.EIO) || err == nil && !slices.Equal(got, want) {
				t.Errorf("%s, read %d: %x, want %x: %v", name, at, got, want, err)
			}
		}
		if failed == 0 {
			t.Errorf("%s: no read failed", name)
		}
	}
}

func TestOpenErrors(t *testing.T) {
	if _, err := Open(filepath.Join(t.TempDir(), "missing")); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	for _, data := range []string{"", "#!/bin/sh\n", "\x7fELF", "\x7fELF\x02\x01\x01" + strings.Repeat("\x00", 100)} {
		path := filepath.Join(t.TempDir(), "file")
		write(t, path, []byte(data))
		_, err := Open(path)
		wantError(t, err, ErrFormat, path)
	}
	_, err := Open(t.TempDir())
	wantError(t, err, ErrFormat)
}

// Whatever is damaged in a file, looking for functions in it ends, with an error or without.
func TestDamaged(t *testing.T) {
	path := compile(t, "-pie", "-fPIE", "-Wl,--build-id")
	dir := filepath.Dir(path)
	table := make([]byte, 4096)
	copy(table, []byte{0xf1, 0xff, 0xff, 0xff, 0, 0, 1, 8, 20, 0, 0, 0, 0, 0, 0, 0, 1})
	table[24+7] = 1
	write(t, filepath.Join(dir, "table"), table)
	run(t, dir, "objcopy", "--only-keep-debug", "binary", "binary.debug")
	run(t, dir, "objcopy", "--add-gnu-debuglink=binary.debug", "--add-section", goTable+"=table",
		"--add-section", ".go.module=table", "binary")
	image, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	try := func(image []byte) {
		write(t, path, image)
		f, err := Open(path)
		if err != nil {
			return
		}
		defer f.Close()
		_, _ = f.Offsets([]string{"main", "victim@V", "missing"})
		_, _ = f.Matching("nothing*")
		_, _, _ = f.Names().At(0x1000)
	}
	for n := 0; n < len(image); n += 1 + len(image)/100 {
		try(image[:n])
	}
	random := rand.New(rand.NewPCG(1, 2))
	headers := int(binary.NativeEndian.Uint64(image[40:])) // of the sections
	for range 600 {
		damaged := slices.Clone(image)
		for range 1 + random.IntN(8) {
			at := random.IntN(len(image))
			switch random.IntN(3) {
			case 0:
				at = headers + random.IntN(len(image)-headers)
			case 1:
				at = random.IntN(1024)
			}
			damaged[at] = []byte{0, 1, 0x7f, 0xff, byte(random.Uint32())}[random.IntN(5)]
		}
		try(damaged)
	}
}
