package testutil

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/testutil/leaks"
)

// Cgroup is a test's own cgroup (version 2).
type Cgroup struct {
	*os.File
	t     testing.TB
	mount string
	path  string
}

// NewCgroup makes a cgroup. It mounts cgroup2 for itself, so it does not matter whether or where others have mounted
// it.
func NewCgroup(t testing.TB) *Cgroup {
	t.Helper()
	Root(t)
	mount := t.TempDir()
	if err := unix.Mount("cgroup2", mount, "cgroup2", 0, ""); err != nil {
		t.Fatalf("mount cgroup2: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(mount, unix.MNT_DETACH); err != nil {
			t.Errorf("unmount cgroup2: %v", err)
		}
	})
	return newCgroup(t, mount, mount)
}

// NewChild makes a cgroup below c.
func (c *Cgroup) NewChild(t testing.TB) *Cgroup {
	t.Helper()
	return newCgroup(t, c.mount, c.path)
}

func newCgroup(t testing.TB, mount, parent string) *Cgroup {
	t.Helper()
	path, err := os.MkdirTemp(parent, leaks.CgroupPattern())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.Remove(path); err != nil {
			t.Errorf("remove the cgroup: %v", err)
		}
	})
	dir, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dir.Close() })
	return &Cgroup{dir, t, mount, path}
}

// ID is the kernel's id of the cgroup.
func (c *Cgroup) ID() uint64 {
	c.t.Helper()
	info, err := c.Stat()
	if err != nil {
		c.t.Fatal(err)
	}
	return info.Sys().(*syscall.Stat_t).Ino
}

// Do runs f while the whole process is in the cgroup, because a socket belongs to the cgroup of the process that made
// it.
func (c *Cgroup) Do(f func()) {
	c.t.Helper()
	home := c.current()
	c.move(c.path)
	defer c.move(home)
	f()
}

// current returns the folder of the process's cgroup.
func (c *Cgroup) current() string {
	c.t.Helper()
	lines, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		c.t.Fatal(err)
	}
	for _, line := range strings.Split(string(lines), "\n") {
		if path, ok := strings.CutPrefix(line, "0::"); ok {
			return filepath.Join(c.mount, path)
		}
	}
	c.t.Fatal("the process is in no cgroup of version 2")
	return ""
}

func (c *Cgroup) move(to string) {
	c.t.Helper()
	if err := os.WriteFile(filepath.Join(to, "cgroup.procs"), []byte(fmt.Sprint(os.Getpid())), 0); err != nil {
		c.t.Errorf("change the cgroup: %v", err)
	}
}
