package libbpf

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/fault"
	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// objectFile is what is known about an object before libbpf reads it. The zero value means that nothing could be read.
type objectFile struct {
	read       bool
	otherOrder bool // not this machine's
	sections   []string
}

// errOtherOrder: the object can be opened, to look at it, and not be loaded.
var errOtherOrder = fault.New("it has the other byte order", clib.ErrnoEndian)

// readFile refuses what is not a regular file, because libbpf would leak its descriptor, and what is not a BPF object.
// If the file can't be opened, libbpf reports it.
func readFile(path string) (objectFile, error) {
	info, err := os.Stat(path)
	if err != nil {
		return objectFile{}, nil
	}
	if info.IsDir() {
		return objectFile{}, unix.EISDIR
	}
	if !info.Mode().IsRegular() {
		return objectFile{}, fault.Invalidf("not a regular file")
	}
	file, err := os.Open(path)
	if err != nil {
		return objectFile{}, nil
	}
	defer file.Close()
	return readObject(file)
}

// readObject refuses what is not a BPF object, and an object with a damaged function. libbpf reports other damage.
func readObject(object io.ReaderAt) (objectFile, error) {
	head := make([]byte, 512)
	n, err := object.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return objectFile{}, err
	}
	if what := notObject(head[:n]); what != "" {
		return objectFile{}, fault.New("it is "+what, clib.ErrnoFormat)
	}
	otherOrder := elf.Data(head[elf.EI_DATA]) != nativeOrder()
	if otherOrder && needs("opening objects of the other byte order", 1, 6) != nil {
		return objectFile{}, errOtherOrder
	}
	file, err := elf.NewFile(object)
	if err != nil {
		return objectFile{otherOrder: otherOrder}, nil
	}
	found := objectFile{read: true, otherOrder: otherOrder}
	for _, s := range file.Sections {
		found.sections = append(found.sections, s.Name)
	}
	return found, checkInstructions(object, file)
}

// notObject says what a file is, from its first bytes, or "" if it is a BPF object of either byte order. Old compilers
// have made BPF objects for no machine; libbpf accepts them.
func notObject(head []byte) string {
	if !bytes.HasPrefix(head, []byte(elf.ELFMAG)) {
		return fmt.Sprintf("%s, not a BPF object", notELF(head))
	}
	const end = 20 // of e_type and e_machine, which come after e_ident
	if len(head) < end {
		return "an ELF file that is cut off"
	}
	var order binary.ByteOrder = binary.LittleEndian
	if elf.Data(head[elf.EI_DATA]) == elf.ELFDATA2MSB {
		order = binary.BigEndian
	}
	kind, machine := elf.Type(order.Uint16(head[16:])), elf.Machine(order.Uint16(head[18:]))
	switch {
	case machine != elf.EM_BPF && machine != elf.EM_NONE:
		name := strings.ReplaceAll(strings.TrimPrefix(machine.String(), "EM_"), "_", "-")
		return fmt.Sprintf("an ELF file for %s, not a BPF object", strings.ToLower(name))
	case elf.Class(head[elf.EI_CLASS]) != elf.ELFCLASS64:
		return "a 32-bit ELF file, but BPF objects are 64-bit"
	case kind != elf.ET_REL:
		return fmt.Sprintf("an ELF file of type %v, but BPF objects are of type %v", kind, elf.ET_REL)
	}
	return ""
}

// notELF says what a file is that is not ELF, from its first bytes.
func notELF(head []byte) string {
	for _, known := range []struct{ magic, what string }{
		{"!<arch>\n", "an archive"},
		{"!<thin>\n", "an archive"},
		{"BC\xc0\xde", "LLVM bitcode"},
		{"\x1f\x8b", "compressed by gzip"},
		{"\x28\xb5\x2f\xfd", "compressed by zstd"},
		{"\x9f\xeb", "raw BTF"},
		{"\xeb\x9f", "raw BTF"},
	} {
		if strings.HasPrefix(string(head), known.magic) {
			return known.what
		}
	}
	text := head
	for i := 1; i < utf8.UTFMax && !utf8.Valid(text) && len(text) > 0; i++ {
		text = text[:len(text)-1] // the last character may be incomplete
	}
	switch {
	case len(head) == 0:
		return "empty"
	case utf8.Valid(text) && !bytes.ContainsRune(text, 0):
		return "text, such as source code that is not compiled"
	}
	return "not an ELF file"
}

func nativeOrder() elf.Data {
	if binary.NativeEndian.Uint16([]byte{1, 0}) == 1 {
		return elf.ELFDATA2LSB
	}
	return elf.ELFDATA2MSB
}

// explain replaces libbpf's error in opening the object with what it means: ENOENT and ESRCH can be about missing
// types, although the file exists.
func (f objectFile) explain(err error) error {
	switch {
	case !f.read:
	case err == unix.ENOENT && !slices.Contains(f.sections, ".symtab"):
		return fault.New("it has no symbols and no BTF: it was stripped", ErrNoBTF)
	case (err == unix.ENOENT || err == unix.ESRCH) && !slices.Contains(f.sections, ".BTF"):
		return ErrNoBTF
	case err == unix.ENOENT:
		return fault.New("its BTF is incomplete: externs need __kconfig or __ksym, and all source files need -g",
			ErrNoBTF)
	}
	return err
}
