//go:build cgo

package clib

import "syscall"

// Errno is an error code of libbpf, with the number of enum libbpf_errno in libbpf.h. Codes below 4000 are the kernel's
// and never an Errno: see [FromRet].
type Errno int

// The error codes of libbpf.
const (
	ErrnoLibELF   Errno = 4000 + iota // an error in libelf
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
func (e Errno) Error() string { return errorText(e) }

// FromRet converts the return value of a libbpf function to an error. It is nil for 0 and above, an [Errno] for
// libbpf's own codes, and otherwise a [syscall.Errno].
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
