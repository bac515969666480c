package symbol

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// Locate returns the file for a binary's name. It searches where libbpf's bpf_program__attach_uprobe_opts searches.
func Locate(binary string) (string, error) {
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
