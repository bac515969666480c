package libbpf

/*
#include <bpf/bpf.h>
*/
import "C"

import (
	"iter"
	"syscall"

	"golang.org/x/sys/unix"
)

// MapIDs iterates over the ids of all maps of the system, in ascending order (bpf_map_get_next_id, Linux 4.13). When
// the loop ends early because of an error, that is in *err: errors.Is(err, os.ErrPermission) without CAP_SYS_ADMIN. A map
// can be gone by the time that [MapHandleFromID] opens it: errors.Is(err, os.ErrNotExist).
func MapIDs(err *error) iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		if err == nil {
			err = new(error)
		}
		*err = nil
		var id C.__u32
		for {
			ret := C.bpf_map_get_next_id(id, &id)
			if ret == -C.int(unix.ENOENT) {
				return
			}
			if ret < 0 {
				*err = &Error{Op: "walk", Object: "the system's maps", Err: syscall.Errno(-ret)}
				return
			}
			if !yield(uint32(id)) {
				return
			}
		}
	}
}
