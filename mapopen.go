package libbpf

import (
	"fmt"

	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// MapOpenOptions say how to open an existing map. The zero value opens it for reading and writing. If a field needs a
// flag in the kernel, setting the field sets the flag.
type MapOpenOptions struct {
	// Flags are 0 for reading and writing, [CreateReadOnly] or [CreateWriteOnly] (Linux 4.15).
	Flags MapCreateFlags
	// PathFD is a directory that a pin's path is relative to; 0 is none (libbpf 1.3, Linux 6.5).
	PathFD int
}

// flags are Flags, and the flags that other fields imply. It refuses flags that the kernel would silently ignore.
func (o MapOpenOptions) flags(allowed MapCreateFlags) (MapCreateFlags, error) {
	flags := o.Flags
	if o.PathFD != 0 {
		flags |= CreatePathFD
	}
	if wrong := flags &^ allowed; wrong != 0 {
		return 0, fault.Invalidf("the flag %s can't be used to open a map in this way", wrong)
	}
	return flags, checkFDNumber("path", o.PathFD)
}

// FromPinnedPath opens the map that is pinned at path (bpf_obj_get_opts, Linux 4.4); the caller closes it.
// errors.Is(err, [os.ErrNotExist]) when nothing is pinned there, errors.Is(err, [ErrInvalid]) when it is not a map.
func (o MapOpenOptions) FromPinnedPath(path string) (*MapHandle, error) {
	object := fmt.Sprintf("pinned map %q", path)
	flags, err := o.flags(CreateReadOnly | CreateWriteOnly | CreatePathFD)
	if err == nil && flags&CreatePathFD != 0 {
		err = needs("bpf_obj_get_opts with path_fd", 1, 3)
	}
	if err != nil {
		return nil, &Error{Op: "open", Object: object, Err: err}
	}
	fd, err := openPinned("map", path, mapFDKinds, func(p cString) cInt { return objGetWith(p, flags, o.PathFD) })
	if err != nil {
		return nil, err
	}
	return ownMap(fd, "")
}

// FromID opens the map that has this id in the kernel (bpf_map_get_fd_by_id_opts, Linux 4.13); the caller closes it. It
// needs CAP_SYS_ADMIN. errors.Is(err, [os.ErrNotExist]) when there is no such map.
func (o MapOpenOptions) FromID(id uint32) (*MapHandle, error) {
	object := fmt.Sprintf("map with id %d", id)
	flags, err := o.flags(CreateReadOnly | CreateWriteOnly)
	if err != nil {
		return nil, &Error{Op: "open", Object: object, Err: err}
	}
	fd, err := openID("map", id, func() cInt { return mapFDByIDWith(id, flags) })
	if err != nil {
		return nil, err
	}
	return ownMap(fd, "")
}

// MapHandleFromPinnedPath opens the map that is pinned at path, for reading and writing: see
// [MapOpenOptions.FromPinnedPath].
func MapHandleFromPinnedPath(path string) (*MapHandle, error) {
	return MapOpenOptions{}.FromPinnedPath(path)
}

// MapHandleFromID opens the map that has this id in the kernel, for reading and writing: see [MapOpenOptions.FromID].
func MapHandleFromID(id uint32) (*MapHandle, error) { return MapOpenOptions{}.FromID(id) }
