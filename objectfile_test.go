package libbpf_test

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// The error for a file that is not a BPF object says what the file is; so does the error for memory.
func TestNotAnObject(t *testing.T) {
	const format = libbpf.Errno(4001)
	good := readObject(t, "maps")
	changed := func(at int, b ...byte) []byte {
		bad := bytes.Clone(good)
		copy(bad[at:], b)
		return bad
	}
	executable, err := os.ReadFile("/proc/self/exe")
	check(t, err)
	machine := map[string]string{"amd64": "x86-64", "arm64": "aarch64", "s390x": "s390"}[runtime.GOARCH]
	for _, c := range []struct {
		image []byte
		is    error
		want  string
	}{
		{executable, format, "it is an ELF file for " + machine},
		{nil, format, "it is empty"},
		{[]byte("int x = 1; // \xc3\xa9\n"), format, "it is text"},
		{[]byte(strings.Repeat("é", 511)), format, "it is text"},
		{[]byte("!<arch>\nx.o/"), format, "it is an archive"},
		{[]byte("BC\xc0\xde\x00"), format, "it is LLVM bitcode"},
		{[]byte("\x1f\x8b\x08"), format, "it is compressed by gzip"},
		{[]byte("\x9f\xeb\x01\x00"), format, "it is raw BTF"},
		{[]byte{0, 1, 2, 3}, format, "it is not an ELF file"},
		{good[:18], format, "it is an ELF file that is cut off"},
		{changed(elf.EI_CLASS, byte(elf.ELFCLASS32)), format, "it is a 32-bit ELF file"},
		{changed(16, binary.NativeEndian.AppendUint16(nil, uint16(elf.ET_EXEC))...), format, "it is an ELF file of type ET_EXEC"},
	} {
		path := filepath.Join(t.TempDir(), "file")
		check(t, os.WriteFile(path, c.image, 0o600))
		_, fromFile := libbpf.OpenFile(path)
		_, fromMemory := libbpf.OpenMemory(c.image)
		for _, err := range []error{fromFile, fromMemory} {
			if !errors.Is(err, c.is) || !strings.Contains(err.Error(), ": "+c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		}
	}
}

// An object of the other byte order shows what it has, and is not loaded.
func TestOtherOrder(t *testing.T) {
	path := testutil.Object(t, "other_order")
	for _, load := range []func(*libbpf.OpenObject) error{
		func(o *libbpf.OpenObject) error {
			_, err := o.Load()
			return err
		},
		func(o *libbpf.OpenObject) error {
			_, err := o.Prepare()
			return err
		},
	} {
		o, err := libbpf.OpenFile(path)
		check(t, err)
		defer o.Close()
		counts, err := o.Map("counts")
		check(t, err)
		if n, err := counts.MaxEntries(); err != nil || n != 77 {
			t.Errorf("max entries = %d, %v", n, err)
		}
		types, err := o.BTF()
		check(t, err)
		defer types.Close()
		key, err := counts.KeyTypeID()
		check(t, err)
		if size, err := types.Size(key); err != nil || size != 6 {
			t.Errorf("the key has %d bytes, %v", size, err)
		}
		err = load(o)
		if !errors.Is(err, libbpf.Errno(4003)) || !strings.Contains(err.Error(), "it has the other byte order") {
			t.Errorf("error %v", err)
		}
	}
}

// An object that lacks types is not a missing file.
func TestObjectLacksBTF(t *testing.T) {
	renamed := bytes.ReplaceAll(readObject(t, "maps"), []byte(".BTF\x00"), []byte(".XTF\x00"))
	otherExtern := readObject(t, "globals")
	copy(otherExtern[bytes.LastIndex(otherExtern, []byte("CONFIG_HZ\x00")):], "CONFIG_HX") // the symbol's name
	for name, image := range map[string][]byte{
		"types":             renamed,
		"extern":            readObject(t, "nobtf_extern"),
		"extern not in BTF": otherExtern,
	} {
		path := filepath.Join(t.TempDir(), "file.bpf.o")
		check(t, os.WriteFile(path, image, 0o600))
		_, fromFile := libbpf.OpenFile(path)
		_, fromMemory := libbpf.OpenMemory(image)
		for _, err := range []error{fromFile, fromMemory} {
			if !errors.Is(err, libbpf.ErrNoBTF) || !errors.Is(err, btf.ErrNoBTF) || errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s: error %v", name, err)
			}
		}
	}
	_, err := libbpf.OpenFile(filepath.Join(t.TempDir(), "nope"))
	if !errors.Is(err, os.ErrNotExist) || errors.Is(err, libbpf.ErrNoBTF) {
		t.Errorf("a missing file: %v", err)
	}
}

