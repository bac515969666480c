package libbpf

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/fault"
	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// Hook is a place to which programs are attached without a link: a cgroup, a network namespace, a sockmap, a network
// device's tcx or netkit. Query also returns programs that links attached.
//
// Nobody owns what a Hook attaches. It survives Close of the object and the end of the process, until somebody detaches
// it or the place is gone. To have the program detached automatically, use the method of [Program] for the place, such
// as [Program.AttachCgroup], where the kernel has links for it.
//
// Devices are those of the network namespace of the calling thread.
type Hook struct {
	// Type says what the place is, and at which event the programs run there.
	Type ProgramAttachType
	// FD is a descriptor of the cgroup's folder, of the network namespace, or of the map. A flow dissector is attached
	// to and detached from the network namespace of the calling thread, with an FD of 0.
	FD int
	// IfIndex is the number of the device, for the attach types of tcx and netkit; FD must then be 0.
	IfIndex int
}

// HookOptions say how a program is attached. With the zero value, the program runs after all others on a device, and is
// the only program at other places.
type HookOptions struct {
	// Flags are AttachAllowOverride, AttachAllowMulti and AttachPreorder for cgroups, and AttachBefore and AttachAfter.
	Flags AttachFlags
	// Replace is an attached program that the new one replaces (BPF_F_REPLACE, Linux 5.6). In a cgroup it needs
	// AttachAllowMulti in Flags.
	Replace ProgramCore

	// These are as in [PlacementOptions] (libbpf 1.3). Cgroups take no link here.
	RelativeProgram   ProgramCore
	RelativeLink      *Link
	RelativeProgramID uint32
	RelativeLinkID    uint32

	// ExpectedRevision makes the attachment fail with unix.ESTALE if the programs there changed after a query returned
	// this revision (libbpf 1.3). 0 disables the check.
	ExpectedRevision uint64
}

// Attach attaches a program (bpf_prog_attach_opts, Linux 4.10). errors.Is(err, unix.EINVAL) when the program's type
// does not fit the place, os.ErrExist or os.ErrPermission when a program that is attached here, or in a cgroup above,
// does not allow another one.
func (h Hook) Attach(p ProgramCore, opts HookOptions) error {
	const op = "attach"
	object := fmt.Sprintf("%s to %s", programCoreOf(p).String(), h)
	attach := func(fd, replace int) error {
		return call(op, object, func() error {
			if err := h.checkAttach(opts); err != nil {
				return err
			}
			placement := opts.placement()
			return placement.use(func(p placed) error {
				if replace != 0 {
					p.flags |= uint32(attachReplace)
				}
				return h.explain(clib.FromRet(int(attachTo(h, fd, replace, p))))
			})
		})
	}
	return useProgram(op, object, p, func(fd int) error {
		if opts.Replace == nil {
			return attach(fd, 0)
		}
		return useProgram(op, object, opts.Replace, func(replace int) error { return attach(fd, replace) })
	})
}

func (h Hook) checkAttach(opts HookOptions) error {
	if err := h.check(); err != nil {
		return err
	}
	placement := opts.placement()
	if placement.isRelative() || opts.ExpectedRevision != 0 {
		if err := needs("bpf_prog_attach_opts with a relative program or a revision", 1, 3); err != nil {
			return err
		}
	}
	return placement.check()
}

// placement is the part of the options that links take as well.
func (o *HookOptions) placement() PlacementOptions {
	return PlacementOptions{
		Flags: o.Flags, RelativeProgram: o.RelativeProgram, RelativeLink: o.RelativeLink,
		RelativeProgramID: o.RelativeProgramID, RelativeLinkID: o.RelativeLinkID, ExpectedRevision: o.ExpectedRevision,
	}
}

// HookDetachOptions are for [Hook.Detach]. The zero value is the default.
type HookDetachOptions struct {
	// ExpectedRevision makes Detach fail with unix.ESTALE if the programs there changed after a query returned this
	// revision (libbpf 1.3). 0 disables the check.
	ExpectedRevision uint64
}

// Detach detaches a program that was attached without a link (bpf_prog_detach_opts, or bpf_prog_detach2 before libbpf
// 1.3). errors.Is(err, os.ErrNotExist) when it is not attached there. In a cgroup that allows only one program, Detach
// detaches that program, whichever program p is.
func (h Hook) Detach(p ProgramCore, opts HookDetachOptions) error {
	const op = "detach"
	object := fmt.Sprintf("%s from %s", programCoreOf(p).String(), h)
	return useProgram(op, object, p, func(fd int) error {
		return call(op, object, func() error {
			if err := h.check(); err != nil {
				return err
			}
			if opts.ExpectedRevision != 0 {
				if err := needs("bpf_prog_detach_opts", 1, 3); err != nil {
					return err
				}
			}
			return h.explain(clib.FromRet(int(detachFrom(h, fd, opts.ExpectedRevision))))
		})
	})
}

