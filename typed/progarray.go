package typed

import (
	"iter"

	"github.com/libbpf-go/libbpf-go"
)

// ProgArray is an array of programs to call as tail calls: a map of type [libbpf.MapTypeProgArray]. A place may be
// empty. The kernel empties them all when the last descriptor and pin of the map is gone.
type ProgArray struct{ a access }

// NewProgArray makes a typed view of a map of type [libbpf.MapTypeProgArray] (Linux 4.2).
func NewProgArray(m libbpf.MapCore) (*ProgArray, error) {
	a, err := newIndexed(m, libbpf.MapTypeProgArray, 4)
	if err != nil {
		return nil, err
	}
	return &ProgArray{a}, nil
}

func (m *ProgArray) access() *access {
	if m == nil {
		return &closed
	}
	return &m.a
}

// Map is the map behind it.
func (m *ProgArray) Map() libbpf.MapCore { return m.access().mapCore() }

// Pin makes the map last under a path on a bpf file system: see [libbpf.MapCore].
func (m *ProgArray) Pin(path string) error { return m.access().pin(path) }

// Len is the number of places.
func (m *ProgArray) Len() int { return m.access().len() }

// Set puts a program at index, in place of the one that is there (bpf_map_update_elem): [libbpf.ErrIndexRange] beyond
// the end; errors.Is(err, unix.EINVAL) when the program is not of the kind that those in the array are of. The array
// keeps the program.
func (m *ProgArray) Set(index uint32, program *libbpf.Program) error {
	return program.UseFD(func(fd int) error { return m.SetFD(index, fd) })
}

// SetFD is Set for a program by its file descriptor, which remains the caller's.
func (m *ProgArray) SetFD(index uint32, fd int) error {
	return m.access().setFD(bytesOf(&index), fd, libbpf.Any)
}

// ID is the kernel's id of the program at index: [libbpf.ErrKeyNotExist] when there is none, or beyond the end. It
// needs Linux 4.16.
func (m *ProgArray) ID(index uint32) (uint32, error) { return m.access().id(bytesOf(&index)) }

// Delete empties the place at index (bpf_map_delete_elem): [libbpf.ErrKeyNotExist] when it is empty.
func (m *ProgArray) Delete(index uint32) error { return m.access().delete(bytesOf(&index)) }

// All iterates over the ids of the programs, in the order of their indices, without the places that are empty. When
// the loop ends early because of an error, that is in *err; err may be nil.
func (m *ProgArray) All(err *error) iter.Seq2[uint32, uint32] { return present(m.access(), err, m.ID) }

// setFD puts what is behind a descriptor into a map, whose values have 4 or 8 bytes.
func (a *access) setFD(key []byte, fd int, flags libbpf.MapFlags) error {
	short, err := a.fd(fd)
	if err != nil {
		return err
	}
	if a.mapCore().ValueSize() == 8 {
		long := uint64(short)
		return a.update(key, bytesOf(&long), flags)
	}
	return a.update(key, bytesOf(&short), flags)
}

// fd is a descriptor as the kernel has it.
func (a *access) fd(fd int) (uint32, error) {
	if fd < 0 || fd != int(int32(fd)) {
		return 0, a.refuse("%d is not a file descriptor", fd)
	}
	return uint32(fd), nil
}

// CgroupArray is an array of cgroups that programs test for: a map of type [libbpf.MapTypeCgroupArray]. The kernel
// does not tell which they are.
type CgroupArray struct{ a access }

// NewCgroupArray makes a typed view of a map of type [libbpf.MapTypeCgroupArray] (Linux 4.8).
func NewCgroupArray(m libbpf.MapCore) (*CgroupArray, error) {
	a, err := newIndexed(m, libbpf.MapTypeCgroupArray, 4)
	if err != nil {
		return nil, err
	}
	return &CgroupArray{a}, nil
}

func (m *CgroupArray) access() *access {
	if m == nil {
		return &closed
	}
	return &m.a
}

// Map is the map behind it.
func (m *CgroupArray) Map() libbpf.MapCore { return m.access().mapCore() }

// Pin makes the map last under a path on a bpf file system: see [libbpf.MapCore].
func (m *CgroupArray) Pin(path string) error { return m.access().pin(path) }

// Len is the number of places.
func (m *CgroupArray) Len() int { return m.access().len() }

// Set puts a cgroup at index (bpf_map_update_elem): [libbpf.ErrIndexRange] beyond the end. fd is of the cgroup's
// folder in a cgroup2 file system, and remains the caller's.
func (m *CgroupArray) Set(index uint32, fd int) error {
	return m.access().setFD(bytesOf(&index), fd, libbpf.Any)
}

// Delete empties the place at index (bpf_map_delete_elem): [libbpf.ErrKeyNotExist] when it is empty.
func (m *CgroupArray) Delete(index uint32) error { return m.access().delete(bytesOf(&index)) }
