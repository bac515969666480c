package libbpf

// pinIn pins what a descriptor refers to, at a path relative to a directory.
func pinIn(fd, directory int, path string) error {
	if err := needs("bpf_obj_pin_opts", 1, 3); err != nil {
		return err
	}
	if err := checkFDNumber("directory", directory); err != nil {
		return err
	}
	return withString("path", path, func(p cString) cInt {
		return objPinIn(fd, p, directory)
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
