package races

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil/leaks"
)

// canaries are a map and a file that only tests of this package know. Their descriptors are duplicates: what goes to one
// of them by mistake changes the content of the map, the content or the position of the file, or closes the descriptor.
type canaries struct {
	m     *libbpf.MapHandle
	file  *os.File
	taken atomic.Int64
}

const (
	canaryElements = 8
	canaryValue    = 0xcafe0000cafe
	canaryText     = "nobody reads or writes this"
	canaryPosition = 7
)

func newCanaries(t *testing.T) *canaries {
	t.Helper()
	c := new(canaries)
	var err error
	// As the maps of the tables: 4 bytes, 8 bytes, so that an operation for them is one for it.
	c.m, err = libbpf.CreateMap(libbpf.MapTypeHash, "canary", 4, 8, canaryElements, libbpf.MapCreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.m.Close() })
	fd, err := unix.MemfdCreate("canary", unix.MFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	c.file = os.NewFile(uintptr(fd), "canary")
	t.Cleanup(func() { _ = c.file.Close() })
	if _, err := c.file.WriteString(canaryText); err != nil {
		t.Fatal(err)
	}
	if _, err := c.file.Seek(canaryPosition, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	for i := range uint32(canaryElements) {
		if err := c.m.Update(key(i), value(), libbpf.Any); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func key(i uint32) []byte { return binary.NativeEndian.AppendUint32(nil, i) }
func value() []byte       { return binary.NativeEndian.AppendUint64(nil, canaryValue) }

// open are the descriptors that are open.
func (c *canaries) open() map[int]string { return leaks.Descriptors() }

// catcher puts canaries where descriptors were that are closed.
type catcher struct {
	c    *canaries
	stop chan struct{}
	done sync.WaitGroup
	held map[int]string // what each was when it came
	free atomic.Int64   // how many numbers are not held yet
}

// settled reports whether canaries have all the numbers.
func (k *catcher) settled() bool { return k.free.Load() == 0 }

// watch begins to take the numbers of all descriptors that were opened since before.
func (c *canaries) watch(before map[int]string) *catcher {
	k := &catcher{c: c, stop: make(chan struct{}), held: make(map[int]string)}
	var wanted []int
	for fd := range c.open() {
		if _, old := before[fd]; !old {
			wanted = append(wanted, fd)
		}
	}
	k.free.Store(int64(len(wanted)))
	k.done.Go(func() {
		for turn := 0; ; turn++ {
			select {
			case <-k.stop:
				return
			default:
			}
			for _, fd := range wanted {
				if k.held[fd] == "" {
					k.take(fd, turn)
				}
			}
		}
	})
	return k
}

// take takes a number if it is free.
func (k *catcher) take(number, turn int) {
	from := int(k.c.file.Fd())
	if turn%2 == 0 {
		from = k.c.m.FD()
	}
	fd, err := unix.FcntlInt(uintptr(from), unix.F_DUPFD_CLOEXEC, number)
	if err != nil {
		return
	}
	if fd != number {
		_ = unix.Close(fd)
		return
	}
	k.held[fd] = identity(fd)
	k.free.Add(-1)
	k.c.taken.Add(1)
}

// identity is what a descriptor is open on: files have a name, maps an id.
func identity(fd int) string {
	target, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
	if err != nil {
		return "nothing"
	}
	info, _ := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", fd))
	_, id, _ := strings.Cut(string(info), "map_id:")
	id, _, _ = strings.Cut(id, "\n")
	return target + id
}

// check ends the watch, and reports what happened to the canaries.
func (k *catcher) check(t *testing.T, what string) {
	t.Helper()
	close(k.stop)
	k.done.Wait()
	for fd, was := range k.held {
		if now := identity(fd); now != was {
			t.Errorf("%s: descriptor %d became another file's: %s, was %s", what, fd, now, was)
			continue
		}
		if err := unix.Close(fd); err != nil {
			t.Errorf("%s: descriptor %d of another file: %v", what, fd, err)
		}
	}
	for _, harm := range k.c.harm() {
		t.Errorf("%s: an operation reached a foreign descriptor: %s", what, harm)
	}
}

// harm is what somebody did to the canaries.
func (c *canaries) harm() []string {
	var found []string
	var err error
	n := 0
	for _, v := range c.m.All(&err) {
		n++
		if !bytes.Equal(v, value()) {
			found = append(found, fmt.Sprintf("an element of the map is %x", v))
		}
	}
	if err != nil || n != canaryElements {
		found = append(found, fmt.Sprintf("the map has %d elements, %v", n, err))
	}
	if err := c.m.Update(key(0), value(), libbpf.Exist); err != nil {
		found = append(found, fmt.Sprintf("the map can't be changed: %v", err))
	}
	text := make([]byte, 2*len(canaryText))
	if n, err := c.file.ReadAt(text, 0); err != io.EOF || string(text[:n]) != canaryText {
		found = append(found, fmt.Sprintf("the file is %q, %v", text[:n], err))
	}
	if at, err := c.file.Seek(0, io.SeekCurrent); err != nil || at != canaryPosition {
		found = append(found, fmt.Sprintf("the file is at position %d, %v", at, err))
	}
	return found
}
