package libbpf

/*
#include <errno.h>
#include <bpf/libbpf.h>

static struct bpf_link *lbg_attach_tcx(const struct bpf_program *prog, int ifindex, __u32 flags, __u32 relative_fd,
				       __u32 relative_id, __u64 expected_revision)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 3
	LIBBPF_OPTS(bpf_tcx_opts, opts,
		.flags = flags,
		.relative_fd = relative_fd,
		.relative_id = relative_id,
		.expected_revision = expected_revision,
	);

	return bpf_program__attach_tcx(prog, ifindex, &opts);
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

// AttachTCX attaches a program to what comes into a network device or leaves it, as AttachType in opts says, or the
// program's section: AttachTypeTCXIngress ("tcx/ingress") or AttachTypeTCXEgress ("tcx/egress"). Programs of section "tc"
// or "classifier" have no direction and need the AttachType (bpf_program__attach_tcx, or bpf_link_create for a direction
// that is not the section's; libbpf 1.3, Linux 6.6). The device's programs run in their order, until one returns something
// else than TCX_NEXT (-1), and then those that a [TCHook] attached.
//
// ifindex is the device's number in the network namespace of the calling thread, such as the Index of a net.Interface;
// errors.Is(err, unix.ENODEV) when there is none, [errors.ErrUnsupported] when the kernel has no tcx. The result belongs to the caller, and to the object, whose Close closes
// it.
func (p *Program) AttachTCX(ifindex int, opts PlacementOptions) (*Link, error) {
	return tcx.attach(p, ifindex, opts, func() (*C.struct_bpf_link, error) {
		link, errno := C.lbg_attach_tcx(p.ptr, C.int(ifindex), C.__u32(opts.Flags),
			C.__u32(opts.RelativeFD), C.__u32(opts.RelativeID), C.__u64(opts.ExpectedRevision))
		return link, errno
	})
}

// AttachTCX is as [Program.AttachTCX] (bpf_link_create). A direction that the handle does not know, see
// [ProgramHandle.AttachType], is needed in opts. The result belongs to the caller.
func (p *ProgramHandle) AttachTCX(ifindex int, opts PlacementOptions) (*Link, error) {
	return tcx.attachHandle(p, ifindex, opts)
}
