package libbpf

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// OpenInnerMap opens the map that a map of maps holds under key; the caller closes it. The error is [ErrKeyNotExist]
// when there is none. The kernel returns an id, so this needs CAP_SYS_ADMIN. If the inner map is replaced meanwhile, it
// may no longer exist: errors.Is(err, [os.ErrNotExist]).
func OpenInnerMap(outer MapCore, key []byte) (*MapHandle, error) {
	c, err := mapOfMaps("open inner map of", outer)
	if err != nil {
		return nil, err
	}
	var id [4]byte
	if err := c.LookupInto(key, id[:], Any); err != nil {
		return nil, err
	}
	return MapHandleFromID(binary.NativeEndian.Uint32(id[:]))
}

// UpdateInnerMap makes a map of maps hold inner under key, in place of the previous one (bpf_map_update_elem). inner
// must match the template that the map of maps was created with; otherwise errors.Is(err, unix.EINVAL). inner remains
// the caller's, and can be closed: the outer map keeps it.
func UpdateInnerMap(outer MapCore, key []byte, inner MapCore, flags MapFlags) error {
	const op = "update inner map of"
	c, err := mapOfMaps(op, outer)
	if err != nil {
		return err
	}
	in, err := coreOf(inner)
	if err == nil {
		err = in.h.Acquire()
	}
	if err != nil {
		return c.fail(op, err)
	}
	defer in.h.Drop()
	return c.Update(key, binary.NativeEndian.AppendUint32(nil, uint32(in.fd)), flags)
}

func mapOfMaps(op string, outer MapCore) (*mapCore, error) {
	c, err := coreOf(outer)
	switch {
	case err != nil:
		return nil, &Error{Op: op, Object: "map", Err: err}
	case c.h == nil:
		return nil, c.fail(op, ErrClosed)
	case !c.typ.IsMapInMap():
		return nil, c.fail(op, fault.Invalidf("the map is not a map of maps but of type %s", c.typ))
	case c.valueSize != 4:
		return nil, c.fail(op, unix.EINVAL)
	}
	return c, nil
}
