package typed_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"sync"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/needs"
	"github.com/libbpf-go/libbpf-go/typed"
)

// padded has padding behind A and behind C.
type padded struct {
	A uint8
	B uint32
	C bool
}

// dirty is a padded value with its padding filled.
func dirty(a uint8, b uint32, c bool) (p padded) {
	memory := unsafe.Slice((*byte)(unsafe.Pointer(&p)), unsafe.Sizeof(p))
	for i := range memory {
		memory[i] = 0xee
	}
	p.A, p.B, p.C = a, b, c
	return p
}

func TestArray(t *testing.T) {
	m := create(t, libbpf.MapTypeArray, 4, 12, 5)
	a := must[*typed.Array[padded]](t)(typed.NewArray[padded](m))
	equal(t, "maximum", a.MaxEntries(), 5)
	equal(t, "map", a.Map(), libbpf.MapCore(m))
	check(t, a.Update(3, padded{1, 2, true}, libbpf.Any))
	check(t, a.Update(4, padded{B: 9}, libbpf.Exist))
	equal(t, "value", must[padded](t)(a.Lookup(3, libbpf.Any)), padded{1, 2, true})
	var value padded
	check(t, a.LookupInto(4, &value, libbpf.Any))
	equal(t, "value", value, padded{B: 9})
	wantErr(t, a.LookupInto(4, nil, libbpf.Any), libbpf.ErrInvalid)
	wantErr(t, second(a.Lookup(5, libbpf.Any)), libbpf.ErrIndexRange, unix.E2BIG)
	wantErr(t, a.LookupInto(5, &value, libbpf.Any), libbpf.ErrIndexRange)
	wantErr(t, a.Update(5, value, libbpf.Any), libbpf.ErrIndexRange)
	wantErr(t, a.Update(0, value, libbpf.NoExist), libbpf.ErrKeyExist)
	var err error
	var indices []uint32
	for i, v := range a.All(&err) {
		indices = append(indices, i)
		equal(t, "value", v, []padded{{}, {}, {}, {1, 2, true}, {B: 9}}[i])
	}
	check(t, err)
	if !slices.Equal(indices, []uint32{0, 1, 2, 3, 4}) {
		t.Errorf("indices %v", indices)
	}
	err = errors.New("of another iteration")
	for range a.All(&err) {
		break
	}
	check(t, err)
	noAllocs(t, map[string]func(){
		"lookup":        func() { _, _ = a.Lookup(3, libbpf.Any) },
		"miss":          func() { _, _ = a.Lookup(5, libbpf.Any) },
		"update":        func() { _ = a.Update(1, padded{}, libbpf.Any) },
		"update, there": func() { _ = a.Update(1, padded{}, libbpf.Exist) },
	})

	wantInvalid(t, second(typed.NewArray[uint64](m)), "uint64", "8 bytes", "12")
	wantInvalid(t, second(typed.NewArray[*uint64](m)), "value", "ptr")
	wantInvalid(t, second(typed.NewArray[int](m)), "depends on the machine")
	wantInvalid(t, second(typed.NewArray[padded](create(t, libbpf.MapTypeHash, 4, 12, 5))), "hash", "array")
}

