package btf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/testutil"
	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// splitTypes refer to the types of everyKind, whose numbers and strings come before theirs.
func splitTypes(base *rawTypes) *rawTypes {
	b := &rawTypes{firstName: len(base.names)}
	b.add("", KindPtr, 0, 7)                                                 // 20: struct twin *
	b.add("mine", KindStruct, 2, 16, b.name("t"), 20, 0, b.name("n"), 1, 64) // 21
	b.add("twin", KindTypedef, 0, 21)                                        // 22
	return b
}

func TestSplit(t *testing.T) {
	base, err := ParseRaw(everyKind().bytes())
	if err != nil {
		t.Fatal(err)
	}
	raw := splitTypes(everyKind()).bytes()
	path := filepath.Join(t.TempDir(), "split")
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	fromFile, err := ParseSplit(path, base)
	if err != nil {
		t.Fatal(err)
	}
	fromBytes, err := ParseRawSplit(raw, base)
	if err != nil {
		t.Fatal(err)
	}
	// The split types keep what they need of the base.
	if err := base.Close(); err != nil {
		t.Fatal(err)
	}
	for _, b := range []*BTF{fromFile, fromBytes} {
		if b.Base() != base || b.NumTypes() != 22 || b.ByteOrder() != base.ByteOrder() {
			t.Errorf("base %v, %d types, %v", b.Base(), b.NumTypes(), b.ByteOrder())
		}
		mine, err := b.TypeByName("mine", KindStruct)
		if err != nil || mine.ID() != 21 || mine.(*Composite).Members[0] != (Member{"t", 20, 0, 0}) {
			t.Errorf("mine = %v, %v", mine, err)
		}
		if decl, err := b.Declaration(20, "x"); err != nil || decl != "struct twin *x" {
			t.Errorf("declaration %q, %v", decl, err)
		}
		var ids []TypeID
		for t := range b.TypesByName("twin", &err) {
			ids = append(ids, t.ID())
		}
		if err != nil || !slices.Equal(ids, []TypeID{4, 5, 7, 22}) {
			t.Errorf("types named twin: %v, %v", ids, err)
		}
		for _, s := range []string{"", "int", "twin", "mine", "n", "HIGH"} {
			off, err := b.FindString(s)
			if err != nil {
				t.Errorf("FindString(%q): %v", s, err)
			} else if got, err := b.StringByOffset(off); err != nil || got != s {
				t.Errorf("the string at %d is %q, %v, want %q", off, got, err, s)
			}
		}
		for _, s := range []string{"win", "no such", "n\x00t"} {
			if off, err := b.FindString(s); !errors.Is(err, ErrNotFound) {
				t.Errorf("FindString(%q) = %d, %v, want ErrNotFound", s, off, err)
			}
		}
		if _, err := b.StringByOffset(1 << 20); !errors.Is(err, unix.EINVAL) {
			t.Errorf("a string out of range: %v", err)
		}
		if got, err := b.Raw(); err != nil || !bytes.Equal(got, raw) {
			t.Errorf("Raw differs from what was parsed: %v", err)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := ParseRawSplit(raw, base); !errors.Is(err, ErrClosed) {
		t.Errorf("a closed base: %v", err)
	}
	if _, err := ParseRawSplit(raw, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("no base: %v", err)
	}
	if _, err := ParseRaw(raw); !errors.Is(err, unix.EINVAL) {
		t.Errorf("split types without their base: %v", err)
	}
}

// A file may bring its base. The base may be in use when the types are closed.
func TestBaseOfTheFile(t *testing.T) {
	if err := clib.Needs("the section .BTF.base", 1, 5); err != nil {
		testutil.Skip(t, "libbpf-1.5", err)
	}
	path := elfWithBTF(t, map[string][]byte{
		".BTF":      splitTypes(everyKind()).bytes(),
		".BTF.base": everyKind().bytes(),
	})
	for range 20 {
		b, err := Parse(path)
		if err != nil {
			t.Fatal(err)
		}
		base := b.Base()
		if base == nil || base.NumTypes() != 19 || b.NumTypes() != 22 {
			t.Fatalf("base %v, %d types", base, b.NumTypes())
		}
		var err2 error
		var names []string
		for typ := range base.Types(&err2) {
			_ = b.Close()
			names = append(names, typ.Name())
		}
		if err2 != nil || len(names) != 19 || names[18] != "wide" {
			t.Errorf("the base, when closed within the iteration: %v, %q", err2, names)
		}
		if _, err := base.TypeByID(1); !errors.Is(err, ErrClosed) {
			t.Errorf("the base, after Close: %v", err)
		}
	}
}

// elfWithBTF writes an ELF file with sections that have these names.
func elfWithBTF(t *testing.T, sections map[string][]byte) string {
	t.Helper()
	order := binary.NativeEndian
	data := make([]byte, 64)
	copy(data, "\x7fELF\x02\x01\x01")
	if order.Uint16([]byte{1, 0}) != 1 {
		data[5] = 2
	}
	names := []byte{0}
	headers := make([]byte, 64)
	header := func(name string, typ uint32, content []byte) {
		h := make([]byte, 64)
		order.PutUint32(h, uint32(len(names)))
		names = append(append(names, name...), 0)
		order.PutUint32(h[4:], typ)
		data = append(data, make([]byte, -len(data)&7)...)
		order.PutUint64(h[24:], uint64(len(data)))
		if content == nil {
			content = names
		}
		order.PutUint64(h[32:], uint64(len(content)))
		order.PutUint64(h[48:], 1)
		data = append(data, content...)
		headers = append(headers, h...)
	}
	for name, content := range sections {
		header(name, 1, content)
	}
	header(".shstrtab", 3, nil)
	data = append(data, make([]byte, -len(data)&7)...)
	order.PutUint16(data[16:], 1)
	order.PutUint16(data[18:], 247) // EM_BPF
	order.PutUint32(data[20:], 1)
	order.PutUint64(data[40:], uint64(len(data)))
	order.PutUint16(data[52:], 64)
	order.PutUint16(data[58:], 64)
	order.PutUint16(data[60:], uint16(len(headers)/64))
	order.PutUint16(data[62:], uint16(len(headers)/64-1))
	path := filepath.Join(t.TempDir(), "file.o")
	if err := os.WriteFile(path, append(data, headers...), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// The kernel has id 1. It gives the modules the next ones.
func TestFromID(t *testing.T) {
	kernel := loadKernel(t)
	b, err := FromID(1)
	if err != nil {
		testutil.Skip(t, "module-btf", err)
	}
	defer b.Close()
	if b.NumTypes() != kernel.NumTypes() || b.Base() != nil {
		t.Errorf("%d types with base %v, want the kernel's %d", b.NumTypes(), b.Base(), kernel.NumTypes())
	}
	if _, err := FromID(1<<32 - 1); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an id that is not in use: %v", err)
	}
	if b, err := FromIDSplit(1, kernel); !errors.Is(err, unix.EINVAL) {
		t.Errorf("the kernel's own types as a module's: %v, %v", b, err)
	}
	if _, err := FromIDSplit(1<<32-1, kernel); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an id that is not in use, as a module's: %v", err)
	}
	modules, err := filepath.Glob("/sys/kernel/btf/*")
	if err != nil || len(modules) < 2 {
		testutil.Skip(t, "module-btf", fmt.Errorf("the files are %q", modules))
	}
	found := false
	for id := uint32(2); id < 200 && !found; id++ {
		b, err := FromID(id)
		if err != nil {
			continue
		}
		if found = b.Base() != nil; found {
			if b.Base().NumTypes() != kernel.NumTypes() || b.NumTypes() <= kernel.NumTypes() {
				t.Errorf("%d types on a base of %d", b.NumTypes(), b.Base().NumTypes())
			}
			same, err := FromIDSplit(id, kernel)
			if err != nil || same.NumTypes() != b.NumTypes() || same.Base() != kernel {
				t.Errorf("FromIDSplit: %v, %v", same, err)
			}
			_ = same.Close()
			base := b.Base()
			_ = b.Close()
			if _, err := base.TypeByID(1); !errors.Is(err, ErrClosed) {
				t.Errorf("the base, after Close: %v", err)
			}
		}
		_ = b.Close()
	}
	if !found {
		t.Error("no id is of a module")
	}
}

// FindString must not change what others read, as libbpf's btf__find_str does. The race detector and the C library's
// heap see to it.
func TestFindStringWhileOthersRead(t *testing.T) {
	b := parse(t, everyKind())
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 200 {
				if _, err := b.FindString("twin"); err != nil {
					t.Error(err)
				}
				if typ, err := b.TypeByID(7); err != nil || typ.Name() != "twin" {
					t.Errorf("%v, %v", typ, err)
				}
			}
		})
	}
	wg.Wait()
}
