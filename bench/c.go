package main

/*
#cgo CFLAGS: -O2 -I${SRCDIR}/../libbpf/upstream/api

#include <stdlib.h>
#include "c_cgo.h"
*/
import "C"

import (
	"errors"
	"syscall"
	"unsafe"
)

// The loops of C programs, each in one call. They use the libbpf that the root package has brought into this program.

var errC = errors.New("libbpf failed")

// cMap is a struct bpf_map and its descriptor.
type cMap struct {
	ptr *C.struct_bpf_map
	fd  C.int
}

func newCMap(object, name string, fd int) (*cMap, error) {
	cObject, cName := C.CString(object), C.CString(name)
	defer C.free(unsafe.Pointer(cObject))
	defer C.free(unsafe.Pointer(cName))
	m := &cMap{C.bench_map(cObject, cName, C.int(fd)), C.int(fd)}
	if m.ptr == nil {
		return nil, errC
	}
	return m, nil
}

func cCount(n C.long) (int, error) {
	if n < 0 {
		return 0, syscall.Errno(-n)
	}
	return int(n), nil
}

func cUint64s(s []uint64) *C.uint64_t { return (*C.uint64_t)(unsafe.Pointer(unsafe.SliceData(s))) }

func (m *cMap) lookup(keys []uint64) (int, error) {
	return cCount(C.bench_map_lookup(m.ptr, cUint64s(keys), C.size_t(len(keys))))
}

func (m *cMap) fdLookup(keys []uint64) (int, error) {
	return cCount(C.bench_fd_lookup(m.fd, cUint64s(keys), C.size_t(len(keys))))
}

func (m *cMap) update(keys []uint64) (int, error) {
	return cCount(C.bench_map_update(m.ptr, cUint64s(keys), C.size_t(len(keys))))
}

func (m *cMap) fdUpdate(keys []uint64) (int, error) {
	return cCount(C.bench_fd_update(m.fd, cUint64s(keys), C.size_t(len(keys))))
}

func cSum(values []uint64) uint64 {
	return uint64(C.bench_sum(cUint64s(values), C.size_t(len(values))))
}

func cEntries(fd int, keys, values []uint64, sum *uint64) (int, error) {
	return cCount(C.bench_entries(C.int(fd), cUint64s(keys), cUint64s(values), C.uint32_t(len(keys)),
		(*C.uint64_t)(unsafe.Pointer(sum))))
}

func cOpenFile(path string) error {
	cPath := C.CString(path)
	defer C.free(unsafe.Pointer(cPath))
	_, err := cCount(C.long(C.bench_open_file(cPath)))
	return err
}

func cOpenMemory(object []byte) error {
	_, err := cCount(C.long(C.bench_open_mem(unsafe.Pointer(unsafe.SliceData(object)), C.size_t(len(object)))))
	return err
}

// cLoad loads an object, or one program of it.
func cLoad(object []byte, program string) error {
	var cProgram *C.char
	if program != "" {
		cProgram = C.CString(program)
		defer C.free(unsafe.Pointer(cProgram))
	}
	_, err := cCount(C.long(C.bench_load(unsafe.Pointer(unsafe.SliceData(object)), C.size_t(len(object)), cProgram)))
	return err
}

// cProbes are programs to attach, and functions to attach them to, which C keeps for good.
type cProbes struct {
	object  *C.struct_bpf_object
	path    *C.char
	offsets []uint64
	names   []*C.char
}

func newCProbes(object []byte, to *probed) (*cProbes, error) {
	p := &cProbes{
		object: C.bench_probes(unsafe.Pointer(unsafe.SliceData(object)), C.size_t(len(object))),
		path:   C.CString(to.path), offsets: to.offsets,
	}
	if p.object == nil {
		return nil, errC
	}
	for _, name := range to.names {
		p.names = append(p.names, C.CString(name))
	}
	return p, nil
}

func (p *cProbes) single(n int, byName bool) (int, error) {
	names := &p.names[0]
	if !byName {
		names = nil
	}
	return cCount(C.bench_attach(p.object, p.path, cUint64s(p.offsets), names, C.size_t(n)))
}

func (p *cProbes) multi(n int) (int, error) {
	return cCount(C.bench_attach_multi(p.object, p.path, &p.names[0], C.size_t(n)))
}

func cReadTypes() error {
	_, err := cCount(C.long(C.bench_read_types()))
	return err
}

// cTypes are the types of the kernel, and names to find in them, which C keeps for good.
type cTypes struct {
	types *C.struct_btf
	names []*C.char
}

func newCTypes(names []string) (*cTypes, error) {
	t := &cTypes{types: C.bench_types()}
	if t.types == nil {
		return nil, errC
	}
	for _, name := range names {
		t.names = append(t.names, C.CString(name))
	}
	return t, nil
}

func (t *cTypes) find() (int, error) {
	return cCount(C.bench_find_types(t.types, &t.names[0], C.size_t(len(t.names))))
}

func (t *cTypes) dump() error {
	_, err := cCount(C.long(C.bench_dump_types(t.types)))
	return err
}

type cRing struct{ ptr *C.struct_ring_buffer }

func newCRing(fd int) (*cRing, error) {
	r := &cRing{C.bench_ring(C.int(fd))}
	if r.ptr == nil {
		return nil, errC
	}
	return r, nil
}

func (r *cRing) consume() (int, error) { return cCount(C.bench_ring_consume(r.ptr)) }

// newCLiveRing is a ring to poll, not to consume.
func newCLiveRing(fd int) (*cRing, error) {
	r := &cRing{C.bench_live_ring(C.int(fd))}
	if r.ptr == nil {
		return nil, errC
	}
	return r, nil
}

// poll waits for n records, and measures the latency of each whose number is a multiple of every.
func (r *cRing) poll(n, every int, latencies []uint64) (int, error) {
	return cCount(C.bench_ring_poll(r.ptr, C.long(n), C.long(every), cUint64s(latencies)))
}

type cPerf struct{ ptr *C.struct_perf_buffer }

func newCPerf(fd, pages int) (*cPerf, error) {
	p := &cPerf{C.bench_perf(C.int(fd), C.size_t(pages))}
	if p.ptr == nil {
		return nil, errC
	}
	return p, nil
}

func (p *cPerf) consume() (int, error) { return cCount(C.bench_perf_consume(p.ptr)) }
