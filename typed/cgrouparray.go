package typed

import "github.com/libbpf-go/libbpf-go"

// CgroupArray is an array of cgroups for programs to test for: a map of type [libbpf.MapTypeCgroupArray]. The kernel
// does not tell which cgroups an array holds.
type CgroupArray struct{ view }

// NewCgroupArray returns a typed view of a map of type [libbpf.MapTypeCgroupArray] (Linux 4.8). The error matches
// [libbpf.ErrInvalid] when the map is of another type.
func NewCgroupArray(m libbpf.MapCore) (*CgroupArray, error) {
	a := new(CgroupArray)
	return orNil(a, a.openView(m, libbpf.MapTypeCgroupArray))
}

// Update puts a cgroup at an index, in place of the one that is there (bpf_map_update_elem). fd is a descriptor of the
// cgroup's directory in a cgroup2 file system, and remains the caller's. The kernel takes no flags but [libbpf.Any].
//
// The error matches [libbpf.ErrIndexRange] when the index is beyond the end, [libbpf.ErrInvalid] when fd is negative,
// and unix.EBADF when it is not of a cgroup.
func (m *CgroupArray) Update(key uint32, fd int, flags libbpf.MapFlags) error {
	return m.updateFD(bytesOf(&key), fd, flags)
}

// Delete removes the cgroup at an index (bpf_map_delete_elem). The error matches [libbpf.ErrKeyNotExist] when there is
// none, and [libbpf.ErrIndexRange] when the index is beyond the end.
func (m *CgroupArray) Delete(key uint32) error { return m.delete(bytesOf(&key)) }
