package libbpf

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

// Link is the attachment of a program. Close detaches the program, and so does Close of its object, unless the link is
// pinned, was disconnected, or is open elsewhere. The garbage collector does not close a Link: a Link that is dropped
// stays attached until its object is closed.
//
// All methods are safe for concurrent use, Close included.
type Link struct {
	h    *handle.Handle
	what string // for errors
	noFD bool   // a USDT link: libbpf hides its descriptors, and bpf_link__fd returns 0

	program *Program // what it attaches, of an object
	ops     *Map     // or what it registers

	// libbpf changes the link in most calls.
	mu        sync.Mutex
	ptr       *cLink // nil for a link that began as a descriptor: libbpf has no function to wrap one
	structOps bool   // ptr is what libbpf made for a struct_ops map
	ofC       bool   // C code destroys it
	// libbpf reads the object's memory when it destroys this link.
	needsObject bool

	// For a link that began as a descriptor.
	ownFD        int
	pinPath      string
	disconnected bool
}

// newLink takes ownership of a link of libbpf's, also when it fails. parent is the handle of the object that the link
// belongs to, which the caller has acquired, or nil. The link keeps the object's memory until the link is destroyed.
// shared is nil, or the lock for the memory that the link shares with others and changes when it is destroyed.
func newLink(parent *handle.Handle, shared *sync.Mutex, ptr *cLink, what string) (*Link, error) {
	l := &Link{ptr: ptr, what: what, noFD: shared != nil, needsObject: shared != nil}
	if shared == nil {
		shared = new(sync.Mutex)
	}
	return l.keep(parent, func() error {
		if l.ofC {
			return nil
		}
		return callLocked(shared, clib.CurrentPrinter(), "close", what, func() error {
			return clib.FromRet(int(destroyLink(ptr)))
		})
	})
}