func TestHash(t *testing.T) {
	take := hashesTake(t)
	for _, typ := range []libbpf.MapType{libbpf.MapTypeHash, libbpf.MapTypeLRUHash} {
		t.Run(typ.String(), func(t *testing.T) {
			m := create(t, typ, 4, 8, 64)
			newHash := typed.NewHash[uint32, uint64]
			if typ == libbpf.MapTypeLRUHash {
				newHash = typed.NewLRUHash[uint32, uint64]
			}
			h := must[*typed.Hash[uint32, uint64]](t)(newHash(m))
			equal(t, "maximum", h.MaxEntries(), 64)
			wantErr(t, second(h.Lookup(1, libbpf.Any)), libbpf.ErrKeyNotExist, unix.ENOENT)
			wantErr(t, h.Delete(1), libbpf.ErrKeyNotExist)
			if take {
				wantErr(t, second(h.LookupAndDelete(1)), libbpf.ErrKeyNotExist)
			}
			wantErr(t, h.Update(1, 2, libbpf.Exist), libbpf.ErrKeyNotExist)
			check(t, h.Update(1, 2, libbpf.NoExist))
			wantErr(t, h.Update(1, 2, libbpf.NoExist), libbpf.ErrKeyExist)
			equal(t, "value", must[uint64](t)(h.Lookup(1, libbpf.Any)), 2)
			check(t, h.Update(1, 3, libbpf.Any))
			var value uint64
			check(t, h.LookupInto(1, &value, libbpf.Any))
			equal(t, "value", value, 3)
			if take {
				equal(t, "taken", must[uint64](t)(h.LookupAndDelete(1)), 3)
				check(t, h.Update(1, 4, libbpf.Any))
				check(t, h.LookupAndDeleteInto(1, &value))
				equal(t, "taken", value, 4)
				wantErr(t, h.LookupAndDeleteInto(1, &value), libbpf.ErrKeyNotExist)
			} else {
				check(t, h.Delete(1))
			}

			keys, values := []uint32{1, 2, 3, 4, 5}, []uint64{10, 20, 30, 40, 50}
			equal(t, "inserted", must[int](t)(h.UpdateBatch(keys, values, libbpf.Any)), 5)
			checkAll(t, h.All, map[uint32]uint64{1: 10, 2: 20, 3: 30, 4: 40, 5: 50})
			checkKeys(t, h.Keys, 1, 2, 3, 4, 5)
			var cursor libbpf.MapCursor
			found := 0
			for {
				n, err := h.LookupBatch(&cursor, make([]uint32, 2), make([]uint64, 2), libbpf.Any)
				if err == io.EOF {
					break
				}
				check(t, err)
				found += n
			}
			equal(t, "found", found, 5)
			equal(t, "deleted", must[int](t)(h.DeleteBatch(keys[:2])), 2)
			wantErr(t, second(h.DeleteBatch(keys[:2])), libbpf.ErrKeyNotExist)
			wantErr(t, second(h.UpdateBatch(keys, values[1:], libbpf.Any)), libbpf.ErrInvalid)

			noAllocs(t, map[string]func(){
				"lookup":            func() { _, _ = h.Lookup(3, libbpf.Any) },
				"lookup into":       func() { _ = h.LookupInto(3, &value, libbpf.Any) },
				"miss":              func() { _, _ = h.Lookup(7, libbpf.Any) },
				"update":            func() { _ = h.Update(3, 1, libbpf.Any) },
				"update, absent":    func() { _ = h.Update(7, 1, libbpf.Exist) },
				"update and delete": func() { _ = h.Update(8, 1, libbpf.Any); _ = h.Delete(8) },
				"delete, absent":    func() { _ = h.Delete(7) },
			})
			if take {
				noAllocs(t, map[string]func(){
					"update and take": func() {
						_ = h.Update(8, 1, libbpf.Any)
						_, _ = h.LookupAndDelete(8)
						_ = h.LookupAndDeleteInto(8, &value)
					},
				})
			}
			other := map[libbpf.MapType]libbpf.MapType{
				libbpf.MapTypeHash: libbpf.MapTypeLRUHash, libbpf.MapTypeLRUHash: libbpf.MapTypeHash,
			}[typ]
			wantInvalid(t, second(newHash(create(t, other, 4, 8, 1))),
				"of type "+other.String(), "be of type "+typ.String())
		})
	}
	m := create(t, libbpf.MapTypeHash, 4, 8, 2)
	wantInvalid(t, second(typed.NewHash[uint64, uint64](m)), "key", "uint64", "8 bytes", "must have 4")
	wantInvalid(t, second(typed.NewHash[uint32, uint32](m)), "value", "uint32", "4 bytes", "must have 8")
	wantInvalid(t, second(typed.NewHash[uint32, *uint32](m)), "value", "ptr")
	wantInvalid(t, second(typed.NewHash[uint32, struct{ P unsafe.Pointer }](m)), ".P", "unsafe.Pointer")
	wantInvalid(t, second(typed.NewHash[string, uint64](m)), "key", "string")
	h := must[*typed.Hash[uint32, uint64]](t)(typed.NewHash[uint32, uint64](m))
	check(t, h.Update(1, 1, libbpf.Any))
	check(t, h.Update(2, 1, libbpf.Any))
	wantErr(t, h.Update(3, 1, libbpf.Any), libbpf.ErrMapFull, unix.E2BIG)
}

func checkAll[K comparable, V comparable](t *testing.T, all func(*error) iter.Seq2[K, V], want map[K]V) {
	t.Helper()
	var err error
	got := make(map[K]V)
	for key, value := range all(&err) {
		if _, twice := got[key]; twice {
			t.Errorf("%v comes twice", key)
		}
		got[key] = value
	}
	check(t, err)
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("elements %v, want %v", got, want)
	}
	for range all(nil) {
		break
	}
}

func checkKeys[K comparable](t *testing.T, keys func(*error) iter.Seq[K], want ...K) {
	t.Helper()
	var err error
	got := make(map[K]bool)
	for key := range keys(&err) {
		got[key] = true
	}
	check(t, err)
	for _, key := range want {
		if !got[key] {
			t.Errorf("key %v is missing", key)
		}
	}
	equal(t, "keys", len(got), len(want))
	for range keys(nil) {
		break
	}
}

