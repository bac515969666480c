package libbpf

/*
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
	return p.attach("a network namespace", func() (*C.struct_bpf_link, error) {
		if err := p.checkType("a network namespace", ProgramTypeFlowDissector, ProgramTypeSKLookup); err != nil {
			return nil, err
		}
		if err := checkFDNumber("network namespace", netns); err != nil {
			return nil, err
		}
		link, errno := C.bpf_program__attach_netns(p.ptr, C.int(netns))
		return link, errno
	})
}
