package libbpf

import "github.com/libbpf-go/libbpf-go/internal/fault"

// MapOpenOptions say how to open an existing map by its id. The zero value opens it for reading and writing. For pins,
// see [PinOptions].
type MapOpenOptions struct {
	// Flags are 0 for reading and writing, [CreateReadOnly] or [CreateWriteOnly] (Linux 4.15).
	Flags MapCreateFlags
}

// FromID opens the map that has this id in the kernel (bpf_map_get_fd_by_id_opts, Linux 4.13); the caller closes it. It
// needs CAP_SYS_ADMIN. errors.Is(err, [os.ErrNotExist]) when there is no such map.
func (o MapOpenOptions) FromID(id uint32) (*MapHandle, error) {
	if wrong := o.Flags &^ (CreateReadOnly | CreateWriteOnly); wrong != 0 {
		err := fault.Invalidf("the flag %s can't be used to open a map by its id", wrong)
		return nil, &Error{Op: "open", Object: objectWithID("map", id), Err: err}
	}
	fd, err := openID("map", id, func() cInt { return mapFDByIDWith(id, o.Flags) })
	if err != nil {
		return nil, err
	}
	return ownMap(fd, "")
}

// MapHandleFromPinnedPath opens the map that is pinned at path, for reading and writing: see [PinOptions.OpenMap].
func MapHandleFromPinnedPath(path string) (*MapHandle, error) { return PinOptions{}.OpenMap(path, 0) }

// MapHandleFromID opens the map that has this id in the kernel, for reading and writing: see [MapOpenOptions.FromID].
func MapHandleFromID(id uint32) (*MapHandle, error) { return MapOpenOptions{}.FromID(id) }
