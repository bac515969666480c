package libbpf

// AttachNetkit attaches a program to the packets of a pair of netkit devices (bpf_program__attach_netkit, libbpf 1.3,
// Linux 6.7). With AttachTypeNetkitPrimary ("netkit/primary") it runs for the packets that the primary device sends,
// with AttachTypeNetkitPeer ("netkit/peer") for those that its peer sends. AttachType in opts chooses; 0 is that of the
// program's section. For an AttachType that is not the section's, AttachNetkit calls bpf_link_create. The programs run
// in order, until one returns something other than NETKIT_NEXT (-1).
//
// ifindex is always the primary device's number, in the network namespace of the calling thread. errors.Is(err,
// unix.ENODEV) when there is no such device, errors.Is(err, [ErrInvalid]) or unix.ENXIO when it is not a netkit device,
// [errors.ErrUnsupported] when the kernel has no netkit. The link belongs to the caller; Close of the object closes it
// too.
func (p *Program) AttachNetkit(ifindex int, opts PlacementOptions) (*Link, error) {
	return netkit.attach(p, ifindex, opts)
}

// AttachNetkit is like [Program.AttachNetkit] (bpf_link_create). If the handle does not know the direction, see
// [ProgramHandle.AttachType], opts must have it. The result belongs to the caller.
func (p *ProgramHandle) AttachNetkit(ifindex int, opts PlacementOptions) (*Link, error) {
	return netkit.attachHandle(p, ifindex, opts)
}
