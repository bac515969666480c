package inventory

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/holders"
)

// cgroups finds the folders of cgroups.
type cgroups struct {
	mount  string            // where cgroups of version 2 are mounted, or ""
	walked map[uint64]string // all folders, where the kernel does not find them
}

func findCgroups() *cgroups {
	mounts, err := holders.Mounts("cgroup2")
	if err != nil || len(mounts) == 0 {
		return &cgroups{}
	}
	return &cgroups{mount: mounts[0]}
}

// path is the path of a cgroup below the mount, such as /system.slice, or "" if it is not known.
func (c *cgroups) path(id uint64) string {
	if c.mount == "" {
		return ""
	}
	if c.walked == nil {
		if path, err := c.open(id); err == nil {
			return path
		}
		c.walk()
	}
	return c.walked[id]
}

// open asks the kernel for the folder with an inode.
func (c *cgroups) open(id uint64) (string, error) {
	mount, err := os.Open(c.mount)
	if err != nil {
		return "", err
	}
	defer mount.Close()
	const kernfsID = 0xfe // FILEID_KERNFS
	handle := unix.NewFileHandle(kernfsID, binary.NativeEndian.AppendUint64(nil, id))
	fd, err := unix.OpenByHandleAt(int(mount.Fd()), handle, unix.O_PATH|unix.O_CLOEXEC)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	path, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
	if err != nil {
		return "", err
	}
	below, inside := strings.CutPrefix(path, c.mount)
	if !inside {
		return "", errors.New("it is not below the mount")
	}
	return filepath.Join("/", below), nil
}

func (c *cgroups) walk() {
	c.walked = map[uint64]string{}
	_ = filepath.WalkDir(c.mount, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return nil
		}
		if info, err := entry.Info(); err == nil {
			if stat, ok := info.Sys().(*syscall.Stat_t); ok {
				c.walked[stat.Ino] = filepath.Join("/", strings.TrimPrefix(path, c.mount))
			}
		}
		return nil
	})
}
