package libbpf

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// The first twenty bytes tell what an ELF file is, in its order of bytes.
func TestNotObject(t *testing.T) {
	header := func(order binary.AppendByteOrder, class elf.Class, kind elf.Type, machine elf.Machine) []byte {
		data := elf.ELFDATA2LSB
		if order == binary.AppendByteOrder(binary.BigEndian) {
			data = elf.ELFDATA2MSB
		}
		ident := append([]byte(elf.ELFMAG), byte(class), byte(data), 1, 0, 0, 0, 0, 0, 0, 0, 0, 0)
		return order.AppendUint16(order.AppendUint16(ident, uint16(kind)), uint16(machine))
	}
	for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		for _, c := range []struct {
			head []byte
			want string
		}{
			{header(order, elf.ELFCLASS64, elf.ET_REL, elf.EM_BPF), ""},
			{header(order, elf.ELFCLASS64, elf.ET_REL, elf.EM_NONE), ""},
			{header(order, elf.ELFCLASS64, elf.ET_REL, elf.EM_X86_64), "an ELF file for x86-64, not a BPF object"},
			{header(order, elf.ELFCLASS32, elf.ET_REL, elf.EM_BPF), "a 32-bit ELF file, but BPF objects are 64-bit"},
			{header(order, elf.ELFCLASS64, elf.ET_DYN, elf.EM_BPF), "an ELF file of type ET_DYN, but BPF objects are of type ET_REL"},
			{header(order, elf.ELFCLASS64, elf.ET_REL, elf.EM_BPF)[:19], "an ELF file that is cut off"},
		} {
			if got := notObject(c.head); got != c.want {
				t.Errorf("%x is %q, want %q", c.head, got, c.want)
			}
		}
	}
}

// The first bytes of a text may end within a character.
func TestNotELF(t *testing.T) {
	const text, binaryFile = "text, such as source code that is not compiled", "not an ELF file"
	for head, want := range map[string]string{
		"":              "empty",
		"a":             text,
		"a\U0001F600":   text,
		"a\xf0\x9f\x98": text, "a\xf0\x9f": text, "a\xf0": text,
		"a\xf0\x9f\x98a": binaryFile, "\xff": binaryFile, "\xff\xff\xff\xff": binaryFile, "a\xff\xff\xff\xff": binaryFile,
		"a\x00b": binaryFile, "a\x01": text,
		"!<arch>\n": "an archive", "!<arch>": text,
	} {
		if got := notELF([]byte(head)); got != want {
			t.Errorf("%q is %s, want %s", head, got, want)
		}
	}
}

// libbpf's errors about missing types are explained by what the file has, and others are not.
func TestExplain(t *testing.T) {
	read := func(name string) objectImage {
		image, err := os.ReadFile(testutil.Object(t, name))
		testutil.Check(t, err)
		return image
	}
	with, without := read("maps"), read("nobtf")
	stripped := append(objectImage(nil), without[:fileHeaderSize]...) // no sections
	copy(stripped[0x28:], make([]byte, 8))
	copy(stripped[0x3c:], make([]byte, 4))
	for _, c := range []struct {
		image objectImage
		err   error
		want  string // "": the error as it was
	}{
		{with, unix.EINVAL, ""}, {without, unix.EINVAL, ""}, {stripped, unix.EINVAL, ""},
		{with, unix.ESRCH, ""}, {without, unix.ESRCH, ErrNoBTF.Error()}, {stripped, unix.ESRCH, ErrNoBTF.Error()},
		{with, unix.ENOENT, "its BTF is incomplete"}, {without, unix.ENOENT, ErrNoBTF.Error()},
		{stripped, unix.ENOENT, "it has no symbols and no BTF"}, {bytes.Repeat(objectImage{1}, 100), unix.ENOENT, ""},
	} {
		err := c.image.explain(c.err)
		switch {
		case c.want == "" && err != c.err:
			t.Errorf("%v became %v", c.err, err)
		case c.want != "" && (!errors.Is(err, ErrNoBTF) || !strings.HasPrefix(err.Error(), c.want)):
			t.Errorf("%v became %v, want %s", c.err, err, c.want)
		}
	}
}
