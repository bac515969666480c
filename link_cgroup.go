package libbpf

import "github.com/libbpf-go/libbpf-go/internal/fault"

// AttachCgroup attaches the program to a cgroup of version 2. The program then runs for the processes in this cgroup
// and in the cgroups below (bpf_program__attach_cgroup_opts, or bpf_program__attach_cgroup before libbpf 1.6; Linux
// 5.7, LSM 6.0). It takes programs of the types cgroup_skb, cgroup_sock, cgroup_sock_addr, cgroup_sockopt,
// cgroup_sysctl, cgroup_device and sock_ops, and LSM programs for cgroups.
//
// In opts, the other program is given by its link. Flags can also be AttachPreorder. Options other than the zero value
// need libbpf 1.6 and Linux 6.17 (AttachPreorder alone: Linux 6.15).
//
// cgroup is a descriptor of the cgroup's folder, such as int(dir.Fd()) after os.Open. It may be closed when
// AttachCgroup returns. The link belongs to the caller; Close of the object closes it too.
func (p *Program) AttachCgroup(cgroup int, opts PlacementOptions) (*Link, error) {
	return p.attach(aCgroup, func() (*cLink, error) {
		if err := p.checkForCgroup(cgroup, opts); err != nil {
			return nil, err
		}
		return attachPlaced(p.ptr, placeCgroup, cgroup, &opts)
	})
}

// AttachCgroup is like [Program.AttachCgroup] (bpf_link_create). For most types of programs the handle must know the
// attach type: see [ProgramHandle.SetAttachType]. The result belongs to the caller.
func (p *ProgramHandle) AttachCgroup(cgroup int, opts PlacementOptions) (*Link, error) {
	return p.attach(aCgroup, func(fd int) (int, error) {
		if err := p.checkForCgroup(cgroup, opts); err != nil {
			return -1, err
		}
		attachType := AttachTypeLSMCgroup
		if p.typ != ProgramTypeLSM {
			var err error
			if attachType, err = p.mustAttachType(); err != nil {
				return -1, err
			}
		}
		return linkPlaced(fd, cgroup, attachType, &opts)
	})
}

const aCgroup = "a cgroup"

// checkForCgroup checks what is to be attached to a cgroup.
func (p *programCore) checkForCgroup(cgroup int, opts PlacementOptions) error {
	err := p.checkType(aCgroup, ProgramTypeCgroupSKB, ProgramTypeCgroupSock, ProgramTypeCgroupSockAddr,
		ProgramTypeCgroupSockopt, ProgramTypeCgroupSysctl, ProgramTypeCgroupDevice, ProgramTypeSockOps)
	if p.typ == ProgramTypeLSM {
		err = p.checkAttachType(aCgroup, AttachTypeLSMCgroup)
	}
	if err != nil {
		return err
	}
	if opts != (PlacementOptions{}) {
		if err := needs("bpf_program__attach_cgroup_opts", 1, 6); err != nil {
			return err
		}
	}
	if err := checkFDNumber("cgroup", cgroup); err != nil {
		return err
	}
	if opts.AttachType != 0 {
		return fault.Invalidf("AttachType is for devices: a cgroup uses the program's own attach type")
	}
	return opts.check()
}
