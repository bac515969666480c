package libbpf

/*
#include <errno.h>
#include <bpf/libbpf.h>

static struct bpf_link *lbg_attach_netkit(const struct bpf_program *prog, int ifindex, __u32 flags, __u32 relative_fd,
					  __u32 relative_id, __u64 expected_revision)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 3
	LIBBPF_OPTS(bpf_netkit_opts, opts,
		.flags = flags,
		.relative_fd = relative_fd,
		.relative_id = relative_id,
		.expected_revision = expected_revision,
	);

	return bpf_program__attach_netkit(prog, ifindex, &opts);
#else
	// Go does not call it.
	(void)prog;
	(void)ifindex;
	(void)flags;
	(void)relative_fd;
	(void)relative_id;
	(void)expected_revision;
	errno = EOPNOTSUPP;
	return NULL;
#endif
}
*/
import "C"

// AttachNetkit attaches a program to what a pair of netkit devices sends, as AttachType in opts says, or the program's
// section: AttachTypeNetkitPrimary ("netkit/primary") runs for what the primary device sends, AttachTypeNetkitPeer
// ("netkit/peer") for what its peer sends (bpf_program__attach_netkit, or bpf_link_create for an AttachType that is not the
// section's; libbpf 1.3, Linux 6.7). The programs run in their order, until one returns something else
// than NETKIT_NEXT (-1).
//
// ifindex is the primary device's number in the network namespace of the calling thread, for both;
// errors.Is(err, unix.ENODEV) when there is none, errors.Is(err, [ErrInvalid]) or unix.ENXIO when it is not a netkit device,
// [errors.ErrUnsupported] when the kernel has no netkit.
// The result belongs to the caller, and to the object, whose Close closes it.
func (p *Program) AttachNetkit(ifindex int, opts PlacementOptions) (*Link, error) {
	return netkit.attach(p, ifindex, opts, func() (*C.struct_bpf_link, error) {
		link, errno := C.lbg_attach_netkit(p.ptr, C.int(ifindex), C.__u32(opts.Flags),
			C.__u32(opts.RelativeFD), C.__u32(opts.RelativeID), C.__u64(opts.ExpectedRevision))
		return link, errno
	})
}

// AttachNetkit is as [Program.AttachNetkit] (bpf_link_create). A direction that the handle does not know, see
// [ProgramHandle.AttachType], is needed in opts. The result belongs to the caller.
func (p *ProgramHandle) AttachNetkit(ifindex int, opts PlacementOptions) (*Link, error) {
	return netkit.attachHandle(p, ifindex, opts)
}
