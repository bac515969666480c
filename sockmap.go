package libbpf

/*
#include <errno.h>
#include <bpf/libbpf.h>

static struct bpf_link *lbg_attach_sockmap(const struct bpf_program *prog, int map_fd)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 5
	return bpf_program__attach_sockmap(prog, map_fd);
#else
	// Go does not call it.
	(void)prog;
	(void)map_fd;
	errno = EOPNOTSUPP;
	return NULL;
#endif
}
*/
import "C"

import "fmt"

// AttachSockmap attaches a program of type sk_skb or sk_msg to a sockmap or sockhash, and so to the sockets that are put
// into it from then on (bpf_program__attach_sockmap, libbpf 1.5, Linux 6.10). The map has one place for each of the attach
// types of such programs: errors.Is(err, unix.EBUSY) when it is taken. With an older libbpf or kernel use a [Hook].
//
// The result belongs to the caller, and to the object, whose Close closes it. It keeps the map.
func (p *Program) AttachSockmap(m MapCore) (*Link, error) {
	core, closed := coreOf(m)
	if closed == nil {
		closed = core.h.acquire()
	}
	if closed == nil {
		defer core.h.drop()
	}
	return p.attachWhere(func() error {
		switch {
		case p.typ != ProgramTypeSKSKB && p.typ != ProgramTypeSKMsg:
			return p.notFor("a sockmap")
		case closed != nil:
			return fmt.Errorf("map: %w", closed)
		case core.typ != MapTypeSockMap && core.typ != MapTypeSockHash:
			return invalidf("map %q is of type %v, not a sockmap", core.name, core.typ)
		}
		return needs("bpf_program__attach_sockmap", 1, 5)
	}, func() (*C.struct_bpf_link, error) {
		link, errno := C.lbg_attach_sockmap(p.ptr, C.int(core.fd))
		return link, errno
	})
}
