package stack

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
	"time"
)

// kernel has the symbols of the kernel, of its modules and of BPF programs.
type kernel struct {
	symbols []kernelSymbol // by address
	read    time.Time
	hidden  bool // the kernel does not tell this process the addresses
}

type kernelSymbol struct {
	address      uint64
	name, module string
}

// errHidden is that the addresses in the kernel's list are all zero.
var errHidden = errors.New("the kernel hides its addresses (kernel.kptr_restrict, or CAP_SYSLOG is missing): " +
	"kernel functions have no names")

// parseKallsyms reads the format of /proc/kallsyms: "ffffffff81000000 T _stext", with a tab and "[module]" behind it
// for those of modules.
func parseKallsyms(r io.Reader) ([]kernelSymbol, error) {
	var symbols []kernelSymbol
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
		s := kernelSymbol{address: address, name: string(fields[2])}
		if len(fields) > 3 {
			module := string(bytes.Trim(fields[3], "[]"))
			if _, ok := modules[module]; !ok {
				modules[module] = module
			}
			s.module = modules[module]
		}
		symbols = append(symbols, s)
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(symbols) == 0 && zeros {
		return nil, errHidden
	}
	slices.SortStableFunc(symbols, func(a, b kernelSymbol) int { return cmp.Compare(a.address, b.address) })
	return symbols, nil
}

// load reads the symbols.
func (k *kernel) load() error {
	k.read = time.Now()
	file, err := os.Open("/proc/kallsyms")
	if err != nil {
		return err
	}
	defer file.Close()
	symbols, err := parseKallsyms(bufio.NewReaderSize(file, 1<<20))
	if err != nil {
		return err
	}
	k.symbols = symbols
	return nil
}

// maxFunction is a size that no function of the kernel reaches. What is farther behind a symbol is not its code.
const maxFunction = 1 << 20

func (k *kernel) find(address uint64) (kernelSymbol, bool) {
	next := sort.Search(len(k.symbols), func(i int) bool { return k.symbols[i].address > address })
	if next == 0 || address-k.symbols[next-1].address > maxFunction {
		return kernelSymbol{}, false
	}
	// The first of several names for one address.
	at := next - 1
	for at > 0 && k.symbols[at-1].address == k.symbols[at].address {
		at--
	}
	return k.symbols[at], true
}

// stale is how old a list is that may lack what was loaded later: a module, or a program.
const stale = 2 * time.Second

// frame names an address. call says that it is that behind a call.
func (k *kernel) frame(address uint64, call bool) (Frame, error) {
	f := Frame{Address: address, Kernel: true}
	if k.hidden {
		return f, nil
	}
	var failed error
	if k.read.IsZero() {
		failed = k.load()
		k.hidden = errors.Is(failed, errHidden)
	}
	s, ok := k.find(instruction(address, call))
	if !ok && failed == nil && !k.hidden && time.Since(k.read) > stale {
		failed = k.load()
		s, ok = k.find(instruction(address, call))
	}
	if ok {
		f.Name, f.Module, f.Offset = s.name, s.module, address-s.address
	}
	return f, failed
}

// instruction is an address in the instruction that a frame is at. A call that does not return may be the last
// instruction of its function, so the address behind it is one of another function.
func instruction(address uint64, call bool) uint64 {
	if call && address > 0 {
		return address - 1
	}
	return address
}
