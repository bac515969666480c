package libbpf

/*
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
*/
import "C"

import (
	"fmt"
	"sync"

	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// Link is a program's attachment. Close, and Close of its object, detach the program, unless the link is pinned or was
// disconnected. The garbage collector does not: a Link that is dropped stays attached until its object is closed.
//
// All methods are safe for concurrent use, Close included.
type Link struct {
	h    *handle
	what string // for errors

	// libbpf changes the link in most calls.
	mu  sync.Mutex
	ptr *C.struct_bpf_link
}

// newLink takes a link of libbpf's over, also when it fails. parent is the object's that it belongs to, which the caller
// has acquired, or nil: the link keeps the object's memory until it is destroyed itself. shared is nil, or the lock for
// what it shares with others and changes when it is destroyed.
func newLink(parent *handle, shared *sync.Mutex, ptr *C.struct_bpf_link, what string) (*Link, error) {
	l := &Link{ptr: ptr, what: what}
	if shared == nil {
		shared = new(sync.Mutex)
	}
	h, err := newHandle(parent, func() error {
		return callLocked(shared, currentPrinter.Load(), "close", what, func() error {
			return clib.FromRet(int(C.bpf_link__destroy(ptr)))
		})
	})
	if err != nil {
		return nil, &Error{Op: "attach", Object: what, Err: err}
	}
	l.h = h
	return l, nil
}

// OpenLink opens the link that is pinned at path (bpf_link__open, Linux 5.7). errors.Is(err, os.ErrNotExist) when nothing
// is pinned there. Close leaves it attached as long as the pin is there.
func OpenLink(path string) (*Link, error) {
	const op = "open"
	what := fmt.Sprintf("pinned link %q", path)
	var c cStrings
	defer c.free()
	cPath := c.of("path", path)
	if c.err != nil {
		return nil, &Error{Op: op, Object: what, Err: c.err}
	}
	var ptr *C.struct_bpf_link
	err := call(op, what, func() error {
		var errno error
		if ptr, errno = C.bpf_link__open(cPath); ptr == nil {
			return fromErrno(errno)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return newLink(nil, nil, ptr, what)
}

// use runs one call into libbpf while the link can't be destroyed.
func (l *Link) use(op string, f func() error) error {
	if l == nil {
		return &Error{Op: op, Object: "link", Err: ErrClosed}
	}
	if err := l.h.acquire(); err != nil {
		return &Error{Op: op, Object: l.what, Err: err}
	}
	defer l.h.drop()
	return callLocked(&l.mu, currentPrinter.Load(), op, l.what, f)
}

// Detach detaches the program at once, for everybody who holds the link or its pin
// (bpf_link__detach, Linux 5.9). errors.Is(err, [errors.ErrUnsupported]) for kinds of links that can't, such as those of
// perf events before Linux 5.15: close those.
func (l *Link) Detach() error {
	return l.use("detach", func() error { return clib.FromRet(int(C.bpf_link__detach(l.ptr))) })
}

// Disconnect makes Close, and Close of the object, leave the program attached (bpf_link__disconnect). Where a descriptor
// is what keeps it so, as for most kinds of links, that stays open for good: who wants to detach later calls FD before,
// and closes it. A pin or a legacy attachment lasts without.
func (l *Link) Disconnect() error {
	return l.use("disconnect", func() error {
		C.bpf_link__disconnect(l.ptr)
		return nil
	})
}

// UpdateProgram replaces the program, without a moment in which none is attached
// (bpf_link__update_program, Linux 5.7). The new program must be of the same type, and its object must not be closed
// meanwhile; afterwards the link keeps it.
func (l *Link) UpdateProgram(p *Program) error {
	if p == nil || p.o.acquire("", "") != nil {
		return &Error{Op: "update", Object: "link", Err: fmt.Errorf("program: %w", ErrClosed)}
	}
	defer p.o.h.drop()
	return l.use("update", func() error {
		return clib.FromRet(int(C.bpf_link__update_program(l.ptr, p.ptr)))
	})
}

// Pin makes the attachment last under a path on a bpf file system (bpf_link__pin). errors.Is(err, os.ErrExist) when the
// path is taken.
func (l *Link) Pin(path string) error {
	return l.use("pin", func() error {
		return withString("path", path, func(p *C.char) C.int { return C.bpf_link__pin(l.ptr, p) })
	})
}

// Unpin removes the pin that Pin or OpenLink know of (bpf_link__unpin).
func (l *Link) Unpin() error {
	return l.use("unpin", func() error { return clib.FromRet(int(C.bpf_link__unpin(l.ptr))) })
}

// PinPath is where the link is pinned, or "" (bpf_link__pin_path).
func (l *Link) PinPath() string {
	var path string
	_ = l.use("get pin of", func() error {
		path = C.GoString(C.bpf_link__pin_path(l.ptr))
		return nil
	})
	return path
}

// FD is the link's file descriptor, or -1 after Close (bpf_link__fd). It remains the link's: it must not be closed, and
// may be another file's number after Close.
func (l *Link) FD() int {
	fd := -1
	_ = l.use("get fd of", func() error {
		fd = int(C.bpf_link__fd(l.ptr))
		return nil
	})
	return fd
}

// Close detaches the program, unless a pin or Disconnect keeps it attached (bpf_link__destroy). It is idempotent.
func (l *Link) Close() error {
	if l == nil {
		return nil
	}
	return l.h.close()
}
