package stack

import (
	"bufio"
	"bytes"
	"cmp"
	"io"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// mapping is memory of a process that has code.
type mapping struct {
	start, end uint64
	offset     uint64 // of start in the file
	device     string
	inode      uint64 // 0 if there is no file
	path       string // or a name in brackets, or ""
}

// deleted is what the kernel adds to the path of a file that is gone.
const deleted = " (deleted)"

// maxMappings is how many mappings with code are kept of a process. The kernel's limit for all mappings is below this.
const maxMappings = 1 << 16

// parseMaps reads the format of /proc/PID/maps, and keeps what has code. Lines of another form are left out.
func parseMaps(r io.Reader) ([]mapping, error) {
	var all []mapping
	lines := bufio.NewScanner(r)
	for lines.Scan() && len(all) < maxMappings {
		if m, ok := parseMapping(lines.Bytes()); ok {
			all = append(all, m)
		}
	}
	slices.SortFunc(all, func(a, b mapping) int { return cmp.Compare(a.start, b.start) })
	return all, lines.Err()
}

// parseMapping reads such as "7f0000000000-7f0000001000 r-xp 00002000 fe:01 1234     /usr/lib/libc.so.6".
func parseMapping(line []byte) (m mapping, ok bool) {
	var fields [5][]byte
	for i := range fields {
		line = bytes.TrimLeft(line, " ")
		end := bytes.IndexByte(line, ' ')
		if end < 0 {
			end = len(line)
		}
		fields[i], line = line[:end], line[end:]
	}
	start, end, found := bytes.Cut(fields[0], []byte("-"))
	if !found || len(fields[1]) < 3 || fields[1][2] != 'x' {
		return m, false
	}
	hex := func(text []byte) uint64 {
		n, err := strconv.ParseUint(string(text), 16, 64)
		if err != nil {
			found = false
		}
		return n
	}
	m.start, m.end, m.offset = hex(start), hex(end), hex(fields[2])
	inode, err := strconv.ParseUint(string(fields[4]), 10, 64)
	if err != nil || !found || m.start >= m.end {
		return m, false
	}
	m.device, m.inode = string(fields[3]), inode
	// The kernel escapes newlines only.
	m.path = strings.ReplaceAll(string(bytes.TrimLeft(line, " ")), `\012`, "\n")
	return m, true
}

// mappingAt is the mapping that an address is in, or nil.
func mappingAt(all []mapping, address uint64) *mapping {
	next := sort.Search(len(all), func(i int) bool { return all[i].start > address })
	if next == 0 || address >= all[next-1].end {
		return nil
	}
	return &all[next-1]
}
