package libbpf_test

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/mutate"
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
		if size, _ := m.ValueSize(); size < 1<<20 { // damage can make it some gigabytes
			_, _ = m.InitialValue()
		}
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
	for _, name := range []string{
		"maps", "attach", "events", "rejected", "globals", "other_order", "arena_globals",
	} {
		f.Add(readObject(f, name))
	}
	f.Fuzz(mutate.Target(f, 100, func(_ *testing.T, image []byte) { mutate.Ended(exercise(image)) }))
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

// endWithin makes a function end with an instruction that takes two slots.
func endWithin(t *testing.T, image []byte, function string) []byte {
	t.Helper()
	file, err := elf.NewFile(bytes.NewReader(image))
	check(t, err)
	symbols, err := file.Symbols()
	check(t, err)
	bad := bytes.Clone(image)
	for _, s := range symbols {
		if s.Name == function {
			bad[file.Sections[s.Section].Offset+s.Value+s.Size-8] = 0x18
			return bad
		}
	}
	t.Fatalf("no function %s", function)
	return nil
}

// withTypes points a variable of an object to the first of more types. They are told the numbers of that, and of an int.
func withTypes(t *testing.T, object, variable string, more func(first, integer uint32) []byte) []byte {
	t.Helper()
	image := readObject(t, object)
	file, err := elf.NewFile(bytes.NewReader(image))
	check(t, err)
	raw := image[file.Section(".BTF").Offset:][:file.Section(".BTF").Size]
	order := binary.NativeEndian
	header := order.Uint32(raw[4:])
	names := raw[header+order.Uint32(raw[16:]):]
	// The bytes of each kind of type behind the first twelve, and those of each of its parts.
	sizes := map[uint32][2]uint32{1: {4, 0}, 3: {12, 0}, 4: {0, 12}, 5: {0, 12}, 6: {0, 8}, 13: {0, 8}, 14: {4, 0}, 15: {0, 12}, 17: {4, 0}, 19: {0, 12}}
	at := header + order.Uint32(raw[8:])
	end := at + order.Uint32(raw[12:])
	found, integer, id := uint32(0), uint32(0), uint32(1)
	for ; at < end; id++ {
		info := order.Uint32(raw[at+4:])
		kind, parts := info>>24&0x1f, info&0xffff
		switch {
		case kind == 1:
			integer = id
		case kind == 14 && bytes.HasPrefix(names[order.Uint32(raw[at:]):], []byte(variable+"\x00")):
			found = at
		}
		at += 12 + sizes[kind][0] + parts*sizes[kind][1]
	}
	if found == 0 || integer == 0 {
		t.Fatalf("no variable %s, or no int", variable)
	}
	order.PutUint32(raw[found+8:], id)
	added := more(id, integer)
	// The section, with more types, goes to the end of the file.
	larger := slices.Concat(raw[:end], added, raw[end:])
	order.PutUint32(larger[12:], order.Uint32(raw[12:])+uint32(len(added)))
	order.PutUint32(larger[16:], order.Uint32(raw[16:])+uint32(len(added)))
	for i, s := range file.Sections {
		if s.Name == ".BTF" {
			header := image[order.Uint64(image[0x28:])+uint64(i)*64:]
			order.PutUint64(header[24:], uint64(len(image)))
			order.PutUint64(header[32:], uint64(len(larger)))
		}
	}
	return append(image, larger...)
}

// words are numbers as they are in types.
func words(numbers ...uint32) (all []byte) {
	for _, n := range numbers {
		all = append(all, u32(n)...)
	}
	return all
}

// largeKconfig makes an array of a variable of the kernel's configuration, with so many constants on the way to the array.
func largeKconfig(t *testing.T, elements uint32, constants int) []byte {
	t.Helper()
	return withTypes(t, "globals", "CONFIG_HZ", func(first, integer uint32) (types []byte) {
		for range constants {
			first++
			types = append(types, words(0, 10<<24, first)...)
		}
		return append(types, words(0, 3<<24, 0, integer, integer, elements)...)
	})
}

