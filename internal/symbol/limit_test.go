package symbol

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// holes is a binary that goes on with zeros after its headers, as a file with holes does. It counts what is read.
type holes struct {
	headers []byte
	read    int64
}

// testLimit is less than a tenth of what each of the sections below claims.
const testLimit = 1 << 30

func (h *holes) ReadAt(p []byte, offset int64) (int, error) {
	if h.read += int64(len(p)); h.read > testLimit {
		return 0, errors.New("more was read than memory should be used")
	}
	clear(p)
	if offset < int64(len(h.headers)) {
		copy(p, h.headers[offset:])
	}
	return len(p), nil
}

// binaryOf is a binary with these sections. The names of sections are in the first one.
func binaryOf(t *testing.T, sections ...elf.Section64) *holes {
	t.Helper()
	var b bytes.Buffer
	header := elf.Header64{
		Type: uint16(elf.ET_EXEC), Machine: uint16(elf.EM_X86_64), Version: 1, Shoff: 64, Ehsize: 64, Shentsize: 64,
		Shnum: uint16(len(sections) + 1), Shstrndx: 1,
	}
	copy(header.Ident[:], elf.ELFMAG+"\x02\x01\x01")
	for _, part := range []any{header, elf.Section64{}, sections} {
		if err := binary.Write(&b, binary.LittleEndian, part); err != nil {
			t.Fatal(err)
		}
	}
	return &holes{headers: b.Bytes()}
}

// A binary that says that it has more than anyone's memory does not take it.
func TestHoles(t *testing.T) {
	const huge = 1 << 34
	names := elf.Section64{Type: uint32(elf.SHT_STRTAB), Off: 4096, Size: 64}
	section := func(typ elf.SectionType) elf.Section64 {
		return elf.Section64{Type: uint32(typ), Off: 4096, Size: huge, Link: 1, Entsize: 24}
	}
	h := binaryOf(t, section(elf.SHT_STRTAB))
	if _, err := New(h, "/", "huge names"); !errors.Is(err, ErrFormat) || h.read > testLimit {
		t.Errorf("names of sections: %d bytes, %v", h.read, err)
	}
	h = binaryOf(t, names, section(elf.SHT_NOTE), section(elf.SHT_SYMTAB), section(elf.SHT_DYNSYM))
	f, err := New(h, "/", "huge sections")
	if err != nil {
		t.Fatal(err)
	}
	if id, n := f.BuildID(), f.Names(); id != nil || n.Size() != 0 || h.read > testLimit {
		t.Errorf("sections: %d bytes, %v, %d bytes of names", h.read, id, n.Size())
	}
}

// A name may be as long as the table, and then takes as long to read for each symbol, and more to demangle.
func TestLongName(t *testing.T) {
	dir := t.TempDir()
	long := "_Z1f" + strings.Repeat("I", 1<<20)
	write(t, filepath.Join(dir, "c.c"), []byte("int f(void) __asm__(\""+long+"\");\nint f(void) { return 1; }\n"))
	run(t, dir, "gcc", "-shared", "-fPIC", "-o", "binary", "c.c")
	f, err := Open(filepath.Join(dir, "binary"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n := f.Names()
	found := false
	for _, g := range n.functions {
		found = found || strings.HasPrefix(string(g.name), "_Z1fII")
		if len(g.name) > maxShown {
			t.Errorf("a name of %d bytes", len(g.name))
		}
	}
	if !found || n.Size() < len(long) {
		t.Errorf("the function is not there, or its table of names does not count: %d bytes", n.Size())
	}
}

// Only regular files are opened, and none outside of the root.
func TestOpenRegular(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "file"), []byte("inside"))
	outside := filepath.Join(t.TempDir(), "outside")
	write(t, outside, []byte("outside"))
	for name, target := range map[string]string{
		"link": "/file", "up": "../../../../../../file", "out": outside, "magic": "/proc/self/exe",
	} {
		if err := os.Symlink(target, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Mkfifo(filepath.Join(root, "fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]error{
		"/file": nil, "/link": nil, "/up": nil, "/out": fs.ErrNotExist, "/magic": fs.ErrNotExist, "/fifo": fs.ErrInvalid,
		"/": fs.ErrInvalid,
	} {
		file, err := OpenRegular(root, path)
		if !errors.Is(err, want) || err != nil && !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, want %v", path, err, want)
		}
		if err == nil {
			_ = file.Close()
		}
	}
	for _, path := range []string{"/dev/null", filepath.Join(root, "fifo")} {
		if _, err := OpenRegular("/", path); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// The debug file of a process's binary is that of its container, also if a link there has a path of this machine.
func TestDebugFileOfContainer(t *testing.T) {
	path, root := compile(t), t.TempDir()
	if err := os.Symlink(path, filepath.Join(root, "link")); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	f.root = root
	if debug, err := f.openDebug("/link"); err == nil {
		_ = debug.Close()
		t.Error("a link leads out of the container")
	}
}
