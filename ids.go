package libbpf

import (
	"iter"
	"syscall"

	"golang.org/x/sys/unix"
)

// MapIDs iterates over the ids of all maps in the kernel, in ascending order (bpf_map_get_next_id, Linux 4.13). After
// an error the loop ends, and *err is set: errors.Is(err, os.ErrPermission) without CAP_SYS_ADMIN. A map may be gone
// when [MapHandleFromID] opens it: errors.Is(err, os.ErrNotExist).
func MapIDs(err *error) iter.Seq[uint32] {
	return kernelIDs("maps", err, nextMapID)
}

// ProgramIDs iterates over the ids of all programs in the kernel, as MapIDs does over those of maps
// (bpf_prog_get_next_id, Linux 4.13).
func ProgramIDs(err *error) iter.Seq[uint32] {
	return kernelIDs("programs", err, nextProgramID)
}

// BTFIDs iterates over the ids of all BTF objects in the kernel, including those of the kernel and its modules, as
// MapIDs does over those of maps (bpf_btf_get_next_id, Linux 5.4).
func BTFIDs(err *error) iter.Seq[uint32] {
	return kernelIDs("BTF objects", err, nextBTFID)
}

// LinkIDs iterates over the ids of all links in the kernel, as MapIDs does over those of maps (bpf_link_get_next_id,
// Linux 5.8).
func LinkIDs(err *error) iter.Seq[uint32] {
	return kernelIDs("links", err, nextLinkID)
}

// kernelIDs iterates with one of the functions that return the next id after a given one.
func kernelIDs(what string, err *error, getNext func(id uint32, next *uint32) cInt) iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		if err == nil {
			err = new(error)
		}
		*err = nil
		var id uint32
		for {
			ret := getNext(id, &id)
			if ret == -cInt(unix.ENOENT) {
				return
			}
			if ret < 0 {
				*err = &Error{Op: "walk", Object: "the system's " + what, Err: syscall.Errno(-ret)}
				return
			}
			if !yield(id) {
				return
			}
		}
	}
}
