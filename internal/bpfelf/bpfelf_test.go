package bpfelf

import (
	"debug/elf"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

func TestMain(m *testing.M) { os.Exit(testutil.Main(m)) }

// Relocations of damaged objects may be of any place.
func TestDamagedRelocations(t *testing.T) {
	good, err := os.ReadFile(testutil.Object(t, "attach"))
	if err != nil {
		t.Fatal(err)
	}
	file, err := Read(good)
	if err != nil {
		t.Fatal(err)
	}
	for _, offset := range []uint64{1<<64 - insnSize, 1<<64 - 1, 1 << 63, 0, 1} {
		bad := slices.Clone(good)
		for _, s := range file.Sections {
			for at := s.Offset; s.Type == elf.SHT_REL && at < s.Offset+s.Size; at += 16 {
				binary.NativeEndian.PutUint64(bad[at:], offset)
			}
		}
		damaged, err := Read(bad)
		if err != nil {
			t.Fatal(err)
		}
		functions, err := damaged.Functions("arena")
		if err != nil || len(functions) == 0 {
			t.Errorf("%#x: %d functions, %v", offset, len(functions), err)
		}
		if _, err := damaged.Holds(".maps"); err != nil {
			t.Errorf("%#x: %v", offset, err)
		}
	}
}

// What is no object for BPF is an error, whatever it is.
func TestRead(t *testing.T) {
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	paths, err := filepath.Glob("*.go")
	if err != nil || len(paths) == 0 {
		t.Fatal(err)
	}
	text, err := os.ReadFile(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, data := range [][]byte{nil, self[:100], self, text} {
		if _, err := Read(data); err == nil {
			t.Errorf("%d bytes are read", len(data))
		}
	}
}
