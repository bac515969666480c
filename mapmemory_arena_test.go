package libbpf_test

import (
	"encoding/binary"
	"os"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

func createArena(t *testing.T, options libbpf.MapCreateOptions) *libbpf.MapHandle {
	t.Helper()
	testutil.Root(t)
	options.Flags |= libbpf.CreateMMapable
	m, err := libbpf.CreateMap(libbpf.MapTypeArena, "arena", 0, 0, 3, options)
	if err != nil && testutil.Refused(err) {
		testutil.Skip(t, "arena", err)
	}
	check(t, err)
	t.Cleanup(func() { check(t, m.Close()) })
	return m
}

// useKept reads and writes slices of closed memory. This is safe, and does not access the map.
func useKept(t *testing.T, kept []byte) {
	t.Helper()
	for i := range kept {
		if kept[i] != 0 {
			t.Fatalf("byte %d is still %d", i, kept[i])
		}
		kept[i] = 1
	}
}

func TestArenaMemory(t *testing.T) {
	page := os.Getpagesize()
	m := createArena(t, libbpf.MapCreateOptions{})
	memory, err := m.Memory()
	check(t, err)
	defer memory.Close()
	if len(memory.Bytes()) != 3*page || !memory.Writable() {
		t.Fatalf("%d bytes, writable %t", len(memory.Bytes()), memory.Writable())
	}
	last, err := libbpf.MemoryAt[uint64](memory, 3*page-8)
	check(t, err)
	*last = 1 << 60
	if memory.Bytes()[3*page-1] != 1<<4 {
		t.Error("not the same memory")
	}
	_, err = libbpf.MemoryAt[uint64](memory, 3*page)
	wantErr(t, err, libbpf.ErrInvalid)

	// The kernel maps it at one address only.
	_, err = m.Memory()
	wantErr(t, err, unix.EBUSY)
	kept := memory.Bytes()
	check(t, memory.Close())
	useKept(t, kept)
}

func TestArenaMemoryAtItsAddress(t *testing.T) {
	// Memory that is mapped there already, such as Go's, must stay.
	taken, err := unix.MmapPtr(-1, 0, nil, 1<<20, unix.PROT_READ, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	check(t, err)
	m := createArena(t, libbpf.MapCreateOptions{Extra: uint64(uintptr(taken))})
	_, err = m.Memory()
	wantErr(t, err, os.ErrExist)

	check(t, unix.MunmapPtr(taken, 1<<20))
	memory, err := m.Memory()
	check(t, err)
	if at := &memory.Bytes()[0]; at != (*byte)(taken) {
		t.Errorf("mapped at %p and not at %p", at, taken)
	}
	check(t, memory.Close())
}

func TestArenaMemoryOfObject(t *testing.T) {
	o, get := loadMapTypes(t)
	m := get(t, "arena")
	first, err := m.Memory()
	check(t, err)
	second, err := m.Memory()
	check(t, err)
	first.Bytes()[9] = 99
	if got := second.Bytes()[9]; got != 99 || len(second.Bytes()) != 2*os.Getpagesize() {
		t.Errorf("%d of %d bytes", got, len(second.Bytes()))
	}
	check(t, first.Close())
	if first.Bytes() != nil || second.Bytes()[9] != 99 {
		t.Error("closing one took the other, or left it open")
	}
	other, err := libbpf.MapHandleFrom(m)
	check(t, err)
	defer other.Close()
	_, err = other.Memory()
	wantErr(t, err, unix.EBUSY)

	kept := second.Bytes()
	check(t, o.Close())
	if second.Bytes() != nil {
		t.Error("bytes after Close of the object")
	}
	useKept(t, kept)
	_, err = m.Memory()
	wantErr(t, err, libbpf.ErrClosed)
}

// What a program writes to an arena appears in the memory, at the address that the program uses.
func TestArenaMemoryIsTheProgramsToo(t *testing.T) {
	check(t, createArena(t, libbpf.MapCreateOptions{}).Close())
	o := load(t, open(t, "arena"))
	memory, err := findMap(t, o, "arena").Memory()
	check(t, err)
	defer memory.Close()
	p := findProgram(t, o, "write_page")
	out := make([]byte, 16)
	result, err := p.TestRun(libbpf.TestRunOptions{Context: append(u64(0x1234567890), u64(0)...), ContextOut: out})
	check(t, err)
	if result.ReturnValue != 0 {
		t.Fatalf("the program returned %d", result.ReturnValue)
	}
	base := uintptr(unsafe.Pointer(&memory.Bytes()[0]))
	address := uintptr(binary.NativeEndian.Uint64(result.Context[8:]))
	if address < base || address-base >= uintptr(len(memory.Bytes())) {
		t.Fatalf("the program wrote to %#x, and the memory is at %#x", address, base)
	}
	place, err := libbpf.MemoryAt[uint64](memory, int(address-base))
	check(t, err)
	if *place != 0x1234567890 {
		t.Errorf("%#x", *place)
	}
}