// LinkFromPinnedPath opens the link that is pinned at path (bpf_link__open, Linux 5.7). errors.Is(err, os.ErrNotExist)
// when nothing is pinned there, errors.Is(err, [ErrInvalid]) when the pin is not a link. Close leaves the program
// attached while the pin exists.
func LinkFromPinnedPath(path string) (*Link, error) {
	const op = "open"
	what := fmt.Sprintf("pinned link %q", path)
	var c cArgs
	defer c.Free()
	cPath := c.Of("path", path)
	if c.Err != nil {
		return nil, &Error{Op: op, Object: what, Err: c.Err}
	}
	var ptr *cLink
	err := call(op, what, func() error {
		var errno error
		if ptr, errno = openLink(cPath); ptr == nil {
			return fromErrno(errno)
		}
		if err := checkFD(int(fdOfLink(ptr)), linkFDKinds); err != nil {
			destroyLink(ptr)
			return err
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return newLink(nil, nil, ptr, what)
}

// LinkFromID opens the link that has this id in the kernel (bpf_link_get_fd_by_id, Linux 5.8). It needs CAP_SYS_ADMIN.
// errors.Is(err, os.ErrNotExist) when there is no such link. Close closes the descriptor. The program stays attached
// while the link is pinned or open elsewhere.
func LinkFromID(id uint32) (*Link, error) {
	fd, err := openID("link", id, func() cInt { return linkFDByID(id) })
	if err != nil {
		return nil, err
	}
	return newFDLink(nil, fd, fmt.Sprintf("link with id %d", id))
}

// newFDLink takes ownership of a link's descriptor, also when it fails. parent is as in newLink.
func newFDLink(parent *handle.Handle, fd int, what string) (*Link, error) {
	return newFDLinkClosing(parent, fd, what, func() error { return unix.Close(fd) })
}

// newPerfEventLink takes ownership of a link and of the perf event that it attaches to, also when it fails. Where the
// kernel makes no link, both descriptors are the same. Close disables the event, as with libbpf's links.
func newPerfEventLink(fd, event int, what string) (*Link, error) {
	return newFDLinkClosing(nil, fd, what, func() error {
		err := unix.IoctlSetInt(event, unix.PERF_EVENT_IOC_DISABLE, 0)
		if event != fd {
			err = errors.Join(err, unix.Close(event))
		}
		return errors.Join(err, unix.Close(fd))
	})
}

// newFDLinkClosing is newFDLink with a detach function that Close calls.
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

// fd is the link's descriptor, or that of the perf event or the map that takes the place of a link, or -1. The caller
// has acquired the link.
func (l *Link) fd() cInt {
	switch {
	case l.noFD:
		return -1
	case l.ptr == nil:
		return cInt(l.ownFD)
	default:
		return fdOfLink(l.ptr)
	}
}

// onLink runs one of the kernel's commands for links. can reports which types of links support the command. For other
// types the kernel returns EINVAL, as it does for wrong arguments.
func (l *Link) onLink(op string, can func(LinkType) bool, f func(fd cInt) cInt) error {
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

// errNoKernelLink is the error for an attachment that is not a link in the kernel. The kernel can only detach it.
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

// String says what is attached to what, such as `link of program "on_exec" to tcx_ingress of device 3`, or how the link
// was opened.
func (l *Link) String() string {
	if l == nil {
		return "link"
	}
	return l.what
}

// Program returns the program that the link was made for. It is nil if it was not a [Program] of an object, which is so
// for links of handles, of struct_ops maps, and for those that were opened by id, descriptor or pin.
func (l *Link) Program() *Program {
	if l == nil {
		return nil
	}
	return l.program
}

// Map returns the struct_ops map that the link registers, or nil.
func (l *Link) Map() *Map {
	if l == nil {
		return nil
	}
	return l.ops
}

func (l *Link) fail(op string, err error) error { return &Error{Op: op, Object: l.String(), Err: err} }

// use runs one call into libbpf. The link can't be destroyed during the call.
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

// Info returns what the kernel knows about the link (bpf_obj_get_info_by_fd, Linux 5.8). errors.Is(err,
// [errors.ErrUnsupported]) when the attachment is not a link in the kernel, such as a perf event before Linux 5.15.
func (l *Link) Info() (LinkInfo, error) {
	var info LinkInfo
	err := l.use("get info of", func() (err error) {
		info, err = linkInfo(int(l.fd()))
		return err
	})
	return info, err
}

// Detach detaches the program at once, also for others who have the link open or pinned (bpf_link_detach, Linux 5.9).
// errors.Is(err, [errors.ErrUnsupported]) for types of links that the kernel can't detach, such as those of tracepoints
// and perf events. Use Close for those.
func (l *Link) Detach() error {
	return l.onLink("detach", func(LinkType) bool { return true }, detachLink)
}

// Disconnect makes Close, and Close of the object, leave the program attached (bpf_link__disconnect). Most types of
// links stay attached only while a descriptor is open. Close then leaves the link's descriptor open, and nothing closes
// it. To detach later, call FD before Close, and close that descriptor. A pinned link and a legacy attachment need no
// descriptor.
func (l *Link) Disconnect() error {
	return l.use("disconnect", func() error {
		if l.ptr == nil {
			l.disconnected = true
		} else {
			disconnectLink(l.ptr)
		}
		return nil
	})
}

// UpdateProgram replaces the program atomically: one of the two is attached at any time (bpf_link_update, Linux 5.7).
// The new program must have the same type and attach type; otherwise the error is unix.EINVAL. Its object may be closed
// afterwards: the link keeps the program. errors.Is(err, [errors.ErrUnsupported]) for types of links whose program
// can't be replaced: those of tracing, tracepoints, perf events and netfilter.
func (l *Link) UpdateProgram(p ProgramCore) error { return l.updateProgram(p, nil) }

// ReplaceProgram is UpdateProgram on the condition that old is the link's program. Otherwise it fails with unix.EPERM
// (bpf_link_update with BPF_F_REPLACE, Linux 5.7).
func (l *Link) ReplaceProgram(old, p ProgramCore) error {
	return useProgram("update", l.String(), old, func(fd int) error {
		return l.updateProgram(p, replacing(fd))
	})
}

func (l *Link) updateProgram(p ProgramCore, opts *cLinkUpdateOpts) error {
	const op = "update"
	return useProgram(op, l.String(), p, func(program int) error {
		return l.onLink(op, LinkType.canUpdate, func(fd cInt) cInt {
			return updateLink(fd, program, opts)
		})
	})
}

// UpdateMap replaces the registered struct of callbacks atomically: one of the two is registered at any time
// (bpf_link__update_map, Linux 6.4). m must be a struct_ops map from section ".struct_ops.link", for the same type of
// struct. The kernel's subsystem may require more: TCP congestion control requires the same name. errors.Is(err,
// [errors.ErrUnsupported]) before libbpf 1.2, and for links of other types.
//
// A link that was opened by its pin or id requires a map that was attached before, by this or another link; otherwise
// the error is unix.EINVAL.
func (l *Link) UpdateMap(m *Map) error {
	const op = "update"
	return useMap(op, l.String(), m, func(c *mapCore) error {
		if c.typ != MapTypeStructOps {
			return l.fail(op, fault.Invalidf("map %q is not a struct_ops but of type %s", c.name, c.typ))
		}
		if err := needs("bpf_link__update_map", 1, 2); err != nil {
			return l.fail(op, err)
		}
		return l.onLink(op, func(t LinkType) bool { return t == LinkTypeStructOps }, func(fd cInt) cInt {
			// bpf_link__update_map assumes that it made the link for a struct_ops map.
			if !l.structOps {
				return updateLink(fd, c.fd, nil)
			}
			return updateLinkMap(l.ptr, m.ptr)
		})
	})
}

// Pin pins the link at path, on a bpf file system, so that it stays attached after Close (bpf_link__pin).
// errors.Is(err, os.ErrExist) when the path exists, errors.Is(err, [errors.ErrUnsupported]) for USDT and other
// attachments that are not links in the kernel.
func (l *Link) Pin(path string) error {
	return l.use("pin", func() error {
		if l.noFD || errors.Is(checkLinkFD(int(l.fd())), errNoKernelLink) {
			return errNoKernelLink // the kernel would pin the map behind the attachment, which keeps nothing attached
		}
		at := l.pinnedAt()
		err := pinning(path, func(p cString) cInt {
			switch {
			case at != "":
				return -cInt(unix.EBUSY) // as libbpf does
			case l.ptr != nil:
				return pinLink(l.ptr, p)
			}
			_ = os.Mkdir(filepath.Dir(path), 0o700) // as libbpf does
			return objPin(int(l.fd()), p)
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

// Unpin removes the pin that Pin made or LinkFromPinnedPath opened (bpf_link__unpin). errors.Is(err, os.ErrNotExist)
// when somebody else removed it, errors.Is(err, [ErrInvalid]) when the link has no pin, or the path is the pin of
// another link by now.
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
			if err := unpin(at, PinnedLink, info.ID); err != nil {
				return err
			}
		case l.ptr != nil && gone:
			// libbpf forgets the pin only when it removes it itself. So pin again, for libbpf to remove. If somebody
			// else has pinned something there meanwhile, that stays.
			pinned := withString("path", at, func(p cString) cInt { return objPin(int(l.fd()), p) })
			if pinned == nil {
				unpinLink(l.ptr)
			}
		case l.ptr != nil:
			return clib.FromRet(int(unpinLink(l.ptr)))
		}
		l.pinPath = ""
		return err
	})
}

// PinPath is the path that Pin or LinkFromPinnedPath pinned or opened the link at, or "" (bpf_link__pin_path).
func (l *Link) PinPath() string {
	var path string
	_ = l.use("get pin of", func() error {
		path = l.pinnedAt()
		return nil
	})
	return path
}

// pinnedAt is PinPath for a caller that holds the link's lock.
func (l *Link) pinnedAt() string {
	if l.ptr != nil {
		return linkPinPath(l.ptr)
	}
	return l.pinPath
}

// FD is the link's file descriptor, or -1 after Close (bpf_link__fd). For an attachment that is not a link in the
// kernel, it is the descriptor of the perf event or the map, or -1. The Link owns the descriptor: do not close it.
// After Close the number may be another file's.
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
	return closing(l.String(), l.h.Close())
}
