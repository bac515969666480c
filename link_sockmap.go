package libbpf

import (
	"fmt"

	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// AttachSockmap attaches a program of type sk_skb or sk_msg to a sockmap or sockhash (bpf_program__attach_sockmap,
// libbpf 1.5, Linux 6.10). The program runs for sockets that are added to the map afterwards. The map takes one program
// for each attach type: errors.Is(err, unix.EBUSY) when it has one, [errors.ErrUnsupported] when the kernel lacks such
// links. With an older libbpf or kernel use a [Hook].
//
// The link belongs to the caller; Close of the object closes it too. It keeps the map.
func (p *Program) AttachSockmap(m MapCore) (link *Link, err error) {
	err = useMap("attach", p.String(), m, func(m *mapCore) error {
		link, err = p.attach(fmt.Sprintf("map %q", m.name), func() (*cLink, error) {
			if err := p.checkForSockmap(m); err != nil {
				return nil, err
			}
			link, errno := attachSockmap(p.ptr, m.fd)
			if link == nil {
				errno = explainSockmap(errno)
			}
			return link, errno
		})
		return err
	})
	return link, err
}

// AttachSockmap is like [Program.AttachSockmap] (bpf_link_create). For a program of type sk_skb the handle must know
// the attach type: see [ProgramHandle.SetAttachType]. The result belongs to the caller. It keeps the map.
func (p *ProgramHandle) AttachSockmap(m MapCore) (link *Link, err error) {
	err = useMap("attach", p.String(), m, func(m *mapCore) error {
		link, err = p.attach(fmt.Sprintf("map %q", m.name), func(fd int) (int, error) {
			if err := p.checkForSockmap(m); err != nil {
				return -1, err
			}
			attachType, err := p.mustAttachType()
			if err != nil {
				return -1, err
			}
			link, err := linkFD(linkTo(fd, m.fd, attachType))
			return link, explainSockmap(err)
		})
		return err
	})
	return link, err
}

// checkForSockmap checks what is to be attached to a map.
func (p *programCore) checkForSockmap(m *mapCore) error {
	if err := p.checkType("a sockmap", ProgramTypeSKSKB, ProgramTypeSKMsg); err != nil {
		return err
	}
	if m.typ != MapTypeSockMap && m.typ != MapTypeSockHash {
		return fault.Invalidf("map %q is of type %v, not a sockmap", m.name, m.typ)
	}
	return needs("bpf_program__attach_sockmap", 1, 5)
}

func explainSockmap(err error) error {
	return explainOld(err, "links of sockmaps", enumLinkType, uint32(LinkTypeSockMap))
}
