package typed_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/typed"
)

// flagged fills the slot of a CPU, has a bool, and padding behind it.
type flagged struct {
	N  uint32
	On bool
}

// wild is a flagged as a program may write it: On is neither 0 nor 1.
func wild(n byte) []byte { return []byte{n, n, n, n, 200, 0, 0, 0} }

func wantMended(t *testing.T, what string, values ...flagged) {
	t.Helper()
	for i := range values {
		if on := *(*byte)(unsafe.Pointer(&values[i].On)); on != 1 {
			t.Errorf("%s: the bool of value %d is %d", what, i, on)
		}
	}
}

// However a value is read, its bools are true or false.
func TestBools(t *testing.T) {
	m := create(t, libbpf.MapTypeHash, 8, 8, 4)
	h := must[*typed.Hash[flagged, flagged]](t)(typed.NewHash[flagged, flagged](m))
	key := flagged{0x01010101, true}
	fill := func() { check(t, m.Update([]byte{1, 1, 1, 1, 1, 0, 0, 0}, wild(2), libbpf.Any)) }
	fill()
	var value flagged
	values, found := make([]flagged, 1), make([]bool, 1)
	wantMended(t, "Lookup", must[flagged](t)(h.Lookup(key, libbpf.Any)))
	check(t, h.LookupInto(key, &value, libbpf.Any))
	wantMended(t, "LookupInto", value)
	equal(t, "found", must[int](t)(h.LookupMany([]flagged{key}, values, found, libbpf.Any)), 1)
	wantMended(t, "LookupMany", values...)
	var cursor libbpf.MapCursor
	equal(t, "read", must[int](t)(h.LookupBatch(&cursor, make([]flagged, 1), values, libbpf.Any)), 1)
	wantMended(t, "LookupBatch", values...)
	for _, value := range h.All(nil) {
		wantMended(t, "All", value)
	}
	if hashesTake(t) {
		wantMended(t, "LookupAndDelete", must[flagged](t)(h.LookupAndDelete(key)))
		fill()
		check(t, h.LookupAndDeleteInto(key, &value))
		wantMended(t, "LookupAndDeleteInto", value)
		fill()
	}
	cursor = libbpf.MapCursor{}
	equal(t, "taken", must[int](t)(h.LookupAndDeleteBatch(&cursor, make([]flagged, 1), values, libbpf.Any)), 1)
	wantMended(t, "LookupAndDeleteBatch", values...)
	check(t, m.Update(wild(3), wild(3), libbpf.Any))
	for key := range h.Keys(nil) {
		wantMended(t, "Keys", key)
	}
	for key := range h.All(nil) {
		wantMended(t, "keys of All", key)
	}

	// What is written has no padding of Go's, and the caller keeps it.
	keys := []flagged{{1, true}, {2, true}}
	memory := unsafe.Slice((*byte)(unsafe.Pointer(&keys[0])), 16)
	copy(memory[5:8], []byte{0xee, 0xee, 0xee})
	copy(memory[13:16], []byte{0xee, 0xee, 0xee})
	before := slices.Clone(memory)
	equal(t, "updated", must[int](t)(h.UpdateBatch(keys, keys, libbpf.Any)), 2)
	if !bytes.Equal(memory, before) {
		t.Errorf("UpdateBatch changed the caller's elements: %x", memory)
	}
	for i := range keys {
		clean := append(slices.Clone(memory[8*i:8*i+5]), 0, 0, 0)
		if got, err := m.Lookup(clean, libbpf.Any); err != nil || !bytes.Equal(got, clean) {
			t.Errorf("UpdateBatch wrote %x: %v", got, err)
		}
	}

	for _, typ := range []libbpf.MapType{libbpf.MapTypeQueue, libbpf.MapTypeStack} {
		m := create(t, typ, 0, 8, 4)
		check(t, m.Update(nil, wild(1), libbpf.Any))
		q, s := new(typed.Queue[flagged]), new(typed.Stack[flagged])
		peek, pop := q.Peek, q.Pop
		if typ == libbpf.MapTypeQueue {
			check(t, typed.Bind(q, m))
		} else {
			check(t, typed.Bind(s, m))
			peek, pop = s.Peek, s.Pop
		}
		wantMended(t, "Peek", must[flagged](t)(peek()))
		wantMended(t, "Pop", must[flagged](t)(pop()))
	}

	storage := storageMap(t, libbpf.MapTypeSKStorage)
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	check(t, err)
	defer unix.Close(socket)
	fd := uint32(socket)
	check(t, storage.Update(unsafe.Slice((*byte)(unsafe.Pointer(&fd)), 4), wild(1), libbpf.Any))
	s := must[*typed.SKStorage[flagged]](t)(typed.NewSKStorage[flagged](storage))
	wantMended(t, "storage", must[flagged](t)(s.Lookup(socket, libbpf.Any)))
}

