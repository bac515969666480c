package libbpf

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/btf"
)

// LinkInfo is what the kernel knows about a link (struct bpf_link_info).
type LinkInfo struct {
	Type      LinkType
	ID        uint32
	ProgramID uint32 // 0 for a struct_ops link
	// Detail has the fields of this type of link: a [RawTracepointLinkInfo], [TracingLinkInfo], and so on. It is nil
	// for a type that this package does not know, and where an old kernel reports nothing.
	Detail LinkDetail
}

// LinkDetail is one of the types whose names end in LinkInfo. Fields that the running kernel does not report are zero.
type LinkDetail interface{ linkDetail() }

// RawTracepointLinkInfo describes the link of a raw tracepoint.
type RawTracepointLinkInfo struct {
	Name   string
	Cookie uint64 // Linux 6.18
}

// TracingLinkInfo describes the link of a program that is attached to a function, such as an fentry, LSM or freplace
// program, or to a tracepoint with BTF.
type TracingLinkInfo struct {
	AttachType ProgramAttachType
	// TargetObjectID is the id of the BTF that has the function, or the id of the target program, for freplace and for
	// programs attached to programs. TargetBTFID is the function's type id in that BTF (Linux 5.13).
	TargetObjectID uint32
	TargetBTFID    btf.TypeID
	Cookie         uint64 // Linux 6.18
}

// CgroupLinkInfo describes the link of a program that is attached to a cgroup.
type CgroupLinkInfo struct {
	CgroupID   uint64 // the inode of the cgroup's folder
	AttachType ProgramAttachType
}

// IterLinkInfo describes the link of an iterator.
type IterLinkInfo struct {
	Target string // what it iterates over, such as "task" or "bpf_map_elem"
	MapID  uint32 // the map that it iterates over; 0 for none
	// For cgroups: the cgroup where the iteration begins, and the order (Linux 6.1).
	CgroupID    uint64
	CgroupOrder CgroupIterOrder
	// For tasks: the thread or the process that it is limited to (Linux 6.1).
	TID, PID uint32
}

// NetNSLinkInfo describes the link of a program that is attached to a network namespace.
type NetNSLinkInfo struct {
	Inode      uint32 // the namespace's; 0 when it is gone
	AttachType ProgramAttachType
}

// XDPLinkInfo describes the link of an XDP program.
type XDPLinkInfo struct {
	IfIndex uint32 // 0 when the device is gone
}

// StructOpsLinkInfo describes the link of a registered struct of callbacks.
type StructOpsLinkInfo struct{ MapID uint32 }

// NetfilterLinkInfo describes the link of a netfilter program (Linux 6.4).
type NetfilterLinkInfo struct {
	Protocol NetfilterProtocol
	Hook     NetfilterHook
	Priority int32
	Flags    NetfilterFlags
}

// KprobeMultiLinkInfo describes the link of a program on many kernel functions (Linux 6.6).
type KprobeMultiLinkInfo struct {
	Addresses []uint64 // zeros when the kernel hides addresses
	Cookies   []uint64 // one for each address (Linux 6.9)
	Flags     uint32   // BPF_F_KPROBE_MULTI_
	Missed    uint64   // how often the program did not run (Linux 6.7)
}

// UprobeMultiLinkInfo describes the link of a program at many places in an executable (Linux 6.8). The slices have the
// same length.
type UprobeMultiLinkInfo struct {
	Path          string
	Offsets       []uint64
	RefCtrOffsets []uint64 // offsets of the semaphores; 0 for none
	Cookies       []uint64
	Flags         uint32 // BPF_F_UPROBE_MULTI_
	PID           uint32 // the process that it is limited to; 0 for all
}

// KprobeLinkInfo describes the link of a program on one kernel function. The link's type is [LinkTypePerfEvent] (Linux
// 6.6).
type KprobeLinkInfo struct {
	Return   bool // a kretprobe
	Function string
	Offset   uint32 // from the beginning of the function
	Address  uint64 // 0 when the kernel hides addresses
	Missed   uint64 // how often the program did not run (Linux 6.7)
	Cookie   uint64 // Linux 6.9
}

