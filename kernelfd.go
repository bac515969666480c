package libbpf

import (
	"cmp"
	"fmt"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/fault"
	"github.com/libbpf-go/libbpf-go/internal/handle"
	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// The kinds of descriptors, with the names in /proc.
var (
	mapFDKinds     = []string{"anon_inode:bpf-map"}
	programFDKinds = []string{"anon_inode:bpf-prog"}
	linkFDKinds    = []string{"anon_inode:bpf_link", "anon_inode:bpf-link"} // the kernel has both
)

// fdKind returns the kind of a descriptor, with the name in /proc.
func fdKind(fd int) (string, error) {
	kind, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
	if err != nil {
		return "", cmp.Or(needsProc("telling the kinds of descriptors apart"), err)
	}
	return kind, nil
}

// checkFD checks that a descriptor is of one of kinds. The kernel does not check it: asked for a map's info, it returns
// a program's info if the descriptor is a program's.
func checkFD(fd int, kinds []string) error {
	kind, err := fdKind(fd)
	if err != nil {
		return err
	}
	if !slices.Contains(kinds, kind) {
		return fault.Invalidf("it is a descriptor of %q, not of %q", kind, kinds[0])
	}
	return nil
}

// objectWithID names a kernel object by its id, for errors.
func objectWithID(what string, id uint32) string { return fmt.Sprintf("%s with id %d", what, id) }

// openID opens a kernel object by its id. The caller owns the descriptor.
func openID(what string, id uint32, get func() cInt) (int, error) {
	var fd cInt
	err := call("open", objectWithID(what, id), func() error {
		fd = get()
		return clib.FromRet(int(fd))
	})
	return int(fd), err
}

// lowestFD is the lowest number for a duplicated descriptor. Many commands of bpf(2) take 0 for "none", and all code
// writes to 1 and 2.
const lowestFD = 3

// ownFD returns a handle that closes a descriptor.
func ownFD(fd int) *handle.Handle {
	return handle.New(handle.Resource{Release: func() error { return unix.Close(fd) }})
}

// duplicate returns a second descriptor of an open file. The caller owns it.
func duplicate(fd int) (int, error) {
	if int(int32(fd)) != fd {
		return -1, unix.EBADF // the kernel would ignore the upper half
	}
	return unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, lowestFD)
}

// dupFD duplicates a descriptor from elsewhere, if it is of one of kinds. The caller owns the new descriptor.
func dupFD(what string, fd int, kinds []string) (int, error) {
	own, err := duplicate(fd)
	if err == nil {
		if err = checkFD(own, kinds); err != nil {
			_ = unix.Close(own)
		}
	}
	if err != nil {
		return -1, &Error{Op: "open " + what + " on", Object: fmt.Sprintf("fd %d", fd), Err: err}
	}
	return own, nil
}
