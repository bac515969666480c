package libbpf_test

import (
	"bytes"
	"debug/elf"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// exercise opens an object that may be damaged and uses what an OpenObject offers. It returns Open's error.
func exercise(image []byte) error {
	quiet := func(libbpf.PrintLevel, string) {}
	o, err := libbpf.ObjectBuilder{Name: "damaged", Print: quiet}.OpenMemory(image)
	if err != nil {
		return err
	}
	defer o.Close()
	for m := range o.Maps() {
		_, _ = m.Type()
		_, _ = m.InitialValue()
		_, _ = m.KeyTypeID()
	}
	for p := range o.Programs() {
		_, _ = p.Instructions()
		_, _ = p.Type()
	}
	_ = o.SetGlobal("ro_u32", 1)
	if types, err := o.BTF(); err == nil {
		_ = types.Close()
	}
	return nil
}

func readObject(t testing.TB, name string) []byte {
	t.Helper()
	image, err := os.ReadFile(testutil.Object(t, name))
	check(t, err)
	return image
}

func TestBadObjects(t *testing.T) {
	good := readObject(t, "maps")
	dir := t.TempDir()
	file := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		check(t, os.WriteFile(path, content, 0o644))
		return path
	}
	for name, c := range map[string]struct {
		path string
		is   error
	}{
		"missing":       {filepath.Join(dir, "nope"), os.ErrNotExist},
		"a directory":   {dir, unix.EISDIR},
		"a device":      {"/dev/null", libbpf.ErrInvalid},
		"empty":         {file("empty", nil), nil},
		"text":          {file("text", []byte("hello, world\n")), nil},
		"a NUL in it":   {"a\x00b", libbpf.ErrInvalid},
		"no path":       {"", nil},
		"not BPF":       {"/proc/self/exe", nil},
		"header only":   {file("header", good[:64]), nil},
		"half":          {file("half", good[:len(good)/2]), nil},
		"without magic": {file("magic", append([]byte{0}, good[1:]...)), nil},
	} {
		o, err := libbpf.OpenFile(c.path)
		if err == nil {
			t.Errorf("%s: opened", name)
			_ = o.Close()
			continue
		}
		var failed *libbpf.Error
		if !errors.As(err, &failed) || failed.Op != "open" || c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("%s: error %v", name, err)
		}
		if o != nil {
			t.Errorf("%s: an object beside the error", name)
		}
	}
	for _, image := range [][]byte{nil, {}, {0x7f}} {
		_, err := libbpf.OpenMemory(image)
		if err == nil {
			t.Errorf("opened %v", image)
		}
	}
	for n := 0; n < len(good); n += 97 {
		_ = exercise(good[:n])
	}
	if err := exercise(good); err != nil {
		t.Error(err)
	}
}

// Objects with flipped bits give errors or load something else, but never crash. The seed is fixed: the same objects
// each time. FuzzOpenMemory looks further.
func TestFlippedBits(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	rounds := 1500
	if testing.Short() {
		rounds = 50
	}
	for _, name := range []string{"maps", "attach", "events"} {
		good := readObject(t, name)
		for range rounds {
			bad := bytes.Clone(good)
			for range 1 + random.IntN(4) {
				bad[random.IntN(len(bad))] ^= 1 << random.IntN(8)
			}
			_ = exercise(bad)
		}
	}
}

func FuzzOpenMemory(f *testing.F) {
	for _, name := range []string{"maps", "attach", "events", "rejected"} {
		f.Add(readObject(f, name))
	}
	f.Fuzz(func(_ *testing.T, image []byte) { _ = exercise(image) })
}

// An object without BTF opens and loads, if nothing in it needs BTF, and says what it lacks.
func TestObjectWithoutBTF(t *testing.T) {
	o := open(t, "nobtf")
	_, err := o.BTF()
	wantErr(t, err, libbpf.ErrNoBTF)
	wantErr(t, o.SetGlobal("count", 1), libbpf.ErrNoBTF)
	bss, err := o.Map(".bss")
	check(t, err)
	id, err := bss.ValueTypeID()
	if err != nil || id != 0 {
		t.Errorf("type id %d, %v", id, err)
	}
	loaded := load(t, o)
	_, err = loaded.BTF()
	wantErr(t, err, libbpf.ErrNoBTF)
	if fd := loaded.BTFFD(); fd != -1 {
		t.Errorf("descriptor %d of no BTF", fd)
	}
	_, err = findMap(t, loaded, ".bss").Lookup(u32(0), libbpf.Any)
	check(t, err)
	wantErr(t, findMap(t, loaded, ".bss").Delete(u32(0)), unix.EINVAL)
}

// Each of these made libbpf touch memory that was not its own.
func TestDamageThatLibbpfMisses(t *testing.T) {
	good := readObject(t, "attach")
	file, err := elf.NewFile(bytes.NewReader(good))
	check(t, err)
	bad := bytes.Clone(good)
	found := false
	symbols, err := file.Symbols()
	check(t, err)
	for _, s := range symbols {
		if s.Name == "on_enter" {
			bad[file.Sections[s.Section].Offset+s.Value+s.Size-8] = 0x18
			found = true
		}
	}
	if !found {
		t.Fatal("no function on_enter")
	}
	wantErr(t, exercise(bad), libbpf.ErrInvalid)
	path := filepath.Join(t.TempDir(), "bad.bpf.o")
	check(t, os.WriteFile(path, bad, 0o644))
	_, err = libbpf.OpenFile(path)
	wantErr(t, err, libbpf.ErrInvalid)

	m, err := open(t, "maps").Map("hash")
	check(t, err)
	wantErr(t, m.SetType(libbpf.MapTypeStructOps), libbpf.ErrInvalid)

	// A map's type is the length of an array in BTF.
	good = readObject(t, "maps")
	opened := 0
	for at := 0; at+4 <= len(good); at += 4 {
		if !bytes.Equal(good[at:at+4], u32(uint32(libbpf.MapTypeArrayOfMaps))) {
			continue
		}
		bad := bytes.Clone(good)
		copy(bad[at:], u32(uint32(libbpf.MapTypeStructOps)))
		if err := exercise(bad); err == nil {
			opened++
		} else if errors.Is(err, libbpf.ErrInvalid) {
			return
		}
	}
	t.Errorf("no map could be turned into a struct_ops; %d objects opened", opened)
}
