package usdt

/*
#cgo libbpf_system CFLAGS: -DLIBBPF_GO_SYSTEM
#cgo LDFLAGS: -rdynamic
#include "../../../libbpf/vendor.h"
#include <stdlib.h>

// Functions that uprobes attach to. They are not static, and need -rdynamic, because go test strips all symbols but the
// dynamic ones. The assembly prevents the compiler from optimizing the calls.
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

// The kernel increments it while a probe has it as its reference counter.
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

// Semaphore returns the variable libbpf_go_semaphore, a reference counter for uprobes.
func Semaphore() int { return int(C.libbpf_go_semaphore) }