// libbpf follows each of these without an end.
func TestTypesWithoutEnd(t *testing.T) {
	self := func(kind uint32) func(first, _ uint32) []byte {
		return func(first, _ uint32) []byte { return words(0, kind<<24, first) }
	}
	for name, bad := range map[string][]byte{
		"const":    withTypes(t, "maps", "hash", self(10)),
		"volatile": withTypes(t, "maps", "hash", self(9)),
		"restrict": withTypes(t, "maps", "hash", self(11)),
		"typedef":  withTypes(t, "maps", "hash", func(first, _ uint32) []byte { return words(1, 8<<24, first) }),
		"tag":      withTypes(t, "maps", "hash", func(first, _ uint32) []byte { return words(1, 18<<24, first) }),
		"behind others": withTypes(t, "maps", "hash", func(first, integer uint32) []byte {
			return words(0, 10<<24, first+1, 0, 9<<24, first+3, 0, 10<<24, integer, 0, 11<<24, first+1)
		}),
		"an extern": withTypes(t, "globals", "CONFIG_HZ", self(10)),
	} {
		if err := exercise(bad); !errors.Is(err, libbpf.ErrInvalid) || !strings.Contains(err.Error(), "refers to itself") {
			t.Errorf("%s: %v", name, err)
		}
	}
	structs := withTypes(t, "globals", "CONFIG_HZ", func(first, integer uint32) []byte {
		return words(0, 3<<24, 0, first+1, integer, 1, 0, 4<<24|1, 8, 0, first+1, 0)
	})
	if err := exercise(structs); !errors.Is(err, unix.ENOTSUP) || !strings.Contains(err.Error(), "a struct") {
		t.Errorf("a struct in itself: %v", err)
	}
	long := withTypes(t, "maps", "hash", func(first, integer uint32) (types []byte) {
		for range 100_000 {
			first++
			types = append(types, words(0, 10<<24, first)...)
		}
		return append(types, words(0, 10<<24, integer)...)
	})
	if err := exercise(long); err == nil || errors.Is(err, libbpf.ErrInvalid) {
		t.Errorf("a long way with an end: %v", err)
	}
}

// Each of these made libbpf touch memory that was not its own.
func TestDamageThatLibbpfMisses(t *testing.T) {
	bad := endWithin(t, readObject(t, "attach"), "on_enter")
	// libelf does not look at the size of a section's header in the file's.
	otherSize := bytes.Clone(bad)
	otherSize[0x3a] = 40
	// The names of sections are not needed to find the functions.
	otherNames := bytes.Clone(bad)
	otherNames[0x3e]++
	for name, bad := range map[string][]byte{
		"order of this machine": bad,
		"other order":           endWithin(t, readObject(t, "other_order"), "count"),
		"size of headers":       otherSize,
		"names of sections":     otherNames,
	} {
		err := exercise(bad)
		if errors.Is(err, libbpf.Errno(4003)) && name == "other order" { // libbpf before 1.6 opens none of that order
			continue
		}
		if !errors.Is(err, libbpf.ErrInvalid) || !strings.Contains(err.Error(), "ends within an instruction") {
			t.Errorf("%s: %v", name, err)
		}
		path := filepath.Join(t.TempDir(), "bad.bpf.o")
		check(t, os.WriteFile(path, bad, 0o644))
		_, err = libbpf.OpenFile(path)
		wantErr(t, err, libbpf.ErrInvalid)
	}

	// A variable of the kernel's configuration has 2 GiB or more, or there is another symbol for it.
	// libbpf follows 32 types from the variable to its size.
	for _, c := range []struct {
		elements  uint32
		constants int
	}{{1<<31 - 1, 0}, {1 << 28, 0}, {1 << 28, 30}} {
		err := exercise(largeKconfig(t, c.elements, c.constants))
		if !errors.Is(err, libbpf.ErrInvalid) || !strings.Contains(err.Error(), "too large") {
			t.Errorf("%d elements: %v", c, err)
		}
	}
	if err := exercise(largeKconfig(t, 1<<28, 31)); err == nil || strings.Contains(err.Error(), "too large") {
		t.Errorf("libbpf follows more types than before: %v", err)
	}

	m, err := open(t, "maps").Map("hash")
	check(t, err)
	wantErr(t, m.SetType(libbpf.MapTypeStructOps), libbpf.ErrInvalid)

	// A map's type is the length of an array in BTF.
	good := readObject(t, "maps")
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
