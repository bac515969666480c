package handle

import (
	"errors"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestHandleReleasesOnce(t *testing.T) {
	for range 200 {
		var alive atomic.Bool
		alive.Store(true)
		var released atomic.Int32
		h := New(Resource{Release: func() error {
			alive.Store(false)
			released.Add(1)
			return nil
		}})
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for {
					if err := h.Acquire(); err != nil {
						if err != ErrClosed {
							t.Error(err)
						}
						return
					}
					if !alive.Load() {
						t.Error("released while acquired")
					}
					h.Drop()
				}
			})
		}
		for range 2 {
			wg.Go(func() { _ = h.Close() })
		}
		wg.Wait()
		if n := released.Load(); n != 1 {
			t.Fatalf("released %d times", n)
		}
	}
}

func TestHandleCloseDoesNotWait(t *testing.T) {
	released := false
	gone := errors.New("gone")
	var lost error
	h := New(Resource{
		Release: func() error { released = true; return gone },
		Lost:    func(err error) { lost = err },
	})
	if err := h.Acquire(); err != nil {
		t.Fatal(err)
	}
	if err := h.Close(); err != nil || released {
		t.Fatalf("close under use: %v, released %t", err, released)
	}
	if h.Acquire() != ErrClosed || !h.IsClosed() || h.Err() != ErrClosed {
		t.Error("acquired after close")
	}
	if released {
		t.Error("a refused operation released it")
	}
	h.Drop()
	if !released {
		t.Error("the last operation did not release it")
	}
	if lost != gone {
		t.Errorf("the error that no caller gets is %v", lost)
	}
}

func TestHandleTree(t *testing.T) {
	var order []string
	release := func(name string) Resource {
		return Resource{Release: func() error { order = append(order, name); return nil }}
	}
	parent := New(release("parent"))
	first, _ := NewChild(parent, release("first"))
	second, _ := NewChild(parent, release("second"))
	third, _ := NewChild(parent, release("third"))
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	// A child in use keeps its parent's resource.
	if err := first.Acquire(); err != nil {
		t.Fatal(err)
	}
	if err := parent.Close(); err != nil {
		t.Fatal(err)
	}
	if want := []string{"second", "third"}; !slices.Equal(order, want) {
		t.Errorf("released %q, want %q", order, want)
	}
	first.Drop()
	if want := []string{"second", "third", "first", "parent"}; !slices.Equal(order, want) {
		t.Errorf("released %q, want %q", order, want)
	}
	if _, err := NewChild(parent, release("late")); err != ErrClosed {
		t.Errorf("a child of a closed handle: %v", err)
	}
	if order[len(order)-1] != "late" {
		t.Error("what the late child was for was not released")
	}
	if third.Close() != nil || parent.Close() != nil || (*Handle)(nil).Close() != nil {
		t.Error("a second close failed")
	}
}

