package inventory

import (
	"bufio"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Symbols are the kernel's functions by address.
type Symbols struct {
	addresses []uint64
	names     []string
}

// ReadSymbols reads /proc/kallsyms. There are none if the kernel hides addresses, as it does without CAP_SYSLOG.
func ReadSymbols() *Symbols {
	s := &Symbols{}
	file, err := os.Open("/proc/kallsyms")
	if err != nil {
		return s
	}
	defer file.Close()
	type symbol struct {
		address uint64
		name    string
	}
	var all []symbol
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		// "ffffffff81000000 T _stext" or, of a module, "... t name\t[module]"
		text, rest, _ := strings.Cut(lines.Text(), " ")
		kind, name, found := strings.Cut(rest, " ")
		if !found || kind == "U" {
			continue
		}
		address, err := strconv.ParseUint(text, 16, 64)
		if err != nil || address == 0 {
			continue
		}
		name, _, _ = strings.Cut(name, "\t")
		all = append(all, symbol{address, name})
	}
	slices.SortStableFunc(all, func(a, b symbol) int {
		switch {
		case a.address < b.address:
			return -1
		case a.address > b.address:
			return 1
		}
		return 0
	})
	for _, one := range all {
		s.addresses = append(s.addresses, one.address)
		s.names = append(s.names, one.name)
	}
	return s
}

// Address is the address of a symbol.
func (s *Symbols) Address(name string) (uint64, bool) {
	i := slices.Index(s.names, name)
	if i < 0 {
		return 0, false
	}
	return s.addresses[i], true
}

// Find is the symbol at or before an address, and how far the address is behind its beginning.
func (s *Symbols) Find(address uint64) (name string, offset uint64, ok bool) {
	i, exact := slices.BinarySearch(s.addresses, address)
	if !exact {
		i--
	}
	const far = 1 << 20 // beyond any function: the address is in none
	if i < 0 || address-s.addresses[i] > far {
		return "", 0, false
	}
	return s.names[i], address - s.addresses[i], true
}
