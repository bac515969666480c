package inventory

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
)

// attachWithoutLinks finds out where programs run that were attached without a link, as older tools do: on the devices
// of this network namespace, and in cgroups. It asks only for programs of which nothing is known otherwise.
func (r *Reader) attachWithoutLinks(s *Snapshot) {
	lost := map[libbpf.ProgramType]bool{}
	for _, p := range s.Programs {
		if len(p.Attached) == 0 {
			lost[p.typ] = true
		}
	}
	if lost[libbpf.ProgramTypeXDP] || lost[libbpf.ProgramTypeSchedCls] {
		attachToDevices(s, lost)
	}
	for typ, attachTypes := range cgroupAttachTypes {
		if lost[typ] {
			attachToCgroups(s, attachTypes)
		}
	}
}

func attachToDevices(s *Snapshot, lost map[libbpf.ProgramType]bool) {
	indexes, _ := filepath.Glob("/sys/class/net/*/ifindex")
	for _, path := range indexes {
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		index, err := strconv.Atoi(strings.TrimSpace(string(text)))
		if err != nil {
			continue
		}
		attachToDevice(s, index, lost)
	}
}

func attachToDevice(s *Snapshot, index int, lost map[libbpf.ProgramType]bool) {
	name := deviceName(uint32(index))
	if lost[libbpf.ProgramTypeXDP] {
		if info, err := (libbpf.XDP{IfIndex: index}).Query(); err == nil {
			for _, id := range []uint32{info.ProgramID, info.DrvProgramID, info.HWProgramID, info.SKBProgramID} {
				s.attach(id, "XDP of "+name)
			}
		}
	}
	if !lost[libbpf.ProgramTypeSchedCls] {
		return
	}
	for _, typ := range []libbpf.ProgramAttachType{
		libbpf.AttachTypeTCXIngress, libbpf.AttachTypeTCXEgress, libbpf.AttachTypeNetkitPrimary,
		libbpf.AttachTypeNetkitPeer,
	} {
		info, err := libbpf.Hook{Type: typ, IfIndex: index}.Query(libbpf.HookQueryOptions{})
		if err != nil {
			continue // the kernel or the device has no such hook
		}
		for _, p := range info.Programs {
			s.attach(p.ID, direction(typ)+" of "+name)
		}
	}
}

// attach notes where a program runs, if it is one of those that links do not attach there.
func (s *Snapshot) attach(id uint32, words string) {
	p := s.Program(id)
	if p == nil {
		return
	}
	p.attach(words)
	if len(p.LinkIDs) == 0 {
		p.heldBy(words)
	}
}

// cgroupAttachTypes are the places in a cgroup, by the type of the programs that run there.
var cgroupAttachTypes = map[libbpf.ProgramType][]libbpf.ProgramAttachType{
	libbpf.ProgramTypeCgroupSKB: {libbpf.AttachTypeCgroupInetIngress, libbpf.AttachTypeCgroupInetEgress},
	libbpf.ProgramTypeCgroupSock: {
		libbpf.AttachTypeCgroupInetSockCreate, libbpf.AttachTypeCgroupInetSockRelease,
		libbpf.AttachTypeCgroupInet4PostBind, libbpf.AttachTypeCgroupInet6PostBind,
	},
	libbpf.ProgramTypeCgroupDevice: {libbpf.AttachTypeCgroupDevice},
	libbpf.ProgramTypeCgroupSysctl: {libbpf.AttachTypeCgroupSysctl},
	libbpf.ProgramTypeSockOps:      {libbpf.AttachTypeCgroupSockOps},
	libbpf.ProgramTypeCgroupSockopt: {
		libbpf.AttachTypeCgroupGetsockopt, libbpf.AttachTypeCgroupSetsockopt,
	},
	libbpf.ProgramTypeCgroupSockAddr: {
		libbpf.AttachTypeCgroupInet4Bind, libbpf.AttachTypeCgroupInet6Bind, libbpf.AttachTypeCgroupInet4Connect,
		libbpf.AttachTypeCgroupInet6Connect, libbpf.AttachTypeCgroupUnixConnect, libbpf.AttachTypeCgroupUDP4Sendmsg,
		libbpf.AttachTypeCgroupUDP6Sendmsg, libbpf.AttachTypeCgroupUnixSendmsg, libbpf.AttachTypeCgroupUDP4Recvmsg,
		libbpf.AttachTypeCgroupUDP6Recvmsg, libbpf.AttachTypeCgroupUnixRecvmsg, libbpf.AttachTypeCgroupInet4Getpeername,
		libbpf.AttachTypeCgroupInet6Getpeername, libbpf.AttachTypeCgroupUnixGetpeername,
		libbpf.AttachTypeCgroupInet4Getsockname, libbpf.AttachTypeCgroupInet6Getsockname,
		libbpf.AttachTypeCgroupUnixGetsockname,
	},
}

// attachToCgroups looks into all cgroups. One that can't be read does not hide the others.
func attachToCgroups(s *Snapshot, types []libbpf.ProgramAttachType) {
	all := findCgroups()
	if all.mount == "" {
		return
	}
	var denied error
	_ = filepath.WalkDir(all.mount, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return nil
		}
		folder, err := os.Open(path)
		if err != nil {
			return nil
		}
		defer folder.Close()
		for _, typ := range types {
			info, err := libbpf.Hook{Type: typ, FD: int(folder.Fd())}.Query(libbpf.HookQueryOptions{})
			switch {
			case errors.Is(err, fs.ErrPermission):
				denied = err
				return filepath.SkipAll
			case errors.Is(err, unix.EINVAL):
				continue // the kernel does not know the place
			case err != nil:
				return nil // such as a cgroup that is going away
			}
			for _, p := range info.Programs {
				s.attach(p.ID, fmt.Sprintf("%s of cgroup %s", strings.TrimPrefix(typ.String(), "cgroup_"),
					filepath.Join("/", strings.TrimPrefix(path, all.mount))))
			}
		}
		return nil
	})
	s.warn(denied)
}