// An object from memory always has the same name, and the names of its maps begin with it.
func TestMemoryName(t *testing.T) {
	o, err := libbpf.OpenMemory(readObject(t, "nobtf"))
	check(t, err)
	if o.Name() != "memory" {
		t.Errorf("the name is %q", o.Name())
	}
	info, err := findMap(t, load(t, o), ".bss").Info()
	check(t, err)
	if info.Name != "memory.bss" {
		t.Errorf("the map is called %q", info.Name)
	}
	o, err = libbpf.ObjectBuilder{Name: "mine"}.OpenMemory(readObject(t, "nobtf"))
	check(t, err)
	defer o.Close()
	if o.Name() != "mine" {
		t.Errorf("the name is %q", o.Name())
	}
}

// A section that only a newer libbpf supports needs that version. A section that no libbpf supports needs none.
func TestUnknownSection(t *testing.T) {
	load := func(program string) error {
		o := open(t, "newsection")
		p, err := o.Program(program)
		check(t, err)
		check(t, p.SetAutoload(true))
		loaded, err := o.Load()
		if err == nil {
			check(t, loaded.Close())
		}
		return err
	}
	testutil.Root(t)
	err := load("newer")
	var old *libbpf.VersionError
	switch v := libbpf.Version(); {
	case v.Major == 1 && v.Minor < 3:
		if !errors.As(err, &old) || !errors.Is(err, errors.ErrUnsupported) || old.Needs != "1.3" {
			t.Errorf("error %v", err)
		}
	case errors.As(err, &old):
		t.Errorf("error %v", err)
	}
	err = load("unknown")
	if !errors.Is(err, unix.EINVAL) || !strings.Contains(err.Error(), "check ELF section name 'nope/x'") {
		t.Errorf("error %v", err)
	}
}

// Of a large file, only what libbpf needs is read. The object is the same as that of the whole file.
func TestLargeFile(t *testing.T) {
	for _, name := range []string{"core", "struct_ops"} {
		path := testutil.Object(t, name)
		image := readObject(t, name)
		if len(image) < 1<<17 {
			t.Fatalf("%s has %d bytes", path, len(image))
		}
		type content struct {
			Programs map[string][]libbpf.Instruction
			Maps     map[string][]byte
			Types    []byte
		}
		read := func(o *libbpf.OpenObject, err error) content {
			check(t, err)
			defer o.Close()
			c := content{make(map[string][]libbpf.Instruction), make(map[string][]byte), nil}
			for p := range o.Programs() {
				c.Programs[p.Name()], err = p.Instructions()
				check(t, err)
			}
			for m := range o.Maps() {
				c.Maps[m.Name()], _ = m.InitialValue()
			}
			types, err := o.BTF()
			check(t, err)
			defer types.Close()
			c.Types, err = types.Raw()
			check(t, err)
			return c
		}
		builder := libbpf.ObjectBuilder{Name: name}
		if diff := cmp.Diff(read(builder.OpenMemory(image)), read(builder.OpenFile(path))); diff != "" {
			t.Error(diff)
		}
	}
}

// Opening an object does not write to its bytes, wherever they are.
func TestReadOnlyMemory(t *testing.T) {
	for _, name := range []string{"maps", "globals", "struct_ops", "other_order"} {
		image := readObject(t, name)
		const shift = 1
		pages, err := unix.Mmap(-1, 0, len(image)+shift, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
		check(t, err)
		copy(pages[shift:], image)
		check(t, unix.Mprotect(pages, unix.PROT_READ))
		o, err := libbpf.OpenMemory(pages[shift:][:len(image)])
		check(t, err)
		check(t, o.Close())
		check(t, unix.Munmap(pages))
	}
}

// A pipe that nobody writes to does not keep OpenFile waiting.
func TestOpenPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	check(t, unix.Mkfifo(path, 0o600))
	_, err := libbpf.OpenFile(path)
	wantErr(t, err, libbpf.ErrInvalid)
}

// A sparse file of any size costs no memory.
func TestHugeFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "huge")
	check(t, os.WriteFile(path, readObject(t, "maps"), 0o600))
	check(t, os.Truncate(path, 1<<40))
	_, err := libbpf.OpenFile(path)
	wantErr(t, err, libbpf.ErrInvalid)
}
