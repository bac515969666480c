package libbpf

import (
	"cmp"
	"errors"
	"fmt"
	"math"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/internal/fault"
	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// MapHandle is a map in the kernel with its own descriptor: one that was created without an object, or an existing one
// that was opened by its id or pin. The kernel keeps the map while any handle, object, program or pin holds it. Close
// the handle when done.
type MapHandle struct{ mapCore }

// MapCreateOptions are the less common properties of a new map (struct bpf_map_create_opts). The zero value of a field
// is its default. If a field needs a flag in the kernel, setting the field sets the flag.
type MapCreateOptions struct {
	Flags    MapCreateFlags
	Extra    uint64  // its meaning depends on the type, such as a bloom filter's number of hash functions
	NUMANode uint32  // the NUMA node to allocate on; for node 0, set the flag CreateNUMANode
	IfIndex  uint32  // the network device to offload the map to; 0 for none
	InnerMap MapCore // the template of the maps that a map of maps will hold; required for a map of maps

	// The types of keys and values: an fd of BTF in the kernel, and type ids in that BTF. 0 is none.
	BTFFD          int
	BTFKeyTypeID   btf.TypeID
	BTFValueTypeID btf.TypeID
	// For a struct_ops map: the type id of the kernel's struct and, if a module defines it, the fd of the module's BTF.
	BTFVmlinuxValueTypeID btf.TypeID
	ValueTypeBTFObjectFD  int // libbpf 1.4, Linux 6.9
	// TokenFD is a BPF token that grants the right to create the map; 0 is none (libbpf 1.4, Linux 6.9).
	TokenFD int
	// ExclusiveProgramHash is the SHA-256 hash, 32 bytes, of the only program that can use the map; nil for all
	// programs (libbpf 1.7, Linux 6.18).
	ExclusiveProgramHash []byte
}

// check refuses options that the kernel would silently ignore, and those that the linked libbpf does not know.
func (o *MapCreateOptions) check(typ MapType) error {
	for what, fd := range map[string]int{
		"BTFFD": o.BTFFD, "ValueTypeBTFObjectFD": o.ValueTypeBTFObjectFD, "TokenFD": o.TokenFD,
	} {
		if fd < 0 || fd > math.MaxInt32 {
			return fmt.Errorf("%s is %d, which is not a file descriptor: %w", what, fd, unix.EBADF)
		}
	}
	switch types := o.BTFKeyTypeID != 0 || o.BTFValueTypeID != 0 || o.BTFVmlinuxValueTypeID != 0; {
	case o.BTFFD != 0 && !types:
		return fault.Invalidf("BTFFD is set, but no type id")
	case o.BTFFD == 0 && (o.BTFKeyTypeID != 0 || o.BTFValueTypeID != 0):
		return fault.Invalidf("BTFKeyTypeID and BTFValueTypeID need BTFFD")
	case o.InnerMap != nil && !typ.IsMapInMap():
		return fault.Invalidf("InnerMap is set, but a %s does not hold maps", typ)
	case o.ExclusiveProgramHash != nil && len(o.ExclusiveProgramHash) == 0:
		return fault.Invalidf("ExclusiveProgramHash has 0 bytes and must have 32, or be nil for all programs")
	}
	if o.ValueTypeBTFObjectFD != 0 || o.TokenFD != 0 {
		if err := needs("bpf_map_create with a token or a module's BTF", 1, 4); err != nil {
			return err
		}
	}
	if o.ExclusiveProgramHash != nil {
		return needs("bpf_map_create with excl_prog_hash", 1, 7)
	}
	return nil
}

// flags are Flags, and the flags that other fields imply.
func (o *MapCreateOptions) flags() MapCreateFlags {
	flags := o.Flags
	if o.NUMANode != 0 {
		flags |= CreateNUMANode
	}
	if o.ValueTypeBTFObjectFD != 0 {
		flags |= CreateVTypeBTFObjectFD
	}
	if o.TokenFD != 0 {
		flags |= CreateTokenFD
	}
	return flags
}

// programHashSize is the size of a program's SHA-256 hash. It is not crypto/sha256's constant, because that package
// brings 26 others into every program.
const programHashSize = 32

// refused adds to EINVAL why the kernel refused to create the map, if that is known.
func (o *MapCreateOptions) refused(d MapDefinition, err error) error {
	if why := d.refused(err); why != err || !errors.Is(err, unix.EINVAL) {
		return why
	}
	switch n := len(o.ExclusiveProgramHash); {
	case d.Type.IsMapInMap() && o.InnerMap == nil:
		return fault.New("a map of maps needs InnerMap", err)
	case d.Type.isLocalStorage() && o.BTFValueTypeID == 0:
		return fault.Newf(err, "a %s needs the BTF types of its keys and values", d.Type)
	case n != 0 && n != programHashSize:
		return fault.Newf(err, "ExclusiveProgramHash has %d bytes and must have %d", n, programHashSize)
	}
	return err
}

// CreateMap creates a map (bpf_map_create); the caller closes it. Sizes are in bytes. maxEntries is a number of
// elements; for a ring buffer it is a size in bytes, which must be a power of two of pages. The name may be empty; it
// may have letters, digits, underscores and periods, and the kernel keeps its first 15 characters. errors.Is(err,
// unix.EINVAL) when the sizes or flags do not fit the type; the error says which. errors.Is(err,
// [errors.ErrUnsupported]) when the kernel does not know the type.
func CreateMap(
	typ MapType, name string, keySize, valueSize, maxEntries uint32, options MapCreateOptions,
) (*MapHandle, error) {
	const op = "create"
	object := fmt.Sprintf("map %q", name)
	var c cArgs
	defer c.Free()
	cName := c.Optional("name", name)
	if c.Err != nil {
		return nil, &Error{Op: op, Object: object, Err: c.Err}
	}
	if err := options.check(typ); err != nil {
		return nil, &Error{Op: op, Object: object, Err: err}
	}
	innerFD := 0
	if options.InnerMap != nil {
		inner, err := coreOf(options.InnerMap)
		if err == nil {
			err = inner.h.Acquire()
		}
		if err != nil {
			return nil, &Error{Op: op, Object: object, Err: fmt.Errorf("inner map: %w", err)}
		}
		defer inner.h.Drop()
		innerFD = inner.fd
	}
	opts := mapCreateOpts(&c, &options, innerFD)
	var fd cInt
	err := call(op, object, func() error {
		fd = createMap(typ, cName, keySize, valueSize, maxEntries, &opts)
		err := clib.FromRet(int(fd))
		if err == nil {
			return nil
		}
		return options.refused(MapDefinition{
			Name: name, Type: typ, KeySize: keySize, ValueSize: valueSize, MaxEntries: maxEntries,
			Flags: options.flags(), Extra: options.Extra, NUMANode: options.NUMANode,
		}, err)
	})
	if err != nil {
		return nil, err
	}
	return ownMap(int(fd), name)
}

// MapHandleFromFD makes a handle of a descriptor from elsewhere, such as C code or another process. It duplicates the
// descriptor, which remains the caller's. errors.Is(err, [ErrInvalid]) when it is not a map's descriptor,
// errors.Is(err, unix.EBADF) when it is not open.
func MapHandleFromFD(fd int) (*MapHandle, error) {
	own, err := dupFD("map", fd, mapFDKinds)
	if err != nil {
		return nil, err
	}
	return ownMap(own, "")
}

// MapHandleFrom makes a second handle of a map, with its own descriptor. It stays valid when the first handle or the
// map's object is closed.
func MapHandleFrom(m MapCore) (*MapHandle, error) {
	fd, err := dupMapFD(m)
	if err != nil {
		return nil, &Error{Op: "duplicate", Object: "map", Err: err}
	}
	return ownMap(fd, m.Name())
}

// ownMap takes ownership of the descriptor, even when it fails. name is the map's whole name, or "" to use the name
// that the kernel has, which may be cut off.
func ownMap(fd int, name string) (*MapHandle, error) {
	h := ownFD(fd)
	info, err := mapInfo(fd)
	if err != nil {
		_ = h.Close()
		return nil, &Error{Op: "get info of", Object: "map", Err: err}
	}
	info.Name = cmp.Or(name, info.Name)
	core, err := newMapCore(h, fd, info)
	if err != nil {
		_ = h.Close()
		return nil, err
	}
	return &MapHandle{core}, nil
}

// coreOf is the map's core, or [ErrClosed] for a nil map, and for a nil pointer to one.
func coreOf(m MapCore) (*mapCore, error) {
	switch m := m.(type) {
	case *Map:
		if m != nil {
			return &m.mapCore, nil
		}
	case *MapHandle:
		if m != nil {
			return &m.mapCore, nil
		}
	case nil:
	default:
		return m.core(), nil
	}
	return nil, ErrClosed
}

// useMap runs f with a map that an operation on something else needs. The map stays open during f. useMap returns f's
// error unchanged.
func useMap(op, object string, m MapCore, f func(c *mapCore) error) error {
	c, err := coreOf(m)
	if err == nil {
		err = c.h.Acquire()
	}
	if err != nil {
		return &Error{Op: op, Object: object, Err: fmt.Errorf("map: %w", err)}
	}
	defer c.h.Drop()
	return f(c)
}

// dupMapFD is a new descriptor of the map, which the caller owns.
func dupMapFD(m MapCore) (int, error) {
	c, err := coreOf(m)
	if err != nil {
		return -1, err
	}
	if err := c.h.Acquire(); err != nil {
		return -1, err
	}
	defer c.h.Drop()
	return duplicate(c.fd)
}

// Close closes the descriptor. It is idempotent. It does not wait for operations that are in progress: the last of them
// closes the descriptor.
func (m *MapHandle) Close() error {
	if m == nil {
		return nil
	}
	return closing(m.String(), m.h.Close())
}

// Pin pins the map at a path on a BPF file system, so that the kernel keeps it (bpf_obj_pin). errors.Is(err,
// [os.ErrExist]) when the path is taken.
func (m *MapHandle) Pin(path string) error {
	const op = "pin"
	c := m.core()
	if err := c.h.Acquire(); err != nil {
		return c.fail(op, err)
	}
	defer c.h.Drop()
	return call(op, c.String(), func() error {
		return pinning(path, func(p cString) cInt { return objPin(c.fd, p) })
	})
}

// Unpin removes the pin at path, but not the pin of another object, even if it comes there at the same time:
// errors.Is(err, [ErrInvalid]).
func (m *MapHandle) Unpin(path string) error {
	const op = "unpin"
	c := m.core()
	info, err := c.Info()
	if err != nil {
		return err
	}
	return call(op, c.String(), func() error { return unpin(path, PinnedMap, info.ID) })
}