// UprobeLinkInfo describes the link of a program at one place in an executable. The link's type is [LinkTypePerfEvent]
// (Linux 6.6).
type UprobeLinkInfo struct {
	Return       bool // a uretprobe
	Path         string
	Offset       uint32 // in the file
	Cookie       uint64 // Linux 6.9
	RefCtrOffset uint64 // offset of the semaphore; 0 for none (Linux 6.16)
}

// TracepointLinkInfo describes the link of a program on a tracepoint. The link's type is [LinkTypePerfEvent] (Linux
// 6.6).
type TracepointLinkInfo struct {
	Name   string
	Cookie uint64 // Linux 6.9
}

// PerfEventLinkInfo describes the link of a program on another kind of perf event. The link's type is
// [LinkTypePerfEvent] (Linux 6.6).
type PerfEventLinkInfo struct {
	Type   uint32 // PERF_TYPE_
	Config uint64
	Cookie uint64 // Linux 6.9
}

// TCXLinkInfo describes the link of a tcx program on a network device (Linux 6.6).
type TCXLinkInfo struct {
	IfIndex    uint32 // 0 when the device is gone
	AttachType ProgramAttachType
}

// NetkitLinkInfo describes the link of a program on a netkit device (Linux 6.7).
type NetkitLinkInfo struct {
	IfIndex    uint32 // 0 when the device is gone
	AttachType ProgramAttachType
}

// SockMapLinkInfo describes the link of a program that is attached to a map of sockets (Linux 6.10).
type SockMapLinkInfo struct {
	MapID      uint32
	AttachType ProgramAttachType
}

func (RawTracepointLinkInfo) linkDetail() {}
func (TracingLinkInfo) linkDetail()       {}
func (CgroupLinkInfo) linkDetail()        {}
func (IterLinkInfo) linkDetail()          {}
func (NetNSLinkInfo) linkDetail()         {}
func (XDPLinkInfo) linkDetail()           {}
func (StructOpsLinkInfo) linkDetail()     {}
func (NetfilterLinkInfo) linkDetail()     {}
func (KprobeMultiLinkInfo) linkDetail()   {}
func (UprobeMultiLinkInfo) linkDetail()   {}
func (KprobeLinkInfo) linkDetail()        {}
func (UprobeLinkInfo) linkDetail()        {}
func (TracepointLinkInfo) linkDetail()    {}
func (PerfEventLinkInfo) linkDetail()     {}
func (TCXLinkInfo) linkDetail()           {}
func (NetkitLinkInfo) linkDetail()        {}
func (SockMapLinkInfo) linkDetail()       {}

// rawLinkInfo is the kernel's struct bpf_link_info: a head, and a union of the structs below. Padding is explicit,
// because Go and C align differently on some machines.
type rawLinkInfo struct {
	typ, id, progID uint32
	_               uint32
	detail          [14]uint64 // larger than the union of any kernel so far
}

type (
	// rawLinkName is a string that the kernel writes to a buffer. Some of the structs begin with it.
	rawLinkName struct {
		at   uint64
		size uint32
		_    uint32
	}
	rawRawTracepoint struct {
		_      rawLinkName
		cookie uint64
	}
	rawTracing struct {
		attachType, objectID, btfID, _ uint32
		cookie                         uint64
	}
	rawCgroup struct {
		id         uint64
		attachType uint32
	}
	rawIter struct {
		nameAt   uint64
		nameSize uint32
		mapID    uint32
		param    [2]uint32 // a cgroup's id, or a thread's id and a process's
		order    uint32
	}
	rawNetfilter struct {
		pf, hook uint32
		priority int32
		flags    uint32
	}
	rawKprobeMulti struct {
		addrs        uint64
		count, flags uint32
		missed       uint64
		cookies      uint64
	}
	rawUprobeMulti struct {
		path, offsets, refCtrOffsets, cookies uint64
		pathSize, count, flags, pid           uint32
	}
	rawPerfEvent struct {
		typ, _   uint32
		nameAt   uint64 // or the event's config
		nameSize uint32 // or the event's type
		offset   uint32
		params   [3]uint64
	}
	// rawLinkTarget is a device or a map. The other structs begin with it.
	rawLinkTarget struct{ id, attachType uint32 }
)

