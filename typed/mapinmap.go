package typed

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// maps is a view of a map of maps.
type maps[K any] struct{ slots[K, uint32] }

// Lookup opens the map under key; the caller closes it. The kernel returns the map's id
// (bpf_map_lookup_elem_flags), by which it is opened (bpf_map_get_fd_by_id). That needs CAP_SYS_ADMIN.
//
// The error matches [libbpf.ErrKeyNotExist] when there is no map under key, [libbpf.ErrIndexRange] when key is an index
// beyond the end of an array, and [os.ErrNotExist] when the map was replaced and freed meanwhile.
func (m *maps[K]) Lookup(key K, flags libbpf.MapFlags) (*libbpf.MapHandle, error) {
	id, err := m.LookupID(key, flags)
	if err != nil {
		return nil, err
	}
	return libbpf.MapHandleFromID(id)
}

// LookupID returns the kernel's id of the map under key, for [libbpf.MapHandleFromID]. Its errors are the first two of
// Lookup. It does not allocate.
func (m *maps[K]) LookupID(key K, flags libbpf.MapFlags) (uint32, error) {
	return m.slots.Lookup(key, flags)
}

// Update puts a map under key, in place of the one that is there (bpf_map_update_elem). inner remains the caller's, who
// may close it: the map of maps keeps it. A hash table takes the flags [libbpf.Any], [libbpf.NoExist] and
// [libbpf.Exist], an array Any alone.
//
// The error matches [libbpf.ErrKeyExist] or [libbpf.ErrKeyNotExist] as the flags ask, [libbpf.ErrMapFull] when there is
// no room, [libbpf.ErrIndexRange] when key is an index beyond the end of an array, and [libbpf.ErrClosed] when inner is
// closed or nil. It matches unix.EINVAL when inner is not like the template that the map of maps was created with, in
// its type, its sizes of keys and values and its flags, and an array in its maximum of entries, too. The error then
// says how inner differs from a map that is there already, if it finds one.
func (m *maps[K]) Update(key K, inner libbpf.MapCore, flags libbpf.MapFlags) error {
	err := libbpf.UpdateInnerMap(m.Map(), m.key.encode(bytesOf(&key)), inner, flags)
	if errors.Is(err, unix.EINVAL) && !errors.Is(err, libbpf.ErrInvalid) {
		return m.compare(inner, err)
	}
	return err
}

// mostCompared is how many keys compare looks at. A lookup in a map of maps waits for all programs to end in old
// kernels.
const mostCompared = 64

// compare explains why the kernel refused an inner map. The kernel does not tell the template, but all maps that it has
// let in are like it.
func (m *maps[K]) compare(inner libbpf.MapCore, err error) error {
	info, failed := inner.Info()
	if failed != nil {
		return err
	}
	looks := 0
	for key := range m.Map().Keys(nil) {
		if like, ok := m.info(key); ok {
			return m.wrong(err, differences(info, like))
		}
		if looks++; looks == mostCompared {
			break
		}
	}
	return m.wrong(err, describe(info))
}

// info is what the kernel tells of the map under a key.
func (m *maps[K]) info(key []byte) (info libbpf.MapInfo, ok bool) {
	var id uint32
	if m.lookup(key, bytesOf(&id), libbpf.Any) != nil {
		return info, false
	}
	held, err := libbpf.MapHandleFromID(id)
	if err != nil {
		return info, false
	}
	defer held.Close()
	info, err = held.Info()
	return info, err == nil
}

// wrong adds a reason to the error of the kernel's.
func (m *maps[K]) wrong(err error, reason string) error {
	var failed *libbpf.Error
	if reason == "" || !errors.As(err, &failed) {
		return err
	}
	return &libbpf.Error{Op: failed.Op, Object: failed.Object, Err: fault.New(reason, failed.Err)}
}

// differences says how an inner map differs from one that is like the template. It is empty when it does not.
func differences(inner, like libbpf.MapInfo) string {
	var text []string
	add := func(format string, is, wanted any) {
		if is != wanted {
			text = append(text, fmt.Sprintf(format, is, wanted))
		}
	}
	add("is of type %s and must be of type %s", inner.Type, like.Type)
	add("has keys of %d bytes and must have %d", inner.KeySize, like.KeySize)
	add("has values of %d bytes and must have %d", inner.ValueSize, like.ValueSize)
	add("has the flags %s and must have %s", inner.Flags, like.Flags)
	// Only arrays must have as many entries, unless they have the flag CreateInnerMap, and before Linux 5.10 all maps.
	if len(text) == 0 || like.Type == libbpf.MapTypeArray && like.Flags&libbpf.CreateInnerMap == 0 {
		add("has %d entries and must have %d", inner.MaxEntries, like.MaxEntries)
	}
	if len(text) == 0 {
		return ""
	}
	return "the inner map " + strings.Join(text, "; it ")
}

func describe(inner libbpf.MapInfo) string {
	return fmt.Sprintf("the inner map is not like the template: it is of type %s, and has keys of %d bytes, "+
		"values of %d bytes, %d entries and the flags %s", inner.Type, inner.KeySize, inner.ValueSize, inner.MaxEntries, inner.Flags)
}

// ArrayOfMaps is an array of maps: a map of type [libbpf.MapTypeArrayOfMaps]. Keys are the indices, of type uint32; an
// index can hold nothing. All returns the kernel's ids of the maps.
type ArrayOfMaps struct{ maps[uint32] }

// NewArrayOfMaps returns a typed view of a map of type [libbpf.MapTypeArrayOfMaps] (Linux 4.12). The error matches
// [libbpf.ErrInvalid] when the map is of another type.
func NewArrayOfMaps(m libbpf.MapCore) (*ArrayOfMaps, error) {
	a := new(ArrayOfMaps)
	return orNil(a, a.open(m, libbpf.MapTypeArrayOfMaps))
}

// HashOfMaps is a hash table of maps under Ks: a map of type [libbpf.MapTypeHashOfMaps]. All returns the kernel's ids
// of the maps.
type HashOfMaps[K any] struct{ maps[K] }

// NewHashOfMaps returns a typed view of a map of type [libbpf.MapTypeHashOfMaps] (Linux 4.12). The error matches
// [libbpf.ErrInvalid] when the map is of another type, or its keys are not as large as a K.
func NewHashOfMaps[K any](m libbpf.MapCore) (*HashOfMaps[K], error) {
	h := new(HashOfMaps[K])
	return orNil(h, h.open(m, libbpf.MapTypeHashOfMaps))
}
