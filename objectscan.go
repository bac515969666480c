package libbpf

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
)

// objectScan looks at sections and symbols of an object in the way of libelf, and without allocations. debug/elf can't
// do that: it refuses some files that libelf accepts. All offsets and counts are from the file and may be anything.
type objectScan struct {
	image    []byte
	sections []byte // the section headers
	names    uint32 // the section with their names
	strings  []byte // its content
	big      bool   // the order of bytes
}

// Sizes of Elf64_Ehdr, Elf64_Shdr and Elf64_Sym. libelf does not look at the sizes that files tell.
const (
	fileHeaderSize    = 64
	sectionHeaderSize = 64
	symbolSize        = 24
)

// scanObject takes what [notObject] has accepted. Without valid section headers there are no sections, as for libelf.
func scanObject(image []byte) objectScan {
	s := objectScan{image: image, big: elf.Data(image[elf.EI_DATA]) == elf.ELFDATA2MSB}
	if len(image) < fileHeaderSize {
		return s
	}
	at, count := s.uint64(image[0x28:]), uint64(s.uint16(image[0x3c:]))
	if at > uint64(len(image)) {
		return s
	}
	headers := image[at:]
	if count == 0 && at != 0 && len(headers) >= sectionHeaderSize {
		count = s.uint64(headers[32:]) // of the first section, which has nothing else
	}
	if count <= uint64(len(headers))/sectionHeaderSize {
		s.sections = headers[:count*sectionHeaderSize]
	}
	const elsewhere = uint16(elf.SHN_XINDEX) // in the first section, which has nothing else
	number := s.uint16(image[0x3e:])
	s.names = uint32(number)
	if number == elsewhere && len(s.sections) > 0 {
		s.names = s.section(0).link
	}
	if int64(s.names) < int64(s.numSections()) {
		s.strings = s.section(int(s.names)).content
	}
	return s
}

// scanSection is a section. Its content ends where the file ends.
type scanSection struct {
	kind    elf.SectionType
	link    uint32
	content []byte
}

func (s *objectScan) numSections() int { return len(s.sections) / sectionHeaderSize }

func (s *objectScan) section(number int) scanSection {
	header := s.sections[number*sectionHeaderSize:][:sectionHeaderSize]
	found := scanSection{kind: s.sectionKind(number), link: s.uint32(header[40:])}
	if at := s.sectionOffset(number); found.kind != elf.SHT_NOBITS && at <= uint64(len(s.image)) {
		content := s.image[at:]
		found.content = content[:min(s.uint64(header[32:]), uint64(len(content)))]
	}
	return found
}

func (s *objectScan) sectionName(number int) uint32 {
	return s.uint32(s.sections[number*sectionHeaderSize:])
}

// isNamed reports whether a section has a name, which ends in NUL.
func (s *objectScan) isNamed(number int, name string) bool {
	at := uint64(s.sectionName(number))
	return at+uint64(len(name)) <= uint64(len(s.strings)) && string(s.strings[at:][:len(name)]) == name
}

func (s *objectScan) sectionKind(number int) elf.SectionType {
	return elf.SectionType(s.uint32(s.sections[number*sectionHeaderSize+4:]))
}

func (s *objectScan) sectionFlags(number int) elf.SectionFlag {
	return elf.SectionFlag(s.uint64(s.sections[number*sectionHeaderSize+8:]))
}

func (s *objectScan) sectionOffset(number int) uint64 {
	return s.uint64(s.sections[number*sectionHeaderSize+24:])
}

// text is a string of a section with strings, empty if there is none.
func (s *objectScan) text(section, offset uint32) []byte {
	if int64(section) >= int64(s.numSections()) {
		return nil
	}
	strings := s.section(int(section)).content
	if uint64(offset) >= uint64(len(strings)) {
		return nil
	}
	text, _, _ := bytes.Cut(strings[offset:], []byte{0})
	return text
}

func (s *objectScan) uint16(b []byte) uint16 {
	if s.big {
		return binary.BigEndian.Uint16(b)
	}
	return binary.LittleEndian.Uint16(b)
}

func (s *objectScan) uint32(b []byte) uint32 {
	if s.big {
		return binary.BigEndian.Uint32(b)
	}
	return binary.LittleEndian.Uint32(b)
}

func (s *objectScan) uint64(b []byte) uint64 {
	if s.big {
		return binary.BigEndian.Uint64(b)
	}
	return binary.LittleEndian.Uint64(b)
}
