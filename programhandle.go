package libbpf

// ProgramHandle is a program in the kernel with its own descriptor: an existing program that was opened by its id or
// pin, or one that [LoadProgram] loaded. The kernel keeps the program while any handle, object, link or pin holds it.
// Close the handle when done.
type ProgramHandle struct{ programCore }

// ProgramHandleFromID opens the program that has this id in the kernel (bpf_prog_get_fd_by_id, Linux 4.13); the caller
// closes it. It needs CAP_SYS_ADMIN. errors.Is(err, [os.ErrNotExist]) when there is no such program.
func ProgramHandleFromID(id uint32) (*ProgramHandle, error) {
	fd, err := openID("program", id, func() cInt { return programFDByID(id) })
	if err != nil {
		return nil, err
	}
	return ownProgram(fd, "")
}

// ProgramHandleFromPinnedPath opens the program that is pinned at path: see [PinOptions.OpenProgram].
func ProgramHandleFromPinnedPath(path string) (*ProgramHandle, error) {
	return PinOptions{}.OpenProgram(path)
}

// ProgramHandleFromFD makes a handle of a descriptor from elsewhere, such as C code or another process. It duplicates
// the descriptor, which remains the caller's. errors.Is(err, [ErrInvalid]) when it is not a program's descriptor,
// errors.Is(err, unix.EBADF) when it is not open.
func ProgramHandleFromFD(fd int) (*ProgramHandle, error) {
	own, err := dupFD("program", fd, programFDKinds)
	if err != nil {
		return nil, err
	}
	return ownProgram(own, "")
}

// ProgramHandleFrom makes a second handle of a program, with its own descriptor. It stays valid when the first handle
// or the program's object is closed.
func ProgramHandleFrom(p ProgramCore) (*ProgramHandle, error) {
	own := -1
	err := programCoreOf(p).UseFD(func(fd int) (err error) {
		own, err = duplicate(fd)
		return err
	})
	if err != nil {
		return nil, err
	}
	h, err := ownProgram(own, programCoreOf(p).name)
	if err == nil {
		h.attachType.Store(programCoreOf(p).attachType.Load())
	}
	return h, err
}

// ownProgram takes ownership of the descriptor, even when it fails. name is the program's whole name, or "" if it is
// not known.
func ownProgram(fd int, name string) (*ProgramHandle, error) {
	h := ownFD(fd)
	info, err := programInfo(fd, 0)
	if err != nil {
		_ = h.Close()
		return nil, &Error{Op: "get info of", Object: "program", Err: err}
	}
	if name == "" {
		name = programName(fd, info)
	}
	return &ProgramHandle{programCore{h: h, fd: fd, name: name, typ: info.Type}}, nil
}

// Close closes the descriptor. It is idempotent. It does not wait for operations that are in progress: the last of them
// closes the descriptor.
func (p *ProgramHandle) Close() error {
	if p == nil {
		return nil
	}
	return closing(p.String(), p.h.Close())
}

// Pin pins the program at a path on a BPF file system, so that the kernel keeps it (bpf_obj_pin). errors.Is(err,
// [os.ErrExist]) when the path is taken.
func (p *ProgramHandle) Pin(path string) error {
	return p.call("pin", func(fd int) error {
		return pinning(path, func(s cString) cInt { return objPin(fd, s) })
	})
}

// Unpin removes the pin at path, but not the pin of another object, even if it comes there at the same time:
// errors.Is(err, [ErrInvalid]).
func (p *ProgramHandle) Unpin(path string) error {
	return p.call("unpin", func(fd int) error {
		info, err := programInfo(fd, 0)
		if err != nil {
			return err
		}
		return unpin(path, PinnedProgram, info.ID)
	})
}
