package symbol

import (
	"bytes"
	"debug/elf"
	"encoding/hex"
	"hash/crc32"
	"io"
	"path/filepath"
)

// debugRoot is the folder in which distributions install debug files of stripped binaries. Tests replace it.
var debugRoot = "/usr/lib/debug"

// debugSymbols visits the symbols in the separate debug file of the binary, if there is one.
func (f *File) debugSymbols(only *filter, visit func(function)) {
	debug := f.openDebugFile()
	if debug == nil {
		return
	}
	defer debug.Close()
	walk(debug.elf, elf.SHT_SYMTAB, nil, only, visit)
}

// openDebugFile opens the debug file of a stripped binary. It looks in the same places as GDB: first by the build id,
// which both files have, then by the name and the checksum in .gnu_debuglink. It returns nil if there is none.
func (f *File) openDebugFile() *File {
	id := buildID(f.elf)
	if len(id) > 1 {
		name := hex.EncodeToString(id)
		debug, err := f.openDebug(filepath.Join(debugRoot, ".build-id", name[:2], name[2:]+".debug"))
		if err == nil {
			if bytes.Equal(buildID(debug.elf), id) {
				return debug
			}
			_ = debug.Close()
		}
	}
	name, sum, ok := f.debugLink()
	if !ok {
		return nil
	}
	for _, dir := range f.dirs() {
		for _, path := range []string{
			filepath.Join(dir, name), filepath.Join(dir, ".debug", name), filepath.Join(debugRoot, dir, name),
		} {
			debug, err := f.openDebug(path)
			if err != nil {
				continue
			}
			if other := buildID(debug.elf); (other == nil || bytes.Equal(other, id)) && checksum(debug.file) == sum {
				return debug
			}
			_ = debug.Close()
		}
	}
	return nil
}

// openDebug opens a file that may be the debug file. Who made the binary may have made the file, or a link.
func (f *File) openDebug(path string) (*File, error) {
	file, err := OpenRegular(f.root, path)
	if err != nil {
		return nil, err
	}
	return own(file, f.root, path)
}

// dirs returns the folder of the binary's path, and that of the file behind symbolic links.
func (f *File) dirs() []string {
	var dirs []string
	if dir, err := filepath.Abs(filepath.Dir(f.path)); err == nil {
		dirs = append(dirs, dir)
	}
	if path, err := filepath.EvalSymlinks(f.path); err == nil && f.root == "/" {
		if dir, err := filepath.Abs(filepath.Dir(path)); err == nil && (len(dirs) == 0 || dir != dirs[0]) {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// debugLink returns the name of the debug file, and the checksum that the file must have.
func (f *File) debugLink() (name string, sum uint32, ok bool) {
	section := f.elf.Section(".gnu_debuglink")
	if section == nil {
		return "", 0, false
	}
	data, err := content(section, maxLink)
	if err != nil {
		return "", 0, false
	}
	end := bytes.IndexByte(data, 0)
	at := (end + 1 + 3) &^ 3 // aligned
	if end <= 0 || at+4 > len(data) {
		return "", 0, false
	}
	name = string(data[:end])
	return name, f.elf.ByteOrder.Uint32(data[at:]), name == filepath.Base(name)
}

// checksum returns the CRC-32 of a file, and that of its beginning if it is too large.
func checksum(file io.ReaderAt) uint32 {
	sum := crc32.NewIEEE()
	if _, err := io.Copy(sum, io.NewSectionReader(file, 0, maxDebug)); err != nil {
		return 0
	}
	return sum.Sum32()
}

// buildID returns the build id that the linker wrote into the binary, or nil.
func buildID(e *elf.File) []byte {
	const typeBuildID = 3 // NT_GNU_BUILD_ID
	left := uint64(maxNotes)
	for _, s := range e.Sections {
		if s.Type != elf.SHT_NOTE {
			continue
		}
		data, err := content(s, left)
		if err != nil {
			continue
		}
		left -= s.Size
		for len(data) >= 12 {
			nameSize, descSize := uint64(e.ByteOrder.Uint32(data)), uint64(e.ByteOrder.Uint32(data[4:]))
			typ := e.ByteOrder.Uint32(data[8:])
			data = data[12:]
			nameEnd, descAt := nameSize, (nameSize+3)&^3
			if descAt+descSize > uint64(len(data)) {
				break
			}
			if typ == typeBuildID && string(data[:nameEnd]) == "GNU\x00" {
				return data[descAt : descAt+descSize]
			}
			data = data[min(descAt+(descSize+3)&^3, uint64(len(data))):]
		}
	}
	return nil
}
