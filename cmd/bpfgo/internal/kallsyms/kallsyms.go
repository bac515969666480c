// Package kallsyms reads the kernel's list of its functions, those of its modules, and BPF programs.
package kallsyms

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"io"
	"os"
	"slices"
	"sort"
	"strconv"
)

// Table has the symbols by address.
type Table []Symbol

// Symbol is a name of an address.
type Symbol struct {
	Address      uint64
	Name, Module string
}

// ErrHidden is that the addresses in the kernel's list are all zero.
var ErrHidden = errors.New("the kernel hides its addresses (kernel.kptr_restrict, or CAP_SYSLOG is missing): " +
	"kernel functions have no names")

// parse reads the format of /proc/kallsyms: "ffffffff81000000 T _stext", with a tab and "[module]" behind it
// for those of modules.
func parse(r io.Reader) (Table, error) {
	var symbols Table
	modules := map[string]string{} // each name once
	zeros := false
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		fields := bytes.Fields(lines.Bytes())
		if len(fields) < 3 || len(fields[1]) != 1 {
			continue
		}
		// Data ends the code before it, so it is read too, but what is absolute is no place.
		if kind := fields[1][0]; kind == 'a' || kind == 'A' {
			continue
		}
		address, err := strconv.ParseUint(string(fields[0]), 16, 64)
		if err != nil {
			continue
		}
		if address == 0 {
			zeros = true
			continue
		}
		s := Symbol{Address: address, Name: string(fields[2])}
		if len(fields) > 3 {
			module := string(bytes.Trim(fields[3], "[]"))
			if _, ok := modules[module]; !ok {
				modules[module] = module
			}
			s.Module = modules[module]
		}
		symbols = append(symbols, s)
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(symbols) == 0 && zeros {
		return nil, ErrHidden
	}
	slices.SortStableFunc(symbols, func(a, b Symbol) int { return cmp.Compare(a.Address, b.Address) })
	return symbols, nil
}

// Read reads the symbols of the running kernel.
func Read() (Table, error) {
	file, err := os.Open("/proc/kallsyms")
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return parse(bufio.NewReaderSize(file, 1<<20))
}

// maxFunction is a size that no function of the kernel reaches. What is farther behind a symbol is not its code.
const maxFunction = 1 << 20

// Find is the symbol whose code has an address.
func (t Table) Find(address uint64) (Symbol, bool) {
	next := sort.Search(len(t), func(i int) bool { return t[i].Address > address })
	if next == 0 || address-t[next-1].Address > maxFunction {
		return Symbol{}, false
	}
	// The first of several names for one address.
	at := next - 1
	for at > 0 && t[at-1].Address == t[at].Address {
		at--
	}
	return t[at], true
}

// Address is the address of the first symbol with a name.
func (t Table) Address(name string) (uint64, bool) {
	i := slices.IndexFunc(t, func(s Symbol) bool { return s.Name == name })
	if i < 0 {
		return 0, false
	}
	return t[i].Address, true
}
