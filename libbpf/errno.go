package clib

/*
#include "vendor.h"
#include <bpf/libbpf.h>
*/
import "C"

import "syscall"

// Errno is an error code of libbpf's own, as enum libbpf_errno in libbpf.h numbers them. Codes below 4000 are the
// kernel's and are never an Errno: see [FromRet].
type Errno int

// libbpf's error codes.
const (
	ErrnoLibELF   Errno = 4000 + iota // something wrong in libelf
	ErrnoFormat                       // the BPF object's format is invalid
	ErrnoKVersion                     // incorrect or no "version" section
	ErrnoEndian                       // the object's byte order is not this machine's
	ErrnoInternal                     // internal error in libbpf
	ErrnoReloc                        // relocation failed
	ErrnoLoad                         // loading a program failed, for an unknown reason
	ErrnoVerify                       // the kernel's verifier rejected a program
	ErrnoProg2Big                     // a program is too big
	ErrnoKVer                         // incorrect kernel version
	ErrnoProgType                     // the kernel does not know the program's type
	ErrnoWrongPID                     // a netlink message had the wrong pid
	ErrnoInvSeq                       // a netlink message had the wrong sequence number
	ErrnoNLParse                      // a netlink message could not be parsed
)

// Error is libbpf's own text for the code (libbpf_strerror).
func (e Errno) Error() string {
	var buf [128]C.char
	C.libbpf_strerror(C.int(e), &buf[0], C.size_t(len(buf)))
	return C.GoString(&buf[0])
}

// FromRet translates what a libbpf function returned: nil for zero and above, otherwise a [syscall.Errno] or, for
// libbpf's own codes, an [Errno].
func FromRet(ret int) error {
	switch {
	case ret >= 0:
		return nil
	case -ret >= int(ErrnoLibELF):
		return Errno(-ret)
	default:
		return syscall.Errno(-ret)
	}
}