// The padding of what goes to the kernel is zero, whatever Go has in it; what comes from the kernel is safe.
func TestPadding(t *testing.T) {
	m := create(t, libbpf.MapTypeHash, 12, 12, 64)
	h := must[*typed.Hash[padded, padded]](t)(typed.NewHash[padded, padded](m))
	clean := func(a, c byte) []byte { return []byte{a, 0, 0, 0, 7, 7, 7, 7, c, 0, 0, 0} }
	const b = 0x07070707
	check(t, h.Update(dirty(1, b, true), dirty(2, b, false), libbpf.Any))
	if got, err := m.Lookup(clean(1, 1), libbpf.Any); err != nil || !bytes.Equal(got, clean(2, 0)) {
		t.Errorf("%v, %v", got, err)
	}
	equal(t, "value", must[padded](t)(h.Lookup(dirty(1, b, true), libbpf.Any)), padded{2, b, false})
	check(t, h.Update(dirty(1, b, true), dirty(3, b, false), libbpf.Exist))
	equal(t, "value", must[padded](t)(h.Lookup(dirty(1, b, true), libbpf.Any)), padded{3, b, false})
	if hashesTake(t) {
		equal(t, "taken", must[padded](t)(h.LookupAndDelete(dirty(1, b, true))), padded{3, b, false})
	} else {
		check(t, h.Delete(dirty(1, b, true)))
	}
	keys := []padded{dirty(1, b, false), dirty(2, b, true)}
	before := *(*[24]byte)(unsafe.Pointer(&keys[0]))
	equal(t, "inserted", must[int](t)(h.UpdateBatch(keys, keys, libbpf.Any)), 2)
	if before != *(*[24]byte)(unsafe.Pointer(&keys[0])) {
		t.Error("the caller's keys were changed")
	}
	if got, err := m.Lookup(clean(2, 1), libbpf.Any); err != nil || !bytes.Equal(got, clean(2, 1)) {
		t.Errorf("%v, %v", got, err)
	}
	equal(t, "deleted", must[int](t)(h.DeleteBatch(keys[:1])), 1)
	check(t, h.Delete(dirty(2, b, true)))
	noAllocs(t, map[string]func(){
		"lookup": func() { _, _ = h.Lookup(keys[0], libbpf.Any) },
		"update": func() { _ = h.Update(keys[0], keys[1], libbpf.Any) },
		"delete": func() { _ = h.Delete(keys[0]) },
	})
	_ = h.Delete(keys[0])

	// A program's bool may be any byte.
	check(t, m.Update(clean(1, 1), clean(1, 200), libbpf.Any))
	value := must[padded](t)(h.Lookup(padded{1, b, true}, libbpf.Any))
	equal(t, "bool", value.C, true)
	equal(t, "bool's byte", *(*byte)(unsafe.Pointer(&value.C)), 1)
	for _, value := range h.All(nil) {
		equal(t, "bool's byte", *(*byte)(unsafe.Pointer(&value.C)), 1)
	}

	type blank struct {
		A uint32
		_ [4]byte
	}
	m = create(t, libbpf.MapTypeHash, 8, 8, 4)
	blanks := must[*typed.Hash[blank, [8]byte]](t)(typed.NewHash[blank, [8]byte](m))
	key := *(*blank)(unsafe.Pointer(&[8]byte{1, 1, 1, 1, 2, 2, 2, 2}))
	check(t, blanks.Update(key, [8]byte{5}, libbpf.Any))
	if _, err := m.Lookup([]byte{1, 1, 1, 1, 0, 0, 0, 0}, libbpf.Any); err != nil {
		t.Error(err)
	}
}

func TestPerCPU(t *testing.T) {
	cpus := must[int](t)(libbpf.PossibleCPUs())
	testPerCPU(t, func(i int) uint64 { return uint64(i) << 33 })
	testPerCPU(t, func(i int) [5]byte { return [5]byte{byte(i), 1, 2, 3, 4} })
	testPerCPU(t, func(i int) padded { return dirty(uint8(i), uint32(i), i%2 == 0) })
	testPerCPU(t, func(i int) [2]uint64 { return [2]uint64{uint64(i), 1} })

	m := create(t, libbpf.MapTypePerCPUHash, 4, 8, 8)
	h := must[*typed.PerCPUHash[uint32, uint64]](t)(typed.NewPerCPUHash[uint32, uint64](m))
	equal(t, "CPUs", h.PossibleCPUs(), cpus)
	wantErr(t, h.Update(1, make([]uint64, cpus-1), libbpf.Any), libbpf.ErrInvalid)
	wantErr(t, h.Update(1, nil, libbpf.Any), libbpf.ErrInvalid)
	wantErr(t, h.LookupInto(1, make([]uint64, cpus+1), libbpf.Any), libbpf.ErrInvalid)
	wantInvalid(t, second(typed.NewPerCPUHash[uint32, uint32](m)), "4 bytes", "must have 8")
	wantInvalid(t, second(typed.NewHash[uint32, uint64](m)), "percpu_hash", "hash")
	wantInvalid(t, second(typed.NewLRUPerCPUHash[uint32, uint64](m)), "lru_percpu_hash")
	wantInvalid(t, second(typed.NewPerCPUArray[uint64](m)), "percpu_array")
	wantInvalid(t, second(typed.NewPerCPUHash[uint32, []byte](m)), "slice")
}

// Where each CPU has a value, the flags for one CPU's are for the methods that have them.
func TestFlagsOfOneCPU(t *testing.T) {
	h := must[*typed.PerCPUHash[uint32, uint64]](t)(
		typed.NewPerCPUHash[uint32, uint64](create(t, libbpf.MapTypePerCPUHash, 4, 8, 3)))
	values := make([]uint64, h.PossibleCPUs())
	for _, flags := range []libbpf.MapFlags{libbpf.OnCPU(0), libbpf.OnCPU(1), libbpf.AllCPUs} {
		wantErr(t, second(h.Lookup(1, flags)), libbpf.ErrInvalid)
		wantErr(t, h.Update(1, values, flags), libbpf.ErrInvalid)
		wantErr(t, second(h.UpdateBatch([]uint32{1}, values, flags)), libbpf.ErrInvalid)
	}
}

