package libbpf

/*
#include <bpf/bpf.h>

// Go does not call this where libbpf has no such function.
static int lbg_obj_pin_in(int fd, const char *path, int directory)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 3
	const __u32 path_fd = 1U << 14; // BPF_F_PATH_FD, which some kernel headers lack
	LIBBPF_OPTS(bpf_obj_pin_opts, opts, .file_flags = path_fd, .path_fd = directory);

	return bpf_obj_pin_opts(fd, path, &opts);
#else
	(void)fd;
	(void)path;
	(void)directory;
	return 0;
#endif
}
*/
import "C"

// pinIn pins what a descriptor refers to, at a path relative to a directory.
func pinIn(fd, directory int, path string) error {
	if err := needs("bpf_obj_pin_opts", 1, 3); err != nil {
		return err
	}
	if err := checkFDNumber("directory", directory); err != nil {
		return err
	}
	return withString("path", path, func(p *C.char) C.int {
		return C.lbg_obj_pin_in(C.int(fd), p, C.int(directory))
	})
}

// PinIn is Pin at a path relative to a directory of a bpf file system. directory is the directory's descriptor, so the
// file system need not be mounted (bpf_obj_pin_opts, libbpf 1.3, Linux 6.5). Pin, Unpin and PinPath do not know this
// pin: to unpin, remove the file.
func (m *mapCore) PinIn(directory int, path string) error {
	const op = "pin"
	if err := m.h.Acquire(); err != nil {
		return m.fail(op, err)
	}
	defer m.h.Drop()
	return call(op, m.String(), func() error { return pinIn(m.fd, directory, path) })
}

// PinIn is Pin at a path relative to a directory of a bpf file system. directory is the directory's descriptor, so the
// file system need not be mounted (bpf_obj_pin_opts, libbpf 1.3, Linux 6.5). Pin, Unpin and PinPath do not know this
// pin: to unpin, remove the file.
func (p *programCore) PinIn(directory int, path string) error {
	return p.call("pin", func(fd int) error { return pinIn(fd, directory, path) })
}

// PinIn pins the link at a path relative to a directory of a bpf file system, as [Map.PinIn] does for maps. Pin, Unpin
// and PinPath do not know this pin.
func (l *Link) PinIn(directory int, path string) error {
	return l.UseFD(func(fd int) error {
		return call("pin", l.what, func() error { return pinIn(fd, directory, path) })
	})
}
