// Package sanitize has C code with faults, and tests that the sanitizers find them. Without that, tests that pass under
// sanitizers would prove nothing.
package sanitize

/*
#cgo libbpf_system CFLAGS: -DLIBBPF_GO_SYSTEM
#include "../../../libbpf/vendor.h"
#include <limits.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

// What is volatile, the compiler does not see through.

static char *sanitize_allocate(size_t size) { return malloc(size); }

static char sanitize_read(volatile char *memory, size_t at) { return memory[at]; }

static int sanitize_overflow(volatile int more) { return INT_MAX + more; }

static volatile int decided;

static void sanitize_unwritten(void)
{
	volatile int *memory = malloc(sizeof(int));

	if (*memory)
		decided = 1;
	free((int *)memory);
}

static void sanitize_tell_kernel(void)
{
	union bpf_attr *attr = malloc(sizeof(*attr));

	attr->start_id = 0;
	syscall(__NR_bpf, BPF_MAP_GET_NEXT_ID, attr, sizeof(*attr));
	free(attr);
}
*/
import "C"

import (
	"unsafe"

	_ "github.com/libbpf-go/libbpf-go/internal/testutil/leaks" // which sees each call of bpf
	_ "github.com/libbpf-go/libbpf-go/libbpf"                  // what vendor.h refers to
)

// allocate returns memory that nobody frees.
func allocate(size int) unsafe.Pointer { return unsafe.Pointer(C.sanitize_allocate(C.size_t(size))) }

// readBeyond reads the byte behind memory of that size.
func readBeyond(memory unsafe.Pointer, size int) { C.sanitize_read((*C.char)(memory), C.size_t(size)) }

// overflow adds to the largest int.
func overflow() { C.sanitize_overflow(1) }

// readUnwritten decides by memory that nobody has written to.
func readUnwritten() { C.sanitize_unwritten() }

// tellKernelUnwritten calls bpf(2) with memory that nobody has written to.
func tellKernelUnwritten() { C.sanitize_tell_kernel() }
