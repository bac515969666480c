package libbpf_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/mutate"
)

// Fuzz targets that go into the kernel. What they load is closed at once, and nothing is attached or pinned.

// fuzzMemory is how much memory a map of a fuzz target may have.
const fuzzMemory = 1 << 20

// FuzzLoad opens objects that may be damaged, and loads those that are not large.
func FuzzLoad(f *testing.F) {
	testutil.Root(f)
	for _, name := range []string{"maps", "attach", "events", "globals", "arena_globals", "maptypes"} {
		f.Add(readObject(f, name))
	}
	noPins := f.TempDir() // maps can't be pinned there
	f.Fuzz(mutate.Target(f, 1000, func(_ *testing.T, image []byte) {
		builder := libbpf.ObjectBuilder{PinRootPath: noPins, NoToken: true, Print: func(libbpf.PrintLevel, string) {}}
		o, err := builder.OpenMemory(image)
		if err != nil {
			mutate.Ended(err)
			return
		}
		defer o.Close()
		for m := range o.Maps() {
			entries, _ := m.MaxEntries()
			value, _ := m.ValueSize()
			key, _ := m.KeySize()
			_ = m.SetPinPath("")
			if uint64(entries)*(uint64(value)+uint64(key)) > fuzzMemory {
				if m.SetMaxEntries(1) != nil || value > fuzzMemory {
					return
				}
			}
		}
		loaded, err := o.Load()
		mutate.Ended(err)
		if err != nil {
			return
		}
		for m := range loaded.Maps() {
			_, _ = m.Info()
		}
		for p := range loaded.Programs() {
			_, _ = p.Info(libbpf.ProgramInfoParts(0))
		}
		_ = loaded.Close()
	}))
}

// FuzzKconfig loads an object with any text of a kernel configuration. Its programs are not loaded.
func FuzzKconfig(f *testing.F) {
	testutil.Root(f)
	image := readObject(f, "globals")
	for _, text := range []string{
		"CONFIG_HZ=250\n", "CONFIG_HZ=0x10\nCONFIG_NOT_THERE=y", "# a\n\nCONFIG_HZ=\"x\"", "CONFIG_HZ=m", "CONFIG_HZ=-99999999999999999999",
	} {
		f.Add(text)
	}
	f.Fuzz(mutate.Target(f, 1000, func(_ *testing.T, text string) {
		o, err := libbpf.ObjectBuilder{Kconfig: text, Print: func(libbpf.PrintLevel, string) {}}.OpenMemory(image)
		if err != nil {
			mutate.Ended(err)
			return
		}
		defer o.Close()
		for p := range o.Programs() {
			_ = p.SetAutoload(false)
		}
		loaded, err := o.Load()
		mutate.Ended(err)
		_ = loaded.Close()
	}))
}

// FuzzObjectBuilder opens an object with any options.
func FuzzObjectBuilder(f *testing.F) {
	image := readObject(f, "globals")
	f.Add([]byte{})
	f.Add([]byte{1, 3, 'a', 'b', 'c', 1, 2, '/', 'x'})
	f.Fuzz(mutate.Target(f, 200, func(t *testing.T, options []byte) {
		var builder libbpf.ObjectBuilder
		mutate.Fill(&builder, options)
		builder.KernelLogSize = min(builder.KernelLogSize, 1<<24)
		builder.Print = func(libbpf.PrintLevel, string) {}
		o, err := builder.OpenMemory(image)
		mutate.Ended(err)
		if (o == nil) != (err != nil) {
			t.Errorf("%v, %v", o, err)
		}
		if err == nil && builder.Name != "" && o.Name() != builder.Name[:min(len(builder.Name), 15)] {
			t.Errorf("the name is %q, not %q", o.Name(), builder.Name)
		}
		_ = o.Close()
	}))
}

// FuzzMapCreate makes small maps with any options.
func FuzzMapCreate(f *testing.F) {
	testutil.Root(f)
	for typ := range uint32(40) {
		f.Add(typ, "name", uint32(4), uint32(8), uint32(4), []byte{})
	}
	f.Fuzz(mutate.Target(f, 100, func(t *testing.T, typ uint32, name string, key, value, entries uint32, data []byte) {
		var options libbpf.MapCreateOptions
		mutate.Fill(&options, data)
		if uint64(key)+uint64(value) > fuzzMemory || (uint64(key)+uint64(value)+64)*uint64(entries) > fuzzMemory {
			entries %= 16
			key, value = key%4096, value%4096
		}
		m, err := libbpf.CreateMap(libbpf.MapType(typ), name, key, value, entries, options)
		mutate.Ended(err)
		if err != nil {
			return
		}
		defer m.Close()
		if m.KeySize() != key || m.Type() != libbpf.MapType(typ) {
			t.Errorf("a map of type %v with keys of %d bytes, not %d, %d", m.Type(), m.KeySize(), typ, key)
		}
		small := bytes.Repeat([]byte{0}, int(key))
		if got, err := m.Lookup(small, libbpf.Any); err == nil && len(got) != int(m.ValueSize()) {
			t.Errorf("a value of %d bytes, not %d", len(got), m.ValueSize())
		}
	}))
}

// FuzzProgramLoad loads any instructions with any options.
func FuzzProgramLoad(f *testing.F) {
	testutil.Root(f)
	exit := []byte{0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0}
	for typ := range uint32(34) {
		f.Add(typ, "name", "GPL", exit, []byte{})
	}
	f.Add(uint32(libbpf.ProgramTypeSocketFilter), "", "", append([]byte{0x18, 0x11, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, exit...),
		[]byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 1, 3, 1, 4, 1, 5, 1})
	f.Fuzz(mutate.Target(f, 200, func(t *testing.T, typ uint32, name, license string, code, data []byte) {
		var options libbpf.ProgramLoadOptions
		mutate.Fill(&options, data)
		options.Attempts = min(options.Attempts, 2)
		code = code[:min(len(code), 8*64)&^7]
		insns := make([]libbpf.Instruction, len(code)/8)
		if _, err := binary.Decode(code, binary.NativeEndian, insns); err != nil {
			t.Fatal(err)
		}
		p, err := libbpf.LoadProgram(libbpf.ProgramType(typ), name, license, insns, options)
		mutate.Ended(err)
		if err == nil && p.Type() != libbpf.ProgramType(typ) {
			t.Errorf("a program of type %v, not %d", p.Type(), typ)
		}
		_ = p.Close()
	}))
}
