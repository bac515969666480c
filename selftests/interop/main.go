// Interop shares objects between Go and a C library that uses libbpf. Each side uses, attaches, reads and closes what
// the other side made.
package main

//go:generate go tool bpfgo gen --target native -I../../bpf/generated interop.bpf.c
//go:generate go tool bpfgo cflags --output libbpf_flags.go

/*
#include <stdlib.h>
#include "meter.h"
*/
import "C"

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/typed"
)

func main() {
	object := InteropELF()
	for _, step := range []struct {
		name string
		run  func(object []byte) error
	}{
		{"C loads, Go adopts", cLoadsGoAdopts},
		{"C opens, Go loads and gives back", cOpensGoLoads},
		{"Go loads, C attaches and polls", goLoadsCAttaches},
		{"C polls, Go's callback", cPollsForGo},
		{"Go polls C's ring, C polls Go's", ringsCross},
		{"mistakes", mistakes},
		{"messages", messages},
	} {
		if err := step.run(object); err != nil {
			fail(step.name, err)
		}
		fmt.Println("ok:", step.name)
	}
}

func fail(what string, err error) {
	fmt.Fprintf(os.Stderr, "interop: %s: %+v\n", what, err)
	os.Exit(1)
}

// cOpen opens the object for this process in the C library.
func cOpen(object []byte) (meter *C.struct_meter, free func(), err error) {
	elf := C.CBytes(object)
	meter, errno := C.meter__open(elf, C.size_t(len(object)))
	if meter == nil {
		C.free(elf)
		return nil, nil, fmt.Errorf("C opens: %w", errno)
	}
	meter.rodata.target_tgid = C.__u32(os.Getpid())
	meter.rodata.getpgid_nr = unix.SYS_GETPGID
	return meter, func() { C.meter__destroy(meter); C.free(elf) }, nil
}

func cLoad(object []byte) (meter *C.struct_meter, free func(), err error) {
	meter, free, err = cOpen(object)
	if err != nil {
		return nil, nil, err
	}
	if ret := C.meter__load(meter); ret != 0 {
		free()
		return nil, nil, fmt.Errorf("C loads: %w", unix.Errno(-ret))
	}
	return meter, free, nil
}

// call makes n system calls that the program counts.
func call(n int) {
	for range n {
		_, _ = unix.Getpgid(0)
	}
}

func cLoadsGoAdopts(object []byte) error {
	meter, free, err := cLoad(object)
	if err != nil {
		return err
	}
	defer free()
	obj, err := libbpf.AdoptObject(unsafe.Pointer(meter.obj))
	if err != nil {
		return err
	}
	defer obj.Close()
	meter.obj = nil // it is Go's: the library must not close it
	return useObject(obj)
}

// useObject attaches, changes and reads an object, as if Go had made it.
func useObject(obj *libbpf.Object) error {
	events, err := obj.Map("events")
	if err != nil {
		return err
	}
	received := 0
	count := func([]byte) error { received++; return nil }
	ring, err := libbpf.RingBufferBuilder{Sources: []libbpf.RingSource{{Map: events, Callback: count}}}.Build()
	if err != nil {
		return err
	}
	defer ring.Close()
	if _, err := obj.Attach(); err != nil {
		return err
	}
	call(10)
	if n, err := ring.Consume(); n != 10 || received != 10 || err != nil {
		return fmt.Errorf("%d records, %d received, want 10: %w", n, received, err)
	}
	m, err := obj.Map("counts")
	if err != nil {
		return err
	}
	counts, err := typed.NewHash[uint32, uint64](m)
	if err != nil {
		return err
	}
	if n, err := counts.Lookup(0, libbpf.Any); n != 10 || err != nil {
		return fmt.Errorf("counted %d calls, want 10: %w", n, err)
	}
	return counts.Update(0, 1000, libbpf.Any)
}

func cOpensGoLoads(object []byte) error {
	meter, free, err := cOpen(object)
	if err != nil {
		return err
	}
	defer free() // C closes what Go borrowed
	open, err := libbpf.BorrowOpenObject(unsafe.Pointer(meter.obj))
	if err != nil {
		return err
	}
	defer open.Close()
	counts, err := open.Map("counts")
	if err != nil {
		return err
	}
	if err := counts.SetMaxEntries(7); err != nil {
		return err
	}
	obj, err := open.Load()
	if err != nil {
		return err
	}
	defer obj.Close()
	if n := C.bpf_map__max_entries(meter.maps.counts); n != 7 {
		return fmt.Errorf("C sees %d entries, not 7", n)
	}
	links, err := obj.Attach()
	if err != nil {
		return err
	}
	call(3)
	if _, err := obj.Release(); !errors.Is(err, unix.EBUSY) {
		return fmt.Errorf("released with a link on it: %v", err)
	}
	link, err := links[0].Release() // C's now
	if err != nil {
		return err
	}
	if _, err := obj.Release(); err != nil {
		return err
	}
	call(2)
	key, value := C.__u32(0), C.__u64(0)
	ret := C.bpf_map__lookup_elem(meter.maps.counts, unsafe.Pointer(&key), 4, unsafe.Pointer(&value), 8, 0)
	C.bpf_link__destroy((*C.struct_bpf_link)(link))
	if ret != 0 || value != 5 {
		return fmt.Errorf("C sees %d calls, not 5 (%d)", value, ret)
	}
	return nil
}

