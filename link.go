package libbpf

/*
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

// Where libbpf has no such function, Go does not call this.
static int lbg_link_update_map(struct bpf_link *link, const struct bpf_map *map)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 2
	return bpf_link__update_map(link, map);
#else
	(void)link;
	(void)map;
	return 0;
#endif
}
*/
import "C"

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/fault"
	"github.com/libbpf-go/libbpf-go/internal/handle"
	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// Link is a program's attachment. Close, and Close of its object, detach the program, unless the link is pinned or was
// disconnected, or somebody else has it open. The garbage collector does not: a Link that is dropped stays attached until
// its object is closed.
//
// All methods are safe for concurrent use, Close included.
type Link struct {
	h    *handle.Handle
	what string // for errors
	noFD bool   // of USDT: libbpf keeps the descriptors below it to itself, and answers 0 when asked

	// libbpf changes the link in most calls.
	mu        sync.Mutex
	ptr       *C.struct_bpf_link // nil for a link that began as a descriptor: libbpf makes none of that
	structOps bool               // ptr is what libbpf made for a struct_ops map
	ofC       bool               // C destroys it
	// libbpf can't destroy it without the object.
	needsObject bool

	// Of a link that began as a descriptor.
	ownFD        int
	pinPath      string
	disconnected bool
}

// newLink takes a link of libbpf's over, also when it fails. parent is the object's that it belongs to, which the caller
// has acquired, or nil: the link keeps the object's memory until it is destroyed itself. shared is nil, or the lock for
// what it shares with others and changes when it is destroyed.
func newLink(parent *handle.Handle, shared *sync.Mutex, ptr *C.struct_bpf_link, what string) (*Link, error) {
	l := &Link{ptr: ptr, what: what, noFD: shared != nil, needsObject: shared != nil}
	if shared == nil {
		shared = new(sync.Mutex)
	}
	return l.keep(parent, func() error {
		if l.ofC {
			return nil
		}
		return callLocked(shared, clib.CurrentPrinter(), "close", what, func() error {
			return clib.FromRet(int(C.bpf_link__destroy(ptr)))
		})
	})
}

