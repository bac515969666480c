package libbpf

/*
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
*/
import "C"

// AttachNetns attaches a flow dissector or a program that looks up sockets (sk_lookup) to a network namespace
// (bpf_program__attach_netns, Linux 5.8; sk_lookup 5.9). Up to 64 look-ups run in the order they were attached. A
// namespace has at most one flow dissector: errors.Is(err, unix.E2BIG) when a link attached one already,
// errors.Is(err, os.ErrExist) when a [Hook] did.
//
// netns is a descriptor of the namespace, such as that of /proc/self/ns/net. It is not needed any more when AttachNetns
// returns. The result belongs to the caller, and to the object, whose Close closes it.
func (p *Program) AttachNetns(netns int) (*Link, error) {
	return p.attach(aNetns, func() (*C.struct_bpf_link, error) {
		if err := p.checkForNetns(netns); err != nil {
			return nil, err
		}
		link, errno := C.bpf_program__attach_netns(p.ptr, C.int(netns))
		return link, errno
	})
}

// AttachNetns is as [Program.AttachNetns] (bpf_link_create). The result belongs to the caller.
func (p *ProgramHandle) AttachNetns(netns int) (*Link, error) {
	return p.attach(aNetns, func(fd C.int) (int, error) {
		if err := p.checkForNetns(netns); err != nil {
			return -1, err
		}
		attachType, err := p.mustAttachType()
		if err != nil {
			return -1, err
		}
		return linkFD(C.bpf_link_create(fd, C.int(netns), uint32(attachType), nil))
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
