package typed

import "github.com/libbpf-go/libbpf-go"

// CgroupStorageKey is a key of a [CgroupStorage] that programs of each attach type have for themselves
// (struct bpf_cgroup_storage_key).
type CgroupStorageKey struct {
	CgroupInodeID uint64 // the cgroup's id: the inode number of its directory
	AttachType    libbpf.ProgramAttachType
	_             uint32 // as in C, also where Go aligns 64 bits to 4 bytes
}

// CgroupStorage holds a V for each cgroup that a program is attached to: a map of type [libbpf.MapTypeCgroupStorage].
// Its keys are as the object declares them: CgroupStorageKeys, or uint64s with the cgroup's id alone, where programs of
// all attach types share a value (Linux 5.9).
//
// The kernel adds and removes elements when programs are attached and detached. Update replaces the value of one, and
// returns [libbpf.ErrKeyNotExist] when there is none, also with [libbpf.Any]. New programs better use a [CgrpStorage].
type CgroupStorage[K CgroupStorageKey | uint64, V any] struct{ elements[K, V] }

// NewCgroupStorage returns a typed view of a map of type [libbpf.MapTypeCgroupStorage] (Linux 4.19). The error matches
// [libbpf.ErrInvalid] when the map is of another type, or its keys and values are not as large as a K and a V.
func NewCgroupStorage[K CgroupStorageKey | uint64, V any](m libbpf.MapCore) (*CgroupStorage[K, V], error) {
	s := new(CgroupStorage[K, V])
	return orNil(s, s.open(m, libbpf.MapTypeCgroupStorage))
}

// PerCPUCgroupStorage is a [CgroupStorage] with a V for each possible CPU: a map of type
// [libbpf.MapTypePerCPUCgroupStorage].
type PerCPUCgroupStorage[K CgroupStorageKey | uint64, V any] struct{ perCPU[K, V] }

// NewPerCPUCgroupStorage returns a typed view of a map of type [libbpf.MapTypePerCPUCgroupStorage] (Linux 4.20). Its
// errors are those of [NewCgroupStorage].
func NewPerCPUCgroupStorage[K CgroupStorageKey | uint64, V any](
	m libbpf.MapCore,
) (*PerCPUCgroupStorage[K, V], error) {
	s := new(PerCPUCgroupStorage[K, V])
	return orNil(s, s.open(m, libbpf.MapTypePerCPUCgroupStorage))
}
