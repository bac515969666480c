package libbpf

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// PinKind is the kind of a pin on a bpf file system.
type PinKind uint8

// The kinds of pins. The kernel pins nothing else: no BTF, and no tokens.
const (
	PinnedMap PinKind = iota + 1
	PinnedProgram
	PinnedLink
)

// String returns "map", "program" or "link".
func (k PinKind) String() string {
	switch k {
	case PinnedMap:
		return "map"
	case PinnedProgram:
		return "program"
	case PinnedLink:
		return "link"
	}
	return fmt.Sprintf("pin_kind(%d)", uint8(k))
}

// Pin describes what is pinned at a path on a bpf file system. Map, Program or Link has the info, according to Kind;
// the other two are nil.
type Pin struct {
	Path    string
	Kind    PinKind
	Map     *MapInfo
	Program *ProgramInfo // without the arrays
	Link    *LinkInfo
}

// ID is the kernel's id of what is pinned. Maps, programs and links have separate ids.
func (p Pin) ID() uint32 {
	switch p.Kind {
	case PinnedMap:
		return p.Map.ID
	case PinnedProgram:
		return p.Program.ID
	case PinnedLink:
		return p.Link.ID
	}
	return 0
}

// String names what is pinned, such as `map "counts" with id 7`.
func (p Pin) String() string {
	switch p.Kind {
	case PinnedMap:
		return fmt.Sprintf("map %q with id %d", p.Map.Name, p.Map.ID)
	case PinnedProgram:
		return fmt.Sprintf("program %q with id %d", p.Program.Name, p.Program.ID)
	case PinnedLink:
		return fmt.Sprintf("%s link with id %d", p.Link.Type, p.Link.ID)
	}
	return p.Kind.String()
}

// PinAt returns what is pinned at path (bpf_obj_get, bpf_obj_get_info_by_fd, Linux 4.13). The caller needs permission
// to read the pin, and to write to it if it is a link. To use what is pinned, open it: [MapHandleFromPinnedPath],
// [ProgramHandleFromPinnedPath], [LinkFromPinnedPath]. It follows symbolic links; [PinOptions.At] need not.
//
// errors.Is(err, os.ErrNotExist) when nothing is at path, errors.Is(err, os.ErrPermission) without permission, or when
// the file is not a pin.
func PinAt(path string) (Pin, error) { return PinOptions{}.At(path) }

// describePin tells what the descriptor of a pin refers to.
func describePin(path string, fd int) (Pin, error) {
	kind, err := fdKind(fd)
	if err != nil {
		return Pin{}, err
	}
	pin := Pin{Path: path}
	switch {
	case slices.Contains(mapFDKinds, kind):
		info, err := mapInfo(fd)
		pin.Kind, pin.Map = PinnedMap, &info
		return pin, err
	case slices.Contains(programFDKinds, kind):
		info, err := programInfo(fd, 0)
		pin.Kind, pin.Program = PinnedProgram, &info
		return pin, err
	case slices.Contains(linkFDKinds, kind):
		info, err := linkInfo(fd)
		pin.Kind, pin.Link = PinnedLink, &info
		return pin, err
	}
	return Pin{}, fault.Invalidf("the pin has the unknown kind %q", kind)
}

// Pins iterates over the pins in a folder on a bpf file system and in all folders below it, in the order of their
// paths. If a pin or a folder can't be read, the iteration goes on, and *err has all such errors at the end. Pins that
// are removed during the iteration are left out, and symbolic links are not followed. *err matches os.ErrNotExist if
// the folder does not exist, [ErrInvalid] if it is not on a bpf file system.
func Pins(folder string, err *error) iter.Seq[Pin] {
	const op = "list pins of"
	return func(yield func(Pin) bool) {
		var failed errorList
		defer failed.store(err)
		fail := func(path string, err error) {
			failed.add(&Error{Op: op, Object: fmt.Sprintf("%q", path), Err: err})
		}
		err := checkPinPath(folder)
		on := false
		if err == nil {
			on, err = onBPFFS(folder)
		}
		switch {
		case err != nil:
			fail(folder, err)
			return
		case !on:
			fail(folder, fault.Invalidf("it is not on a bpf file system"))
			return
		}
		_ = filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
			switch {
			case errors.Is(err, os.ErrNotExist):
			case err != nil:
				fail(path, errors.Unwrap(err))
			case entry.Type().IsRegular():
				pin, err := PinAt(path)
				switch {
				case errors.Is(err, os.ErrNotExist):
				case err != nil:
					failed.add(err)
				case !yield(pin):
					return filepath.SkipAll
				}
			}
			return nil
		})
	}
}

// onBPFFS reports whether an existing path is on a bpf file system.
func onBPFFS(path string) (bool, error) {
	var system unix.Statfs_t
	for {
		switch err := unix.Statfs(path, &system); err {
		case nil:
			return uint32(system.Type) == unix.BPF_FS_MAGIC, nil
		case unix.EINTR:
		default:
			return false, err
		}
	}
}

// pinning runs one of libbpf's functions that pin something at a path.
func pinning(path string, f func(path cString) cInt) error {
	if path == "" {
		return errNoPinPath
	}
	err := withString("path", path, f)
	if err == nil || errors.Is(err, ErrInvalid) {
		return err
	}
	return fault.New(pinProblem(path, err), err)
}

var errNoPinPath = fault.Invalidf("the path is empty")

// pinProblem explains why pinning at a path failed.
func pinProblem(path string, err error) string {
	folder, name := filepath.Split(filepath.Clean(path))
	folder = filepath.Clean(folder)
	on, folderErr := onBPFFS(folder)
	switch {
	case errors.Is(folderErr, os.ErrNotExist):
		return fmt.Sprintf("%q: there is no folder %q", path, folder)
	case folderErr == nil && !on:
		return fmt.Sprintf("%q is not on a bpf file system", path)
	case errors.Is(err, os.ErrExist):
		if pin, err := (PinOptions{}).at(path); err == nil {
			return fmt.Sprintf("%q exists: %s is pinned there", path, pin)
		}
		return fmt.Sprintf("%q exists", path)
	case errors.Is(err, unix.EPERM) && strings.Contains(name, "."):
		return fmt.Sprintf("%q: names on a bpf file system can't have periods", path)
	}
	return fmt.Sprintf("%q: %s", path, errorText(err))
}
