package testutil

import "golang.org/x/sys/unix"

// Getpgid makes the system call getpgid, which programs of tests trace, with an argument for them. The programs read
// the argument where the kernel's own calling convention has it. In a call of a 32-bit program, an x86-64 kernel has
// the fifth argument there.
func Getpgid(argument int) {
	_, _, _ = unix.RawSyscall6(unix.SYS_GETPGID, uintptr(argument), 0, 0, 0, uintptr(argument), 0)
}
