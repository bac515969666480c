// Package handle keeps C objects and file descriptors valid while they are used.
package handle

import (
	"cmp"
	"errors"
	"math"
	"os"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// ErrClosed says that a handle was closed, or is nil. It matches [os.ErrClosed].
var ErrClosed = fault.New("already closed", os.ErrClosed)

// ErrInUse is why CloseIdle does not close. It matches unix.EBUSY.
var ErrInUse = fault.New("it is in use, or something that was made from it is open", unix.EBUSY)

// Resource is what a handle keeps: a C object, a file descriptor, or several.
type Resource struct {
	// Release frees the resource. It is called exactly once.
	Release func() error
	// Lost receives an error of Release that no caller gets. It may be nil.
	Lost func(error)
	// Wake makes operations that block return. Close calls it once. It may be nil.
	Wake func()
}

// Handle counts the uses of a resource and knows what Close does. It is the only place that counts references;
// everything that owns something has one. All methods are safe for concurrent use.
//
// An operation runs between Acquire and Drop. Close refuses operations from then on, closes the children, last made
// first, and releases the resource: at once if no operation is in progress, otherwise when the last operation drops it.
// So Close never waits, and an operation may call it, such as a ring buffer's callback. A child keeps its parent's
// resource until its own is released.
//
// There are no finalizers: a link that the garbage collector detaches is worse than a leak, and so is a descriptor that
// it closes while a program still uses the number.
type Handle struct {
	// uses counts the operations in progress and the children that are not released. Close adds closed to it.
	uses     atomic.Int64
	released atomic.Bool

	resource Resource

	mu       sync.Mutex
	parent   *Handle
	made     uint64 // children ever made: their order
	children map[*Handle]uint64
}

// closed is so low that uses is negative after Close, whatever is in progress.
const closed = math.MinInt64 / 2

// Watch is told of each handle that is made, and of each whose resource is released, if a test sets it before it makes
// handles. Production code leaves it alone.
var Watch struct{ Made, Released func(*Handle) }

// New makes a handle for a resource.
func New(resource Resource) *Handle {
	h := &Handle{resource: resource}
	if Watch.Made != nil {
		Watch.Made(h)
	}
	return h
}

// NewChild makes a handle for a resource that must be released before that of parent. A nil parent is no parent. If the
// parent is closed, the error is [ErrClosed], and the resource was released.
func NewChild(parent *Handle, resource Resource) (*Handle, error) {
	h := New(resource)
	if parent == nil {
		return h, nil
	}
	h.parent = parent // before the parent can close it
	if err := parent.adopt(h); err != nil {
		h.parent = nil
		h.lose(h.finish())
		return nil, err
	}
	return h, nil
}

func (h *Handle) adopt(child *Handle) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.IsClosed() {
		return ErrClosed
	}
	if h.children == nil {
		h.children = make(map[*Handle]uint64)
	}
	h.made++
	h.children[child] = h.made
	h.uses.Add(1)
	return nil
}

func (h *Handle) disown(child *Handle) {
	h.mu.Lock()
	delete(h.children, child)
	h.mu.Unlock()
	h.Drop()
}

// Acquire begins an operation. When it returns nil, Drop must follow. A nil handle is a closed one.
func (h *Handle) Acquire() error {
	if h == nil {
		return ErrClosed
	}
	if h.uses.Add(1) < 0 {
		h.Drop()
		return ErrClosed
	}
	return nil
}

// IsClosed reports whether Close was called. It is for an operation that is in progress.
func (h *Handle) IsClosed() bool { return h.uses.Load() < 0 }

// Err returns [ErrClosed] if Close was called, else nil. As IsClosed, it is for an operation that is in progress.
func (h *Handle) Err() error {
	if h.IsClosed() {
		return ErrClosed
	}
	return nil
}

// Drop ends an operation.
func (h *Handle) Drop() {
	if h.uses.Add(-1) == closed {
		h.lose(h.finish())
	}
}

// lose is for an error that no caller gets.
func (h *Handle) lose(err error) {
	if err != nil && h.resource.Lost != nil {
		h.resource.Lost(err)
	}
}

// finish releases the resource. It may be called more than once, because a late Acquire brings uses back to closed.
func (h *Handle) finish() error {
	if !h.released.CompareAndSwap(false, true) {
		return nil
	}
	err := h.resource.Release()
	if Watch.Released != nil {
		Watch.Released(h)
	}
	h.LeaveParent()
	return err
}

// LeaveParent makes the handle independent: the parent's Close does not close it, and it does not keep the parent's
// resource.
func (h *Handle) LeaveParent() {
	h.mu.Lock()
	parent := h.parent
	h.parent = nil
	h.mu.Unlock()
	if parent != nil {
		parent.disown(h)
	}
}

// CloseIdle is Close if no operation is in progress and no child is open. Otherwise it does nothing, and the error
// matches unix.EBUSY. It calls first before all else, while the resource is still there.
func (h *Handle) CloseIdle(first func()) error {
	if h == nil {
		return ErrClosed
	}
	h.mu.Lock()
	if h.IsClosed() {
		h.mu.Unlock()
		return ErrClosed
	}
	if !h.uses.CompareAndSwap(0, closed+1) {
		h.mu.Unlock()
		return ErrInUse
	}
	first()
	h.mu.Unlock()
	h.wake()
	return h.dropLast()
}

// Close closes the handle. It is idempotent. It returns the errors of Release of what it released itself: the children
// and the resource.
func (h *Handle) Close() error {
	if h == nil {
		return nil
	}
	// This call's own use keeps the resource until the children are closed. A second call that returns at once finds
	// the handle closed as well.
	for {
		uses := h.uses.Load()
		if uses < 0 {
			return nil
		}
		if h.uses.CompareAndSwap(uses, uses+closed+1) {
			break
		}
	}
	type child struct {
		*Handle
		made uint64
	}
	h.mu.Lock() // after which there are no more children
	children := make([]child, 0, len(h.children))
	for c, made := range h.children {
		children = append(children, child{c, made})
	}
	h.mu.Unlock()

	h.wake()
	slices.SortFunc(children, func(a, b child) int { return cmp.Compare(b.made, a.made) })
	if len(children) == 0 {
		return h.dropLast()
	}
	var errs []error
	for _, c := range children {
		errs = append(errs, c.Close())
	}
	return errors.Join(append(errs, h.dropLast())...)
}

func (h *Handle) wake() {
	if h.resource.Wake != nil {
		h.resource.Wake()
	}
}

// dropLast is Drop for the call that closed the handle, which gets the error.
func (h *Handle) dropLast() error {
	if h.uses.Add(-1) == closed {
		return h.finish()
	}
	return nil
}
