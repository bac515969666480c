package inspect

import (
	"bytes"
	"debug/elf"
	"fmt"
	"strings"

	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/kernel"
	"github.com/libbpf-go/libbpf-go/internal/symbol"
)

// hasUSDT is whether a binary of this machine has a probe, which is given as provider:name.
func hasUSDT(binary, probe string) kernel.Answer {
	path, err := symbol.Locate(binary)
	if err != nil {
		return kernel.Answer{State: kernel.No, Why: err.Error()}
	}
	binaryFile, err := symbol.OpenRegular("/", path)
	if err != nil {
		return fileAnswer(err)
	}
	defer binaryFile.Close()
	file, err := elf.NewFile(binaryFile)
	if err != nil {
		return fileAnswer(fmt.Errorf("%s is not an ELF file: %w", path, err))
	}
	for _, s := range file.Sections {
		if s.Type != elf.SHT_NOTE || s.Name != ".note.stapsdt" {
			continue
		}
		notes, err := s.Data()
		if err != nil {
			return fileAnswer(err)
		}
		if hasNote(file, notes, probe) {
			return kernel.Answer{State: kernel.Yes}
		}
	}
	return kernel.Answer{State: kernel.No, Why: path + " has no such probe"}
}

// hasNote looks for a probe in notes. The descriptor of a note has three addresses, and then the provider, the name and
// the arguments, each with a NUL at its end.
func hasNote(file *elf.File, notes []byte, probe string) bool {
	const header, addresses = 12, 3
	word := 8
	if file.Class == elf.ELFCLASS32 {
		word = 4
	}
	provider, name, _ := strings.Cut(probe, ":")
	want := []byte(provider + "\x00" + name + "\x00")
	for len(notes) >= header {
		nameSize, size := uint64(file.ByteOrder.Uint32(notes)), uint64(file.ByteOrder.Uint32(notes[4:]))
		begin := header + (nameSize+3)&^3
		end := begin + (size+3)&^3
		if end > uint64(len(notes)) {
			return false
		}
		if size >= uint64(addresses*word) && bytes.HasPrefix(notes[begin+uint64(addresses*word):end], want) {
			return true
		}
		notes = notes[end:]
	}
	return false
}
