package libbpf

import (
	"fmt"
	"slices"
	"sync"

	"github.com/libbpf-go/libbpf-go/internal/fault"
	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// Attach attaches the program as its section says (bpf_program__attach). The link belongs to the caller; Close of the
// object closes it too. errors.Is(err, [errors.ErrUnsupported]) when the section, such as "xdp", does not say where to
// attach.
func (p *Program) Attach() (*Link, error) {
	if link, named, err := p.attachSection(); named {
		return link, err
	}
	return p.attach("", func() (*cLink, error) {
		link, errno := attachSection(p.ptr)
		return link, explainTracefs(errno, link == nil && p.sectionNeedsTracefs())
	})
}

// attach runs one of libbpf's functions that attach the program, and makes a Link of the result. place says where, for
// errors, or is "". f returns the errno of that function, or an error that it found in the arguments. f does not run
// when the program is closed, so ErrClosed comes first.
func (p *Program) attach(place string, f func() (*cLink, error)) (*Link, error) {
	return p.attachLocking(place, nil, f)
}

// attachLocking is attach for links that must be destroyed under a lock.
func (p *Program) attachLocking(
	place string, shared *sync.Mutex, f func() (*cLink, error),
) (*Link, error) {
	return p.attaches(p.o.attach(p.objectTo(place), shared, func() (*cLink, error) {
		ptr, errno := f()
		if ptr == nil {
			return nil, fromErrno(errno)
		}
		return ptr, nil
	}))
}

// attaches notes that the link attaches the program.
func (p *Program) attaches(link *Link, err error) (*Link, error) {
	if link != nil {
		link.program = p
	}
	return link, err
}

// attachFD is attach for a function of libbpf that returns a link's descriptor.
func (p *Program) attachFD(place string, f func() (int, error)) (*Link, error) {
	var fd int
	object := p.objectTo(place)
	return p.attaches(p.o.attachWith(object, func() (err error) {
		fd, err = f()
		return err
	}, func() (*Link, error) { return newFDLink(p.o.h, fd, "link of "+object) }))
}

// attachAuto is Attach, but returns nil without an error where the section does not say where to attach.
func (p *Program) attachAuto() (*Link, error) {
	if !p.auto() {
		return nil, nil
	}
	if link, named, err := p.attachSection(); named {
		return link, err
	}
	return p.attaches(p.o.attach(fmt.Sprintf("program %q", p.name), nil, func() (*cLink, error) {
		ptr, ret := attachAuto(p.ptr)
		return ptr, explainTracefs(clib.FromRet(int(ret)), p.sectionNeedsTracefs())
	}))
}

// usdtLock is the lock for destroying USDT links. Destroying one reads and changes memory that the links share in the
// object. Other links do without this lock, because the kernel can take long to detach them.
func (p *Program) usdtLock() *sync.Mutex {
	if p.o == nil {
		return nil
	}
	return &p.o.mu
}

// attach makes a Link of the link that f returns, or returns nil when f returns nil. shared is as in newLink.
func (o *Object) attach(object string, shared *sync.Mutex, f func() (*cLink, error)) (*Link, error) {
	var ptr *cLink
	return o.attachWith(object, func() (err error) {
		ptr, err = f()
		return err
	}, func() (*Link, error) {
		if ptr == nil {
			return nil, nil
		}
		return newLink(o.h, shared, ptr, "link of "+object)
	})
}

// attachWith runs f, which attaches something, and link, which makes a Link of the result. The object stays acquired
// until the Link is its child, so that nobody frees the memory that the link uses.
func (o *Object) attachWith(object string, f func() error, link func() (*Link, error)) (l *Link, err error) {
	const op = "attach"
	if err := o.acquire(op, object); err != nil {
		return nil, err
	}
	defer o.h.Drop()
	if o.prepared.Load() {
		return nil, &Error{Op: op, Object: object, Err: fault.Invalidf("the object was prepared and must be loaded first")}
	}
	to := clib.CurrentPrinter()
	said, err := capturingLocked(&o.mu, to, op, object, f)
	if err == nil {
		l, err = link()
	}
	to.Deliver(said)
	return l, err
}

// Attach attaches all of the object's programs as their sections say, and registers its struct_ops maps, as
// bpf_object__attach_skeleton does. It skips programs that were not loaded, whose autoattach is off, or whose sections
// do not say where to attach. When one fails, Attach detaches those before it.
//
// The links are in the order of the programs, then of the maps; [Link.Program] and [Link.Map] tell which is whose. They
// belong to the caller; Close of the object closes them too.
func (o *Object) Attach() (links []*Link, err error) { return o.AttachExcept(nil) }

// AttachExcept is Attach, without the programs and struct_ops maps of the links that are given. These were attached
// before, in another way. Nil links are ignored, and so are those of other objects.
func (o *Object) AttachExcept(attached []*Link) (links []*Link, err error) {
	if err := o.acquire("attach", fmt.Sprintf("object %q", o.Name())); err != nil {
		return nil, err
	}
	defer o.h.Drop()
	defer func() {
		if err != nil {
			for i := len(links) - 1; i >= 0; i-- {
				discard(links[i].Close(), PrintWarn)
			}
			links = nil
		}
	}()
	for _, p := range o.programs {
		if slices.ContainsFunc(attached, func(l *Link) bool { return l.Program() == p }) {
			continue
		}
		link, err := p.attachAuto()
		if err != nil {
			return links, err
		}
		if link != nil {
			links = append(links, link)
		}
	}
	for _, m := range o.maps {
		if m.typ != MapTypeStructOps || m.fd < 0 || !m.autoattach ||
			slices.ContainsFunc(attached, func(l *Link) bool { return l.Map() == m }) {
			continue
		}
		link, err := m.AttachStructOps()
		if err != nil {
			return links, err
		}
		links = append(links, link)
	}
	return links, nil
}
