package typed

import (
	"reflect"

	"github.com/libbpf-go/libbpf-go"
)

// Storage holds a V for each of some objects of the kernel, which user space names by file descriptors: see
// [SKStorage], [InodeStorage], [TaskStorage] and [CgrpStorage]. Descriptors remain the caller's. A value goes with its
// object. The kernel does not list the objects that have one.
//
// In all methods, the error matches [libbpf.ErrInvalid] when fd is negative, and unix.EBADF when it is not of such an
// object, for sockets unix.ENOTSOCK.
type Storage[V any] struct{ view }

// SKStorage holds a V for each socket that a program or Update gave one. User space names a socket by its descriptor.
type SKStorage[V any] = Storage[V]

// InodeStorage holds a V for each inode that a program or Update gave one. User space names an inode by a descriptor of
// the file.
type InodeStorage[V any] = Storage[V]

// TaskStorage holds a V for each task that a program or Update gave one. User space names a task by a pidfd
// (unix.PidfdOpen).
type TaskStorage[V any] = Storage[V]

// CgrpStorage holds a V for each cgroup that a program or Update gave one. User space names a cgroup by a descriptor of
// its directory in a cgroup2 file system.
type CgrpStorage[V any] = Storage[V]

// NewSKStorage returns a typed view of a map of type [libbpf.MapTypeSKStorage] (Linux 5.2). The error matches
// [libbpf.ErrInvalid] when the map is of another type, or its values are not as large as a V.
func NewSKStorage[V any](m libbpf.MapCore) (*SKStorage[V], error) {
	return newStorage[V](m, libbpf.MapTypeSKStorage)
}

// NewInodeStorage returns a typed view of a map of type [libbpf.MapTypeInodeStorage] (Linux 5.10, with the LSM "bpf").
// Its errors are those of [NewSKStorage].
func NewInodeStorage[V any](m libbpf.MapCore) (*InodeStorage[V], error) {
	return newStorage[V](m, libbpf.MapTypeInodeStorage)
}

// NewTaskStorage returns a typed view of a map of type [libbpf.MapTypeTaskStorage] (Linux 5.11). Its errors are those
// of [NewSKStorage].
func NewTaskStorage[V any](m libbpf.MapCore) (*TaskStorage[V], error) {
	return newStorage[V](m, libbpf.MapTypeTaskStorage)
}

// NewCgrpStorage returns a typed view of a map of type [libbpf.MapTypeCgrpStorage] (Linux 6.2). Its errors are those of
// [NewSKStorage].
func NewCgrpStorage[V any](m libbpf.MapCore) (*CgrpStorage[V], error) {
	return newStorage[V](m, libbpf.MapTypeCgrpStorage)
}

func newStorage[V any](m libbpf.MapCore, typ libbpf.MapType) (*Storage[V], error) {
	s := new(Storage[V])
	err := s.openView(m, typ)
	if err == nil {
		err = s.setValue(reflect.TypeFor[V]())
	}
	return orNil(s, err)
}

// Lookup returns the value of the object that fd stands for (bpf_map_lookup_elem_flags). flags is [libbpf.Any], or
// [libbpf.Lock] to hold the value's bpf_spin_lock while it is copied. The error matches [libbpf.ErrKeyNotExist] when
// the object has none. It does not allocate.
func (s *Storage[V]) Lookup(fd int, flags libbpf.MapFlags) (value V, err error) {
	err = s.LookupInto(fd, &value, flags)
	return value, err
}

// LookupInto is Lookup into the caller's variable, which saves copies of a large value.
func (s *Storage[V]) LookupInto(fd int, value *V, flags libbpf.MapFlags) error {
	key, err := s.fd(fd)
	if err != nil {
		return err
	}
	if err := s.lookup(bytesOf(&key), bytesOf(value), flags); err != nil {
		return err
	}
	s.value.mend(bytesOf(value))
	return nil
}

// Update sets the value of the object that fd stands for (bpf_map_update_elem). flags is [libbpf.Any] to set it in any
// case, [libbpf.NoExist] to add one, or [libbpf.Exist] to replace one; [libbpf.Lock] may be added. The error matches
// [libbpf.ErrKeyExist] or [libbpf.ErrKeyNotExist] as the flags ask. It does not allocate.
func (s *Storage[V]) Update(fd int, value V, flags libbpf.MapFlags) error {
	key, err := s.fd(fd)
	if err != nil {
		return err
	}
	return s.update(bytesOf(&key), s.value.encode(bytesOf(&value)), flags)
}

// Delete removes the value of the object that fd stands for (bpf_map_delete_elem). The error matches
// [libbpf.ErrKeyNotExist] when it has none. It does not allocate.
func (s *Storage[V]) Delete(fd int) error {
	key, err := s.fd(fd)
	if err != nil {
		return err
	}
	return s.delete(bytesOf(&key))
}
