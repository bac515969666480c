package libbpf

import (
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/cmem"
	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// PinOptions say how to open pins, and which of them. The zero value opens what is at a path, as the functions without
// options do: symbolic links are followed, and everybody's pins are opened. Whoever may write to a folder on the way can
// then decide what is opened. With NoSymlinks or Owners, what was checked is what is opened, even if somebody replaces
// the pin, a folder or a link at the same time. Both need /proc, and match [errors.ErrUnsupported] without it.
type PinOptions struct {
	// Directory is the descriptor of a directory that paths are relative to, such as one of a bpf file system that is
	// not mounted; 0 is the working directory (libbpf 1.3, Linux 6.5; with NoSymlinks or Owners, each version).
	Directory int
	// NoSymlinks refuses a path with a symbolic link in it, at its end or on the way: the error matches unix.ELOOP
	// (openat2, Linux 5.6; errors.Is(err, [errors.ErrUnsupported]) before).
	NoSymlinks bool
	// Owners are the ids of the users whose pins may be opened; nil allows all users. For others, the error matches
	// [os.ErrPermission]. It is about the owner of the pin itself. The owner of a folder above it may still have moved
	// an owner's pin there: give such pins a folder that nobody else can write to, or use NoSymlinks and a Directory.
	Owners []int
}

// At is [PinAt] with options.
func (o PinOptions) At(path string) (Pin, error) {
	var pin Pin
	err := call("open", fmt.Sprintf("pin %q", path), func() (err error) {
		pin, err = o.at(path)
		return err
	})
	return pin, err
}

func (o PinOptions) at(path string) (Pin, error) {
	fd, err := o.get(path, 0)
	if err == unix.EACCES {
		// It may be a map that this process can only read. Only maps can be opened so.
		if readable, again := o.get(path, CreateReadOnly); again == nil {
			fd, err = readable, nil
		}
	}
	if err != nil {
		return Pin{}, err
	}
	defer unix.Close(fd)
	return describePin(path, fd)
}

// OpenMap opens the map that is pinned at path (bpf_obj_get_opts, Linux 4.4); the caller closes it. flags are 0 for
// reading and writing, [CreateReadOnly] or [CreateWriteOnly] (Linux 4.15). errors.Is(err, [os.ErrNotExist]) when
// nothing is pinned there, errors.Is(err, [ErrInvalid]) when it is not a map.
func (o PinOptions) OpenMap(path string, flags MapCreateFlags) (*MapHandle, error) {
	fd, err := o.open("map", path, mapFDKinds, flags)
	if err != nil {
		return nil, err
	}
	return ownMap(fd, "")
}

// OpenProgram opens the program that is pinned at path (bpf_obj_get_opts, Linux 4.4); the caller closes it.
// errors.Is(err, [os.ErrNotExist]) when nothing is pinned there, errors.Is(err, [ErrInvalid]) when it is not a program.
func (o PinOptions) OpenProgram(path string) (*ProgramHandle, error) {
	fd, err := o.open("program", path, programFDKinds, 0)
	if err != nil {
		return nil, err
	}
	return ownProgram(fd, "")
}

// OpenLink opens the link that is pinned at path (bpf_obj_get_opts, Linux 5.7). errors.Is(err, [os.ErrNotExist]) when
// nothing is pinned there, errors.Is(err, [ErrInvalid]) when it is not a link. Close leaves the program attached while
// the pin exists. A path that is relative to a Directory is not the Link's PinPath, so Unpin does not know it.
func (o PinOptions) OpenLink(path string) (*Link, error) {
	fd, err := o.open("link", path, linkFDKinds, 0)
	if err != nil {
		return nil, err
	}
	link, err := newFDLink(nil, fd, fmt.Sprintf("pinned link %q", path))
	if err == nil && o.Directory == 0 {
		link.pinPath = path
	}
	return link, err
}

// open opens what is pinned at path, if it is of one of kinds. The caller owns the descriptor.
func (o PinOptions) open(what, path string, kinds []string, flags MapCreateFlags) (int, error) {
	fd := -1
	err := call("open", fmt.Sprintf("pinned %s %q", what, path), func() (err error) {
		if wrong := flags &^ (CreateReadOnly | CreateWriteOnly); wrong != 0 {
			return fault.Invalidf("the flag %s can't be used to open a pin", wrong)
		}
		if fd, err = o.get(path, flags); err != nil {
			return err
		}
		if err = checkFD(fd, kinds); err != nil {
			_ = unix.Close(fd)
		}
		return err
	})
	return fd, err
}

// get opens what is pinned at path. The caller owns the descriptor.
func (o PinOptions) get(path string, flags MapCreateFlags) (int, error) {
	if err := checkFDNumber("directory", o.Directory); err != nil {
		return -1, err
	}
	if path == "" {
		return -1, errNoPinPath
	}
	var fd cInt
	if !o.NoSymlinks && o.Owners == nil {
		if o.Directory != 0 {
			if err := needs("bpf_obj_get_opts with path_fd", 1, 3); err != nil {
				return -1, err
			}
			flags |= CreatePathFD
		}
		err := withString("path", path, func(p cString) cInt {
			fd = objGetWith(p, flags, o.Directory)
			return fd
		})
		return int(fd), err
	}
	file, err := o.find(path)
	if err != nil {
		return -1, err
	}
	defer unix.Close(file)
	return getHeld(file, flags)
}

// find holds the pin at path, and checks it.
func (o PinOptions) find(path string) (file int, err error) {
	directory := unix.AT_FDCWD
	if o.Directory != 0 {
		directory = o.Directory
	}
	if err := cmem.CheckName("path", path); err != nil {
		return -1, err
	}
	if o.NoSymlinks {
		file, err = unix.Openat2(directory, path, &unix.OpenHow{
			Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_SYMLINKS,
		})
		if err == unix.ENOSYS {
			return -1, &lacking{"opening pins without following symbolic links", err}
		}
	} else {
		file, err = unix.Openat(directory, path, unix.O_PATH|unix.O_CLOEXEC, 0)
	}
	switch {
	case err == unix.ELOOP && o.NoSymlinks:
		return -1, fault.New("there is a symbolic link in the path", err)
	case err != nil:
		return -1, err
	}
	status, err := pinStatus(file)
	if err == nil && o.Owners != nil && !slices.Contains(o.Owners, int(status.Uid)) {
		err = fault.Newf(unix.EPERM, "the pin belongs to user %d", status.Uid)
	}
	if err != nil {
		_ = unix.Close(file)
		return -1, err
	}
	return file, nil
}

// pinStatus is the status of what is held, if that is a file on a bpf file system.
func pinStatus(file int) (status unix.Stat_t, err error) {
	var system unix.Statfs_t
	if err := errors.Join(unix.Fstat(file, &status), unix.Fstatfs(file, &system)); err != nil {
		return status, err
	}
	switch {
	case uint32(system.Type) != unix.BPF_FS_MAGIC:
		return status, fault.Invalidf("it is not on a bpf file system")
	case status.Mode&unix.S_IFMT == unix.S_IFLNK:
		return status, fault.Invalidf("it is a symbolic link, not a pin")
	case status.Mode&unix.S_IFMT != unix.S_IFREG:
		return status, fault.Invalidf("it is not a pin")
	}
	return status, nil
}

// getHeld opens the pin that a descriptor of the kind O_PATH holds. The kernel opens pins by path only. The name of the
// descriptor in /proc is a path to the pin that is held, wherever that is by now.
func getHeld(file int, flags MapCreateFlags) (int, error) {
	if err := needsProc("opening pins with checks"); err != nil {
		return -1, err
	}
	var fd cInt
	err := withString("path", fmt.Sprintf("/proc/self/fd/%d", file), func(p cString) cInt {
		fd = objGetWith(p, flags, 0)
		return fd
	})
	return int(fd), err
}

// needsProc returns an error if /proc is not the kernel's. Otherwise a missing /proc would look like a missing pin.
func needsProc(what string) error {
	var system unix.Statfs_t
	if err := unix.Statfs("/proc/self/fd", &system); err != nil || system.Type != unix.PROC_SUPER_MAGIC {
		return fault.Newf(errors.ErrUnsupported, "%s needs /proc, which is not mounted", what)
	}
	return nil
}
