package typed

import "github.com/libbpf-go/libbpf-go"

// ProgArray is an array of programs for tail calls: a map of type [libbpf.MapTypeProgArray]. Keys are the indices, of
// type uint32; an index can hold nothing. Lookup and All return the kernel's ids of the programs, for
// [libbpf.ProgramHandleFromID] (Linux 4.16).
//
// The array keeps its programs. The kernel empties it when the last descriptor and the last pin of the map are gone.
type ProgArray struct{ slots[uint32, uint32] }

// NewProgArray returns a typed view of a map of type [libbpf.MapTypeProgArray] (Linux 4.2). The error matches
// [libbpf.ErrInvalid] when the map is of another type.
func NewProgArray(m libbpf.MapCore) (*ProgArray, error) {
	a := new(ProgArray)
	return orNil(a, a.open(m, libbpf.MapTypeProgArray))
}

// Update puts a program at an index, in place of the one that is there (bpf_map_update_elem). The kernel takes no flags
// but [libbpf.Any].
//
// The error matches [libbpf.ErrIndexRange] when the index is beyond the end, [libbpf.ErrClosed] when the program is
// closed or nil, and unix.EINVAL when the program's type differs from that of the others in the array.
func (m *ProgArray) Update(key uint32, program libbpf.ProgramCore, flags libbpf.MapFlags) error {
	return m.useProgram(program, func(fd int) error { return m.UpdateFD(key, fd, flags) })
}

// UpdateFD is Update with the program's file descriptor, which remains the caller's. The error matches
// [libbpf.ErrInvalid] when fd is negative, and unix.EBADF when it is not open.
func (m *ProgArray) UpdateFD(key uint32, fd int, flags libbpf.MapFlags) error {
	return m.updateFD(bytesOf(&key), fd, flags)
}
