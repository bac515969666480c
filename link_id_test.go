package libbpf_test

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

func TestLinkFromID(t *testing.T) {
	path := filepath.Join(testutil.BPFFS(t), "link")
	o := loadAttach(t, nil)
	link, err := findProgram(t, o, "on_enter").Attach()
	check(t, err)
	info, err := link.Info()
	check(t, err)
	l, err := libbpf.LinkFromID(info.ID)
	check(t, err)
	defer l.Close()
	if l.FD() < 3 || l.FD() == link.FD() {
		t.Errorf("fd %d, and the first is %d", l.FD(), link.FD())
	}
	wantErr(t, l.Unpin(), unix.EINVAL)
	wantErr(t, l.Pin("a\x00b"), libbpf.ErrInvalid)
	if l.PinPath() != "" {
		t.Errorf("pinned at %q", l.PinPath())
	}
	check(t, l.Pin(path))
	wantErr(t, l.Pin(path+"2"), unix.EBUSY)
	if l.PinPath() != path {
		t.Errorf("pinned at %q", l.PinPath())
	}
	check(t, l.Unpin())
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) || l.PinPath() != "" {
		t.Errorf("after Unpin: %v, %q", err, l.PinPath())
	}

	// The pin keeps the link attached. After Disconnect, the link's descriptor does.
	check(t, link.Close())
	wantHits(t, o, true, false)
	fd := l.FD()
	check(t, l.Disconnect())
	check(t, l.Close())
	wantHits(t, o, true, false)
	check(t, unix.Close(fd))
	waitUntilGone(t, info.ID)
	wantHits(t, o, false, false)
	if l.FD() != -1 {
		t.Errorf("fd %d after Close", l.FD())
	}
	_, err = l.Info()
	wantErr(t, err, libbpf.ErrClosed)
	_, err = (*libbpf.Link)(nil).Info()
	wantErr(t, err, libbpf.ErrClosed)
	_, err = libbpf.LinkFromID(1<<32 - 1)
	wantErr(t, err, os.ErrNotExist)
}

// Close while others use the link: each operation succeeds or returns ErrClosed.
func TestLinkFromIDCloseRace(t *testing.T) {
	link, err := findProgram(t, loadAttach(t, nil), "on_exit").Attach()
	check(t, err)
	want, err := link.Info()
	check(t, err)
	for range 50 {
		l, err := libbpf.LinkFromID(want.ID)
		check(t, err)
		var wait sync.WaitGroup
		for range 4 {
			wait.Go(func() {
				for {
					info, err := l.Info()
					if errors.Is(err, libbpf.ErrClosed) {
						return
					}
					if err != nil || info != want {
						t.Errorf("%+v, %v", info, err)
						return
					}
				}
			})
		}
		check(t, l.Close())
		wait.Wait()
	}
}
