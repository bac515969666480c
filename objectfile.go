package libbpf

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/fault"
	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// errOtherOrder: the object can be opened, to look at it, and not be loaded.
var errOtherOrder = fault.New("it has the other byte order", clib.ErrnoEndian)

// check refuses what is not a BPF object, and damaged functions and types that libbpf trusts. libbpf reports other
// damage.
func (i objectImage) check() error {
	if what := notObject(i[:min(len(i), 512)]); what != "" {
		return fault.New("it is "+what, clib.ErrnoFormat)
	}
	if i.otherOrder() && needs("opening objects of the other byte order", 1, 6) != nil {
		return errOtherOrder
	}
	return checkDamage(i)
}

// otherOrder reports whether an object's order of bytes is not this machine's.
func (i objectImage) otherOrder() bool { return elf.Data(i[elf.EI_DATA]) != nativeOrder() }

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
	for i := 1; i < utf8.UTFMax && !utf8.Valid(text) && len(text) > 1; i++ {
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

// explain replaces libbpf's error in opening the object with what it means: ENOENT and ESRCH are about missing types.
func (i objectImage) explain(err error) error {
	if err != unix.ENOENT && err != unix.ESRCH {
		return err
	}
	file, readErr := elf.NewFile(bytes.NewReader(i))
	if readErr != nil {
		return err
	}
	switch {
	case err == unix.ENOENT && file.Section(".symtab") == nil:
		return fault.New("it has no symbols and no BTF: it was stripped", ErrNoBTF)
	case file.Section(".BTF") == nil:
		return ErrNoBTF
	case err == unix.ENOENT:
		return fault.New("its BTF is incomplete: externs need __kconfig or __ksym, and all source files need -g",
			ErrNoBTF)
	}
	return err
}
