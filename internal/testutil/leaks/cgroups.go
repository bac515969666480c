package leaks

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

var madeCgroups atomic.Bool

// CgroupPattern is the pattern for names of cgroups that this process makes, for os.MkdirTemp. By it, they are found.
func CgroupPattern() string {
	madeCgroups.Store(true)
	return fmt.Sprintf("libbpf-go-test-%d-*", os.Getpid())
}

// cgroupsLeft are the cgroups that this process made.
func cgroupsLeft() []Leak {
	if !madeCgroups.Load() {
		return nil
	}
	dir, err := os.MkdirTemp("", "cgroups")
	if err != nil {
		return []Leak{{What: fmt.Sprintf("cgroups: %v", err)}}
	}
	defer os.Remove(dir)
	if err := unix.Mount("cgroup2", dir, "cgroup2", 0, ""); err != nil {
		return []Leak{{What: fmt.Sprintf("cgroups: %v", err)}}
	}
	defer func() { _ = unix.Unmount(dir, unix.MNT_DETACH) }()
	prefix := strings.TrimSuffix(CgroupPattern(), "*")
	var leaked []Leak
	_ = filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err == nil && entry.IsDir() && strings.HasPrefix(entry.Name(), prefix) {
			leaked = append(leaked, Leak{What: "cgroup " + strings.TrimPrefix(path, dir)})
		}
		return nil
	})
	return leaked
}