func goLoadsCAttaches([]byte) error {
	open, err := OpenInterop(libbpf.ObjectBuilder{Name: "meter"})
	if err != nil {
		return err
	}
	defer open.Close()
	open.Rodata.TargetTGID = uint32(os.Getpid())
	open.Rodata.GetpgidNr = unix.SYS_GETPGID
	interop, err := open.Load()
	if err != nil {
		return err
	}
	defer interop.Close()
	program, events := interop.Programs.OnEnter, interop.Maps.Events
	var ring *C.struct_ring_buffer
	var link *C.struct_bpf_link
	err = program.UsePointer(func(p unsafe.Pointer) (errno error) {
		if link, errno = C.bpf_program__attach((*C.struct_bpf_program)(p)); link == nil {
			return errno
		}
		return nil
	})
	if err != nil {
		return err
	}
	adopted, err := libbpf.AdoptLink(unsafe.Pointer(link))
	if err != nil {
		return err
	}
	defer adopted.Close()
	err = events.UseFD(func(fd int) (errno error) {
		if ring, errno = C.meter_ring_new(C.int(fd)); ring == nil {
			return errno
		}
		return nil
	})
	if err != nil {
		return err
	}
	defer C.ring_buffer__free(ring)
	self := os.Getpid()
	for range 4 {
		_, _ = unix.Getpgid(self)
	}
	if n, sum := C.meter_ring_poll(ring), C.meter_ring_sum(); n != 4 || sum != C.ulong(4*self) {
		return fmt.Errorf("C received %d records that add up to %d, want 4 and %d", n, sum, 4*self)
	}
	info, err := adopted.Info()
	if err != nil || info.Type != libbpf.LinkTypeRawTracepoint {
		return fmt.Errorf("Go sees a link of type %v: %w", info.Type, err)
	}
	if err := adopted.Close(); err != nil {
		return err
	}
	call(1)
	if n := C.meter_ring_poll(ring); n != 0 {
		return fmt.Errorf("%d records after the link was closed", n)
	}
	return nil
}

func cPollsForGo(object []byte) error {
	first, freeFirst, err := cLoad(object)
	if err != nil {
		return err
	}
	defer freeFirst()
	second, freeSecond, err := cLoad(object)
	if err != nil {
		return err
	}
	defer freeSecond()
	ring, errno := C.meter_ring_new(C.bpf_map__fd(first.maps.events))
	if ring == nil {
		return errno
	}
	defer C.ring_buffer__free(ring)
	var pids []uint32
	stop := errors.New("enough")
	callback := libbpf.NewSampleCallback(func(cpu int, record []byte) error {
		pids = append(pids, binary.NativeEndian.Uint32(record))
		switch len(pids) {
		case 3:
			return stop
		case 4:
			panic(stop)
		}
		return nil
	}, nil)
	defer callback.Close()
	if ret := C.meter_ring_add(ring, C.bpf_map__fd(second.maps.events), callback.RingSample(), callback.Context()); ret != 0 {
		return unix.Errno(-ret)
	}
	for _, meter := range []*C.struct_meter{first, second} {
		if ret := C.meter__attach(meter); ret != 0 {
			return unix.Errno(-ret)
		}
		defer C.meter__detach(meter)
	}
	self := os.Getpid()
	for range 5 {
		_, _ = unix.Getpgid(self)
	}
	var panicked *libbpf.CallbackPanic
	ret := C.ring_buffer__consume(ring)
	if err := callback.Err(); ret != -C.int(unix.ECANCELED) || err != stop || callback.Err() != nil || len(pids) != 3 {
		return fmt.Errorf("stopped: C returned %d, Go received %d records, %v", ret, len(pids), err)
	}
	ret = C.ring_buffer__consume(ring)
	if err := callback.Err(); ret != -C.int(unix.ECANCELED) || !errors.As(err, &panicked) || !errors.Is(err, stop) {
		return fmt.Errorf("panicked: C returned %d, Go received %d records, %v", ret, len(pids), err)
	}
	if ret = C.ring_buffer__consume(ring); ret != 1 || len(pids) != 5 || C.meter_ring_sum() != C.ulong(5*self) {
		return fmt.Errorf("C returned %d, Go received %d records, C added up %d", ret, len(pids), C.meter_ring_sum())
	}
	if err := callback.Close(); err != nil {
		return err
	}
	call(1)
	if ret = C.ring_buffer__consume(ring); ret != -C.int(unix.ECANCELED) || len(pids) != 5 {
		return fmt.Errorf("closed: C returned %d, Go received %d records", ret, len(pids))
	}
	return nil
}

