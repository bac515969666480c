package libbpf_test

import (
	"bytes"
	"errors"
	"math"
	"os"
	"slices"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

func TestMapMemory(t *testing.T) {
	testutil.Root(t)
	m, err := libbpf.CreateMap(libbpf.MapTypeArray, "mapped", 4, 12, 1000,
		libbpf.MapCreateOptions{Flags: libbpf.CreateMMapable})
	check(t, err)
	defer m.Close()
	memory, err := m.Memory()
	check(t, err)
	defer memory.Close()
	if len(memory.Bytes()) != 16*1000 || !memory.Writable() {
		t.Fatalf("%d bytes, writable %t", len(memory.Bytes()), memory.Writable())
	}
	third, err := libbpf.MemoryAt[[3]uint32](memory, 3*16)
	check(t, err)
	third[1] = 77
	value, err := m.Lookup(u32(3), libbpf.Any)
	check(t, err)
	if !bytes.Equal(value[4:8], u32(77)) {
		t.Errorf("value %v", value)
	}
	check(t, m.Update(u32(3), bytes.Repeat([]byte{1}, 12), libbpf.Any))
	if third[0] != 0x01010101 || memory.Bytes()[48] != 1 {
		t.Errorf("memory %x", third)
	}

	_, err = libbpf.MemoryAt[uint32](memory, 16*1000-3)
	wantErr(t, err, libbpf.ErrInvalid)
	_, err = libbpf.MemoryAt[uint32](memory, -4)
	wantErr(t, err, libbpf.ErrInvalid)
	_, err = libbpf.MemoryAt[uint32](memory, math.MaxInt)
	wantErr(t, err, libbpf.ErrInvalid)
	_, err = libbpf.MemoryAt[uint64](memory, 4)
	wantErr(t, err, libbpf.ErrInvalid)
	_, err = libbpf.MemoryAt[*int](memory, 0)
	wantErr(t, err, libbpf.ErrInvalid)
	_, err = libbpf.MemoryAt[struct{}](memory, 0)
	wantErr(t, err, libbpf.ErrInvalid)

	// Slices from before Close stay safe to use, but no longer show the map.
	kept := memory.Bytes()
	check(t, memory.Close())
	check(t, memory.Close())
	third[2], kept[0] = 5, 6
	if memory.Bytes() != nil {
		t.Error("bytes after Close")
	}
	value, err = m.Lookup(u32(0), libbpf.Any)
	check(t, err)
	if value[0] == 6 {
		t.Error("the memory is the map's after Close")
	}
	_, err = libbpf.MemoryAt[uint32](memory, 0)
	wantErr(t, err, libbpf.ErrClosed)
	var none *libbpf.MapMemory
	_, err = libbpf.MemoryAt[uint32](none, 0)
	wantErr(t, err, libbpf.ErrClosed)
	if none.Bytes() != nil || none.Writable() || none.Close() != nil {
		t.Error("a nil memory has properties")
	}
}

func TestMapMemoryErrors(t *testing.T) {
	o := loadMaps(t)
	_, err := findMap(t, o, "hash").Memory()
	wantErr(t, err, libbpf.ErrInvalid)
	_, err = findMap(t, o, "array").Memory() // not CreateMMapable
	if err == nil {
		t.Error("mapped an array that is not for mapping")
	}
	rodata, err := findMap(t, o, ".rodata").Memory()
	check(t, err)
	defer rodata.Close()
	if rodata.Writable() {
		t.Error(".rodata is writable")
	}
}

func TestGlobalMemory(t *testing.T) {
	o := loadAttach(t, nil)
	_, err := o.Attach()
	check(t, err)
	memory, offset, err := o.GlobalMemory("enters")
	check(t, err)
	defer memory.Close()
	enters, err := libbpf.MemoryAt[uint64](memory, offset)
	check(t, err)
	before := atomic.LoadUint64(enters)
	for range 10 {
		_, _ = unix.Getpgid(0)
	}
	if after := atomic.LoadUint64(enters); after < before+10 {
		t.Errorf("%d hits", after-before)
	}
	_, _, err = o.GlobalMemory("nope")
	wantErr(t, err, libbpf.ErrNotFound)
	check(t, o.Close())
	_ = atomic.LoadUint64(enters) // the mapping is not the object's
	_, _, err = o.GlobalMemory("enters")
	wantErr(t, err, libbpf.ErrClosed)
	var none *libbpf.Object
	_, _, err = none.GlobalMemory("enters")
	wantErr(t, err, libbpf.ErrClosed)
}

func TestMapFDInfo(t *testing.T) {
	testutil.Root(t)
	m, err := libbpf.CreateMap(libbpf.MapTypeHash, "fdinfo", 4, 8, 1000,
		libbpf.MapCreateOptions{Flags: libbpf.CreateNoPrealloc})
	check(t, err)
	defer m.Close()
	info, err := m.Info()
	check(t, err)
	fdInfo, err := m.FDInfo()
	check(t, err)
	if fdInfo.Type != libbpf.MapTypeHash || fdInfo.ID != info.ID || fdInfo.KeySize != 4 || fdInfo.ValueSize != 8 ||
		fdInfo.MaxEntries != 1000 || fdInfo.Flags != libbpf.CreateNoPrealloc || fdInfo.Memlock == 0 || fdInfo.Frozen {
		t.Errorf("fdinfo %+v", fdInfo)
	}
	check(t, m.Freeze())
	fdInfo, err = m.FDInfo()
	check(t, err)
	if !fdInfo.Frozen {
		t.Error("not frozen")
	}
	check(t, m.Close())
	_, err = m.FDInfo()
	wantErr(t, err, libbpf.ErrClosed)
}

func TestMapIDs(t *testing.T) {
	testutil.Root(t)
	m, err := libbpf.CreateMap(libbpf.MapTypeArray, "walked", 4, 4, 1, libbpf.MapCreateOptions{})
	check(t, err)
	defer m.Close()
	mine, err := m.Info()
	check(t, err)
	var ids []uint32
	for id := range libbpf.MapIDs(&err) {
		ids = append(ids, id)
		other, err := libbpf.MapHandleFromID(id)
		if errors.Is(err, os.ErrNotExist) {
			continue // gone meanwhile
		}
		check(t, err)
		check(t, other.Close())
	}
	check(t, err)
	if !slices.Contains(ids, mine.ID) || !slices.IsSorted(ids) {
		t.Errorf("ids %v, want %d among them", ids, mine.ID)
	}
}

func TestMapCreateOptions(t *testing.T) {
	testutil.Root(t)
	o := openMaps(t, "")
	types, err := o.BTF()
	check(t, err)
	defer types.Close()
	loaded := load(t, o)
	like := findMap(t, loaded, "hash")
	info, err := like.Info()
	check(t, err)
	m, err := libbpf.CreateMap(libbpf.MapTypeHash, "typed", 4, 8, 1, libbpf.MapCreateOptions{
		BTFFD: loaded.BTFFD(), BTFKeyTypeID: info.BTFKeyTypeID, BTFValueTypeID: info.BTFValueTypeID,
	})
	check(t, err)
	defer m.Close()
	got, err := m.Info()
	check(t, err)
	if got.BTFID != info.BTFID || got.BTFValueTypeID != info.BTFValueTypeID {
		t.Errorf("info %+v, want the types of %+v", got, info)
	}
	check(t, loaded.Close())
	if fd := loaded.BTFFD(); fd != -1 {
		t.Errorf("descriptor %d after Close", fd)
	}
}
