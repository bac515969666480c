package libbpf

// AttachNetns attaches a flow dissector or a socket lookup program (sk_lookup) to a network namespace
// (bpf_program__attach_netns, Linux 5.8; sk_lookup 5.9). A namespace has up to 64 sk_lookup programs, which run in the
// order they were attached, and at most one flow dissector. errors.Is(err, unix.E2BIG) when a link has already attached
// a flow dissector, errors.Is(err, os.ErrExist) when a [Hook] has.
//
// netns is a descriptor of the namespace, such as that of /proc/self/ns/net. It may be closed when AttachNetns returns.
// The link belongs to the caller; Close of the object closes it too.
func (p *Program) AttachNetns(netns int) (*Link, error) {
	return p.attach(aNetns, func() (*cLink, error) {
		if err := p.checkForNetns(netns); err != nil {
			return nil, err
		}
		return attachNetns(p.ptr, netns)
	})
}

// AttachNetns is like [Program.AttachNetns] (bpf_link_create). The result belongs to the caller.
func (p *ProgramHandle) AttachNetns(netns int) (*Link, error) {
	return p.attach(aNetns, func(fd int) (int, error) {
		if err := p.checkForNetns(netns); err != nil {
			return -1, err
		}
		attachType, err := p.mustAttachType()
		if err != nil {
			return -1, err
		}
		return linkFD(linkTo(fd, netns, attachType))
	})
}

const aNetns = "a network namespace"

// checkForNetns checks what is to be attached to a network namespace.
func (p *programCore) checkForNetns(netns int) error {
	if err := p.checkType(aNetns, ProgramTypeFlowDissector, ProgramTypeSKLookup); err != nil {
		return err
	}
	return checkFDNumber("network namespace", netns)
}
