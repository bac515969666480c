package libbpf

import (
	"bytes"
	"debug/elf"
	"os"
	"path/filepath"
	"testing"

	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/mutate"
)

// FuzzScan compares what objectScan finds with what debug/elf does, where that accepts the file. It reads the file also
// in parts, and looks for what is missing.
func FuzzScan(f *testing.F) {
	for _, name := range []string{"attach", "events", "other_order", "globals"} {
		image, err := os.ReadFile(testutil.Object(f, name))
		testutil.Check(f, err)
		f.Add(image)
	}
	f.Fuzz(mutate.Target(f, 1, func(t *testing.T, image []byte) {
		if notObject(image[:min(len(image), 512)]) != "" {
			return
		}
		scan := scanObject(image)
		mutate.Ended(checkDamage(image))
		total := 0
		for _, part := range scan.used() {
			total += len(part)
		}
		if total > len(image) {
			t.Errorf("%d bytes of %d are used", total, len(image))
		}
		if len(image) > 1<<13 {
			return // debug/elf is slow
		}
		file, err := elf.NewFile(bytes.NewReader(image))
		if err != nil {
			return
		}
		if scan.numSections() != len(file.Sections) {
			t.Fatalf("%d sections, not %d", scan.numSections(), len(file.Sections))
		}
		for i, want := range file.Sections {
			got := scan.section(i)
			if got.kind != want.Type || got.link != want.Link || scan.sectionOffset(i) != want.Offset ||
				scan.sectionFlags(i) != want.Flags {
				t.Errorf("section %d is %+v, not %+v", i, got, want.SectionHeader)
			}
		}
	}))
}

// What is left out of a large file is for debuggers. Before, the memory had something else in it.
func TestReadUsed(t *testing.T) {
	path := testutil.Object(t, "core")
	whole, err := os.ReadFile(path)
	testutil.Check(t, err)
	file, err := elf.NewFile(bytes.NewReader(whole))
	testutil.Check(t, err)
	image := objectImage(bytes.Repeat([]byte{0xaa}, len(whole)))
	from, err := os.Open(path)
	testutil.Check(t, err)
	defer from.Close()
	testutil.Check(t, image.readUsed(int(from.Fd())))
	left := 0
	for _, s := range file.Sections {
		if s.Type == elf.SHT_NOBITS || bytes.Equal(image[s.Offset:][:s.Size], whole[s.Offset:][:s.Size]) {
			continue
		}
		if !isForDebuggers([]byte(s.Name)) {
			t.Errorf("section %q was not read", s.Name)
		}
		left += int(s.Size)
	}
	if left == 0 {
		t.Error("all was read")
	}

	// A section that others refer to is read, whatever its name is.
	symbols, bad := file.Section(".symtab"), bytes.Clone(whole)
	at := file.ByteOrder
	for i, s := range file.Sections {
		if s.Name == ".debug_str" {
			table := at.Uint64(whole[0x28:])
			for j, other := range file.Sections {
				if other == symbols {
					at.PutUint32(bad[table+uint64(j)*sectionHeaderSize+40:], uint32(i))
				}
			}
			scan := scanObject(bad)
			found := false
			for _, part := range scan.used() {
				begin := len(bad) - cap(part) + cap(bad) - len(bad)
				found = found || begin <= int(s.Offset) && int(s.Offset+s.Size) <= begin+len(part)
			}
			if !found {
				t.Error("names of symbols are not read")
			}
		}
	}
}

// A file that becomes shorter while it is read is an error, and not what the memory had before.
func TestFileBecomesShorter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "short")
	testutil.Check(t, os.WriteFile(path, make([]byte, 10), 0o600))
	from, err := os.Open(path)
	testutil.Check(t, err)
	defer from.Close()
	testutil.WantErr(t, make(objectImage, 11).read(int(from.Fd())), ErrInvalid)
}
