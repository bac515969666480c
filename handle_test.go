package libbpf

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
		h, err := newHandle(nil, func() error {
			alive.Store(false)
			released.Add(1)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for {
					if err := h.acquire(); err != nil {
						if err != ErrClosed {
							t.Error(err)
						}
						return
					}
					if !alive.Load() {
						t.Error("released while acquired")
					}
					h.drop()
				}
			})
		}
		for range 2 {
			wg.Go(func() { _ = h.close() })
		}
		wg.Wait()
		if n := released.Load(); n != 1 {
			t.Fatalf("released %d times", n)
		}
	}
}

func TestHandleCloseDoesNotWait(t *testing.T) {
	released := false
	h, _ := newHandle(nil, func() error { released = true; return errors.New("lost") })
	if err := h.acquire(); err != nil {
		t.Fatal(err)
	}
	if err := h.close(); err != nil || released {
		t.Fatalf("close under use: %v, released %t", err, released)
	}
	if h.acquire() != ErrClosed || !h.isClosed() {
		t.Error("acquired after close")
	}
	if released {
		t.Error("a refused operation released it")
	}
	h.drop()
	if !released {
		t.Error("the last operation did not release it")
	}
}

func TestHandleTree(t *testing.T) {
	var order []string
	release := func(name string) func() error {
		return func() error { order = append(order, name); return nil }
	}
	parent, _ := newHandle(nil, release("parent"))
	first, _ := newHandle(parent, release("first"))
	second, _ := newHandle(parent, release("second"))
	third, _ := newHandle(parent, release("third"))
	if err := second.close(); err != nil {
		t.Fatal(err)
	}
	// A child in use keeps its parent's resource.
	if err := first.acquire(); err != nil {
		t.Fatal(err)
	}
	if err := parent.close(); err != nil {
		t.Fatal(err)
	}
	if want := []string{"second", "third"}; !slices.Equal(order, want) {
		t.Errorf("released %q, want %q", order, want)
	}
	first.drop()
	if want := []string{"second", "third", "first", "parent"}; !slices.Equal(order, want) {
		t.Errorf("released %q, want %q", order, want)
	}
	if _, err := newHandle(parent, release("late")); err != ErrClosed {
		t.Errorf("a child of a closed handle: %v", err)
	}
	if order[len(order)-1] != "late" {
		t.Error("what the late child was for was not released")
	}
	if third.close() != nil || parent.close() != nil || (*handle)(nil).close() != nil {
		t.Error("a second close failed")
	}
}

// A second close that returns at once finds the handle closed, however long the first one takes from there on.
func TestHandleSecondCloseFindsItClosed(t *testing.T) {
	h, _ := newHandle(nil, func() error { return nil })
	h.mu.Lock() // the first one waits for it
	done := make(chan error)
	go func() { done <- h.close() }()
	for deadline := time.Now().Add(time.Minute); !h.isClosed(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal("it is not closed while the first close goes on")
		}
	}
	if err := h.close(); err != nil {
		t.Error(err)
	}
	if h.acquire() != ErrClosed {
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
	parent, _ := newHandle(nil, func() error { order = append(order, children); return nil })
	for i := range children {
		if _, err := newHandle(parent, func() error { order = append(order, i); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	if err := parent.close(); err != nil {
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
