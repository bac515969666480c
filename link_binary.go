package libbpf

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/cmem"
	"github.com/libbpf-go/libbpf-go/internal/fault"
	"github.com/libbpf-go/libbpf-go/internal/symbol"
	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// inArchive reports whether a path names a file in a zip archive.
func inArchive(path string) bool { return strings.Contains(path, "!/") }

// binaryPath returns the file for a binary's name. It searches where bpf_program__attach_uprobe_opts searches.
func binaryPath(binary string) (string, error) {
	if err := cmem.CheckName("binary", binary); err != nil {
		return "", err
	}
	if strings.Contains(binary, "/") {
		return binary, nil
	}
	lists, what, access := []string{os.Getenv("PATH"), "/usr/bin:/usr/sbin"}, "program", uint32(unix.R_OK|unix.X_OK)
	if strings.HasSuffix(binary, ".so") || strings.Contains(binary, ".so.") {
		lists, what, access = []string{os.Getenv("LD_LIBRARY_PATH"), "/usr/lib64:/usr/lib"}, "library", unix.R_OK
		for _, dir := range multiarch[runtime.GOARCH] {
			lists = append(lists, "/lib/"+dir)
		}
	}
	for _, list := range lists {
		for _, dir := range filepath.SplitList(list) {
			path := dir + "/" + binary
			if dir != "" && unix.Faccessat(unix.AT_FDCWD, path, access, unix.AT_EACCESS) == nil {
				return path, nil
			}
		}
	}
	return "", fault.New(what+" "+binary+" is in none of the default folders", unix.ENOENT)
}

// multiarch has the names of Debian's library folders for each architecture.
var multiarch = map[string][]string{
	"386":      {"i386-linux-gnu"},
	"amd64":    {"x86_64-linux-gnu"},
	"arm":      {"arm-linux-gnueabihf", "arm-linux-gnueabi"},
	"arm64":    {"aarch64-linux-gnu"},
	"loong64":  {"loongarch64-linux-gnu"},
	"mips64le": {"mips64el-linux-gnuabi64"},
	"ppc64le":  {"powerpc64le-linux-gnu"},
	"riscv64":  {"riscv64-linux-gnu"},
	"s390x":    {"s390x-linux-gnu"},
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
