// Package cmalloc counts what C code allocates in a test binary, and makes chosen allocations fail.
//
// A test binary that imports the package gets its malloc, calloc, realloc, free and the like in place of the C
// library's. They count what the program's own C code asks for: libbpf, libelf, zlib and the C code of this module,
// directly or through functions of the C library such as strdup, fopen and asprintf. They do not count what Go's runtime
// asks for, such as a thread's stack, and nothing from before the package's initialization. libbpf is the program's own
// code only if it is vendored.
//
// It works with glibc in a program that is linked dynamically, and not with -asan or -msan, which replace malloc
// themselves.
package cmalloc

import (
	"cmp"
	"debug/elf"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// Supported tells whether the package works in this program. If not, there are no allocations, and none fail.
func Supported() bool { return supported }

// Allocation is memory that was allocated and is not freed yet.
type Allocation struct {
	Size   int
	serial uint64
	from   []uintptr
}

// Where returns the functions that asked for the memory, the innermost first: "strdup", "bpf_object__open_mem+0x2c". It
// names the functions of this program only if the program has its symbols: "go test" leaves them out, and "go test
// -ldflags=-s=false" does not.
func (a Allocation) Where() []string { return where(a.from) }

func where(from []uintptr) []string {
	names := make([]string, len(from))
	for i, address := range from {
		symbol, library, offset := describe(address - 1) // the call, not the instruction behind it
		switch {
		case offset != 0:
			names[i] = inProgram(offset)
		case symbol != "":
			names[i] = symbol
		default:
			names[i] = fmt.Sprintf("%#x in %s", address, filepath.Base(library))
		}
	}
	return names
}

func (a Allocation) String() string {
	return fmt.Sprintf("%d bytes by %s", a.Size, strings.Join(a.Where(), " < "))
}

// Mark is a moment in the life of the process. The zero value is its beginning.
type Mark struct{ serial uint64 }

// Now returns the current moment.
func Now() Mark { return Mark{serial()} }

// Live returns what is allocated.
func Live() []Allocation { return Since(Mark{}) }

// Since returns what was allocated after the mark and is not freed yet, in the order of allocation. What another thread
// is allocating or freeing at the moment may be in it or not.
func Since(mark Mark) []Allocation {
	if overflowed() {
		panic("cmalloc: more allocations at one time than it can count")
	}
	all := since(mark.serial)
	slices.SortFunc(all, func(a, b Allocation) int { return cmp.Compare(a.serial, b.serial) })
	return all
}

// FailNth makes the n-th allocation that the calling thread makes from now on fail, as if there were no memory, and none
// before or after. 0 means none. The goroutine must be locked to its thread.
//
// C.malloc, C.CString and C.CBytes end the process when an allocation fails. This is what cgo does.
func FailNth(n int) { choose(n, true) }

// WatchNth is FailNth, but the n-th allocation does not fail. Chosen tells who asked for it.
func WatchNth(n int) { choose(n, false) }

// Chosen returns the functions that asked for the calling thread's allocation that FailNth or WatchNth chose, as Where
// does, or nothing if there was none.
func Chosen() []string { return where(chosen()) }

// Counted returns how many allocations the calling thread has asked for since it called FailNth or WatchNth, with the
// one that failed.
func Counted() int { return counted() }

// inProgram names the code at an offset in this program.
func inProgram(offset uint64) string {
	functions := symbols()
	at, found := slices.BinarySearchFunc(functions, offset, func(f function, offset uint64) int {
		return cmp.Compare(f.offset, offset)
	})
	if !found {
		at--
	}
	if at < 0 || offset-functions[at].offset >= max(functions[at].size, 1) {
		return fmt.Sprintf("%#x in the program", offset)
	}
	return fmt.Sprintf("%s+%#x", functions[at].name, offset-functions[at].offset)
}

type function struct {
	offset, size uint64
	name         string
}

// symbols returns the program's functions in their order, or none if they are stripped.
var symbols = sync.OnceValue(func() []function {
	file, err := elf.Open("/proc/self/exe")
	if err != nil {
		return nil
	}
	defer file.Close()
	start := ^uint64(0)
	for _, segment := range file.Progs {
		if segment.Type == elf.PT_LOAD {
			start = min(start, segment.Vaddr)
		}
	}
	all, err := file.Symbols()
	if err != nil {
		return nil
	}
	var functions []function
	for _, symbol := range all {
		if elf.ST_TYPE(symbol.Info) == elf.STT_FUNC && symbol.Section != elf.SHN_UNDEF {
			functions = append(functions, function{symbol.Value - start, symbol.Size, symbol.Name})
		}
	}
	slices.SortFunc(functions, func(a, b function) int { return cmp.Compare(a.offset, b.offset) })
	return functions
})