// A second close that returns at once finds the handle closed, however long the first one takes from there on.
func TestHandleSecondCloseFindsItClosed(t *testing.T) {
	h := New(Resource{Release: func() error { return nil }})
	h.mu.Lock() // the first one waits for it
	done := make(chan error)
	go func() { done <- h.Close() }()
	for deadline := time.Now().Add(time.Minute); !h.IsClosed(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal("it is not closed while the first close goes on")
		}
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
	if h.Acquire() != ErrClosed {
		t.Error("acquired after close")
	}
	h.mu.Unlock()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// The children are closed before the parent, last made first.
func TestHandleClosesLastMadeFirst(t *testing.T) {
	const children = 20
	var order []int
	parent := New(Resource{Release: func() error { order = append(order, children); return nil }})
	for i := range children {
		if _, err := NewChild(parent, Resource{Release: func() error { order = append(order, i); return nil }}); err != nil {
			t.Fatal(err)
		}
	}
	if err := parent.Close(); err != nil {
		t.Fatal(err)
	}
	var want []int
	for i := range children {
		want = append(want, children-1-i)
	}
	if want = append(want, children); !slices.Equal(order, want) {
		t.Errorf("released in the order %v", order)
	}
}

// A parent that is closed while a child is made is released, whichever comes first.
func TestHandleClosedWhileAChildIsMade(t *testing.T) {
	for range 5_000 {
		var released atomic.Int32
		resource := Resource{Release: func() error { released.Add(1); return nil }}
		parent := New(resource)
		var closing sync.WaitGroup
		closing.Go(func() { _ = parent.Close() })
		child, err := NewChild(parent, resource)
		if err == nil {
			err = child.Close()
		}
		closing.Wait()
		if n := released.Load(); n != 2 || err != nil && err != ErrClosed {
			t.Fatalf("%d of 2 were released, error %v", n, err)
		}
	}
}

// No parent and no handle are allowed for.
func TestHandleNil(t *testing.T) {
	released := 0
	h, err := NewChild(nil, Resource{Release: func() error { released++; return nil }})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Close(); err != nil || released != 1 {
		t.Errorf("released %d times, %v", released, err)
	}
	var none *Handle
	if err := none.Acquire(); err != ErrClosed {
		t.Error(err)
	}
	if err := none.CloseIdle(func() {}); err != ErrClosed {
		t.Error(err)
	}
	if err := none.Close(); err != nil {
		t.Error(err)
	}
}

// A parent forgets the children that are closed or have left it, and counts each of them once.
func TestHandleForgetsChildren(t *testing.T) {
	released := false
	parent := New(Resource{Release: func() error { released = true; return nil }})
	if err := parent.Acquire(); err != nil {
		t.Fatal(err)
	}
	for _, leave := range []bool{false, true} {
		child, err := NewChild(parent, Resource{Release: func() error { return nil }})
		if err != nil {
			t.Fatal(err)
		}
		if leave {
			child.LeaveParent()
		}
		if err := child.Close(); err != nil {
			t.Error(err)
		}
		child.LeaveParent()
	}
	if len(parent.children) != 0 {
		t.Errorf("%d children are left", len(parent.children))
	}
	if err := parent.Close(); err != nil || released {
		t.Errorf("released: %v, while it is used, %v", released, err)
	}
	if parent.Drop(); !released {
		t.Error("not released")
	}
}

// Close returns the errors of what it releases: the children, the last made first, and the resource.
func TestCloseReturnsErrorsOfChildren(t *testing.T) {
	fails := func(text string) Resource { return Resource{Release: func() error { return errors.New(text) }} }
	parent := New(fails("parent"))
	for _, name := range []string{"first", "second"} {
		if _, err := NewChild(parent, fails(name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := parent.Close(); err == nil || err.Error() != "second\nfirst\nparent" {
		t.Errorf("closed: %v", err)
	}
	if err := parent.Close(); err != nil {
		t.Errorf("closed again: %v", err)
	}
	gone := errors.New("gone")
	if err := New(Resource{Release: func() error { return gone }}).Close(); err != gone {
		t.Errorf("closed without children: %#v", err)
	}
}

// Lost is told of errors, if there are both.
func TestHandleLost(t *testing.T) {
	gone := errors.New("gone")
	for _, fails := range []error{nil, gone} {
		for _, told := range []bool{false, true} {
			var lost []error
			resource := Resource{Release: func() error { return fails }}
			if told {
				resource.Lost = func(err error) { lost = append(lost, err) }
			}
			h := New(resource)
			if err := h.Acquire(); err != nil {
				t.Fatal(err)
			}
			if err := h.Close(); err != nil {
				t.Error(err)
			}
			if h.Drop(); told && fails != nil && (len(lost) != 1 || lost[0] != gone) || (!told || fails == nil) && lost != nil {
				t.Errorf("%v, told: %v: lost %v", fails, told, lost)
			}
		}
	}
}

// Close wakes what waits, once, while the resource is there.
func TestHandleWakes(t *testing.T) {
	for name, closeIt := range map[string]func(*Handle) error{
		"Close":     (*Handle).Close,
		"CloseIdle": func(h *Handle) error { return h.CloseIdle(func() {}) },
	} {
		var order []string
		h := New(Resource{
			Wake:    func() { order = append(order, "woken") },
			Release: func() error { order = append(order, "released"); return nil },
		})
		if err := closeIt(h); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		_ = h.Close()
		if !slices.Equal(order, []string{"woken", "released"}) {
			t.Errorf("%s: %v", name, order)
		}
	}
}

// A child of a closed parent is released at once, and does not count as one: the parent's resource is there as long as
// it is used.
func TestHandleChildOfAClosedParent(t *testing.T) {
	parentReleased, childReleased := false, false
	parent := New(Resource{Release: func() error { parentReleased = true; return nil }})
	if err := parent.Acquire(); err != nil {
		t.Fatal(err)
	}
	if err := parent.Close(); err != nil {
		t.Fatal(err)
	}
	child, err := NewChild(parent, Resource{Release: func() error { childReleased = true; return nil }})
	if child != nil || err != ErrClosed || !childReleased || parentReleased {
		t.Errorf("%v, %v, the child was released: %v, the parent: %v", child, err, childReleased, parentReleased)
	}
	parent.Drop()
	if !parentReleased {
		t.Error("the parent was not released")
	}
}

// Who watches is told of each handle once when it is made, and once when its resource is released.
func TestHandleWatch(t *testing.T) {
	before := Watch
	defer func() { Watch = before }()
	var made, released []*Handle
	Watch.Made = func(h *Handle) { made = append(made, h) }
	Watch.Released = func(h *Handle) { released = append(released, h) }
	nothing := Resource{Release: func() error { return nil }}
	first := New(nothing)
	second, err := NewChild(first, nothing)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := first.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(made, []*Handle{first, second}) || !slices.Equal(released, []*Handle{second, first}) {
		t.Errorf("made %v, released %v, and the handles are %p and %p", made, released, first, second)
	}
}

// CloseIdle closes what nobody uses and has no children, and leaves everything else as it is.
func TestHandleCloseIdle(t *testing.T) {
	var order []string
	note := func(what string) Resource {
		return Resource{Release: func() error { order = append(order, what); return errors.New(what) }}
	}
	first := func() { order = append(order, "first") }
	h := New(note("handle"))
	if err := h.Acquire(); err != nil {
		t.Fatal(err)
	}
	if err := h.CloseIdle(first); err != ErrInUse || h.IsClosed() {
		t.Errorf("in use: %v, closed %v", err, h.IsClosed())
	}
	h.Drop()
	child, err := NewChild(h, note("child"))
	if err != nil {
		t.Fatal(err)
	}
	if err := h.CloseIdle(first); err != ErrInUse || h.IsClosed() {
		t.Errorf("with a child: %v, closed %v", err, h.IsClosed())
	}
	_ = child.Close()
	if err := h.CloseIdle(first); err == nil || err.Error() != "handle" || h.Acquire() != ErrClosed {
		t.Errorf("idle: %v", err)
	}
	for _, h := range []*Handle{h, h, nil} {
		if err := h.CloseIdle(first); err != ErrClosed {
			t.Errorf("closed: %v", err)
		}
	}
	if want := []string{"child", "first", "handle"}; !slices.Equal(order, want) {
		t.Errorf("%q, want %q", order, want)
	}
}
