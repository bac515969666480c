package libbpf

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// OpenInnerMap opens the map that a map of maps holds under key; the caller closes it. [ErrKeyNotExist] when there is none.
// The kernel answers with an id, so it needs CAP_SYS_ADMIN, and a map that is replaced meanwhile may be gone:
// errors.Is(err, os.ErrNotExist).
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

// UpdateInnerMap makes a map of maps hold inner under key, in place of the one that it held (bpf_map_update_elem). inner
// must be like the template that the map of maps was created with: errors.Is(err, unix.EINVAL). It remains the caller's.
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
		return nil, c.fail(op, fault.Invalidf("the map holds no maps, it is of type %s", c.typ))
	case c.valueSize != 4:
		return nil, c.fail(op, unix.EINVAL)
	}
	return c, nil
}
