package libbpf

import (
	"errors"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/cmem"
	"github.com/libbpf-go/libbpf-go/internal/fault"
	"github.com/libbpf-go/libbpf-go/internal/symbol"
	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// inArchive reports whether a path names a file in a zip archive.
func inArchive(path string) bool { return strings.Contains(path, "!/") }

// binaryPath returns the file for a binary's name.
func binaryPath(binary string) (string, error) {
	if err := cmem.CheckName("binary", binary); err != nil {
		return "", err
	}
	return symbol.Locate(binary)
}

// functionOffsets returns the offsets in the file where the functions' code begins.
func functionOffsets(path string, names []string) ([]uint64, error) {
	for _, name := range names {
		if err := cmem.CheckName("function", name); err != nil {
			return nil, err
		}
	}
	return inBinary(path, func(f *symbol.File) ([]uint64, error) { return f.Offsets(names) })
}

// matchingOffsets returns the offsets in the file where the code of the functions begins whose names match the glob.
func matchingOffsets(path, pattern string) ([]uint64, error) {
	if err := cmem.CheckString("pattern", pattern); err != nil {
		return nil, err
	}
	return inBinary(path, func(f *symbol.File) ([]uint64, error) { return f.Matching(pattern) })
}

func inBinary(path string, find func(*symbol.File) ([]uint64, error)) ([]uint64, error) {
	var offsets []uint64
	f, err := symbol.Open(path)
	if err == nil {
		offsets, err = find(f)
		_ = f.Close()
	}
	switch {
	case errors.Is(err, symbol.ErrNotFound):
		return nil, fault.New(err.Error(), unix.ENOENT)
	case errors.Is(err, symbol.ErrAmbiguous):
		return nil, fault.Invalidf("%v", err)
	case errors.Is(err, symbol.ErrFormat):
		return nil, fault.New(err.Error(), clib.ErrnoFormat)
	}
	return offsets, err
}