// The kinds of perf events, as the kernel numbers them (enum bpf_perf_event_type).
const (
	rawPerfEventUprobe = 1 + iota
	rawPerfEventUretprobe
	rawPerfEventKprobe
	rawPerfEventKretprobe
	rawPerfEventTracepoint
	rawPerfEventEvent
)

// detailAs returns the union as one of its structs.
func detailAs[T any](raw *rawLinkInfo) *T { return (*T)(unsafe.Pointer(&raw.detail)) }

func linkInfo(fd int) (LinkInfo, error) {
	if err := checkLinkFD(fd); err != nil {
		return LinkInfo{}, err
	}
	var raw rawLinkInfo
	if err := kernelInfo(fd, &raw); err != nil {
		return LinkInfo{}, err
	}
	detail, err := raw.fetchDetail(fd)
	if err != nil {
		return LinkInfo{}, err
	}
	return LinkInfo{Type: LinkType(raw.typ), ID: raw.id, ProgramID: raw.progID, Detail: detail}, nil
}

// fetchDetail reads the union, and fetches the strings and arrays whose sizes are in it.
func (raw *rawLinkInfo) fetchDetail(fd int) (LinkDetail, error) {
	target := detailAs[rawLinkTarget](raw)
	switch LinkType(raw.typ) {
	case LinkTypeRawTracepoint:
		size := detailAs[rawLinkName](raw).size
		name, err := linkName(fd, size, func(raw *rawLinkInfo, at uint64, size uint32) {
			*detailAs[rawLinkName](raw) = rawLinkName{at: at, size: size}
		})
		return RawTracepointLinkInfo{name, detailAs[rawRawTracepoint](raw).cookie}, err
	case LinkTypeTracing:
		d := detailAs[rawTracing](raw)
		return TracingLinkInfo{ProgramAttachType(d.attachType), d.objectID, btf.TypeID(d.btfID), d.cookie}, nil
	case LinkTypeCgroup:
		d := detailAs[rawCgroup](raw)
		return CgroupLinkInfo{d.id, ProgramAttachType(d.attachType)}, nil
	case LinkTypeIter:
		return raw.fetchIter(fd)
	case LinkTypeNetNS:
		return NetNSLinkInfo{target.id, ProgramAttachType(target.attachType)}, nil
	case LinkTypeXDP:
		return XDPLinkInfo{target.id}, nil
	case LinkTypePerfEvent:
		return raw.fetchPerfEvent(fd)
	case LinkTypeKprobeMulti:
		return raw.fetchKprobeMulti(fd)
	case LinkTypeStructOps:
		return StructOpsLinkInfo{target.id}, nil
	case LinkTypeNetfilter:
		d := detailAs[rawNetfilter](raw)
		return NetfilterLinkInfo{
			NetfilterProtocol(d.pf), NetfilterHook(d.hook), d.priority, NetfilterFlags(d.flags),
		}, nil
	case LinkTypeTCX:
		return TCXLinkInfo{target.id, ProgramAttachType(target.attachType)}, nil
	case LinkTypeUprobeMulti:
		return raw.fetchUprobeMulti(fd)
	case LinkTypeNetkit:
		return NetkitLinkInfo{target.id, ProgramAttachType(target.attachType)}, nil
	case LinkTypeSockMap:
		return SockMapLinkInfo{target.id, ProgramAttachType(target.attachType)}, nil
	}
	return nil, nil
}

// linkName asks the kernel again, with a buffer of size bytes, and with larger ones until the string fits: not every
// kernel returns the length of the string.
func linkName(fd int, size uint32, place func(raw *rawLinkInfo, at uint64, size uint32)) (string, error) {
	const most = 1 << 16 // longer than any path or symbol
	for size = max(size, 128); ; size *= 2 {
		name, err := func() (string, error) {
			var buffers infoBuffers
			defer buffers.free()
			var raw rawLinkInfo
			name, at := infoBuffer[byte](&buffers, int(size))
			place(&raw, at, size)
			err := kernelInfo(fd, &raw)
			return cText(name), err
		}()
		if !errors.Is(err, unix.ENOSPC) || size >= most {
			return name, err
		}
	}
}

