package libbpf

import (
	"bytes"
	"cmp"
	"debug/elf"
	"slices"
)

// readUsed reads an object without its sections for debuggers, which libbpf ignores. They can be most of a file. What is
// not read has any content.
func (i objectImage) readUsed(fd int) error {
	if err := i.readPart(fd, i[:fileHeaderSize]); err != nil {
		return err
	}
	if notObject(i[:fileHeaderSize]) != "" {
		return i.readPart(fd, i)
	}
	scan := objectScan{image: i, big: elf.Data(i[elf.EI_DATA]) == elf.ELFDATA2MSB}
	table, count := scan.uint64(i[0x28:]), uint64(scan.uint16(i[0x3c:]))
	scan.names = uint32(scan.uint16(i[0x3e:]))
	if count == 0 || uint64(scan.names) >= count ||
		table > uint64(len(i)) || uint64(len(i))-table < count*sectionHeaderSize {
		return i.readPart(fd, i) // not as compilers write it
	}
	scan.sections = i[table:][:count*sectionHeaderSize]
	if err := i.readPart(fd, scan.sections); err != nil {
		return err
	}
	if err := i.readPart(fd, scan.section(int(scan.names)).content); err != nil {
		return err
	}
	for _, part := range scan.used() {
		if err := i.readPart(fd, part); err != nil {
			return err
		}
	}
	return nil
}

// used returns the contents of the sections that libbpf looks at, joined where they are close to each other. It looks at
// some sections whatever their name is: tables of symbols, and those that other sections refer to.
func (s *objectScan) used() [][]byte {
	linked := make(map[uint32]bool)
	for n := range s.numSections() {
		linked[s.section(n).link] = true
	}
	var parts [][]byte
	for n := range s.numSections() {
		section := s.section(n)
		ignored := (section.kind == elf.SHT_PROGBITS || section.kind == elf.SHT_REL) && !linked[uint32(n)] &&
			s.sectionFlags(n)&elf.SHF_EXECINSTR == 0 && isForDebuggers(s.text(s.names, s.sectionName(n)))
		if !ignored && len(section.content) > 0 {
			parts = append(parts, section.content)
		}
	}
	start := func(part []byte) int { return cap(s.image) - cap(part) }
	slices.SortFunc(parts, func(a, b []byte) int { return cmp.Compare(start(a), start(b)) })
	const near = 1 << 12
	joined := parts[:0]
	for _, part := range parts {
		if last := len(joined) - 1; last >= 0 && start(part) <= start(joined[last])+len(joined[last])+near {
			length := max(len(joined[last]), start(part)+len(part)-start(joined[last]))
			joined[last] = joined[last][:length]
		} else {
			joined = append(joined, part)
		}
	}
	return joined
}

func isForDebuggers(section []byte) bool {
	return bytes.HasPrefix(bytes.TrimPrefix(section, []byte(".rel")), []byte(".debug_"))
}