func TestOneCPU(t *testing.T) {
	last := uint32(must[int](t)(libbpf.PossibleCPUs()) - 1)
	a := must[*typed.PerCPUArray[padded]](t)(
		typed.NewPerCPUArray[padded](create(t, libbpf.MapTypePerCPUArray, 4, uint32(unsafe.Sizeof(padded{})), 3)))
	err := a.UpdateAllCPUs(1, dirty(1, 2, true))
	if errors.Is(err, errors.ErrUnsupported) {
		testutil.Skip(t, "one-cpu", err)
	}
	check(t, err)
	check(t, a.UpdateOnCPU(1, last, dirty(3, 4, false)))
	equal(t, "value of the last CPU", must[padded](t)(a.LookupOnCPU(1, last)), padded{3, 4, false})
	if last > 0 {
		equal(t, "value of the first CPU", must[padded](t)(a.LookupOnCPU(1, 0)), padded{1, 2, true})
	}
	h := must[*typed.PerCPUHash[uint32, uint64]](t)(
		typed.NewPerCPUHash[uint32, uint64](create(t, libbpf.MapTypePerCPUHash, 4, 8, 3)))
	wantErr(t, second(h.LookupOnCPU(5, 0)), libbpf.ErrKeyNotExist)
	check(t, h.UpdateAllCPUs(5, 50))
	check(t, h.UpdateOnCPU(5, 0, 51))
	equal(t, "value of the first CPU", must[uint64](t)(h.LookupOnCPU(5, 0)), 51)
	equal(t, "value of the last CPU", must[[]uint64](t)(h.Lookup(5, libbpf.Any))[last], 50+b2u(last == 0))
	wantErr(t, h.UpdateOnCPU(5, last+1, 1), unix.ERANGE)
	wantErr(t, second(a.LookupOnCPU(3, 0)), libbpf.ErrIndexRange)
	check(t, h.UpdateOnCPU(6, last, 7))
	want := make([]uint64, last+1)
	want[last] = 7
	if got := must[[]uint64](t)(h.Lookup(6, libbpf.Any)); !slices.Equal(got, want) {
		t.Errorf("values %v, want %v", got, want)
	}
	check(t, h.UpdateAllCPUs(7, 7))
	wantErr(t, h.UpdateAllCPUs(8, 7), libbpf.ErrMapFull)
	wantErr(t, a.UpdateOnCPU(3, 0, padded{}), libbpf.ErrIndexRange)
	wantErr(t, a.UpdateAllCPUs(3, padded{}), libbpf.ErrIndexRange)
	noAllocs(t, map[string]func(){
		"lookup": func() { _, _ = h.LookupOnCPU(5, 0) },
		"update": func() { _ = h.UpdateOnCPU(5, 0, 1) },
	})
}

