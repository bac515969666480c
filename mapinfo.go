package libbpf

/*
#include <string.h>
#include <bpf/bpf.h>

// The names that Go's spelling can't reach, and a struct that is zero to its last byte: an old kernel refuses one that
// is larger than its own unless the rest is zero.
static int lbg_map_info(int fd, struct bpf_map_info *info)
{
	__u32 size = sizeof(*info);

	memset(info, 0, sizeof(*info));
	return bpf_obj_get_info_by_fd(fd, info, &size);
}

static __u32 lbg_map_info_type(const struct bpf_map_info *info)
{
	return info->type;
}
*/
import "C"

import (
	"fmt"
	"os"

	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// MapInfo is what the kernel tells of a map (struct bpf_map_info).
type MapInfo struct {
	Type       MapType
	ID         uint32
	Name       string // at most 15 characters
	KeySize    uint32 // bytes
	ValueSize  uint32 // bytes
	MaxEntries uint32
	Flags      MapCreateFlags
	Extra      uint64 // Linux 5.16
	IfIndex    uint32 // the device that the map is offloaded to, 0 for none
	NetNSDev   uint64 // the device and inode of that device's network namespace
	NetNSInode uint64

	BTFID                 uint32 // the BTF that the type ids are of, 0 for none
	BTFKeyTypeID          uint32
	BTFValueTypeID        uint32
	BTFVmlinuxValueTypeID uint32 // the kernel's own struct behind a struct_ops map
}

// checkMapFD tells whether a descriptor is a map's. The kernel answers a question for a map's info with a program's info
// if it is given a program.
func checkMapFD(fd int) error {
	kind, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
	if err != nil {
		return err
	}
	if kind != "anon_inode:bpf-map" {
		return invalidf("it is not a map's but of %q", kind)
	}
	return nil
}

func mapInfo(fd int) (MapInfo, error) {
	var info C.struct_bpf_map_info
	ret := C.lbg_map_info(C.int(fd), &info)
	if ret < 0 {
		return MapInfo{}, clib.FromRet(int(ret))
	}
	return MapInfo{
		Type:                  MapType(C.lbg_map_info_type(&info)),
		ID:                    uint32(info.id),
		Name:                  C.GoString(&info.name[0]),
		KeySize:               uint32(info.key_size),
		ValueSize:             uint32(info.value_size),
		MaxEntries:            uint32(info.max_entries),
		Flags:                 MapCreateFlags(info.map_flags),
		Extra:                 uint64(info.map_extra),
		IfIndex:               uint32(info.ifindex),
		NetNSDev:              uint64(info.netns_dev),
		NetNSInode:            uint64(info.netns_ino),
		BTFID:                 uint32(info.btf_id),
		BTFKeyTypeID:          uint32(info.btf_key_type_id),
		BTFValueTypeID:        uint32(info.btf_value_type_id),
		BTFVmlinuxValueTypeID: uint32(info.btf_vmlinux_value_type_id),
	}, nil
}

func (m *mapCore) info() (MapInfo, error) {
	const op = "get info of"
	if err := m.h.acquire(); err != nil {
		return MapInfo{}, m.fail(op, err)
	}
	defer m.h.drop()
	info, err := mapInfo(m.fd)
	if err != nil {
		return MapInfo{}, m.fail(op, err)
	}
	return info, nil
}

func (m *mapCore) freeze() error {
	const op = "freeze"
	if err := m.h.acquire(); err != nil {
		return m.fail(op, err)
	}
	defer m.h.drop()
	if err := clib.FromRet(int(C.bpf_map_freeze(C.int(m.fd)))); err != nil {
		return m.fail(op, err)
	}
	return nil
}
