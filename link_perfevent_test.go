package libbpf_test

import (
	"errors"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/needs"
)

func init() {
	perf := func(name string, opts libbpf.PerfEventOptions) hook {
		return hook{
			name: name, feature: "perf_event", object: "tracepoint", program: "on_perf_event", kind: "perf_event", act: pageFault,
			hits: 1, orMore: true, // Go's own page faults
			noCookie: opts.ForceIoctl,
			attachAny: func(t testing.TB, p attacher, cookie uint64) (*libbpf.Link, error) {
				fd := openPageFaults(t, 0)
				// The link has its own descriptor.
				defer func() { check(t, unix.Close(fd)) }()
				opts := opts
				opts.Cookie = cookie
				return p.AttachPerfEvent(fd, opts)
			},
		}
	}
	addHooks(
		perf("perf_event", libbpf.PerfEventOptions{}),
		perf("perf_event-ioctl", libbpf.PerfEventOptions{ForceIoctl: true}),
	)
}

// openPageFaults opens a perf event for the page faults of the calling thread. The test stays on this thread.
func openPageFaults(t testing.TB, flags uint64) int {
	t.Helper()
	needs.PerfEvents(t)
	runtime.LockOSThread()
	t.Cleanup(runtime.UnlockOSThread)
	fd, err := unix.PerfEventOpen(&unix.PerfEventAttr{
		Type: unix.PERF_TYPE_SOFTWARE, Config: unix.PERF_COUNT_SW_PAGE_FAULTS, Size: unix.PERF_ATTR_SIZE_VER0,
		Sample: 1, Bits: flags | unix.PerfBitDisabled,
	}, 0, -1, -1, unix.PERF_FLAG_FD_CLOEXEC)
	check(t, err)
	return fd
}

// pageFault touches a page for the first time.
func pageFault(t testing.TB) {
	t.Helper()
	page, err := unix.Mmap(-1, 0, 1, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	check(t, err)
	page[0] = 1
	check(t, unix.Munmap(page))
}

// The caller owns the descriptor, whether attaching succeeds or not. Close of the link does not close it, but stops the
// program, even if the caller keeps the event open.
func TestPerfEventOwnership(t *testing.T) {
	for name, opts := range map[string]libbpf.PerfEventOptions{"link": {}, "ioctl": {ForceIoctl: true}} {
		t.Run(name, func(t *testing.T) {
			o, p := loadSeen(t, "perf_event", "tracepoint", "on_perf_event", nil)
			fd := openPageFaults(t, 0)
			defer unix.Close(fd)
			before := openFiles(t)
			link, err := p.AttachPerfEvent(fd, opts)
			if err != nil {
				skipMissing(t, "perf_event", err)
			}
			// Attaching a second program may succeed or fail, but leaves no descriptors.
			if second, err := p.AttachPerfEvent(fd, opts); err == nil {
				check(t, second.Close())
			}
			check(t, link.Close())
			if after := openFiles(t); after != before {
				t.Errorf("%d descriptors, %d before", after, before)
			}
			if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil {
				t.Errorf("the caller's descriptor: %v", err)
			}
			hits := seen(t, o).hits
			pageFault(t)
			if got := seen(t, o).hits; got != hits {
				t.Errorf("%d hits after Close", got-hits)
			}
		})
	}
}

// With DontEnable, the program does not run until the caller enables the event.
func TestPerfEventDontEnable(t *testing.T) {
	o, p := loadSeen(t, "perf_event", "tracepoint", "on_perf_event", nil)
	fd := openPageFaults(t, 0)
	defer unix.Close(fd)
	link, err := p.AttachPerfEvent(fd, libbpf.PerfEventOptions{DontEnable: true})
	if err != nil {
		skipMissing(t, "perf_event", err)
	}
	defer link.Close()
	pageFault(t)
	if got := seen(t, o).hits; got != 0 {
		t.Errorf("%d hits before the event was enabled", got)
	}
	check(t, unix.IoctlSetInt(fd, unix.PERF_EVENT_IOC_ENABLE, 0))
	pageFault(t)
	if got := seen(t, o).hits; got == 0 {
		t.Error("no hits")
	}
}

func TestPerfEventErrors(t *testing.T) {
	testutil.Root(t)
	_, p := loadSeen(t, "perf_event", "tracepoint", "on_perf_event", nil)
	fd := openPageFaults(t, 0)
	defer unix.Close(fd)
	_, err := p.AttachPerfEvent(fd, libbpf.PerfEventOptions{ForceIoctl: true, Cookie: 1})
	wantErr(t, err, libbpf.ErrInvalid)
	_, err = p.AttachPerfEvent(-1, libbpf.PerfEventOptions{})
	wantErr(t, err, unix.EBADF)
	_, err = p.AttachPerfEvent(fd|beyondInt32, libbpf.PerfEventOptions{}) // the kernel would ignore the upper half
	wantErr(t, err, unix.EBADF)
	before := openFiles(t)
	if _, err = p.AttachPerfEvent(p.FD(), libbpf.PerfEventOptions{}); !errors.Is(err, unix.ENOTTY) { // as of 5.10
		wantErr(t, err, unix.EBADF)
	}
	if after := openFiles(t); after != before {
		t.Errorf("%d descriptors, %d before", after, before)
	}
}
