package libbpf

import (
	"errors"
	"iter"

	"golang.org/x/sys/unix"
)

// ProgramInfos iterates over the infos of all programs in the kernel, in ascending order of their ids. include is as
// for [Program.Info]. Programs that are unloaded meanwhile are left out. If the info of a program can't be read, the
// iteration goes on, and *err has all such errors at the end. It needs CAP_SYS_ADMIN, otherwise *err matches
// os.ErrPermission (bpf_prog_get_next_id, bpf_obj_get_info_by_fd, Linux 4.13).
func ProgramInfos(include ProgramInfoParts, err *error) iter.Seq[ProgramInfo] {
	return kernelInfos("program", err, ProgramIDs,
		programFDByID,
		func(fd int) (ProgramInfo, error) { return programInfo(fd, include) })
}

// MapInfos iterates over the infos of all maps in the kernel, as [ProgramInfos] does over those of programs.
func MapInfos(err *error) iter.Seq[MapInfo] {
	return kernelInfos("map", err, MapIDs, mapFDByID, mapInfo)
}

// BTFInfos iterates over the infos of all BTF objects in the kernel, as [ProgramInfos] does over those of programs
// (Linux 5.4).
func BTFInfos(err *error) iter.Seq[BTFInfo] {
	return kernelInfos("BTF object", err, BTFIDs, btfFDByID, btfInfo)
}

// LinkInfos iterates over the infos of all links in the kernel, as [ProgramInfos] does over those of programs (Linux
// 5.8).
func LinkInfos(err *error) iter.Seq[LinkInfo] {
	return kernelInfos("link", err, LinkIDs, linkFDByID, linkInfo)
}

// kernelInfos iterates over ids, opens the object of each, and reads its info.
func kernelInfos[T any](
	what string, err *error, ids func(*error) iter.Seq[uint32], open func(id uint32) cInt, info func(fd int) (T, error),
) iter.Seq[T] {
	get := func(id uint32) (T, error) {
		var none T
		fd, err := openID(what, id, func() cInt { return open(id) })
		if err != nil {
			return none, err
		}
		defer unix.Close(fd)
		i, err := info(fd)
		if err != nil {
			return none, &Error{Op: "get info of", Object: objectWithID(what, id), Err: err}
		}
		return i, nil
	}
	return func(yield func(T) bool) {
		var failed errorList
		defer failed.store(err)
		var walk error
		for id := range ids(&walk) {
			i, err := get(id)
			// A link has an id slightly before it can be opened.
			switch {
			case errors.Is(err, unix.ENOENT), errors.Is(err, unix.EAGAIN):
			case err != nil:
				failed.add(err)
			case !yield(i):
				return
			}
		}
		failed.add(walk)
	}
}

// errorList collects the errors of an iteration that continues after an error.
type errorList struct{ errs []error }

func (l *errorList) add(err error) {
	if err != nil {
		l.errs = append(l.errs, err)
	}
}

// store sets *err, if err is not nil, to the only error, or to all errors.
func (l *errorList) store(err *error) {
	switch {
	case err == nil:
	case len(l.errs) == 1:
		*err = l.errs[0]
	default:
		*err = errors.Join(l.errs...)
	}
}

// BTFInfo describes BTF in the kernel (struct bpf_btf_info).
type BTFInfo struct {
	ID     uint32
	Name   string // "vmlinux", a module's name, or "" for the BTF of a program
	Kernel bool   // whether it is the kernel's or a module's (Linux 5.11)
	Size   int    // in bytes
}

// rawBTFInfo is the kernel's struct bpf_btf_info.
type rawBTFInfo struct {
	_         uint64 // btf, a pointer
	btfSize   uint32
	id        uint32
	name      uint64
	nameLen   uint32
	kernelBTF uint32
}

func btfInfo(fd int) (BTFInfo, error) {
	// Kernels before 5.11 have no name, and return an error when asked for one.
	var raw rawBTFInfo
	if err := kernelInfo(fd, &raw); err != nil {
		return BTFInfo{}, err
	}
	info := BTFInfo{ID: raw.id, Kernel: raw.kernelBTF != 0, Size: int(raw.btfSize)}
	if raw.nameLen == 0 {
		return info, nil
	}
	var buffers infoBuffers
	defer buffers.free()
	named := rawBTFInfo{nameLen: raw.nameLen + 1}
	var name []byte
	name, named.name = infoBuffer[byte](&buffers, int(named.nameLen))
	err := kernelInfo(fd, &named)
	info.Name = cText(name)
	return info, err
}
