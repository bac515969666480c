package libbpf

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
	return netkit.attach(p, ifindex, opts)
}

// AttachNetkit is as [Program.AttachNetkit] (bpf_link_create). A direction that the handle does not know, see
// [ProgramHandle.AttachType], is needed in opts. The result belongs to the caller.
func (p *ProgramHandle) AttachNetkit(ifindex int, opts PlacementOptions) (*Link, error) {
	return netkit.attachHandle(p, ifindex, opts)
}
