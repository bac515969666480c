package libbpf

// AttachTCX attaches a program to the incoming or outgoing packets of a network device (bpf_program__attach_tcx, libbpf
// 1.3, Linux 6.6). The direction is AttachTypeTCXIngress ("tcx/ingress") or AttachTypeTCXEgress ("tcx/egress").
// AttachType in opts chooses; 0 is that of the program's section. Programs of section "tc" or "classifier" have no
// direction and need the AttachType. For a direction that is not the section's, AttachTCX calls bpf_link_create. The
// device's programs run in order, until one returns something other than TCX_NEXT (-1). Programs that a [TCHook]
// attached run after them.
//
// ifindex is the device's number in the network namespace of the calling thread, such as the Index of a net.Interface.
// errors.Is(err, unix.ENODEV) when there is no such device, [errors.ErrUnsupported] when the kernel has no tcx. The
// link belongs to the caller; Close of the object closes it too.
func (p *Program) AttachTCX(ifindex int, opts PlacementOptions) (*Link, error) {
	return tcx.attach(p, ifindex, opts)
}

// AttachTCX is like [Program.AttachTCX] (bpf_link_create). If the handle does not know the direction, see
// [ProgramHandle.AttachType], opts must have it. The result belongs to the caller.
func (p *ProgramHandle) AttachTCX(ifindex int, opts PlacementOptions) (*Link, error) {
	return tcx.attachHandle(p, ifindex, opts)
}
