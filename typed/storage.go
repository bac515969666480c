package typed

import (
	"reflect"

	"github.com/libbpf-go/libbpf-go"
)

// Storage holds a V for each of some objects of the kernel, which user space names by file descriptors: see
// [SKStorage], [InodeStorage], [TaskStorage] and [CgrpStorage]. The kernel does not list them. Descriptors remain the
// caller's, and one that is not of such an object is errors.Is(err, unix.EBADF).
type Storage[V any] struct{ a access }

// SKStorage holds a V for each socket that a program or Set gave one; it goes with the socket. User space names the
// socket by its descriptor.
type SKStorage[V any] = Storage[V]

// NewSKStorage makes a typed view of a map of type [libbpf.MapTypeSKStorage] (Linux 5.2).
func NewSKStorage[V any](m libbpf.MapCore) (*SKStorage[V], error) {
	return newStorage[V](m, libbpf.MapTypeSKStorage)
}

// InodeStorage holds a V for each inode that a program or Set gave one; it goes with the inode. User space names the
// inode by a descriptor of the file.
type InodeStorage[V any] = Storage[V]

// NewInodeStorage makes a typed view of a map of type [libbpf.MapTypeInodeStorage] (Linux 5.10, with the LSM "bpf").
func NewInodeStorage[V any](m libbpf.MapCore) (*InodeStorage[V], error) {
	return newStorage[V](m, libbpf.MapTypeInodeStorage)
}

// TaskStorage holds a V for each task that a program or Set gave one; it goes with the task. User space names the task
// by a pidfd (unix.PidfdOpen).
type TaskStorage[V any] = Storage[V]

// NewTaskStorage makes a typed view of a map of type [libbpf.MapTypeTaskStorage] (Linux 5.11).
func NewTaskStorage[V any](m libbpf.MapCore) (*TaskStorage[V], error) {
	return newStorage[V](m, libbpf.MapTypeTaskStorage)
}

// CgrpStorage holds a V for each cgroup that a program or Set gave one; it goes with the cgroup. User space names the
// cgroup by a descriptor of its folder in a cgroup2 file system.
type CgrpStorage[V any] = Storage[V]

// NewCgrpStorage makes a typed view of a map of type [libbpf.MapTypeCgrpStorage] (Linux 6.2).
func NewCgrpStorage[V any](m libbpf.MapCore) (*CgrpStorage[V], error) {
	return newStorage[V](m, libbpf.MapTypeCgrpStorage)
}

func newStorage[V any](m libbpf.MapCore, typ libbpf.MapType) (*Storage[V], error) {
	a, err := newAccess(m, typ)
	if err == nil {
		err = a.wantSize("key", m.KeySize(), 4)
	}
	if err == nil {
		err = a.checkValue(reflect.TypeFor[V]())
	}
	if err != nil {
		return nil, err
	}
	return &Storage[V]{a}, nil
}

func (s *Storage[V]) access() *access {
	if s == nil {
		return &closed
	}
	return &s.a
}

// Map is the map behind it.
func (s *Storage[V]) Map() libbpf.MapCore { return s.access().mapCore() }

// Pin makes the map last under a path on a bpf file system: see [libbpf.MapCore].
func (s *Storage[V]) Pin(path string) error { return s.access().pin(path) }

// Get is the value of what fd is of (bpf_map_lookup_elem_flags): [libbpf.ErrKeyNotExist] when it has none.
func (s *Storage[V]) Get(fd int) (V, error) {
	var value V
	err := s.GetInto(fd, &value, libbpf.Any)
	return value, err
}

// GetInto is Get into the caller's variable, with flags: [libbpf.Any] or [libbpf.Lock].
func (s *Storage[V]) GetInto(fd int, value *V, flags libbpf.MapFlags) error {
	key, err := s.access().fd(fd)
	if err != nil {
		return err
	}
	return get(s.access(), &key, value, flags)
}

// Set sets the value of what fd is of, whether it has one already or not (bpf_map_update_elem).
func (s *Storage[V]) Set(fd int, value V) error { return s.Insert(fd, value, libbpf.Any) }

// Insert is Set with flags: with [libbpf.NoExist] it is [libbpf.ErrKeyExist] if there is a value already, with
// [libbpf.Exist] [libbpf.ErrKeyNotExist] if there is none.
func (s *Storage[V]) Insert(fd int, value V, flags libbpf.MapFlags) error {
	key, err := s.access().fd(fd)
	if err != nil {
		return err
	}
	return set(s.access(), &key, &value, flags)
}

// Delete removes the value (bpf_map_delete_elem): [libbpf.ErrKeyNotExist] when there is none.
func (s *Storage[V]) Delete(fd int) error {
	key, err := s.access().fd(fd)
	if err != nil {
		return err
	}
	return remove(s.access(), &key)
}
