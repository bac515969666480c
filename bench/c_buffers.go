package main

/*
#include <stdlib.h>
#include "c_buffers_cgo.h"
*/
import "C"

import (
	"syscall"
	"unsafe"
)

type cUserRing struct{ ptr *C.struct_user_ring_buffer }

func newCUserRing(fd int) (*cUserRing, error) {
	r := &cUserRing{C.bench_user_ring(C.int(fd))}
	if r.ptr == nil {
		return nil, errC
	}
	return r, nil
}

func (r *cUserRing) send(n int) (int, error) {
	return cCount(C.bench_user_ring_send(r.ptr, C.size_t(n)))
}

// cRings are several rings that are polled together.
type cRings struct{ ptr *C.struct_ring_buffer }

func newCRings(fds []int32) (*cRings, error) {
	r := &cRings{C.bench_rings((*C.int)(unsafe.Pointer(&fds[0])), C.size_t(len(fds)))}
	if r.ptr == nil {
		return nil, errC
	}
	return r, nil
}

// poll goes on until so many records came.
func (r *cRings) poll(records int) (int, error) {
	return cCount(C.bench_rings_poll(r.ptr, C.long(records)))
}

func (r *cRings) Close() error {
	C.bench_rings_free(r.ptr)
	return nil
}

// cWaiters starts a thread for each ring. They count records to the end of the process, at the returned address.
func cWaiters(fds []int32) (*uint64, error) {
	seen := (*uint64)(C.calloc(1, 8))
	if err := C.bench_waiters((*C.int)(unsafe.Pointer(&fds[0])), C.size_t(len(fds)), (*C.uint64_t)(unsafe.Pointer(seen))); err != 0 {
		return nil, syscall.Errno(-err)
	}
	return seen, nil
}

func cStore(counter *uint64, n int) {
	C.bench_store((*C.uint64_t)(unsafe.Pointer(counter)), C.size_t(n))
}

func cLoadSum(counter *uint64, n int) uint64 {
	return uint64(C.bench_load_sum((*C.uint64_t)(unsafe.Pointer(counter)), C.size_t(n)))
}
