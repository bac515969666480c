package btf

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

func TestLoadIntoKernel(t *testing.T) {
	b := newTestBuilder(t)
	number := b.AddInt("int", 4, IntSigned)
	b.AddStruct("point", 8, Member{"x", number, 0, 0}, Member{"y", number, 32, 0})
	for _, swapped := range []bool{false, true} {
		if swapped {
			b.SetByteOrder(otherOrder())
		}
		types := build(t, b)
		if types.FD() != -1 {
			t.Errorf("before: descriptor %d", types.FD())
		}
		if err := types.UseFD(func(int) error { return nil }); !errors.Is(err, unix.EBADF) {
			t.Errorf("UseFD before: %v", err)
		}
		if err := types.LoadIntoKernel(LoadOptions{}); err != nil {
			t.Fatal(err)
		}
		err := types.UseFD(func(fd int) error {
			if fd != types.FD() {
				return fmt.Errorf("the descriptors are %d and %d", fd, types.FD())
			}
			var stat unix.Stat_t
			return unix.Fstat(fd, &stat)
		})
		if err != nil {
			t.Error(err)
		}
		if err := types.LoadIntoKernel(LoadOptions{}); !errors.Is(err, unix.EEXIST) {
			t.Errorf("again: %v", err)
		}
		fd := types.FD()
		if err := types.Close(); err != nil {
			t.Error(err)
		}
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); !errors.Is(err, unix.EBADF) {
			t.Errorf("after Close, the descriptor: %v", err)
		}
		if err := types.LoadIntoKernel(LoadOptions{}); !errors.Is(err, ErrClosed) || types.FD() != -1 {
			t.Errorf("after Close: %v", err)
		}
	}
}

// The kernel accepts what it gave.
func TestLoadTheKernelsTypes(t *testing.T) {
	k := loadKernel(t)
	task, err := k.TypeByName("task_struct", KindStruct)
	if err != nil {
		t.Fatal(err)
	}
	b := newTestBuilder(t)
	b.AddReachable(k, task.ID())
	types := build(t, b)
	if err := types.LoadIntoKernel(LoadOptions{LogLevel: 1}); err != nil {
		t.Fatalf("%+v", err)
	}
	back, err := FromID(idOf(t, types))
	if err != nil {
		t.Fatal(err)
	}
	defer back.Close()
	if diff := diffTypes(allTypes(t, types), allTypes(t, back)); diff != "" {
		t.Errorf("types (-want +got):\n%s", diff)
	}
}

// idOf is the id that the kernel gave to types, as /proc has it.
func idOf(t *testing.T, b *BTF) (id uint32) {
	t.Helper()
	err := b.UseFD(func(fd int) error {
		text, err := readFDInfo(fd)
		if err != nil {
			return err
		}
		_, line, _ := strings.Cut(text, "btf_id:")
		_, err = fmt.Sscan(line, &id)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestLoadError(t *testing.T) {
	b := newTestBuilder(t)
	b.AddStruct("bad name", 4)
	err := build(t, b).LoadIntoKernel(LoadOptions{})
	var refused *LoadError
	if !errors.As(err, &refused) || !errors.Is(err, unix.EINVAL) {
		t.Fatalf("error %v", err)
	}
	if text := err.Error(); !strings.Contains(text, "Invalid name") || !strings.Contains(text, "a Builder") || strings.Contains(text, "\n") {
		t.Errorf("error %q", text)
	}
	if text := fmt.Sprintf("%+v", err); !strings.Contains(text, "magic: 0xeb9f") {
		t.Errorf("the log %q", text)
	}
	for _, opts := range []LoadOptions{{TokenFD: -1}, {LogLevel: 3}} {
		if err := build(t, b).LoadIntoKernel(opts); !errors.Is(err, unix.EINVAL) {
			t.Errorf("%+v: %v", opts, err)
		}
	}
}

// A call that races with Close completes or returns ErrClosed.
func TestUseFDWhileClosing(t *testing.T) {
	b := newTestBuilder(t)
	b.AddInt("int", 4, 0)
	for range 200 {
		types, err := b.BTF()
		if err != nil {
			t.Fatal(err)
		}
		if err := types.LoadIntoKernel(LoadOptions{}); err != nil {
			t.Fatal(err)
		}
		var closing sync.WaitGroup
		closing.Go(func() { _ = types.Close() })
		for err == nil {
			err = types.UseFD(func(int) error { return nil })
		}
		if !errors.Is(err, ErrClosed) {
			t.Errorf("UseFD: %v", err)
		}
		closing.Wait()
	}
}

func readFDInfo(fd int) (string, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", fd))
	return string(text), err
}
