package main

// #include "c_elements_cgo.h"
import "C"

import "unsafe"

// rawKeys are keys as C has them.
type rawKeys struct {
	bytes []byte
	size  int // of one
}

func rawKeysOf[K any](keys []K) rawKeys {
	size := int(unsafe.Sizeof(keys[0]))
	return rawKeys{unsafe.Slice((*byte)(unsafe.Pointer(&keys[0])), size*len(keys)), size}
}

func (k rawKeys) len() int { return len(k.bytes) / k.size }

func (k rawKeys) at(i int) []byte { return k.bytes[i*k.size : (i+1)*k.size] }

func (k rawKeys) c() (keys unsafe.Pointer, size, n C.size_t) {
	return unsafe.Pointer(&k.bytes[0]), C.size_t(k.size), C.size_t(k.len())
}

func cLookupAll(fd int, keys rawKeys, value []byte) (int, error) {
	k, size, n := keys.c()
	return cCount(C.bench_lookup_all(C.int(fd), k, size, unsafe.Pointer(&value[0]), n))
}

func cUpdateAll(fd int, keys rawKeys, value []byte) (int, error) {
	k, size, n := keys.c()
	return cCount(C.bench_update_all(C.int(fd), k, size, unsafe.Pointer(&value[0]), n))
}

func cDeleteAll(fd int, keys rawKeys) (int, error) {
	k, size, n := keys.c()
	return cCount(C.bench_delete_all(C.int(fd), k, size, n))
}

func cPushAll(fd int, value []byte, n int) (int, error) {
	return cCount(C.bench_push_all(C.int(fd), unsafe.Pointer(&value[0]), C.size_t(n)))
}

func cPopAll(fd int, value []byte, n int) (int, error) {
	return cCount(C.bench_pop_all(C.int(fd), unsafe.Pointer(&value[0]), C.size_t(n)))
}

func cUpdateBatch(fd int, keys []uint64) (int, error) {
	return cCount(C.bench_update_batch(C.int(fd), (*C.uint64_t)(unsafe.Pointer(&keys[0])), C.size_t(len(keys))))
}

func cDeleteBatch(fd int, keys []uint64) (int, error) {
	return cCount(C.bench_delete_batch(C.int(fd), (*C.uint64_t)(unsafe.Pointer(&keys[0])), C.size_t(len(keys))))
}

func cInnerAll(fd int, keys rawKeys) (int, error) {
	k, size, n := keys.c()
	return cCount(C.bench_inner_all(C.int(fd), k, size, n))
}

// cPerCPU is a loop over elements that have a value for each CPU, which are slots of 8 bytes in values.
type cPerCPU struct {
	fd        int
	values    []byte
	valueSize int
}

func (c cPerCPU) lookup(keys []uint32, sum *uint64) (int, error) {
	return cCount(C.bench_percpu_lookup(C.int(c.fd), (*C.uint32_t)(unsafe.Pointer(&keys[0])), C.size_t(len(keys)),
		unsafe.Pointer(&c.values[0]), C.size_t(len(c.values)/8), C.size_t(c.valueSize), (*C.uint64_t)(unsafe.Pointer(sum))))
}

func (c cPerCPU) update(keys []uint32, from unsafe.Pointer) (int, error) {
	return cCount(C.bench_percpu_update(C.int(c.fd), (*C.uint32_t)(unsafe.Pointer(&keys[0])), C.size_t(len(keys)),
		unsafe.Pointer(&c.values[0]), C.size_t(len(c.values)/8), C.size_t(c.valueSize), from))
}
