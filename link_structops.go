package libbpf

import "fmt"

// AttachStructOps registers the map's struct of callbacks with the kernel (bpf_map__attach_struct_ops, Linux 5.6). The
// link belongs to the caller; Close of the object closes it too.
func (m *Map) AttachStructOps() (*Link, error) {
	link, err := m.o.attach(fmt.Sprintf("map %q", m.name), nil, func() (*cLink, error) {
		ptr, errno := attachStructOps(m.ptr)
		if ptr == nil {
			return nil, fromErrno(errno)
		}
		return ptr, nil
	})
	if err != nil {
		return nil, err
	}
	link.structOps, link.ops = true, m
	link.needsObject = definitionOf(m.ptr).Flags&CreateStructOpsLink == 0
	return link, nil
}
