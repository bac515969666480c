package libbpf

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
	return tcx.attach(p, ifindex, opts)
}

// AttachTCX is as [Program.AttachTCX] (bpf_link_create). A direction that the handle does not know, see
// [ProgramHandle.AttachType], is needed in opts. The result belongs to the caller.
func (p *ProgramHandle) AttachTCX(ifindex int, opts PlacementOptions) (*Link, error) {
	return tcx.attachHandle(p, ifindex, opts)
}
