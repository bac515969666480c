package usdt

/*
#cgo LDFLAGS: -rdynamic
#include "../../../libbpf/vendor.h"
#include <stdlib.h>

// What uprobes are attached to. Not static, and with -rdynamic, because go test leaves no symbols but the dynamic ones.
// The assembly keeps the compiler from knowing what a call does.
__attribute__((noinline)) long libbpf_go_target_one(long x)
{
	__asm__ volatile("" : "+r"(x));
	return x + 1;
}

__attribute__((noinline)) long libbpf_go_target_two(long x)
{
	__asm__ volatile("" : "+r"(x));
	return x + 2;
}

// Counts, in the kernel's hands, what is attached with this as its reference counter.
__attribute__((section(".probes"))) volatile unsigned short libbpf_go_semaphore = 0;
*/
import "C"

import "unsafe"

// CallOne calls the function libbpf_go_target_one, which returns its argument plus one.
func CallOne(x int) int { return int(C.libbpf_go_target_one(C.long(x))) }

// CallTwo calls the function libbpf_go_target_two, which returns its argument plus two.
func CallTwo(x int) int { return int(C.libbpf_go_target_two(C.long(x))) }

// Realpath calls the C library's realpath for "/".
func Realpath() {
	root := [2]C.char{'/', 0}
	C.free(unsafe.Pointer(C.realpath(&root[0], nil)))
}

// Semaphore is the value of the variable libbpf_go_semaphore, which uprobes can have as their reference counter.
func Semaphore() int { return int(C.libbpf_go_semaphore) }
