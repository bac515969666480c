package libbpf_test

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/mutate"
)

// link joins objects in memory.
func link(t testing.TB, objects ...[]byte) ([]byte, error) {
	t.Helper()
	var out bytes.Buffer
	l, err := libbpf.NewLinkerTo(&out)
	check(t, err)
	defer l.Close()
	for _, object := range objects {
		if err := l.AddMemory("unit", object); err != nil {
			return nil, err
		}
	}
	err = l.Link()
	return out.Bytes(), err
}

// Two units, each of which has functions, variables and maps that the other one lacks, are one program.
func TestLinker(t *testing.T) {
	path := filepath.Join(t.TempDir(), "joined.bpf.o")
	l, err := libbpf.NewLinker(path)
	check(t, err)
	defer l.Close()
	check(t, l.AddFile(testutil.Object(t, "link_main")))
	library, err := os.Open(testutil.Object(t, "link_library"))
	check(t, err)
	defer library.Close()
	check(t, l.AddFD(int(library.Fd())))
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file is there before everything is linked: %v", err)
	}
	check(t, l.Link())
	wantErr(t, l.Link(), libbpf.ErrInvalid)
	check(t, l.Close())
	check(t, l.Close())
	wantErr(t, l.AddMemory("late", nil), libbpf.ErrClosed)

	fromFile, err := os.ReadFile(path)
	check(t, err)
	main, library2 := readObject(t, "link_main"), readObject(t, "link_library")
	for range 2 {
		fromMemory, err := link(t, main, library2)
		check(t, err)
		if !bytes.Equal(fromFile, fromMemory) {
			t.Error("the same units give other bytes")
		}
	}
	other, err := link(t, library2, main)
	check(t, err)
	for name, image := range map[string][]byte{"as a file": fromFile, "in the other order": other} {
		t.Run(name, func(t *testing.T) {
			testutil.Root(t)
			o, err := libbpf.OpenMemory(image)
			check(t, err)
			types, err := o.BTF()
			check(t, err)
			defer types.Close()
			shared := 0
			for typ := range types.Types(&err) {
				if typ.Name() == "shared" && typ.Kind().String() == "struct" {
					shared++
				}
			}
			if check(t, err); shared != 1 {
				t.Errorf("struct shared is there %d times", shared)
			}
			check(t, o.SetGlobal("base", 40))
			obj := load(t, o)
			got, err := findProgram(t, obj, "total").TestRun(libbpf.TestRunOptions{Data: make([]byte, 64)})
			check(t, err)
			if got.ReturnValue != (2*40+7)*10+3 {
				t.Errorf("total() = %d", got.ReturnValue)
			}
			value, err := findMap(t, obj, "shared").Lookup(u32(1), libbpf.Any)
			check(t, err)
			if hits, last := binary.NativeEndian.Uint64(value), binary.NativeEndian.Uint32(value[8:]); hits != 1 || last != 87 {
				t.Errorf("the shared map has %d hits, the last of them %d", hits, last)
			}
		})
	}
}

