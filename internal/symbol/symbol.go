// Package symbol finds functions in a user-space binary, and the file offsets of their code, which the kernel needs for
// uprobes. It also does the reverse: it names the function at an offset, as for stacks.
//
// libbpf has such a search too, but it only knows the binary's own symbols, finds an offset of 0 or of a stub for an
// imported function, and does not say which of several names it did not find. This package searches in the same order:
// dynamic symbols, then symbols. Then it searches what libbpf does not: the separate debug file, and the table of
// functions in every Go program.
package symbol

import (
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// The errors to test for. Other errors come from opening or reading a file.
var (
	ErrNotFound  = errors.New("no such function")
	ErrAmbiguous = errors.New("function is not unique")
	ErrFormat    = errors.New("not an ELF file")
)

// failure says what is wrong with functions of a binary.
type failure struct {
	text string
	is   error
}

func (f *failure) Error() string { return f.text }
func (f *failure) Unwrap() error { return f.is }

// File is a binary in which to find functions.
type File struct {
	elf     *elf.File
	headers *headers         // what elf reads
	code    []elf.ProgHeader // what the kernel maps as code
	file    io.ReaderAt
	root    string // the folder that is / for those who made the binary's path
	path    string
	own     *os.File // to be closed, or nil
}

// Open opens a program or a shared library.
func Open(path string) (*File, error) {
	// A file of another kind may block whoever opens it.
	file, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	return own(file, "/", path)
}

// own reads a binary that closes its file.
func own(file *os.File, root, path string) (*File, error) {
	f, err := New(file, root, path)
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	f.own = file
	return f, nil
}

// New reads a binary that is open already, and stays the caller's. The path is that of the binary where root is the
// folder /, as for a process in a container. It serves to find the debug file.
func New(file io.ReaderAt, root, path string) (*File, error) {
	h := &headers{file: file, left: maxHeaders}
	e, err := elf.NewFile(h)
	if h.err() != nil {
		return nil, h.err()
	}
	if err != nil {
		return nil, &failure{fmt.Sprintf("%s is not an ELF file: %v", path, err), ErrFormat}
	}
	h.read, h.piece = true, nil
	f := &File{elf: e, headers: h, file: file, root: root, path: path}
	for _, p := range e.Progs {
		if p.Type == elf.PT_LOAD && p.Flags&elf.PF_X != 0 && len(f.code) < maxCode {
			f.code = append(f.code, p.ProgHeader)
		}
	}
	return f, nil
}

// Close closes the binary, unless it is the caller's.
func (f *File) Close() error {
	if f.own == nil {
		return nil
	}
	return f.own.Close()
}

// function is one that a table has.
type function struct {
	name    []byte // of the table's memory, without a version
	version string
	address uint64
	size    uint64 // 0 if the table does not know it
	weak    bool
	kind    kind
}

type kind int

const (
	defined  kind = iota
	imported      // another file has its code
	indirect      // its code chooses, when the program starts, which other code it stands for (IFUNC)
)

// table calls a function for each function that it has and that passes the filter, if there is one. What is damaged has
// none, or fewer.
type table func(only *filter, visit func(function))

// wanted is a function that is looked for.
type wanted struct {
	name          string // as it was asked for, for errors
	version       string // "" for any
	found         bool
	settled       bool // an earlier table has it
	offset        uint64
	weak          bool
	other         uint64 // another one of that name, as good as the first
	ambiguous     bool
	onlyElsewhere kind // why it is not there, though its name is

	next *wanted // another version of the same name, or nil
}

// take looks at a function of that name.
func (w *wanted) take(f function, offset uint64) {
	switch {
	case f.kind != defined:
		w.onlyElsewhere = f.kind
	case !w.found, w.weak && !f.weak:
		w.found, w.offset, w.weak, w.ambiguous = true, offset, f.weak, false
	case offset != w.offset && !f.weak && !w.ambiguous:
		w.other, w.ambiguous = offset, true
	}
}

// Offsets returns the file offsets of functions, in the order of names. A name may select a version of a library's
// function: "fmemopen@GLIBC_2.22". It is an error if a function does not exist, is only imported, exists at several
// offsets, or is named twice.
func (f *File) Offsets(names []string) ([]uint64, error) {
	all := make([]wanted, len(names))
	byBase := make(map[string]*wanted, len(names))
	versions := false
	var only filter
	for i, name := range names {
		base, version := cutVersion(name)
		for w := byBase[base]; w != nil; w = w.next {
			if w.name == name {
				return nil, &failure{fmt.Sprintf("function %q is given twice", name), ErrAmbiguous}
			}
		}
		versions = versions || version != ""
		all[i] = wanted{name: name, version: version, next: byBase[base]}
		byBase[base] = &all[i]
		only.add([]byte(base))
	}
	for _, functions := range []table{f.dynamic(versions), f.symbols, f.debugSymbols, f.goFunctions} {
		functions(&only, func(found function) {
			for w := byBase[string(found.name)]; w != nil; w = w.next {
				if w.settled || w.version != "" && w.version != found.version {
					continue
				}
				if offset, ok := f.offset(found.address); ok || found.kind != defined {
					w.take(found, offset)
				}
			}
		})
		missing := false
		for i := range all {
			all[i].settled = all[i].found
			missing = missing || !all[i].found
		}
		if !missing {
			break
		}
	}
	return f.offsetsOf(all)
}

// cutVersion splits such as "fmemopen@GLIBC_2.22", or with two @, as linkers write the default version.
func cutVersion(s string) (name, version string) {
	name, version, _ = strings.Cut(s, "@")
	return name, strings.TrimPrefix(version, "@")
}

// offsetsOf are the offsets, if everything was found.
func (f *File) offsetsOf(all []wanted) ([]uint64, error) {
	offsets := make([]uint64, len(all))
	var missing, imports, indirects []string
	for i, w := range all {
		switch {
		case w.ambiguous:
			return nil, &failure{fmt.Sprintf("%s has several functions %q, such as at offsets %#x and %#x",
				f.path, w.name, w.offset, w.other), ErrAmbiguous}
		case w.found:
			offsets[i] = w.offset
		case w.onlyElsewhere == imported:
			imports = append(imports, strconv.Quote(w.name))
		case w.onlyElsewhere == indirect:
			indirects = append(indirects, strconv.Quote(w.name))
		default:
			missing = append(missing, strconv.Quote(w.name))
		}
	}
	var text []string
	if len(missing) > 0 {
		text = append(text, fmt.Sprintf("%s has no function %s%s", f.path, strings.Join(missing, ", "), f.stripped()))
	}
	if len(imports) > 0 {
		text = append(text, fmt.Sprintf("%s only imports %s: attach to the library that has it",
			f.path, strings.Join(imports, ", ")))
	}
	if len(indirects) > 0 {
		text = append(text, fmt.Sprintf("%s chooses the code of %s when it is loaded (IFUNC): attach to what it chooses",
			f.path, strings.Join(indirects, ", ")))
	}
	if len(text) > 0 && f.headers.err() != nil {
		return nil, f.headers.err()
	}
	if len(text) > 0 {
		return nil, &failure{strings.Join(text, "; "), ErrNotFound}
	}
	return offsets, nil
}

// Matching returns the file offsets of all functions whose names match a pattern: * matches any characters, and ? one
// character. The pattern may end with @ and a version. Functions that share their code count once. It is an error if no
// function matches.
func (f *File) Matching(pattern string) ([]uint64, error) {
	glob, version := cutVersion(pattern)
	var offsets []uint64
	imports := false
	// The fullest table first, and only one: each of the others has a part of it.
	for _, functions := range []table{f.symbols, f.debugSymbols, f.dynamic(version != ""), f.goFunctions} {
		functions(nil, func(found function) {
			if version != "" && version != found.version || !matches(glob, found.name) {
				return
			}
			if found.kind != defined {
				imports = imports || found.kind == imported
			} else if offset, ok := f.offset(found.address); ok {
				offsets = append(offsets, offset)
			}
		})
		if f.headers.err() != nil {
			return nil, f.headers.err() // the next table may have fewer
		}
		if len(offsets) > 0 {
			slices.Sort(offsets)
			return slices.Compact(offsets), nil
		}
	}
	if imports {
		return nil, &failure{fmt.Sprintf("%s only imports what matches %q", f.path, pattern), ErrNotFound}
	}
	return nil, &failure{fmt.Sprintf("%s has no function that matches %q%s", f.path, pattern, f.stripped()), ErrNotFound}
}

// matches tells whether a name fits a pattern.
func matches(pattern string, name []byte) bool {
	p, n := 0, 0
	star, from := -1, 0 // the last * of the pattern, and where what it stands for ends
	for n < len(name) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, from = p, n
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == name[n]):
			p++
			n++
		case star >= 0:
			from++
			p, n = star+1, from
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// stripped is what an error adds where the binary's symbols were taken away.
func (f *File) stripped() string {
	if f.elf.SectionByType(elf.SHT_SYMTAB) == nil && f.elf.Section(goTable) == nil {
		return ": its symbols are stripped, and there is no debug file with them"
	}
	return ""
}

// offset is where in the file the code at an address is. There is none where the kernel maps no code.
func (f *File) offset(address uint64) (uint64, bool) {
	for _, p := range f.code {
		if address >= p.Vaddr && address-p.Vaddr < p.Filesz {
			return address - p.Vaddr + p.Off, true
		}
	}
	return 0, false
}
