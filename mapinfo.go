package libbpf

import (
	"github.com/libbpf-go/libbpf-go/btf"
	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// MapInfo is what the kernel says about a map (struct bpf_map_info).
type MapInfo struct {
	Type       MapType
	ID         uint32
	Name       string // at most 15 characters
	KeySize    uint32 // bytes
	ValueSize  uint32 // bytes
	MaxEntries uint32
	Flags      MapCreateFlags
	Extra      uint64 // Linux 5.16
	IfIndex    uint32 // the network device that the map is offloaded to, 0 for none
	NetNSDev   uint64 // the network namespace of that network device, as device and inode
	NetNSInode uint64

	BTFID                 uint32 // the id of the BTF that has the types, 0 for none
	BTFKeyTypeID          btf.TypeID
	BTFValueTypeID        btf.TypeID
	BTFVmlinuxValueTypeID btf.TypeID // the kernel's own struct behind a struct_ops map
}

// rawMapInfo is the kernel's struct bpf_map_info, up to the last field that this package uses.
type rawMapInfo struct {
	typ, id               uint32
	keySize, valueSize    uint32
	maxEntries, mapFlags  uint32
	name                  [16]byte
	ifindex               uint32
	btfVmlinuxValueTypeID btf.TypeID
	netnsDev, netnsIno    uint64
	btfID                 uint32
	btfKeyTypeID          btf.TypeID
	btfValueTypeID        btf.TypeID
	_                     uint32 // btf_vmlinux_id
	mapExtra              uint64
	_                     uint64    // hash, a pointer
	_                     [2]uint32 // hash_size, padding
}

func mapInfo(fd int) (MapInfo, error) {
	var raw rawMapInfo
	if err := kernelInfo(fd, &raw); err != nil {
		return MapInfo{}, err
	}
	return MapInfo{
		Type:                  MapType(raw.typ),
		ID:                    raw.id,
		Name:                  cText(raw.name[:]),
		KeySize:               raw.keySize,
		ValueSize:             raw.valueSize,
		MaxEntries:            raw.maxEntries,
		Flags:                 MapCreateFlags(raw.mapFlags),
		Extra:                 raw.mapExtra,
		IfIndex:               raw.ifindex,
		NetNSDev:              raw.netnsDev,
		NetNSInode:            raw.netnsIno,
		BTFID:                 raw.btfID,
		BTFKeyTypeID:          raw.btfKeyTypeID,
		BTFValueTypeID:        raw.btfValueTypeID,
		BTFVmlinuxValueTypeID: raw.btfVmlinuxValueTypeID,
	}, nil
}

// Info asks the kernel for the map's properties (bpf_obj_get_info_by_fd, Linux 4.13).
func (m *mapCore) Info() (MapInfo, error) {
	const op = "get info of"
	if err := m.h.Acquire(); err != nil {
		return MapInfo{}, m.fail(op, err)
	}
	defer m.h.Drop()
	info, err := mapInfo(m.fd)
	if err != nil {
		return MapInfo{}, m.fail(op, err)
	}
	return info, nil
}

// Freeze makes the map read-only for user space (bpf_map_freeze, Linux 5.2). It can't be undone. Programs can still
// write to the map.
func (m *mapCore) Freeze() error {
	const op = "freeze"
	if err := m.h.Acquire(); err != nil {
		return m.fail(op, err)
	}
	defer m.h.Drop()
	if err := clib.FromRet(int(freezeMap(m.fd))); err != nil {
		return m.fail(op, err)
	}
	return nil
}