func TestLinkerErrors(t *testing.T) {
	main := readObject(t, "link_main")
	library := readObject(t, "link_library")
	dir := t.TempDir()
	path := filepath.Join(dir, "out.o")
	check(t, os.WriteFile(path, []byte("before"), 0o600))

	type step = func(*libbpf.Linker) error
	memory := func(objects ...[]byte) step {
		return func(l *libbpf.Linker) error {
			for _, o := range objects {
				if err := l.AddMemory("x.bpf.o", o); err != nil {
					return err
				}
			}
			return l.Link()
		}
	}
	otherOrder := bytes.Clone(main)
	swapHeader(otherOrder)
	for name, c := range map[string]struct {
		do   step
		is   error
		want string
	}{
		"nothing":        {memory(), libbpf.ErrInvalid, "no object was added"},
		"twice":          {memory(library, library), unix.EINVAL, "conflicting non-weak symbol"},
		"text":           {memory([]byte("int x;\n")), libbpf.Errno(4001), "it is text"},
		"other order":    {memory(main, otherOrder), libbpf.Errno(4003), `is not that of object "x.bpf.o"`},
		"cut off":        {memory(main[:len(main)/2]), libbpf.ErrInvalid, "damaged"},
		"missing file":   {func(l *libbpf.Linker) error { return l.AddFile("/nonexistent.o") }, os.ErrNotExist, `link object "/nonexistent.o": `},
		"folder":         {func(l *libbpf.Linker) error { return l.AddFile(dir) }, unix.EISDIR, "directory"},
		"device":         {func(l *libbpf.Linker) error { return l.AddFile("/dev/zero") }, libbpf.ErrInvalid, "not a regular file"},
		"bad descriptor": {func(l *libbpf.Linker) error { return l.AddFD(1 << 20) }, unix.EBADF, "fd 1048576"},
		"after a failure": {func(l *libbpf.Linker) error {
			_ = l.AddFile("/nonexistent.o")
			if err := l.AddMemory("main", main); err == nil {
				return errors.New("went on")
			}
			return l.Link()
		}, os.ErrNotExist, "an earlier step failed"},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := libbpf.NewLinker(path)
			check(t, err)
			defer l.Close()
			err = c.do(l)
			wantErr(t, err, c.is)
			if err != nil && !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "fd:") {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
	if now, err := os.ReadFile(path); err != nil || string(now) != "before" {
		t.Errorf("an error left %q, %v", now, err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("files remain: %v, %v", entries, err)
	}
	l, err := libbpf.NewLinker(filepath.Join(dir, "none", "out.o"))
	check(t, err)
	defer l.Close()
	check(t, l.AddMemory("main", main))
	wantErr(t, l.Link(), os.ErrNotExist)
	wantErr(t, new(libbpf.Linker).Link(), libbpf.ErrClosed)
	wantErr(t, (*libbpf.Linker)(nil).Link(), libbpf.ErrClosed)

	failing, err := libbpf.NewLinkerTo(failingWriter{})
	check(t, err)
	defer failing.Close()
	check(t, failing.AddMemory("main", main))
	wantErr(t, failing.Link(), io.ErrClosedPipe)
}

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func elfFile(t testing.TB, image []byte) *elf.File {
	t.Helper()
	file, err := elf.NewFile(bytes.NewReader(image))
	check(t, err)
	return file
}

// swapHeader makes an ELF header say the other byte order, and that there are no sections.
func swapHeader(image []byte) {
	image[elf.EI_DATA] ^= 3
	for _, field := range []struct{ at, size int }{{16, 2}, {18, 2}, {20, 4}, {52, 2}} {
		for i, j := field.at, field.at+field.size-1; i < j; i, j = i+1, j-1 {
			image[i], image[j] = image[j], image[i]
		}
	}
	clear(image[24:52])
	clear(image[54:64])
}

// libbpf's linker reads and writes beyond the end of what it has for each of these.
func TestLinkerDamaged(t *testing.T) {
	main, library := readObject(t, "link_main"), readObject(t, "link_library")
	section := func(image []byte, name string) *elf.Section {
		s := elfFile(t, image).Section(name)
		if s == nil {
			t.Fatalf("no section %q", name)
		}
		return s
	}
	header := func(image []byte, name string) []byte {
		for i, s := range elfFile(t, image).Sections {
			if s.Name == name {
				order := elfFile(t, image).ByteOrder
				return image[order.Uint64(image[40:])+uint64(i)*64:]
			}
		}
		t.Fatalf("no section %q", name)
		return nil
	}
	order := binary.NativeEndian
	for name, damage := range map[string]func(image []byte){
		"relocation behind its section": func(image []byte) {
			order.PutUint64(image[section(image, ".relsocket").Offset:], 1<<30)
		},
		"code without content": func(image []byte) { order.PutUint32(header(image, "socket")[4:], uint32(elf.SHT_NOBITS)) },
		"license without content": func(image []byte) {
			order.PutUint32(header(image, "license")[4:], uint32(elf.SHT_NOBITS))
		},
		"huge alignment": func(image []byte) { order.PutUint64(header(image, ".data")[48:], 1<<40) },
		"types in a cycle": func(image []byte) {
			// The first type, a pointer, becomes one to itself.
			at := section(image, ".BTF").Offset + 24
			order.PutUint32(image[at+4:], 2<<24)
			order.PutUint32(image[at+8:], 1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			bad := bytes.Clone(main)
			damage(bad)
			_, err := link(t, bad, library)
			wantErr(t, err, libbpf.ErrInvalid)
			if err != nil && !strings.Contains(err.Error(), "damaged") {
				t.Error(err)
			}
		})
	}
	t.Run("a variable in two sections", func(t *testing.T) {
		_, err := link(t, readObject(t, "link_weak"), library)
		wantErr(t, err, libbpf.ErrInvalid)
		if err == nil || !strings.Contains(err.Error(), `"counter" is in section ".data", and in section ".bss"`) {
			t.Error(err)
		}
	})
}

// Linking damaged objects ends in an error, or in an object that can be opened without a crash.
func TestLinkerDamage(t *testing.T) {
	main, library := readObject(t, "link_main"), readObject(t, "link_library")
	rounds := 3000
	if testutil.FewRounds() {
		rounds = 300
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range rounds {
		bad := bytes.Clone(main)
		for range 1 + random.IntN(4) {
			bad[random.IntN(len(bad))] = byte(random.Uint32())
		}
		linkDamaged(t, bad, library)
	}
}

func linkDamaged(t testing.TB, bad, good []byte) {
	for _, units := range [][][]byte{{bad, good}, {good, bad}, {bad}} {
		joined, err := link(t, units...)
		mutate.Ended(err)
		if err == nil {
			mutate.Ended(exercise(joined))
		}
	}
}

// FuzzLinker changes bytes of an object before it is linked.
func FuzzLinker(f *testing.F) {
	main, library := readObject(f, "link_main"), readObject(f, "link_library")
	f.Add(uint32(0), []byte{0x7f}, uint32(100), []byte{1, 2, 3, 4})
	f.Fuzz(mutate.Target(f, 200, func(t *testing.T, at uint32, one []byte, at2 uint32, two []byte) {
		bad := bytes.Clone(main)
		copy(bad[int(at)%len(bad):], one)
		copy(bad[int(at2)%len(bad):], two)
		linkDamaged(t, bad, library)
	}))
}
