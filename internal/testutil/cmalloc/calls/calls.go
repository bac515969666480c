// Package calls has C code that allocates memory in each way that C has, for the tests of package cmalloc.
package calls

/*
#cgo libbpf_system CFLAGS: -DLIBBPF_GO_SYSTEM
#define _GNU_SOURCE
#include "../../../../libbpf/vendor.h"
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void *calls_malloc(size_t size) { return malloc(size); }
static void *calls_calloc(size_t size) { return calloc(size, 1); }
static void *calls_realloc(size_t size) { return realloc(NULL, size); }
static void *calls_grow(size_t size)
{
	void *memory = malloc(1), *grown;

	if (!memory)
		return NULL;
	grown = realloc(memory, size);
	if (!grown)
		free(memory);
	return grown;
}
static void *calls_aligned(size_t size) { return aligned_alloc(64, size); }
static void *calls_memalign(size_t size) { return memalign(64, size); }
static void *calls_posix(size_t size)
{
	void *memory;

	errno = posix_memalign(&memory, 64, size);
	return errno ? NULL : memory;
}
// The C library allocates for it.
static void *calls_strndup(size_t size)
{
	char text[4096];

	memset(text, 'x', sizeof(text));
	return strndup(text, size - 1);
}

// calls_fork makes children that allocate. It returns how many did so and ended well.
static int calls_fork(int times)
{
	int well = 0, status;

	for (int i = 0; i < times; i++) {
		pid_t child = fork();

		if (child == 0) {
			signal(SIGALRM, SIG_DFL);
			alarm(20); // so that one that hangs ends
			void *volatile memory = malloc(100);
			free(memory);
			_exit(0);
		}
		if (child < 0 || waitpid(child, &status, 0) != child)
			return -1;
		if (status != 0)
			return well;
		well++;
	}
	return well;
}
*/
import "C"

import (
	"unsafe"

	_ "github.com/libbpf-go/libbpf-go/libbpf" // what vendor.h refers to
)

// Makers are the ways to allocate, by the function that C calls.
var Makers = map[string]func(size int) unsafe.Pointer{
	"malloc":         func(n int) unsafe.Pointer { return C.calls_malloc(C.size_t(n)) },
	"calloc":         func(n int) unsafe.Pointer { return C.calls_calloc(C.size_t(n)) },
	"realloc":        func(n int) unsafe.Pointer { return C.calls_realloc(C.size_t(n)) },
	"realloc grows":  func(n int) unsafe.Pointer { return C.calls_grow(C.size_t(n)) },
	"aligned_alloc":  func(n int) unsafe.Pointer { return C.calls_aligned(C.size_t(n)) },
	"memalign":       func(n int) unsafe.Pointer { return C.calls_memalign(C.size_t(n)) },
	"posix_memalign": func(n int) unsafe.Pointer { return C.calls_posix(C.size_t(n)) },
	"strndup":        func(n int) unsafe.Pointer { return C.calls_strndup(C.size_t(n)) },
}

// Free frees what a maker returned.
func Free(memory unsafe.Pointer) { C.free(memory) }

// Fork makes children of this process that allocate memory, one after the other. It returns how many of them ended well.
func Fork(times int) int { return int(C.calls_fork(C.int(times))) }