// large is flagged with more than a slot.
type large struct {
	flagged
	More uint32
}

// The same for values of all CPUs, whether they fill their slots or not. What is written has no padding of Go's.
func TestPerCPUBoolsAndPadding(t *testing.T) {
	testPerCPUBools(t, 8, func(v flagged) flagged { return v }, func(v flagged) flagged { return v })
	testPerCPUBools(t, 12, func(v large) flagged { return v.flagged }, func(v flagged) large { return large{v, 0} })
}

func testPerCPUBools[V any](t *testing.T, size int, part func(V) flagged, whole func(flagged) V) {
	t.Helper()
	m := create(t, libbpf.MapTypePerCPUHash, 4, uint32(size), 4)
	h := must[*typed.PerCPUHash[uint32, V]](t)(typed.NewPerCPUHash[uint32, V](m))
	key, raw := []byte{7, 7, 7, 7}, make([][]byte, h.PossibleCPUs())
	for i := range raw {
		raw[i] = append(wild(byte(i)), make([]byte, size-8)...)
	}
	fill := func() { check(t, m.UpdatePerCPU(key, raw, libbpf.Any)) }
	mended := func(what string, values []V) {
		t.Helper()
		for i, value := range values {
			wantMended(t, what, part(value))
			equal(t, what, part(value).N, uint32(i)*0x01010101)
		}
	}
	const k = 0x07070707
	fill()
	values, found := make([]V, h.PossibleCPUs()), make([]bool, 1)
	mended("Lookup", must[[]V](t)(h.Lookup(k, libbpf.Any)))
	value, err := h.LookupOnCPU(k, 0)
	if !errors.Is(err, errors.ErrUnsupported) {
		check(t, err)
		mended("LookupOnCPU", []V{value})
	}
	equal(t, "found", must[int](t)(h.LookupMany([]uint32{k}, values, found, libbpf.Any)), 1)
	mended("LookupMany", values)
	clear(values)
	var cursor libbpf.MapCursor
	equal(t, "read", must[int](t)(h.LookupBatch(&cursor, make([]uint32, 1), values, libbpf.Any)), 1)
	mended("LookupBatch", values)
	for _, values := range h.All(nil) {
		mended("All", values)
	}
	if hashesTake(t) {
		mended("LookupAndDelete", must[[]V](t)(h.LookupAndDelete(k)))
		fill()
	}

	for i := range values {
		memory := unsafe.Slice((*byte)(unsafe.Pointer(&values[i])), size)
		copy(memory, bytes.Repeat([]byte{0xee}, size))
		*(*flagged)(unsafe.Pointer(&values[i])) = flagged{uint32(i), true}
		copy(memory[5:8], []byte{0xee, 0xee, 0xee})
	}
	before := slices.Clone(unsafe.Slice((*byte)(unsafe.Pointer(&values[0])), size*len(values)))
	clean := func(what string) {
		t.Helper()
		for cpu, got := range must[[][]byte](t)(m.LookupPerCPU(key, libbpf.Any)) {
			if !bytes.Equal(got[4:8], []byte{1, 0, 0, 0}) {
				t.Errorf("%s: CPU %d has %x", what, cpu, got)
			}
		}
		if !bytes.Equal(before, unsafe.Slice((*byte)(unsafe.Pointer(&values[0])), size*len(values))) {
			t.Errorf("%s changed the caller's values", what)
		}
		fill()
	}
	check(t, h.Update(k, values, libbpf.Any))
	clean("Update")
	equal(t, "updated", must[int](t)(h.UpdateBatch([]uint32{k}, values, libbpf.Any)), 1)
	clean("UpdateBatch")
}