func (raw *rawLinkInfo) fetchIter(fd int) (LinkDetail, error) {
	d := detailAs[rawIter](raw)
	target, err := linkName(fd, d.nameSize, func(raw *rawLinkInfo, at uint64, size uint32) {
		d := detailAs[rawIter](raw)
		d.nameAt, d.nameSize = at, size
	})
	info := IterLinkInfo{Target: target, MapID: d.mapID}
	switch target {
	case "cgroup":
		info.CgroupID, info.CgroupOrder = *(*uint64)(unsafe.Pointer(&d.param)), CgroupIterOrder(d.order)
	case "task", "task_file", "task_vma":
		info.TID, info.PID = d.param[0], d.param[1]
	}
	return info, err
}

func (raw *rawLinkInfo) fetchPerfEvent(fd int) (LinkDetail, error) {
	d := detailAs[rawPerfEvent](raw)
	switch d.typ {
	case rawPerfEventEvent:
		return PerfEventLinkInfo{Type: d.nameSize, Config: d.nameAt, Cookie: d.params[0]}, nil
	case rawPerfEventUprobe, rawPerfEventUretprobe, rawPerfEventKprobe, rawPerfEventKretprobe, rawPerfEventTracepoint:
	default:
		return nil, nil
	}
	name, err := linkName(fd, d.nameSize, func(raw *rawLinkInfo, at uint64, size uint32) {
		d := detailAs[rawPerfEvent](raw)
		d.nameAt, d.nameSize = at, size
	})
	switch d.typ {
	case rawPerfEventUprobe, rawPerfEventUretprobe:
		return UprobeLinkInfo{d.typ == rawPerfEventUretprobe, name, d.offset, d.params[0], d.params[1]}, err
	case rawPerfEventKprobe, rawPerfEventKretprobe:
		return KprobeLinkInfo{
			d.typ == rawPerfEventKretprobe, name, d.offset, d.params[0], d.params[1], d.params[2],
		}, err
	}
	return TracepointLinkInfo{name, d.params[0]}, err
}

func (raw *rawLinkInfo) fetchKprobeMulti(fd int) (LinkDetail, error) {
	count := detailAs[rawKprobeMulti](raw).count
	var buffers infoBuffers
	defer buffers.free()
	var full rawLinkInfo
	d := detailAs[rawKprobeMulti](&full)
	var info KprobeMultiLinkInfo
	info.Addresses, d.addrs = infoBuffer[uint64](&buffers, int(count))
	info.Cookies, d.cookies = infoBuffer[uint64](&buffers, int(count))
	d.count = count
	err := kernelInfo(fd, &full)
	info.Flags, info.Missed = d.flags, d.missed
	return info, err
}

func (raw *rawLinkInfo) fetchUprobeMulti(fd int) (LinkDetail, error) {
	sizes := *detailAs[rawUprobeMulti](raw)
	var buffers infoBuffers
	defer buffers.free()
	var full rawLinkInfo
	d := detailAs[rawUprobeMulti](&full)
	var info UprobeMultiLinkInfo
	var path []byte
	path, d.path = infoBuffer[byte](&buffers, int(sizes.pathSize))
	info.Offsets, d.offsets = infoBuffer[uint64](&buffers, int(sizes.count))
	info.RefCtrOffsets, d.refCtrOffsets = infoBuffer[uint64](&buffers, int(sizes.count))
	info.Cookies, d.cookies = infoBuffer[uint64](&buffers, int(sizes.count))
	d.pathSize, d.count = sizes.pathSize, sizes.count
	err := kernelInfo(fd, &full)
	info.Path, info.Flags, info.PID = cText(path), d.flags, d.pid
	return info, err
}