// HookQueryOptions are for [Hook.Query]. The zero value is the default.
type HookQueryOptions struct {
	// Effective also returns the programs that a cgroup inherits from the cgroups above, in the order in which they
	// run. The flags of the programs are then unknown.
	Effective bool
}

// HookInfo is what is attached to a [Hook].
type HookInfo struct {
	Programs []HookProgram // in the order in which they run, except with AttachPreorder
	// Flags say how programs are attached to the cgroup: AttachAllowOverride, AttachAllowMulti or neither. 0 when there
	// are no programs.
	Flags AttachFlags
	// Revision changes with each attachment and detachment, for ExpectedRevision. 0 when the place has no revision
	// (libbpf 1.3, Linux 6.6, cgroups 6.17).
	Revision uint64
}

// HookProgram is one program that is attached to a [Hook].
type HookProgram struct {
	ID    uint32
	Flags AttachFlags // of a program in a cgroup (Linux 6.1)
	// LinkID is the link that attached it, on tcx and netkit (libbpf 1.3); 0 for none.
	LinkID uint32
}

// Query returns the programs that are attached, by links or without (bpf_prog_query_opts; cgroups Linux 4.15, network
// namespaces 5.8, maps 5.19). It needs CAP_NET_ADMIN.
func (h Hook) Query(opts HookQueryOptions) (HookInfo, error) {
	var info HookInfo
	err := call("query", h.String(), func() (err error) {
		if err := h.check(); err != nil {
			return err
		}
		// A kernel returns an error when it is asked for what it does not know. So ask for less each time.
		for _, ask := range []hookAnswers{{flags: !opts.Effective, links: true}, {flags: !opts.Effective}, {}} {
			info, err = h.query(opts, ask)
			if !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.E2BIG) {
				break
			}
		}
		return h.explain(err)
	})
	return info, err
}

// hookAnswers are what to ask for besides the programs' ids.
type hookAnswers struct{ flags, links bool }

func (h Hook) query(opts HookQueryOptions, ask hookAnswers) (HookInfo, error) {
	var queryFlags uint32
	if opts.Effective {
		queryFlags = 1 // BPF_F_QUERY_EFFECTIVE
	}
	// Others may attach programs between two tries, so make room for some more than the kernel counted.
	const room, tries = 16, 10
	for size, try := uint32(room), 1; ; try++ {
		ids, flags, links := make([]uint32, size), make([]uint32, size), make([]uint32, size)
		var flagsTo, linksTo *uint32
		if ask.flags {
			flagsTo = &flags[0]
		}
		if ask.links {
			linksTo = &links[0]
		}
		count := size
		var info HookInfo
		err := clib.FromRet(int(queryHook(h, queryFlags, &ids[0], flagsTo, linksTo, &count, &info)))
		if count > size && (err == nil || errors.Is(err, unix.ENOSPC)) && try < tries {
			size = count + room
			continue
		}
		if err != nil {
			return HookInfo{}, err
		}
		for i := range min(count, size) {
			info.Programs = append(info.Programs,
				HookProgram{ids[i], AttachFlags(flags[i]), links[i]})
		}
		return info, nil
	}
}

// String returns names such as "tcx_ingress of device 3" or "cgroup_inet_egress of fd 7".
func (h Hook) String() string {
	if h.onDevice() {
		return fmt.Sprintf("%v of device %d", h.Type, h.IfIndex)
	}
	return fmt.Sprintf("%v of fd %d", h.Type, h.FD)
}

// onDevice reports whether the place is a network device. The kernel then takes the device's number instead of a
// descriptor.
func (h Hook) onDevice() bool {
	switch h.Type {
	case AttachTypeTCXIngress, AttachTypeTCXEgress, AttachTypeNetkitPrimary, AttachTypeNetkitPeer:
		return true
	}
	return false
}

func (h Hook) target() int {
	if h.onDevice() {
		return h.IfIndex
	}
	return h.FD
}

func (h Hook) check() error {
	if h.onDevice() {
		if h.FD != 0 {
			return fault.Invalidf("%v is on a device: set IfIndex, and leave FD 0", h.Type)
		}
		return checkIfIndex(h.IfIndex)
	}
	if h.IfIndex != 0 {
		return fault.Invalidf("%v is not on a device: set FD, and leave IfIndex 0", h.Type)
	}
	return checkFDNumber("target", h.FD)
}
