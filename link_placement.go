package libbpf

import (
	"fmt"

	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// PlacementOptions say where a program runs among the programs of a cgroup, of a device's tcx, or of a pair of netkit
// devices. The zero value is after all others.
type PlacementOptions struct {
	Flags AttachFlags // AttachBefore, AttachAfter; for cgroups also AttachPreorder
	// AttachType is the direction on a device, if it is not that of the program's section: AttachTypeTCXIngress or
	// AttachTypeTCXEgress, AttachTypeNetkitPrimary or AttachTypeNetkitPeer. One program can be attached to both
	// directions, with one link for each. 0 is the section's direction. For cgroups it must be 0.
	AttachType ProgramAttachType

	// At most one of these is set: another program, or its link. Flags place this program before or after it. The other
	// program must be attached to the same place in the same direction. Without one, Flags place this program before or
	// after all others.
	RelativeProgram   ProgramCore
	RelativeLink      *Link
	RelativeProgramID uint32
	RelativeLinkID    uint32

	// ExpectedRevision is a revision that a query returned. If programs were attached or detached after that query, the
	// attachment fails with unix.ESTALE. 0 disables the check.
	ExpectedRevision uint64
}

// check checks that the other program or link is given only once.
func (o *PlacementOptions) check() error {
	given := 0
	for _, is := range []bool{
		o.RelativeProgram != nil, o.RelativeLink != nil, o.RelativeProgramID != 0, o.RelativeLinkID != 0,
	} {
		if is {
			given++
		}
	}
	switch {
	case given > 1:
		return fault.Invalidf("only one of RelativeProgram, RelativeLink, RelativeProgramID and RelativeLinkID can be set")
	case o.Flags&(attachID|attachReplace|attachLink) != 0:
		return fault.Invalidf("flags %#x must not have BPF_F_REPLACE, BPF_F_ID or BPF_F_LINK: they follow from other options",
			uint32(o.Flags))
	}
	return nil
}

// isRelative reports whether there is another program or link.
func (o *PlacementOptions) isRelative() bool {
	return o.RelativeProgram != nil || o.RelativeLink != nil || o.RelativeProgramID != 0 || o.RelativeLinkID != 0
}

// placed is what the kernel takes of PlacementOptions.
type placed struct {
	flags, fd, id uint32
	revision      uint64
}

// use runs f with the values for the kernel. The other program or link stays open during f.
func (o *PlacementOptions) use(f func(p placed) error) error {
	p := placed{
		flags: uint32(o.Flags), id: o.RelativeProgramID | o.RelativeLinkID, revision: o.ExpectedRevision,
	}
	if o.RelativeLink != nil || o.RelativeLinkID != 0 {
		p.flags |= uint32(attachLink)
	}
	relative := func(fd int) error {
		p.fd = uint32(fd)
		return f(p)
	}
	switch {
	case o.RelativeProgram != nil:
		c := programCoreOf(o.RelativeProgram)
		if err := c.h.Acquire(); err != nil {
			return fmt.Errorf("relative program: %w", err)
		}
		defer c.h.Drop()
		return relative(c.fd)
	case o.RelativeLink != nil:
		l := o.RelativeLink
		if err := l.h.Acquire(); err != nil {
			return fmt.Errorf("relative link: %w", err)
		}
		defer l.h.Drop()
		fd := int(l.fd())
		if err := checkLinkFD(fd); err != nil {
			return fmt.Errorf("relative link: %w", err)
		}
		return relative(fd)
	}
	return f(p)
}

// attachPlaced attaches a program with libbpf's function for the place.
func attachPlaced(
	prog *cProgram, place uint32, target int, opts *PlacementOptions,
) (link *cLink, err error) {
	err = opts.use(func(p placed) (err error) {
		link, err = attachAt(prog, place, target, p)
		if link != nil {
			err = nil
		}
		return err
	})
	return link, err
}

// linkPlaced makes a link to a device or a cgroup, with options that libbpf's attach functions do not take.
func linkPlaced(program, target int, at ProgramAttachType, opts *PlacementOptions) (fd int, err error) {
	err = opts.use(func(p placed) (err error) {
		fd, err = linkFD(linkAt(program, target, at, p))
		return err
	})
	return fd, err
}
