package libbpf

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// handle keeps a C object or a file descriptor valid while it is used, and knows what Close does. It is the only
// place that counts references; everything that owns something has one.
//
// An operation runs between acquire and drop. Close refuses operations from then on, closes the children, last made
// first, and releases the resource: at once when nothing is under way, otherwise when the last operation drops it, so
// Close never waits and may be called from within an operation, such as a ring buffer's callback. A child keeps its
// parent's resource until its own is released.
//
// There is no finalizer anywhere: a link that the garbage collector detached, or an fd that it closed under the number
// a program still uses, would be worse than a leak.
type handle struct {
	// uses counts the operations under way and the children not yet released; closed is added to it by close.
	uses     atomic.Int64
	released atomic.Bool

	release func() error // frees the resource, exactly once
	wake    func()       // makes operations that block return; nil where none does

	mu       sync.Mutex
	parent   *handle
	made     uint64 // children ever made: their order
	children map[*handle]uint64
}

// closed is so low that uses is negative after close, whatever is still under way.
const closed = math.MinInt64 / 2

// lowestFD is where duplicates begin: 0 means "none" to many commands of bpf(2), and 1 and 2 are written to by
// everybody.
const lowestFD = 3

// newHandle makes a handle for a resource. On error, which is [ErrClosed] when the parent was closed meanwhile, the
// resource was released.
func newHandle(parent *handle, release func() error) (*handle, error) {
	h := &handle{release: release, parent: parent}
	if parent == nil {
		return h, nil
	}
	if err := parent.adopt(h); err != nil {
		discard(release(), PrintWarn)
		return nil, err
	}
	return h, nil
}

func (h *handle) adopt(child *handle) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.isClosed() {
		return ErrClosed
	}
	if h.children == nil {
		h.children = make(map[*handle]uint64)
	}
	h.made++
	h.children[child] = h.made
	h.uses.Add(1)
	return nil
}

func (h *handle) disown(child *handle) {
	h.mu.Lock()
	delete(h.children, child)
	h.mu.Unlock()
	h.drop()
}

// acquire begins an operation; a drop must follow when it returns nil. A nil handle is a closed one.
func (h *handle) acquire() error {
	if h == nil {
		return ErrClosed
	}
	if h.uses.Add(1) < 0 {
		h.drop()
		return ErrClosed
	}
	return nil
}

// isClosed tells an operation that is under way whether Close was called meanwhile.
func (h *handle) isClosed() bool { return h.uses.Load() < 0 }

// drop ends an operation.
func (h *handle) drop() {
	if h.uses.Add(-1) == closed {
		discard(h.finish(), PrintWarn)
	}
}

// finish releases the resource. It may be reached more than once, since a late acquire brings uses back to closed.
func (h *handle) finish() error {
	if !h.released.CompareAndSwap(false, true) {
		return nil
	}
	err := h.release()
	h.leaveParent()
	return err
}

// leaveParent ends that the parent closes the handle, and that it keeps the parent's resource.
func (h *handle) leaveParent() {
	h.mu.Lock()
	parent := h.parent
	h.parent = nil
	h.mu.Unlock()
	if parent != nil {
		parent.disown(h)
	}
}

// errInUse says why closeIdle does not close.
var errInUse = fmt.Errorf("operations are under way, or something hangs on it: %w", unix.EBUSY)

// closeIdle is close if nothing is under way and there are no children; otherwise it does nothing but fail with
// unix.EBUSY. first comes before all that close does, and sees the resource still there.
func (h *handle) closeIdle(first func()) error {
	if h == nil {
		return ErrClosed
	}
	h.mu.Lock()
	if h.isClosed() {
		h.mu.Unlock()
		return ErrClosed
	}
	if !h.uses.CompareAndSwap(0, closed+1) {
		h.mu.Unlock()
		return errInUse
	}
	first()
	h.mu.Unlock()
	if h.wake != nil {
		h.wake()
	}
	if h.uses.Add(-1) == closed {
		return h.finish()
	}
	return nil
}

// close is idempotent. It returns what releasing the resource returned, if that happened here.
func (h *handle) close() error {
	if h == nil {
		return nil
	}
	// This call's own use keeps the resource until the children are closed. A second call that returns at once finds it
	// closed as well.
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
		*handle
		made uint64
	}
	h.mu.Lock() // after which there are no more children
	children := make([]child, 0, len(h.children))
	for c, made := range h.children {
		children = append(children, child{c, made})
	}
	h.mu.Unlock()

	if h.wake != nil {
		h.wake()
	}
	slices.SortFunc(children, func(a, b child) int { return cmp.Compare(b.made, a.made) })
	for _, c := range children {
		discard(c.close(), PrintWarn)
	}
	if h.uses.Add(-1) == closed {
		return h.finish()
	}
	return nil
}
