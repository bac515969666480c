package main

import (
	"bufio"
	"cmp"
	"debug/elf"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// symbol is a function, at an address or at an offset in a file.
type symbol struct {
	start, size uint64
	name        string
}

// find returns the symbol that has an address.
func find(symbols []symbol, address uint64) (string, bool) {
	i, exact := slices.BinarySearchFunc(symbols, address, func(s symbol, a uint64) int { return cmp.Compare(s.start, a) })
	if !exact {
		i--
	}
	if i < 0 || symbols[i].size > 0 && address-symbols[i].start >= symbols[i].size {
		return "", false
	}
	return symbols[i].name, true
}

func sorted(symbols []symbol) []symbol {
	slices.SortFunc(symbols, func(a, b symbol) int { return cmp.Compare(a.start, b.start) })
	return symbols
}

type kernelSymbols []symbol

func readKernelSymbols() (kernelSymbols, error) {
	f, err := os.Open("/proc/kallsyms")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var symbols []symbol
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var s symbol
		var kind string
		if n, _ := fmt.Sscanf(lines.Text(), "%x %s %s", &s.start, &kind, &s.name); n == 3 && strings.Contains("tTwW", kind) {
			symbols = append(symbols, s)
		}
	}
	return sorted(symbols), nil
}

func (k kernelSymbols) name(address uint64) string {
	if name, found := find(k, address); found {
		return name
	}
	return "[kernel]"
}

// process has the files that are mapped into a process, as code.
type process struct{ mappings []mapping }

type mapping struct {
	start, end, offset uint64
	path               string
}

// readProcess returns no mappings if the process has gone. own is the root of this process.
func readProcess(pid int32, own os.FileInfo) *process {
	p := new(process)
	root := fmt.Sprintf("/proc/%d", pid)
	text, _ := os.ReadFile(filepath.Join(root, "maps"))
	// In a container, the files are where the process sees them.
	folder := filepath.Join(root, "root")
	if inside, err := os.Stat(folder); err != nil || os.SameFile(inside, own) {
		folder = "/"
	}
	for line := range strings.Lines(string(text)) {
		var m mapping
		var rights, device, inode string
		_, err := fmt.Sscanf(line, "%x-%x %s %x %s %s %s", &m.start, &m.end, &rights, &m.offset, &device, &inode, &m.path)
		if err == nil && strings.Contains(rights, "x") {
			if strings.HasPrefix(m.path, "/") {
				m.path = filepath.Join(folder, m.path)
			}
			p.mappings = append(p.mappings, m)
		}
	}
	return p
}

// name returns the name of a function of the process. A nil process is one that nobody has seen.
func (p *process) name(address uint64, files map[string]*fileSymbols) string {
	if p == nil {
		return "[unknown]"
	}
	for _, m := range p.mappings {
		if address < m.start || address >= m.end {
			continue
		}
		if files[m.path] == nil {
			files[m.path] = readFile(m.path)
		}
		if name, found := find(files[m.path].symbols, address-m.start+m.offset); found {
			return name
		}
		return "[" + filepath.Base(strings.Trim(m.path, "[]")) + "]"
	}
	return "[unknown]"
}

// fileSymbols has the functions of a file, by their offset in it.
type fileSymbols struct{ symbols []symbol }

// readFile returns no symbols if there are none, or no such file.
func readFile(path string) *fileSymbols {
	f := new(fileSymbols)
	file, err := elf.Open(path)
	if err != nil {
		return f
	}
	defer file.Close()
	all, _ := file.Symbols()
	dynamic, _ := file.DynamicSymbols()
	for _, s := range append(all, dynamic...) {
		if elf.ST_TYPE(s.Info) != elf.STT_FUNC || s.Value == 0 {
			continue
		}
		for _, segment := range file.Progs {
			if segment.Type == elf.PT_LOAD && s.Value >= segment.Vaddr && s.Value < segment.Vaddr+segment.Filesz {
				f.symbols = append(f.symbols, symbol{s.Value - segment.Vaddr + segment.Off, s.Size, s.Name})
			}
		}
	}
	sorted(f.symbols)
	return f
}