func ringsCross(object []byte) error {
	meter, free, err := cLoad(object)
	if err != nil {
		return err
	}
	defer free()
	if ret := C.meter__attach(meter); ret != 0 {
		return unix.Errno(-ret)
	}
	obj, err := libbpf.BorrowObject(unsafe.Pointer(meter.obj))
	if err != nil {
		return err
	}
	defer obj.Close()
	events, err := obj.Map("events")
	if err != nil {
		return err
	}
	ring, errno := C.meter_ring_new(C.int(events.FD()))
	if ring == nil {
		return errno
	}
	ofC, err := libbpf.AdoptRingBuffer(unsafe.Pointer(ring))
	if err != nil {
		return err
	}
	defer ofC.Close() // frees the ring_buffer of C
	self := os.Getpid()
	for range 3 {
		_, _ = unix.Getpgid(self)
	}
	if n, err := ofC.Poll(-1); n != 3 || err != nil || C.meter_ring_sum() != C.ulong(3*self) {
		return fmt.Errorf("%d records, which add up to %d: %w", n, C.meter_ring_sum(), err)
	}
	if err := ofC.Close(); err != nil {
		return err
	}

	stop, received := errors.New("enough"), 0
	receive := func([]byte) error {
		if received++; received == 2 {
			return stop
		}
		return nil
	}
	ofGo, err := libbpf.RingBufferBuilder{Sources: []libbpf.RingSource{{Map: events, Callback: receive}}}.Build()
	if err != nil {
		return err
	}
	defer ofGo.Close()
	call(5)
	var first, second C.int
	err = ofGo.UsePointer(func(rings unsafe.Pointer) error {
		if _, err := ofGo.Consume(); !errors.Is(err, unix.EBUSY) {
			return fmt.Errorf("Go consumes while C does: %v", err)
		}
		first = C.meter_ring_poll((*C.struct_ring_buffer)(rings))
		second = C.meter_ring_poll((*C.struct_ring_buffer)(rings))
		return nil
	})
	if err != nil || first != -C.int(unix.ECANCELED) || second != 3 || received != 5 {
		return fmt.Errorf("C's polls returned %d and %d, Go received %d records: %w", first, second, received, err)
	}
	call(1)
	if n, err := ofGo.Consume(); n != 1 || err != nil {
		return fmt.Errorf("%d records after C's polls: %w", n, err)
	}
	return nil
}

// mistakes shows that the mistakes that Go can detect are errors and not crashes.
func mistakes(object []byte) error {
	meter, free, err := cLoad(object)
	if err != nil {
		return err
	}
	defer free()
	if _, err := libbpf.AdoptOpenObject(unsafe.Pointer(meter.obj)); !errors.Is(err, libbpf.ErrInvalid) {
		return fmt.Errorf("a loaded object taken for an opened one: %v", err)
	}
	opened, freeOpened, err := cOpen(object)
	if err != nil {
		return err
	}
	defer freeOpened()
	if _, err := libbpf.AdoptObject(unsafe.Pointer(opened.obj)); !errors.Is(err, libbpf.ErrInvalid) {
		return fmt.Errorf("an opened object taken for a loaded one: %v", err)
	}
	obj, err := libbpf.BorrowObject(unsafe.Pointer(meter.obj))
	if err != nil {
		return err
	}
	counts, err := obj.Map("counts")
	if err != nil {
		return err
	}
	if _, err := obj.Release(); err != nil {
		return err
	}
	// Used after it was given back, closed after that, and given back twice.
	if _, err := counts.Lookup(make([]byte, 4), libbpf.Any); !errors.Is(err, libbpf.ErrClosed) {
		return fmt.Errorf("a map of what was given back: %v", err)
	}
	if _, err := obj.Release(); !errors.Is(err, libbpf.ErrClosed) {
		return fmt.Errorf("given back twice: %v", err)
	}
	return obj.Close()
}

// messages shows that the library's print function stays in place, and receives the messages that are not in an error.
func messages(object []byte) error {
	before := C.meter_messages()
	if _, err := libbpf.OpenMemory(object[:100]); err == nil {
		return errors.New("half an object was opened")
	}
	if n := C.meter_messages() - before; n != 0 {
		return fmt.Errorf("C received %d messages that are in an error", n)
	}
	if C.meter__open(unsafe.Pointer(&object[0]), 100) != nil {
		return errors.New("C opened half an object")
	}
	if C.meter_messages() == before {
		return errors.New("C's function did not receive the message of C's own failure")
	}
	before = C.meter_messages()
	libbpf.SetPrint(libbpf.PrintWarn, nil)
	_ = C.meter__open(unsafe.Pointer(&object[0]), 100)
	if n := C.meter_messages() - before; n != 0 {
		return fmt.Errorf("C received %d messages after SetPrint", n)
	}
	return nil
}