func b2u(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

func testPerCPU[V comparable](t *testing.T, value func(i int) V) {
	t.Helper()
	cpus := must[int](t)(libbpf.PossibleCPUs())
	size := uint32(unsafe.Sizeof(value(0)))
	values := make([]V, cpus)
	for i := range values {
		values[i] = value(i)
	}
	into := make([]V, cpus)
	checkElement := func(got []V, err error) {
		t.Helper()
		check(t, err)
		if !slices.Equal(got, values) {
			t.Errorf("values %v, want %v", got, values)
		}
	}
	checkElements := func(all func(*error) iter.Seq2[uint32, []V], n int) {
		t.Helper()
		var err error
		for key, got := range all(&err) {
			if n--; key == 1 {
				checkElement(got, err)
			}
		}
		check(t, err)
		equal(t, "missing elements", n, 0)
		for range all(nil) {
			break
		}
	}

	a := must[*typed.PerCPUArray[V]](t)(typed.NewPerCPUArray[V](create(t, libbpf.MapTypePerCPUArray, 4, size, 3)))
	equal(t, "maximum", a.MaxEntries(), 3)
	equal(t, "CPUs", a.PossibleCPUs(), cpus)
	check(t, a.Update(1, values, libbpf.Any))
	check(t, a.Update(1, values, libbpf.Exist))
	checkElement(a.Lookup(1, libbpf.Any))
	checkElement(into, a.LookupInto(1, into, libbpf.Any))
	checkElements(a.All, 3)
	wantErr(t, second(a.Lookup(3, libbpf.Any)), libbpf.ErrIndexRange)
	wantErr(t, a.Update(3, values, libbpf.Any), libbpf.ErrIndexRange)
	noAllocs(t, map[string]func(){
		"lookup": func() { _ = a.LookupInto(1, into, libbpf.Any) },
		"miss":   func() { _ = a.LookupInto(3, into, libbpf.Any) },
		"update": func() { _ = a.Update(1, values, libbpf.Any) },
	})

	take := hashesTake(t)
	for _, typ := range []libbpf.MapType{libbpf.MapTypePerCPUHash, libbpf.MapTypeLRUPerCPUHash} {
		newHash := typed.NewPerCPUHash[uint32, V]
		if typ == libbpf.MapTypeLRUPerCPUHash {
			newHash = typed.NewLRUPerCPUHash[uint32, V]
		}
		h := must[*typed.PerCPUHash[uint32, V]](t)(newHash(create(t, typ, 4, size, 8)))
		equal(t, "maximum", h.MaxEntries(), 8)
		wantErr(t, second(h.Lookup(1, libbpf.Any)), libbpf.ErrKeyNotExist)
		if take {
			wantErr(t, second(h.LookupAndDelete(1)), libbpf.ErrKeyNotExist)
		}
		check(t, h.Update(1, values, libbpf.Any))
		wantErr(t, h.Update(1, values, libbpf.NoExist), libbpf.ErrKeyExist)
		checkElement(h.Lookup(1, libbpf.Any))
		checkElement(into, h.LookupInto(1, into, libbpf.Any))
		check(t, h.Update(2, values, libbpf.Any))
		checkElements(h.All, 2)
		checkKeys(t, h.Keys, 1, 2)
		if take {
			checkElement(h.LookupAndDelete(1))
		} else {
			check(t, h.Delete(1))
		}
		check(t, h.Delete(2))
		wantErr(t, h.Delete(2), libbpf.ErrKeyNotExist)
		noAllocs(t, map[string]func(){
			"lookup": func() { _ = h.LookupInto(1, into, libbpf.Any) },
			"delete": func() { _ = h.Delete(2) },
		})
	}
}

func TestLPMTrie(t *testing.T) {
	m := createWith(t, libbpf.MapTypeLPMTrie, 8, 8, 64, libbpf.MapCreateOptions{Flags: libbpf.CreateNoPrealloc})
	type key = typed.LPMKey[[4]byte]
	trie := must[*typed.LPMTrie[[4]byte, uint64]](t)(typed.NewLPMTrie[[4]byte, uint64](m))
	equal(t, "maximum", trie.MaxEntries(), 64)
	ten, net := key{8, [4]byte{10}}, key{24, [4]byte{10, 1, 2}}
	check(t, trie.Update(ten, 8, libbpf.Any))
	check(t, trie.Update(net, 24, libbpf.NoExist))
	wantErr(t, trie.Update(net, 24, libbpf.NoExist), libbpf.ErrKeyExist)
	wantErr(t, trie.Update(key{33, [4]byte{}}, 1, libbpf.Any), unix.EINVAL)
	address := key{32, [4]byte{10, 1, 2, 3}}
	equal(t, "match", must[uint64](t)(trie.Lookup(address, libbpf.Any)), 24)
	equal(t, "match", must[uint64](t)(trie.Lookup(key{32, [4]byte{10, 2}}, libbpf.Any)), 8)
	wantErr(t, second(trie.Lookup(key{32, [4]byte{11}}, libbpf.Any)), libbpf.ErrKeyNotExist)
	wantErr(t, trie.Delete(address), libbpf.ErrKeyNotExist)
	checkAll(t, trie.All, map[key]uint64{ten: 8, net: 24})
	checkKeys(t, trie.Keys, ten, net)
	noAllocs(t, map[string]func(){
		"lookup": func() { _, _ = trie.Lookup(address, libbpf.Any) },
		"miss":   func() { _, _ = trie.Lookup(key{32, [4]byte{11}}, libbpf.Any) },
		"update": func() { _ = trie.Update(ten, 8, libbpf.Any) },
		"delete": func() { _ = trie.Delete(address) },
	})
	check(t, trie.Delete(net))
	equal(t, "match", must[uint64](t)(trie.Lookup(address, libbpf.Any)), 8)
	wantInvalid(t, second(typed.NewLPMTrie[[8]byte, uint64](m)), "12 bytes", "must have 8")
	wantInvalid(t, second(typed.NewLPMTrie[[4]byte, uint32](m)), "4 bytes", "must have 8")
	wantInvalid(t, second(typed.NewLPMTrie[string, uint64](m)), "string")
	wantInvalid(t, second(typed.NewLPMTrie[[4]byte, uint64](create(t, libbpf.MapTypeHash, 8, 8, 1))), "lpm_trie")

	// Data that is wider than its prefix length is not aligned in the map; the longest there is.
	m = createWith(t, libbpf.MapTypeLPMTrie, 12, 1, 8, libbpf.MapCreateOptions{Flags: libbpf.CreateNoPrealloc})
	wide := must[*typed.LPMTrie[uint64, bool]](t)(typed.NewLPMTrie[uint64, bool](m))
	check(t, wide.Update(typed.LPMKey[uint64]{PrefixLen: 64, Data: 0x0102030405060708}, true, libbpf.Any))
	checkKeys(t, wide.Keys, typed.LPMKey[uint64]{PrefixLen: 64, Data: 0x0102030405060708})
	m = createWith(t, libbpf.MapTypeLPMTrie, 260, 1, 8, libbpf.MapCreateOptions{Flags: libbpf.CreateNoPrealloc})
	long := must[*typed.LPMTrie[[256]byte, bool]](t)(typed.NewLPMTrie[[256]byte, bool](m))
	check(t, long.Update(typed.LPMKey[[256]byte]{PrefixLen: 2048, Data: [256]byte{255: 1}}, true, libbpf.Any))
	equal(t, "value", must[bool](t)(long.Lookup(typed.LPMKey[[256]byte]{PrefixLen: 2048, Data: [256]byte{255: 1}}, libbpf.Any)), true)
}

func TestQueueAndStack(t *testing.T) {
	q := must[*typed.Queue[padded]](t)(typed.NewQueue[padded](create(t, libbpf.MapTypeQueue, 0, 12, 3)))
	s := must[*typed.Stack[padded]](t)(typed.NewStack[padded](create(t, libbpf.MapTypeStack, 0, 12, 3)))
	type keyless interface {
		Push(padded, libbpf.MapFlags) error
		Pop() (padded, error)
		Peek() (padded, error)
		MaxEntries() uint32
	}
	for _, c := range []struct {
		m    keyless
		want [3]uint32
	}{{q, [3]uint32{2, 3, 4}}, {s, [3]uint32{4, 3, 2}}} {
		equal(t, "maximum", c.m.MaxEntries(), 3)
		wantErr(t, second(c.m.Pop()), libbpf.ErrKeyNotExist)
		wantErr(t, second(c.m.Peek()), libbpf.ErrKeyNotExist)
		for i := range uint32(3) {
			check(t, c.m.Push(dirty(0, i+1, true), libbpf.Any))
		}
		wantErr(t, c.m.Push(padded{B: 4}, libbpf.Any), libbpf.ErrMapFull)
		check(t, c.m.Push(padded{B: 4}, libbpf.Exist))
		for _, want := range c.want {
			equal(t, "peeked", must[padded](t)(c.m.Peek()).B, want)
			equal(t, "popped", must[padded](t)(c.m.Pop()).B, want)
		}
		noAllocs(t, map[string]func(){
			"push": func() { _ = c.m.Push(padded{}, libbpf.Exist) },
			"peek": func() { _, _ = c.m.Peek() },
			"pop":  func() { _, _ = c.m.Pop() },
		})
	}
	wantInvalid(t, second(typed.NewStack[padded](q.Map())), "queue", "stack")
	wantInvalid(t, second(typed.NewQueue[uint8](q.Map())), "1 bytes", "12")
}

func TestBloomFilter(t *testing.T) {
	m := create(t, libbpf.MapTypeBloomFilter, 0, 12, 100)
	f := must[*typed.BloomFilter[padded]](t)(typed.NewBloomFilter[padded](m))
	equal(t, "maximum", f.MaxEntries(), 100)
	equal(t, "contains", must[bool](t)(f.Lookup(padded{A: 1})), false)
	check(t, f.Update(dirty(1, 2, true), libbpf.Any))
	equal(t, "contains", must[bool](t)(f.Lookup(dirty(1, 2, true))), true)
	equal(t, "contains", must[bool](t)(f.Lookup(padded{1, 2, true})), true)
	noAllocs(t, map[string]func(){
		"update":         func() { _ = f.Update(padded{B: 3}, libbpf.Any) },
		"lookup":         func() { _, _ = f.Lookup(padded{B: 3}) },
		"lookup, absent": func() { _, _ = f.Lookup(padded{B: 4}) },
	})
	wantInvalid(t, second(typed.NewBloomFilter[uint32](m)), "4 bytes", "12")
}

// An iteration over many elements gives each once, and allocates for its buffers only.
func TestIterateOverMany(t *testing.T) {
	const n = 20000
	m := create(t, libbpf.MapTypeHash, 8, 8, n)
	h := must[*typed.Hash[uint64, uint64]](t)(typed.NewHash[uint64, uint64](m))
	keys := make([]uint64, n)
	for i := range keys {
		keys[i] = uint64(i) * 3
	}
	equal(t, "inserted", must[int](t)(h.UpdateBatch(keys, keys, libbpf.Any)), n)
	seen := make(map[uint64]bool)
	var err error
	for key, value := range h.All(&err) {
		if seen[key] || key != value {
			t.Errorf("%d: %d", key, value)
		}
		seen[key] = true
	}
	check(t, err)
	equal(t, "elements", len(seen), n)
	allocs := testutil.AllocsPerRun(3, func() {
		for range h.All(nil) {
		}
	})
	if allocs > 200 {
		t.Errorf("%v allocations for %d elements", allocs, n)
	}
}

func TestClosed(t *testing.T) {
	m := create(t, libbpf.MapTypeHash, 4, 8, 4)
	h := must[*typed.Hash[uint32, uint64]](t)(typed.NewHash[uint32, uint64](m))
	check(t, m.Close())
	testClosedHash(t, h)
	testClosedHash(t, &typed.Hash[uint32, uint64]{})
	wantErr(t, second(typed.NewHash[uint32, uint64](m)), libbpf.ErrClosed)
	wantErr(t, second(typed.NewHash[uint32, uint64](nil)), libbpf.ErrClosed)
	wantErr(t, second(typed.NewHash[uint32, uint64](new(libbpf.Map))), libbpf.ErrClosed)
	wantErr(t, second(typed.NewHash[uint32, uint64](new(libbpf.MapHandle))), libbpf.ErrClosed)
	other := struct{ *libbpf.MapHandle }{create(t, libbpf.MapTypeHash, 4, 8, 4)}
	wantErr(t, second(typed.NewHash[uint32, uint64](other)), libbpf.ErrInvalid)

	// A closed array says so of an index beyond the end, too.
	m = create(t, libbpf.MapTypeArray, 4, 8, 4)
	a := must[*typed.Array[uint64]](t)(typed.NewArray[uint64](m))
	check(t, m.Close())
	wantErr(t, second(a.Lookup(9, libbpf.Any)), libbpf.ErrClosed)
}

func testClosedHash(t *testing.T, h *typed.Hash[uint32, uint64]) {
	t.Helper()
	var err, err2 error
	for range h.All(&err) {
		t.Error("an element")
	}
	for range h.Keys(&err2) {
		t.Error("a key")
	}
	var value uint64
	var cursor libbpf.MapCursor
	keys, values, found := make([]uint32, 1), make([]uint64, 1), make([]bool, 1)
	for i, err := range []error{
		err, err2, second(h.Lookup(1, libbpf.Any)), h.LookupInto(1, &value, libbpf.Any),
		second(h.LookupMany(keys, values, found, libbpf.Any)), h.Update(1, 1, libbpf.Any), h.Delete(1),
		second(h.LookupAndDelete(1)), h.LookupAndDeleteInto(1, &value),
		second(h.LookupBatch(&cursor, keys, values, libbpf.Any)),
		second(h.LookupAndDeleteBatch(&cursor, keys, values, libbpf.Any)),
		second(h.UpdateBatch(keys, values, libbpf.Any)), second(h.DeleteBatch(keys)), h.Map().Delete(nil),
	} {
		if err == nil {
			t.Errorf("no error from number %d", i)
		} else {
			wantErr(t, err, libbpf.ErrClosed)
		}
	}
}

// A zero value is that of a closed map.
func TestZeroValues(t *testing.T) {
	var (
		array   typed.Array[uint32]
		perCPU  typed.PerCPUArray[uint32]
		perHash typed.PerCPUHash[uint32, uint32]
		trie    typed.LPMTrie[uint32, uint32]
		queue   typed.Queue[uint32]
		stack   typed.Stack[uint32]
		bloom   typed.BloomFilter[uint32]
		outer   typed.ArrayOfMaps
		outerH  typed.HashOfMaps[uint32]
		progs   typed.ProgArray
		cgroups typed.CgroupArray
		socks   typed.SockMap
		group   typed.ReuseportSockArray
		sockH   typed.SockHash[uint32]
		xsk     typed.XSKMap
		dev     typed.DevMap
		devH    typed.DevMapHash
		cpu     typed.CPUMap
		traces  typed.StackTrace
		storage typed.TaskStorage[uint32]
		old     typed.CgroupStorage[uint64, uint32]
		oldPer  typed.PerCPUCgroupStorage[uint64, uint32]
	)
	var frames [1]uint64
	var key typed.LPMKey[uint32]
	var cursor libbpf.MapCursor
	keys, values, found := make([]uint32, 1), make([]uint32, 1), make([]bool, 1)
	prefixes := make([]typed.LPMKey[uint32], 1)
	inner := create(t, libbpf.MapTypeArray, 4, 4, 1)
	for i, err := range []error{
		second(array.Lookup(0, 0)), array.LookupInto(0, nil, 0), array.Update(0, 0, 0),
		second(array.LookupMany(keys, values, found, 0)), iterate(array.All), iterateKeys(array.Keys),
		second(perCPU.Lookup(0, 0)), perCPU.LookupInto(0, nil, 0), perCPU.Update(0, nil, 0),
		perCPU.Update(0, []uint32{1}, 0), iterate(perCPU.All), iterateKeys(perCPU.Keys),
		second(perCPU.LookupOnCPU(0, 0)), perCPU.UpdateOnCPU(0, 0, 0), perCPU.UpdateAllCPUs(0, 0), second(perCPU.LookupMany(keys, nil, found, 0)),
		second(perHash.Lookup(0, 0)), perHash.Update(0, nil, 0), perHash.Delete(0),
		second(perHash.LookupAndDelete(0)), iterate(perHash.All), second(perHash.DeleteBatch(keys)),
		second(perHash.LookupBatch(&cursor, keys, nil, 0)), second(perHash.UpdateBatch(keys, nil, 0)),
		second(trie.Lookup(key, 0)), trie.Update(key, 0, 0), trie.Delete(key), iterate(trie.All),
		second(trie.UpdateBatch(prefixes, values, 0)), iterateKeys(trie.Keys),
		queue.Push(0, 0), second(queue.Pop()), second(queue.Peek()),
		stack.Push(0, 0), second(stack.Pop()), second(stack.Peek()),
		bloom.Update(0, 0), second(bloom.Lookup(0)),
		second(outer.Lookup(0, 0)), second(outer.LookupID(0, 0)), outer.Update(0, inner, 0),
		outer.Delete(0), iterate(outer.All), iterateKeys(outer.Keys),
		second(outerH.Lookup(0, 0)), second(outerH.LookupID(0, 0)), outerH.Update(0, inner, 0),
		outerH.Delete(0), iterate(outerH.All), iterateKeys(outerH.Keys),
		progs.Update(0, nil, 0), progs.UpdateFD(0, 0, 0), second(progs.Lookup(0, 0)),
		progs.Delete(0), iterate(progs.All),
		cgroups.Update(0, 0, 0), cgroups.Update(0, -1, 0), cgroups.Delete(0),
		socks.Update(0, 0, 0), second(socks.Lookup(0, 0)), socks.Delete(0), iterate(socks.All),
		group.Update(0, 0, 0), second(group.Lookup(0, 0)), group.Delete(0), iterate(group.All),
		sockH.Update(0, 0, 0), second(sockH.Lookup(0, 0)), sockH.Delete(0), iterateKeys(sockH.Keys),
		xsk.Update(0, 0, 0), xsk.Delete(0),
		dev.Update(0, 1, 0), dev.Update(0, 0, 0), second(dev.Lookup(0, 0)), dev.Delete(0),
		iterate(dev.All), dev.UpdateWithProgram(0, 1, nil, 0),
		devH.Update(0, 1, 0), second(devH.Lookup(0, 0)), devH.Delete(0), iterate(devH.All),
		cpu.Update(0, 1, 0), cpu.Update(0, 0, 0), second(cpu.Lookup(0, 0)), cpu.Delete(0),
		iterate(cpu.All), cpu.UpdateWithProgram(0, 1, nil, 0),
		second(traces.Lookup(0, 0)), second(traces.LookupInto(0, frames[:], 0)), traces.Delete(0),
		iterate(traces.All), iterateKeys(traces.Keys),
		second(storage.Lookup(0, 0)), storage.Update(0, 0, 0), storage.Update(-1, 0, 0),
		storage.Delete(0),
		second(old.Lookup(0, 0)), old.Update(0, 0, 0), iterate(old.All),
		second(oldPer.Lookup(0, 0)), iterate(oldPer.All),
	} {
		if err == nil {
			t.Errorf("no error from number %d", i)
		} else {
			wantErr(t, err, libbpf.ErrClosed)
		}
	}
	for i, m := range []interface {
		Map() libbpf.MapCore
		MaxEntries() uint32
	}{
		&array, &perCPU, &perHash, &trie, &queue, &stack, &bloom, &outer, &outerH, &progs, &cgroups, &socks, &group,
		&sockH, &xsk, &dev, &devH, &cpu, &traces, &storage, &old, &oldPer,
	} {
		if m.Map().FD() != -1 || m.MaxEntries() != 0 {
			t.Errorf("map %d is open", i)
		}
	}
}

// iterate is the error of an iteration over a closed map.
func iterate[K, V any](all func(*error) iter.Seq2[K, V]) error {
	var err error
	for range all(&err) {
		return nil
	}
	for range all(nil) {
		return nil
	}
	return err
}

func iterateKeys[K any](keys func(*error) iter.Seq[K]) error {
	return iterate(func(err *error) iter.Seq2[K, bool] {
		return func(yield func(K, bool) bool) {
			for key := range keys(err) {
				if !yield(key, true) {
					return
				}
			}
		}
	})
}

// A map of an object serves as a handle of its own does.
func TestObjectMap(t *testing.T) {
	create(t, libbpf.MapTypeBloomFilter, 0, 4, 1) // one of the object's maps
	open, err := libbpf.OpenFile(testutil.Object(t, "maps"))
	check(t, err)
	defer open.Close()
	for name, change := range map[string]func(*libbpf.OpenMap) error{
		"pinned":      func(m *libbpf.OpenMap) error { return m.SetPinPath("") },
		"outer":       func(m *libbpf.OpenMap) error { return m.SetInnerMap(create(t, libbpf.MapTypeArray, 4, 4, 1)) },
		"not_created": func(m *libbpf.OpenMap) error { return m.SetAutocreate(false) },
	} {
		m, err := open.Map(name)
		check(t, err)
		check(t, change(m))
	}
	needs.ToLoad(t, open)
	object, err := open.Load()
	check(t, err)
	defer object.Close()
	get := func(name string) *libbpf.Map {
		m, err := object.Map(name)
		check(t, err)
		return m
	}
	type pair struct{ A, B uint32 }
	h := must[*typed.Hash[uint32, pair]](t)(typed.NewHash[uint32, pair](get("hash")))
	p := must[*typed.PerCPUHash[uint32, [5]byte]](t)(typed.NewPerCPUHash[uint32, [5]byte](get("percpu_hash")))
	q := must[*typed.Queue[uint32]](t)(typed.NewQueue[uint32](get("queue")))
	f := must[*typed.BloomFilter[uint32]](t)(typed.NewBloomFilter[uint32](get("bloom")))
	values := make([][5]byte, p.PossibleCPUs())
	values[0] = [5]byte{1, 2, 3, 4, 5}
	check(t, h.Update(1, pair{1, 2}, libbpf.Any))
	check(t, p.Update(1, values, libbpf.Any))
	check(t, q.Push(1, libbpf.Any))
	check(t, f.Update(1, libbpf.Any))
	equal(t, "value", must[pair](t)(h.Lookup(1, libbpf.Any)), pair{1, 2})
	equal(t, "value", must[[][5]byte](t)(p.Lookup(1, libbpf.Any))[0], values[0])
	equal(t, "contained", must[bool](t)(f.Lookup(1)), true)
	checkAll(t, h.All, map[uint32]pair{1: {1, 2}})
	noAllocs(t, map[string]func(){
		"lookup":  func() { _, _ = h.Lookup(1, libbpf.Any) },
		"miss":    func() { _, _ = h.Lookup(2, libbpf.Any) },
		"update":  func() { _ = h.Update(1, pair{3, 4}, libbpf.Any) },
		"delete":  func() { _ = h.Delete(2) },
		"per-CPU": func() { _ = p.LookupInto(1, values, libbpf.Any) },
		"push":    func() { _ = q.Push(1, libbpf.Exist) },
		"filter":  func() { _, _ = f.Lookup(1) },
	})
	equal(t, "popped", must[uint32](t)(q.Pop()), 1)
	if hashesTake(t) {
		equal(t, "taken", must[[][5]byte](t)(p.LookupAndDelete(1))[0], values[0])
		equal(t, "taken", must[pair](t)(h.LookupAndDelete(1)), pair{3, 4})
	}
	check(t, object.Close())
	wantErr(t, second(h.Lookup(1, libbpf.Any)), libbpf.ErrClosed)
	wantErr(t, p.LookupInto(1, values, libbpf.Any), libbpf.ErrClosed)
	wantErr(t, second(q.Pop()), libbpf.ErrClosed)
	wantErr(t, second(typed.NewQueue[uint32](q.Map())), libbpf.ErrClosed)
}

func TestConcurrentUse(t *testing.T) {
	m := create(t, libbpf.MapTypePerCPUHash, 4, 12, 128)
	h := must[*typed.PerCPUHash[uint32, padded]](t)(typed.NewPerCPUHash[uint32, padded](m))
	var wait sync.WaitGroup
	for i := range uint32(8) {
		wait.Go(func() {
			values := make([]padded, h.PossibleCPUs())
			for j := range uint32(200) {
				for cpu := range values {
					values[cpu] = padded{uint8(i), j, true}
				}
				if err := h.Update(i, values, libbpf.Any); err != nil {
					wantClosed(t, err)
					return
				}
				clear(values)
				if err := h.LookupInto(i, values, libbpf.Any); err != nil {
					wantClosed(t, err)
					return
				}
				for _, value := range values {
					if value != (padded{uint8(i), j, true}) {
						t.Errorf("%v of %d, %d", value, i, j)
					}
				}
				for range h.All(nil) {
				}
				if i == 7 && j == 150 {
					_ = m.Close()
				}
			}
		})
	}
	wait.Wait()
}

// wantClosed is wantErr for other goroutines than the test's.
func wantClosed(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, libbpf.ErrClosed) {
		t.Error(err)
	}
}
