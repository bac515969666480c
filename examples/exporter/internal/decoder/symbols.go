package decoder

import (
	"bufio"
	"bytes"
	"cmp"
	"log/slog"
	"os"
	"slices"
	"sort"
	"strconv"
	"sync"
)

// Symbols are functions of the kernel. Its list has a hundred thousand names, of which few are asked for: so it is
// read for those alone, and not kept.
type Symbols struct {
	path  string
	mu    sync.Mutex
	names map[uint64]string
	table []symbol // while a snapshot is taken
	warn  sync.Once
}

type symbol struct {
	address uint64
	name    string
}

// decode is "ksym". An address without a name is "unknown": anybody may ask for metrics, and addresses of the kernel help
// to attack it.
func (s *Symbols) decode(f Field) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if name, ok := s.names[f.Number]; ok {
		return name
	}
	if s.table == nil {
		s.table = readSymbols(s.path)
	}
	if len(s.table) == 0 {
		s.warn.Do(func() {
			slog.Warn("the kernel's symbols can't be read: CAP_SYSLOG is missing, or kernel.kptr_restrict is set", "file", s.path)
		})
		return unknown
	}
	if s.names == nil || len(s.names) > 1<<16 {
		s.names = map[uint64]string{}
	}
	name := find(s.table, f.Number)
	if name == "" {
		name = unknown
	}
	s.names[f.Number] = name
	return name
}

// Release drops the list, but keeps the names that were found.
func (s *Symbols) Release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.table = nil
}

// readSymbols reads the kernel's list. It is empty, but not nil, if it can't be read or the kernel hides the addresses
// (kernel.kptr_restrict, or CAP_SYSLOG is missing).
func readSymbols(path string) []symbol {
	table := []symbol{}
	file, err := os.Open(path)
	if err != nil {
		return table
	}
	defer file.Close()
	lines := bufio.NewScanner(bufio.NewReaderSize(file, 1<<20))
	for lines.Scan() {
		fields := bytes.Fields(lines.Bytes())
		if len(fields) < 3 || fields[1][0]|0x20 == 'a' { // absolute: no place
			continue
		}
		if address, err := strconv.ParseUint(string(fields[0]), 16, 64); err == nil && address != 0 {
			table = append(table, symbol{address, string(fields[2])})
		}
	}
	slices.SortStableFunc(table, func(a, b symbol) int { return cmp.Compare(a.address, b.address) })
	return table
}

// largest is a size that no function of the kernel reaches.
const largest = 1 << 20

// find is the name of the function that has an address, or "".
func find(table []symbol, address uint64) string {
	after := sort.Search(len(table), func(i int) bool { return table[i].address > address })
	if after == 0 || address-table[after-1].address > largest {
		return ""
	}
	at := after - 1
	for at > 0 && table[at-1].address == table[at].address { // the first of several names
		at--
	}
	return table[at].name
}
