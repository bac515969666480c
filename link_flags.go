package libbpf

import (
	"math"

	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// AttachFlags say how a program is attached where several may be: in a cgroup, on tcx, on a netkit device.
type AttachFlags uint32

// The flags of attachments. Each place knows some of them.
const (
	// AttachAllowOverride lets a cgroup below replace the program (BPF_F_ALLOW_OVERRIDE). Not for links.
	AttachAllowOverride AttachFlags = 1 << 0
	// AttachAllowMulti lets others be attached beside and below the program, which all run. Links always have it
	// (BPF_F_ALLOW_MULTI, Linux 4.15).
	AttachAllowMulti AttachFlags = 1 << 1
	// AttachBefore lets the program run before the other one that is given, or before all where none is
	// (BPF_F_BEFORE, Linux 6.6; cgroups 6.17).
	AttachBefore AttachFlags = 1 << 3
	// AttachAfter lets the program run after the other one that is given, or after all where none is
	// (BPF_F_AFTER, Linux 6.6; cgroups 6.17).
	AttachAfter AttachFlags = 1 << 4
	// AttachPreorder lets the program of a cgroup run before those of the cgroups below
	// (BPF_F_PREORDER, Linux 6.15).
	AttachPreorder AttachFlags = 1 << 6
	// AttachLink says that the other one is given as a link and not as a program (BPF_F_LINK, Linux 6.6).
	AttachLink AttachFlags = 1 << 13
)

// What libbpf, or this package, sets where it has to: the kernel would take an id for a descriptor, or ignore what is to
// be replaced, without.
const (
	attachReplace AttachFlags = 1 << 2 // BPF_F_REPLACE
	attachID      AttachFlags = 1 << 5 // BPF_F_ID
)

// String is such as "before|link".
func (f AttachFlags) String() string {
	return flagsText(uint64(f),
		"allow_override", "allow_multi", "replace", "before", "after", "id", "preorder", "", "", "", "", "", "", "link")
}

// PlacementOptions say where among the programs of a cgroup, of a device's tcx or of a pair of netkit devices one is to
// run. The zero value is after all others.
type PlacementOptions struct {
	Flags AttachFlags // AttachBefore, AttachAfter, AttachLink
	// AttachType is the direction on a device, if not that of the program's section: AttachTypeTCXIngress or
	// AttachTypeTCXEgress, AttachTypeNetkitPrimary or AttachTypeNetkitPeer. One program may be attached to both, each by
	// a link of its own. 0 is the section's; cgroups take no other.
	AttachType ProgramAttachType
	// RelativeFD or RelativeID is another program of the same place and direction, next to which Flags put this one; with
	// AttachLink in Flags it is a link. 0 is none.
	RelativeFD int
	RelativeID uint32
	// ExpectedRevision makes the attachment fail with unix.ESTALE if the programs there were changed since a query
	// returned this revision. 0 does not check.
	ExpectedRevision uint64
}

// check checks how the other program or link is given.
func (o PlacementOptions) check() error {
	flags, fd, id := o.Flags, o.RelativeFD, o.RelativeID
	switch {
	case fd != 0 && id != 0:
		return fault.Invalidf("the other program is given by RelativeFD or by RelativeID, not by both")
	case flags&(attachID|attachReplace) != 0:
		return fault.Invalidf("flags %#x must not have BPF_F_REPLACE or BPF_F_ID: they follow from other options", uint32(flags))
	case flags&AttachLink != 0 && fd == 0 && id == 0:
		return fault.Invalidf("AttachLink needs a link in RelativeFD or RelativeID")
	}
	return checkFDNumber("relative", fd)
}

// checkFDNumber checks a descriptor, or 0 where that stands for none.
func checkFDNumber(what string, fd int) error {
	if fd < 0 || fd > math.MaxInt32 {
		return fault.Invalidf("the %s fd %d is no descriptor: those are from 0 to %d", what, fd, math.MaxInt32)
	}
	return nil
}
