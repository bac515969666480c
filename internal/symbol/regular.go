package symbol

import (
	"io/fs"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// OpenRegular opens a regular file by its path where root is the folder /, out of which no symbolic link leads. It opens
// no other kind of file, not even to look at it: that may block, and it starts a watchdog or rewinds a tape.
func OpenRegular(root, path string) (*os.File, error) {
	fd, err := openPath(root, path)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	var about unix.Stat_t
	if err := unix.Fstat(fd, &about); err != nil {
		return nil, &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	if about.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrInvalid}
	}
	// This is the same file, whatever has its path now.
	content, err := unix.Open("/proc/self/fd/"+strconv.Itoa(fd), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(content), path), nil
}

// openPath finds a file without opening it.
func openPath(root, path string) (int, error) {
	const flags = unix.O_PATH | unix.O_CLOEXEC
	if root == "/" {
		return unix.Open(path, flags, 0)
	}
	folder, err := unix.Open(root, flags, 0)
	if err != nil {
		return -1, err
	}
	defer unix.Close(folder)
	return unix.Openat2(folder, path, &unix.OpenHow{
		Flags: flags, Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
	})
}
