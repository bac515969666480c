package libbpf

/*
#include <bpf/libbpf.h>
*/
import "C"

import "fmt"

// AttachStructOps registers the map's struct of callbacks with the kernel (bpf_map__attach_struct_ops, Linux 5.6). The
// link belongs to the caller; Close of the object closes it too.
func (m *Map) AttachStructOps() (*Link, error) {
	link, err := m.o.attach(fmt.Sprintf("map %q", m.name), nil, func() (*C.struct_bpf_link, error) {
		ptr, errno := C.bpf_map__attach_struct_ops(m.ptr)
		if ptr == nil {
			return nil, fromErrno(errno)
		}
		return ptr, nil
	})
	if err != nil {
		return nil, err
	}
	link.structOps = true
	link.needsObject = MapCreateFlags(C.bpf_map__map_flags(m.ptr))&CreateStructOpsLink == 0
	return link, nil
}
