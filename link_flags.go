package libbpf

import (
	"math"

	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// AttachFlags say how a program is attached where several programs can be: in a cgroup, on tcx, on a netkit device.
type AttachFlags uint32

// The flags of attachments. Each place takes some of them.
const (
	// AttachAllowOverride lets a cgroup below replace the program (BPF_F_ALLOW_OVERRIDE). Links do not take it.
	AttachAllowOverride AttachFlags = 1 << 0
	// AttachAllowMulti allows several programs in the cgroup and in the cgroups below; all of them run
	// (BPF_F_ALLOW_MULTI, Linux 4.15). Links always allow several.
	AttachAllowMulti AttachFlags = 1 << 1
	// AttachBefore places the program before the other program that is given, or before all programs if none is given
	// (BPF_F_BEFORE, Linux 6.6; cgroups 6.17).
	AttachBefore AttachFlags = 1 << 3
	// AttachAfter places the program after the other program that is given, or after all programs if none is given
	// (BPF_F_AFTER, Linux 6.6; cgroups 6.17).
	AttachAfter AttachFlags = 1 << 4
	// AttachPreorder makes the program of a cgroup run before the programs of the cgroups below (BPF_F_PREORDER, Linux
	// 6.15).
	AttachPreorder AttachFlags = 1 << 6
)

// The flags that follow from other options.
const (
	attachReplace AttachFlags = 1 << 2  // BPF_F_REPLACE
	attachID      AttachFlags = 1 << 5  // BPF_F_ID: libbpf sets it
	attachLink    AttachFlags = 1 << 13 // BPF_F_LINK
)

// String returns names such as "before|preorder".
func (f AttachFlags) String() string {
	return flagsText(uint64(f),
		"allow_override", "allow_multi", "replace", "before", "after", "id", "preorder", "", "", "", "", "", "", "link")
}

// checkFDNumber checks that fd is in the range of descriptors. 0 may stand for none.
func checkFDNumber(what string, fd int) error {
	if fd < 0 || fd > math.MaxInt32 {
		return fault.Invalidf("the %s fd %d is not a descriptor: descriptors are from 0 to %d", what, fd, math.MaxInt32)
	}
	return nil
}
