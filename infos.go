package libbpf

/*
#include <bpf/bpf.h>
*/
import "C"

import (
	"errors"
	"iter"

	"golang.org/x/sys/unix"
)

// ProgramInfos iterates over what the kernel tells of all programs of the system, in the order of their ids, as
// [Program.Info] has it. What is gone by the time that it is asked is left out. Each other error stands in its
// program's place: with errors.Is(err, os.ErrPermission), nothing can be walked at all. It needs CAP_SYS_ADMIN
// (Linux 4.13).
func ProgramInfos(include ProgramInfoParts) iter.Seq2[ProgramInfo, error] {
	return kernelInfos("program", ProgramIDs,
		func(id C.__u32) C.int { return C.bpf_prog_get_fd_by_id(id) },
		func(fd int) (ProgramInfo, error) { return programInfo(fd, include) })
}

// MapInfos iterates over what the kernel tells of all maps of the system, as ProgramInfos does of programs.
func MapInfos() iter.Seq2[MapInfo, error] {
	return kernelInfos("map", MapIDs, func(id C.__u32) C.int { return C.bpf_map_get_fd_by_id(id) }, mapInfo)
}

// BTFInfos iterates over what the kernel tells of all BTF objects that are in it, as ProgramInfos does of programs
// (Linux 5.4).
func BTFInfos() iter.Seq2[BTFInfo, error] {
	return kernelInfos("BTF object", BTFIDs, func(id C.__u32) C.int { return C.bpf_btf_get_fd_by_id(id) }, btfInfo)
}

// LinkInfos iterates over what the kernel tells of all links of the system, as ProgramInfos does of programs
// (Linux 5.8).
func LinkInfos() iter.Seq2[LinkInfo, error] {
	return kernelInfos("link", LinkIDs, func(id C.__u32) C.int { return C.bpf_link_get_fd_by_id(id) }, linkInfo)
}

// kernelInfos opens what has an id, one after the other, and asks for its info.
func kernelInfos[T any](
	what string, ids func(*error) iter.Seq[uint32], open func(id C.__u32) C.int, info func(fd int) (T, error),
) iter.Seq2[T, error] {
	get := func(id uint32) (T, error) {
		var none T
		fd, err := openID(what, id, func() C.int { return open(C.__u32(id)) })
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
	return func(yield func(T, error) bool) {
		var failed error
		for id := range ids(&failed) {
			i, err := get(id)
			// A link has an id a moment before it can be opened.
			if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EAGAIN) {
				continue
			}
			if !yield(i, err) {
				return
			}
		}
		if failed != nil {
			var none T
			yield(none, failed)
		}
	}
}

// BTFInfo is what the kernel tells of BTF that is in it (struct bpf_btf_info).
type BTFInfo struct {
	ID     uint32
	Name   string // "vmlinux", a module's name, or "" for that of a program
	Kernel bool   // it is the kernel's or a module's (Linux 5.11)
	Size   int    // in bytes
}

// rawBTFInfo is the kernel's struct bpf_btf_info.
type rawBTFInfo struct {
	btf       uint64
	btfSize   uint32
	id        uint32
	name      uint64
	nameLen   uint32
	kernelBTF uint32
}

func btfInfo(fd int) (BTFInfo, error) {
	// Kernels before 5.11 know of no name, and refuse to be asked for one.
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