// LinkFromPinnedPath opens the link that is pinned at path (bpf_link__open, Linux 5.7). errors.Is(err, os.ErrNotExist) when nothing
// is pinned there, errors.Is(err, [ErrInvalid]) when it is not a link. Close leaves it attached as long as the pin is
// there.
func LinkFromPinnedPath(path string) (*Link, error) {
	const op = "open"
	what := fmt.Sprintf("pinned link %q", path)
	var c cArgs
	defer c.Free()
	cPath := c.Of("path", path)
	if c.Err != nil {
		return nil, &Error{Op: op, Object: what, Err: c.Err}
	}
	var ptr *C.struct_bpf_link
	err := call(op, what, func() error {
		var errno error
		if ptr, errno = C.bpf_link__open(cPath); ptr == nil {
			return fromErrno(errno)
		}
		if err := checkFD(int(C.bpf_link__fd(ptr)), linkFDKinds); err != nil {
			C.bpf_link__destroy(ptr)
			return err
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return newLink(nil, nil, ptr, what)
}

// LinkFromID opens the link that the kernel knows under id (bpf_link_get_fd_by_id, Linux 5.8).
// errors.Is(err, os.ErrNotExist) when there is none; it needs CAP_SYS_ADMIN. Close gives the descriptor up, and leaves the
// link attached as long as anybody else has it open or pinned.
func LinkFromID(id uint32) (*Link, error) {
	fd, err := openID("link", id, func() C.int { return C.bpf_link_get_fd_by_id(C.__u32(id)) })
	if err != nil {
		return nil, err
	}
	return newFDLink(nil, fd, fmt.Sprintf("link with id %d", id))
}

// newFDLink takes a descriptor of a link over, also when it fails. parent is as in newLink.
func newFDLink(parent *handle.Handle, fd int, what string) (*Link, error) {
	return newFDLinkClosing(parent, fd, what, func() error { return unix.Close(fd) })
}

// newPerfEventLink takes a link and the perf event that it attaches to over, also when it fails. The descriptors are the
// same where the kernel has no link. As with libbpf's links, closing disables the event.
func newPerfEventLink(fd, event int, what string) (*Link, error) {
	return newFDLinkClosing(nil, fd, what, func() error {
		err := unix.IoctlSetInt(event, unix.PERF_EVENT_IOC_DISABLE, 0)
		if event != fd {
			err = errors.Join(err, unix.Close(event))
		}
		return errors.Join(err, unix.Close(fd))
	})
}

// newFDLinkClosing is newFDLink with what Close does.
func newFDLinkClosing(parent *handle.Handle, fd int, what string, detach func() error) (*Link, error) {
	l := &Link{ownFD: fd, what: what}
	return l.keep(parent, func() error {
		if l.disconnected {
			return nil
		}
		return detach()
	})
}

// keep makes the link's handle. On error the link was released.
func (l *Link) keep(parent *handle.Handle, release func() error) (_ *Link, err error) {
	l.h, err = handle.NewChild(parent, handle.Resource{Release: release, Lost: printLost})
	if err != nil {
		return nil, &Error{Op: "attach", Object: l.what, Err: err}
	}
	return l, nil
}

// fd is the link's descriptor, or that of the perf event or the map that stands for it, or -1. The caller has acquired
// the link.
func (l *Link) fd() C.int {
	switch {
	case l.noFD:
		return -1
	case l.ptr == nil:
		return C.int(l.ownFD)
	default:
		return C.bpf_link__fd(l.ptr)
	}
}

// onLink runs one of the commands that the kernel has for links. can tells which kinds of links it works with; the kernel
// says EINVAL for the others, as it does for wrong arguments.
func (l *Link) onLink(op string, can func(LinkType) bool, f func(fd C.int) C.int) error {
	return l.use(op, func() error {
		err := clib.FromRet(int(f(l.fd())))
		if !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.EBADF) {
			return err
		}
		info, infoErr := linkInfo(int(l.fd()))
		switch {
		case errors.Is(infoErr, errNoKernelLink):
			return infoErr
		case infoErr == nil && !can(info.Type):
			return &lacking{"links of type " + info.Type.String(), err}
		}
		return err
	})
}

// errNoKernelLink is for what is attached in other ways, in which the kernel can do nothing but detach.
var errNoKernelLink = fault.New("the kernel has no link for this attachment", errors.ErrUnsupported)

func checkLinkFD(fd int) error {
	if fd < 0 {
		return errNoKernelLink
	}
	err := checkFD(fd, linkFDKinds)
	if errors.Is(err, ErrInvalid) {
		return errNoKernelLink
	}
	return err
}

// String says what is attached to what, such as `link of program "on_exec" to tcx_ingress of device 3`, or how the link was
// opened.
func (l *Link) String() string {
	if l == nil {
		return "link"
	}
	return l.what
}

func (l *Link) fail(op string, err error) error { return &Error{Op: op, Object: l.String(), Err: err} }

// use runs one call into libbpf while the link can't be destroyed.
func (l *Link) use(op string, f func() error) error {
	if l == nil {
		return l.fail(op, ErrClosed)
	}
	if err := l.h.Acquire(); err != nil {
		return l.fail(op, err)
	}
	defer l.h.Drop()
	return callLocked(&l.mu, clib.CurrentPrinter(), op, l.what, f)
}

// Info asks the kernel for what it knows of the link (bpf_obj_get_info_by_fd, Linux 5.8).
// errors.Is(err, [errors.ErrUnsupported]) for what is attached without a link of the kernel's, such as perf events before
// Linux 5.15.
func (l *Link) Info() (LinkInfo, error) {
	var info LinkInfo
	err := l.use("get info of", func() (err error) {
		info, err = linkInfo(int(l.fd()))
		return err
	})
	return info, err
}

// Detach detaches the program at once, for everybody who holds the link or its pin (bpf_link_detach, Linux 5.9).
// errors.Is(err, [errors.ErrUnsupported]) for kinds of links that can't, such as those of tracepoints and perf events:
// close those.
func (l *Link) Detach() error {
	return l.onLink("detach", func(LinkType) bool { return true },
		func(fd C.int) C.int { return C.bpf_link_detach(fd) })
}

// Disconnect makes Close, and Close of the object, leave the program attached (bpf_link__disconnect). Where a descriptor
// is what keeps it so, as for most kinds of links, that stays open for good: who wants to detach later calls FD before,
// and closes it. A pin or a legacy attachment lasts without.
func (l *Link) Disconnect() error {
	return l.use("disconnect", func() error {
		if l.ptr == nil {
			l.disconnected = true
		} else {
			C.bpf_link__disconnect(l.ptr)
		}
		return nil
	})
}

// UpdateProgram replaces the program, without a moment in which none is attached (bpf_link_update, Linux 5.7). The new
// program must be of the same type and attach type: unix.EINVAL. Its object may be closed afterwards: the link keeps it.
// errors.Is(err, [errors.ErrUnsupported]) for kinds of links whose program can't be replaced: those of tracing,
// tracepoints, perf events and netfilter.
func (l *Link) UpdateProgram(p ProgramCore) error { return l.updateProgram(p, nil) }

// ReplaceProgram is UpdateProgram if old is the link's program, and otherwise fails with unix.EPERM
// (bpf_link_update with BPF_F_REPLACE, Linux 5.7).
func (l *Link) ReplaceProgram(old, p ProgramCore) error {
	return useProgram("update", l.String(), old, func(fd int) error {
		var opts C.struct_bpf_link_update_opts
		opts.sz = C.sizeof_struct_bpf_link_update_opts
		opts.flags = unix.BPF_F_REPLACE
		opts.old_prog_fd = C.__u32(fd)
		return l.updateProgram(p, &opts)
	})
}

func (l *Link) updateProgram(p ProgramCore, opts *C.struct_bpf_link_update_opts) error {
	const op = "update"
	return useProgram(op, l.String(), p, func(program int) error {
		return l.onLink(op, LinkType.canUpdate, func(fd C.int) C.int {
			return C.bpf_link_update(fd, C.int(program), opts)
		})
	})
}

// UpdateMap replaces the struct of callbacks that is registered, without a moment in which none is
// (bpf_link__update_map, Linux 6.4). The map is one of struct_ops, in section ".struct_ops.link", of the same kind of
// struct; what else the new struct has to have in common with the old one is up to the kernel's subsystem: for TCP
// congestion control, its name. errors.Is(err, [errors.ErrUnsupported]) before libbpf 1.2, and for links of other kinds.
//
// A link that was opened by its pin or id takes a map that was attached already, be it by another link; others fail with
// unix.EINVAL.
func (l *Link) UpdateMap(m *Map) error {
	const op = "update"
	return useMap(op, l.String(), m, func(c *mapCore) error {
		if c.typ != MapTypeStructOps {
			return l.fail(op, fault.Invalidf("map %q is not a struct_ops but of type %s", c.name, c.typ))
		}
		if err := needs("bpf_link__update_map", 1, 2); err != nil {
			return l.fail(op, err)
		}
		return l.onLink(op, func(t LinkType) bool { return t == LinkTypeStructOps }, func(fd C.int) C.int {
			// libbpf takes every link for one of its own of struct_ops.
			if !l.structOps {
				return C.bpf_link_update(fd, C.int(c.fd), nil)
			}
			return C.lbg_link_update_map(l.ptr, m.ptr)
		})
	})
}

// Pin makes the attachment last under a path on a bpf file system (bpf_link__pin). errors.Is(err, os.ErrExist) when the
// path is taken, errors.Is(err, [errors.ErrUnsupported]) for USDT.
func (l *Link) Pin(path string) error {
	return l.use("pin", func() error {
		if l.noFD || errors.Is(checkLinkFD(int(l.fd())), errNoKernelLink) {
			return errNoKernelLink // a map that stands for the attachment could be pinned, which keeps nothing attached
		}
		at := l.pinnedAt()
		err := pinning(path, func(p *C.char) C.int {
			switch {
			case at != "":
				return -C.int(unix.EBUSY) // as libbpf does
			case l.ptr != nil:
				return C.bpf_link__pin(l.ptr, p)
			}
			_ = os.Mkdir(filepath.Dir(path), 0o700) // as libbpf does
			return C.bpf_obj_pin(l.fd(), p)
		})
		if at != "" && errors.Is(err, unix.EBUSY) {
			return fault.Newf(err, "it is pinned at %q", at)
		}
		if err == nil && l.ptr == nil {
			l.pinPath = path
		}
		return err
	})
}

// Unpin removes the pin that Pin or LinkFromPinnedPath know of (bpf_link__unpin). errors.Is(err, os.ErrNotExist) when somebody else
// removed it, errors.Is(err, [ErrInvalid]) when there is none, or it is another link's by now.
func (l *Link) Unpin() error {
	return l.use("unpin", func() error {
		at := l.pinnedAt()
		if at == "" {
			return fault.Invalidf("it is not pinned")
		}
		info, err := linkInfo(int(l.fd()))
		if err != nil {
			return err
		}
		err = checkPin(at, PinnedLink, info.ID)
		switch gone := errors.Is(err, os.ErrNotExist); {
		case err != nil && !gone:
			return err
		case l.ptr == nil && !gone:
			if err := unix.Unlink(at); err != nil {
				return err
			}
		case l.ptr != nil && gone:
			// libbpf believes in the pin until it removes it itself, so there has to be one.
			_ = withString("path", at, func(p *C.char) C.int { return C.bpf_obj_pin(l.fd(), p) })
			C.bpf_link__unpin(l.ptr)
		case l.ptr != nil:
			return clib.FromRet(int(C.bpf_link__unpin(l.ptr)))
		}
		l.pinPath = ""
		return err
	})
}

// PinPath is where the link is pinned as far as Pin or LinkFromPinnedPath know, or "" (bpf_link__pin_path).
func (l *Link) PinPath() string {
	var path string
	_ = l.use("get pin of", func() error {
		path = l.pinnedAt()
		return nil
	})
	return path
}

// pinnedAt is PinPath while the link is locked.
func (l *Link) pinnedAt() string {
	if l.ptr != nil {
		return C.GoString(C.bpf_link__pin_path(l.ptr))
	}
	return l.pinPath
}

// FD is the link's file descriptor, or -1 after Close (bpf_link__fd). For what the kernel has no link for it is that of
// the perf event or the map, or -1. It remains the link's: it must not be closed, and may be another file's number after
// Close.
func (l *Link) FD() int {
	fd := -1
	_ = l.use("get fd of", func() error {
		fd = int(l.fd())
		return nil
	})
	return fd
}

// Close detaches the program, unless a pin or Disconnect keeps it attached (bpf_link__destroy). It is idempotent.
func (l *Link) Close() error {
	if l == nil {
		return nil
	}
	return l.h.Close()
}
