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
)

// The flags that follow from other options.
const (
	attachReplace AttachFlags = 1 << 2  // BPF_F_REPLACE
	attachID      AttachFlags = 1 << 5  // BPF_F_ID: libbpf sets it
	attachLink    AttachFlags = 1 << 13 // BPF_F_LINK
)

// String is such as "before|preorder".
func (f AttachFlags) String() string {
	return flagsText(uint64(f),
		"allow_override", "allow_multi", "replace", "before", "after", "id", "preorder", "", "", "", "", "", "", "link")
}

// checkFDNumber checks a descriptor, or 0 where that stands for none.
func checkFDNumber(what string, fd int) error {
	if fd < 0 || fd > math.MaxInt32 {
		return fault.Invalidf("the %s fd %d is no descriptor: those are from 0 to %d", what, fd, math.MaxInt32)
	}
	return nil
}
