package libbpf

/*
#include <errno.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

enum lbg_place { LBG_CGROUP, LBG_TCX, LBG_NETKIT };

// Attaches with libbpf's function for the place. Go checks that the options are 0 where libbpf lacks them, and does not
// call this where libbpf lacks the function.
static struct bpf_link *lbg_attach_placed(const struct bpf_program *prog, enum lbg_place place, int target, __u32 flags,
					  __u32 relative_fd, __u32 relative_id, __u64 expected_revision)
{
#define PLACEMENT \
	.flags = flags, .relative_fd = relative_fd, .relative_id = relative_id, .expected_revision = expected_revision
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 3
	LIBBPF_OPTS(bpf_tcx_opts, tcx, PLACEMENT);
	LIBBPF_OPTS(bpf_netkit_opts, netkit, PLACEMENT);

	if (place == LBG_TCX)
		return bpf_program__attach_tcx(prog, target, &tcx);
	if (place == LBG_NETKIT)
		return bpf_program__attach_netkit(prog, target, &netkit);
#endif
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 6
	LIBBPF_OPTS(bpf_cgroup_opts, cgroup, PLACEMENT);

	return bpf_program__attach_cgroup_opts(prog, target, &cgroup);
#else
	(void)place;
	(void)flags;
	(void)relative_fd;
	(void)relative_id;
	(void)expected_revision;
	return bpf_program__attach_cgroup(prog, target);
#endif
#undef PLACEMENT
}

// Makes a link to a network device or a cgroup. tcx, netkit and cgroups take the same options, which overlap in
// libbpf's struct.
static int lbg_link_placed(int prog_fd, int target, __u32 type, __u32 flags, __u32 relative_fd, __u32 relative_id,
			   __u64 expected_revision)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = flags);

#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 3
	opts.tcx.relative_fd = relative_fd;
	opts.tcx.relative_id = relative_id;
	opts.tcx.expected_revision = expected_revision;
#else
	// Go has checked that they are 0.
	(void)relative_fd;
	(void)relative_id;
	(void)expected_revision;
#endif
	return bpf_link_create(prog_fd, target, type, &opts);
}
*/
import "C"

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
	flags, fd, id C.__u32
	revision      C.__u64
}

// use runs f with the values for the kernel. The other program or link stays open during f.
func (o *PlacementOptions) use(f func(p placed) error) error {
	p := placed{
		flags: C.__u32(o.Flags), id: C.__u32(o.RelativeProgramID | o.RelativeLinkID), revision: C.__u64(o.ExpectedRevision),
	}
	if o.RelativeLink != nil || o.RelativeLinkID != 0 {
		p.flags |= C.__u32(attachLink)
	}
	relative := func(fd int) error {
		p.fd = C.__u32(fd)
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

// The places for which libbpf has functions with these options.
const (
	placeCgroup uint32 = C.LBG_CGROUP
	placeTCX    uint32 = C.LBG_TCX
	placeNetkit uint32 = C.LBG_NETKIT
)

// attachPlaced attaches a program with libbpf's function for the place.
func attachPlaced(
	prog *C.struct_bpf_program, place uint32, target int, opts *PlacementOptions,
) (link *C.struct_bpf_link, err error) {
	err = opts.use(func(p placed) (err error) {
		link, err = C.lbg_attach_placed(prog, place, C.int(target), p.flags, p.fd, p.id, p.revision)
		if link != nil {
			err = nil
		}
		return err
	})
	return link, err
}

// linkPlaced makes a link to a device or a cgroup, with options that libbpf's attach functions do not take.
func linkPlaced(program, target C.int, at ProgramAttachType, opts *PlacementOptions) (fd int, err error) {
	err = opts.use(func(p placed) (err error) {
		fd, err = linkFD(C.lbg_link_placed(program, target, C.__u32(at), p.flags, p.fd, p.id, p.revision))
		return err
	})
	return fd, err
}
