package libbpf_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// elementSize is the length of a value in a batch.
func elementSize(t testing.TB, m libbpf.MapCore) int {
	t.Helper()
	if !m.Type().IsPerCPU() {
		return int(m.ValueSize())
	}
	cpus, err := libbpf.PossibleCPUs()
	check(t, err)
	return cpus * ((int(m.ValueSize()) + 7) / 8 * 8)
}

// element returns the i-th key and value of a map, for any sizes.
func element(t testing.TB, m libbpf.MapCore, i int) (key, value []byte) {
	t.Helper()
	key = make([]byte, max(8, m.KeySize()))
	switch {
	case m.Type() == libbpf.MapTypeLPMTrie:
		binary.NativeEndian.PutUint32(key, 8*(m.KeySize()-4))
		binary.BigEndian.PutUint32(key[4:], uint32(i))
	case m.KeySize() == 4: // an array's index
		binary.NativeEndian.PutUint32(key, uint32(i))
	default:
		binary.LittleEndian.PutUint64(key, uint64(i))
	}
	size := elementSize(t, m)
	slot, used := size, size
	if m.Type().IsPerCPU() {
		used = int(m.ValueSize())
		slot = (used + 7) / 8 * 8
	}
	value = make([]byte, size)
	for at := 0; at < size; at += slot {
		for j := range used {
			value[at+j] = byte(i + j + at)
		}
	}
	return key[:m.KeySize()], value
}

func fill(t testing.TB, m libbpf.MapCore, n int) {
	t.Helper()
	var keys, values []byte
	for i := range n {
		key, value := element(t, m, i)
		keys, values = append(keys, key...), append(values, value...)
	}
	got, err := m.UpdateBatch(keys, values, libbpf.Any)
	if err != nil || got != n {
		t.Fatalf("updated %d of %d: %v", got, n, err)
	}
}

// Every element is returned exactly once, for all types, sizes of keys and values, and sizes of batches.
func TestLookupBatch(t *testing.T) {
	testutil.Root(t)
	for _, c := range []struct {
		typ                libbpf.MapType
		keySize, valueSize uint32
		entries, flags     int
	}{
		{libbpf.MapTypeHash, 1, 1, 200, 0},
		{libbpf.MapTypeHash, 2, 3, 1000, 0},
		{libbpf.MapTypeHash, 4, 8, 1000, 0},
		{libbpf.MapTypeHash, 4, 8, 1000, int(libbpf.CreateNoPrealloc)},
		{libbpf.MapTypeHash, 8, 8, 10000, 0},
		{libbpf.MapTypeHash, 64, 512, 500, 0},
		{libbpf.MapTypeLRUHash, 4, 8, 1000, 0},
		{libbpf.MapTypePerCPUHash, 4, 5, 500, 0},
		{libbpf.MapTypePerCPUHash, 3, 8, 500, 0},
		{libbpf.MapTypeLRUPerCPUHash, 4, 4, 500, 0},
		{libbpf.MapTypeArray, 4, 8, 1000, 0},
		{libbpf.MapTypeArray, 4, 3, 100, 0},
		{libbpf.MapTypePerCPUArray, 4, 12, 300, 0},
		{libbpf.MapTypeLPMTrie, 8, 4, 300, int(libbpf.CreateNoPrealloc)},
	} {
		t.Run(fmt.Sprintf("%v/%d/%d/%d", c.typ, c.keySize, c.valueSize, c.entries), func(t *testing.T) {
			lru := c.typ == libbpf.MapTypeLRUHash || c.typ == libbpf.MapTypeLRUPerCPUHash
			room := c.entries
			if lru {
				room *= 4 // so that nothing is evicted
			}
			m, err := libbpf.CreateMap(c.typ, "batch", c.keySize, c.valueSize, uint32(room),
				libbpf.MapCreateOptions{Flags: libbpf.MapCreateFlags(c.flags)})
			check(t, err)
			defer m.Close()
			fill(t, m, c.entries)
			array := c.typ == libbpf.MapTypeArray || c.typ == libbpf.MapTypePerCPUArray
			for _, batch := range []int{1, 2, 3, 7, 10, 64, c.entries - 1, c.entries, c.entries + 1, 5 * c.entries} {
				checkWalk(t, m, c.entries, batch, m.LookupBatch)
			}
			if array {
				return // its elements can't be deleted
			}
			for _, batch := range []int{1, 7, c.entries, 5 * c.entries} {
				if c.typ == libbpf.MapTypeLPMTrie {
					break // deleted one by one, below
				}
				checkWalk(t, m, c.entries, batch, m.LookupAndDeleteBatch)
				checkWalk(t, m, 0, batch, m.LookupBatch)
				fill(t, m, c.entries)
			}
			var keys []byte
			for i := range c.entries {
				key, _ := element(t, m, i)
				keys = append(keys, key...)
			}
			n, err := m.DeleteBatch(keys)
			if err != nil || n != c.entries {
				t.Errorf("deleted %d: %v", n, err)
			}
			checkWalk(t, m, 0, 10, m.LookupBatch)
		})
	}
}

// checkWalk reads a map in batches of one size, and expects each of the elements 0 to n exactly once.
func checkWalk(t *testing.T, m libbpf.MapCore, n, batch int,
	read func(*libbpf.MapCursor, []byte, []byte, libbpf.MapFlags) (int, error)) {
	t.Helper()
	size := elementSize(t, m)
	keySize := int(m.KeySize())
	const guard = 64 // bytes behind each buffer that must stay as they are
	keys := bytes.Repeat([]byte{0xEE}, batch*keySize+guard)
	values := bytes.Repeat([]byte{0xEE}, batch*size+guard)
	want := make(map[string]string)
	for i := range n {
		key, value := element(t, m, i)
		want[string(key)] = string(value)
	}
	var cursor libbpf.MapCursor
	seen := 0
	for {
		got, err := read(&cursor, keys[:batch*keySize], values[:batch*size], libbpf.Any)
		if errors.Is(err, io.EOF) {
			if got != 0 {
				t.Errorf("%d elements and the end", got)
			}
			break
		}
		check(t, err)
		if got < batch && seen+got != n {
			t.Errorf("a batch of %d has %d elements before the end", batch, got)
		}
		seen += got
		for i := range got {
			key, value := string(keys[i*keySize:(i+1)*keySize]), string(values[i*size:(i+1)*size])
			if expected, ok := want[key]; !ok || expected != value {
				t.Fatalf("batch of %d: %x = %x, want %x (there or not yet seen: %t)", batch, key, value, expected, ok)
			}
			delete(want, key)
		}
	}
	if len(want) > 0 || seen != n {
		t.Errorf("batches of %d: %d elements, %d not seen", batch, seen, len(want))
	}
	if !bytes.Equal(keys[batch*keySize:], bytes.Repeat([]byte{0xEE}, guard)) ||
		!bytes.Equal(values[batch*size:], bytes.Repeat([]byte{0xEE}, guard)) {
		t.Errorf("batches of %d wrote behind a buffer", batch)
	}
	if got, err := read(&cursor, keys[:keySize], values[:size], libbpf.Any); got != 0 || err != io.EOF {
		t.Errorf("behind the end: %d, %v", got, err)
	}
}

// Most indices of these maps are empty. Batches skip them.
func TestSparseBatch(t *testing.T) {
	testutil.Root(t)
	m, err := libbpf.CreateMap(libbpf.MapTypeDevMap, "sparse", 4, 4, 4096, libbpf.MapCreateOptions{})
	check(t, err)
	defer m.Close()
	loopback, err := net.InterfaceByName("lo")
	check(t, err)
	for _, index := range []uint32{7, 4000} {
		check(t, m.Update(u32(index), u32(uint32(loopback.Index)), libbpf.Any))
	}
	var found []uint32
	for key := range m.All(&err) {
		found = append(found, binary.NativeEndian.Uint32(key))
	}
	check(t, err)
	if !slices.Equal(found, []uint32{7, 4000}) {
		t.Errorf("devices at %v", found)
	}
	var cursor libbpf.MapCursor
	key, value := make([]byte, 4), make([]byte, 4)
	for _, want := range []uint32{7, 4000} {
		n, err := m.LookupBatch(&cursor, key, value, libbpf.Any)
		if n != 1 || err != nil || binary.NativeEndian.Uint32(key) != want {
			t.Errorf("%d, %v: %v, want %d", n, err, key, want)
		}
	}
	_, err = m.LookupBatch(&cursor, key, value, libbpf.Any)
	wantErr(t, err, io.EOF)
}

func TestUpdateBatchStopsAtError(t *testing.T) {
	testutil.Root(t)
	m, err := libbpf.CreateMap(libbpf.MapTypeHash, "small", 4, 4, 3, libbpf.MapCreateOptions{})
	check(t, err)
	defer m.Close()
	keys, values := make([]byte, 5*4), make([]byte, 5*4)
	for i := range 5 {
		binary.NativeEndian.PutUint32(keys[4*i:], uint32(i))
	}
	n, err := m.UpdateBatch(keys, values, libbpf.Any)
	wantErr(t, err, libbpf.ErrMapFull)
	if n != 3 {
		t.Errorf("%d elements were set", n)
	}
	n, err = m.UpdateBatch(keys[:8], values[:8], libbpf.NoExist)
	wantErr(t, err, libbpf.ErrKeyExist)
	if n != 0 {
		t.Errorf("%d elements were set", n)
	}
	n, err = m.DeleteBatch(append(u32(1), append(u32(99), u32(2)...)...))
	wantErr(t, err, libbpf.ErrKeyNotExist)
	if n != 1 {
		t.Errorf("%d elements were deleted", n)
	}
}

// A batch that the kernel refuses as a whole sets no element.
func TestRefusedBatchCountsNothing(t *testing.T) {
	testutil.Root(t)
	m, err := libbpf.CreateMap(libbpf.MapTypeHash, "frozen", 4, 4, 4, libbpf.MapCreateOptions{})
	check(t, err)
	defer m.Close()
	fill(t, m, 2)
	check(t, m.Freeze())
	keys := append(u32(0), u32(1)...)
	n, err := m.UpdateBatch(keys, keys, libbpf.Any)
	wantErr(t, err, unix.EPERM)
	if n != 0 {
		t.Errorf("%d elements were set", n)
	}
	n, err = m.DeleteBatch(keys)
	wantErr(t, err, unix.EPERM)
	if n != 0 {
		t.Errorf("%d elements were deleted", n)
	}
}

func TestBatchArguments(t *testing.T) {
	o := loadMaps(t)
	hash, queue := findMap(t, o, "hash"), findMap(t, o, "queue")
	var cursor libbpf.MapCursor
	result := func(n int, err error) error {
		if n != 0 {
			t.Errorf("%d elements", n)
		}
		return err
	}
	for name, err := range map[string]error{
		"half a key":        result(hash.LookupBatch(&cursor, make([]byte, 6), make([]byte, 8), libbpf.Any)),
		"values too short":  result(hash.LookupBatch(&cursor, make([]byte, 8), make([]byte, 15), libbpf.Any)),
		"values too long":   result(hash.LookupAndDeleteBatch(&cursor, make([]byte, 4), make([]byte, 9), libbpf.Any)),
		"no cursor":         result(hash.LookupBatch(nil, make([]byte, 4), make([]byte, 8), libbpf.Any)),
		"update":            result(hash.UpdateBatch(make([]byte, 4), nil, libbpf.Any)),
		"delete half a key": result(hash.DeleteBatch(make([]byte, 3))),
		"queue":             result(queue.UpdateBatch(nil, make([]byte, 4), libbpf.Any)),
		"queue, delete":     result(queue.DeleteBatch(nil)),
	} {
		if !errors.Is(err, libbpf.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A cursor belongs to one map.
	var other libbpf.MapCursor
	check(t, result(findMap(t, o, "lru_hash").LookupBatch(&other, nil, nil, libbpf.Any)))
	wantErr(t, result(hash.LookupBatch(&other, make([]byte, 4), make([]byte, 8), libbpf.Any)), libbpf.ErrInvalid)
	// A batch without elements does nothing.
	check(t, result(hash.LookupBatch(&cursor, nil, nil, libbpf.Any)))
	check(t, result(hash.UpdateBatch(nil, nil, libbpf.Any)))
	check(t, result(hash.DeleteBatch([]byte{})))
	// Batches stay in use after a batch with wrong flags.
	check(t, hash.Update(u32(1), u64(1), libbpf.Any))
	err := result(hash.LookupBatch(&cursor, make([]byte, 4), make([]byte, 8), 1<<40))
	wantErr(t, err, unix.EINVAL)
}

func TestEntries(t *testing.T) {
	testutil.Root(t)
	const n = 5000
	m, err := libbpf.CreateMap(libbpf.MapTypeHash, "entries", 4, 8, n, libbpf.MapCreateOptions{})
	check(t, err)
	defer m.Close()
	fill(t, m, n)
	seen := make(map[string]bool)
	for key, value := range m.All(&err) {
		_, want := element(t, m, int(binary.NativeEndian.Uint32(key)))
		if !bytes.Equal(value, want) || seen[string(key)] {
			t.Fatalf("%x = %x", key, value)
		}
		seen[string(key)] = true
	}
	check(t, err)
	if len(seen) != n {
		t.Errorf("%d entries", len(seen))
	}
	for range m.All(nil) {
		break
	}
	check(t, m.Close())
	for range m.All(&err) {
		t.Error("an entry of a closed map")
	}
	wantErr(t, err, libbpf.ErrClosed)
}

// Each key is returned exactly once, whether it is read in batches or key by key, without an allocation for each.
func TestKeysOfEachKind(t *testing.T) {
	testutil.Root(t)
	const n = 3000
	for _, c := range []struct {
		typ             libbpf.MapType
		key, value, max uint32
		flags           libbpf.MapCreateFlags
	}{
		{libbpf.MapTypeHash, 8, 8, n, 0},
		{libbpf.MapTypeHash, 8, 5000, n, libbpf.CreateNoPrealloc}, // walked key by key
		{libbpf.MapTypeLRUHash, 8, 3, 4 * n, 0},
		{libbpf.MapTypePerCPUHash, 8, 12, n, 0},
		{libbpf.MapTypeArray, 4, 8, n, 0},
		{libbpf.MapTypePerCPUArray, 4, 4, n, 0},
		{libbpf.MapTypeLPMTrie, 8, 8, n, libbpf.CreateNoPrealloc},
	} {
		m, err := libbpf.CreateMap(c.typ, "keys", c.key, c.value, c.max, libbpf.MapCreateOptions{Flags: c.flags})
		check(t, err)
		fill(t, m, n)
		seen := make(map[string]bool)
		for key := range m.Keys(&err) {
			if seen[string(key)] {
				t.Fatalf("%s, values of %d bytes: key %x came twice", c.typ, c.value, key)
			}
			seen[string(key)] = true
			clear(key) // the iteration no longer needs it
		}
		check(t, err)
		for i := range n {
			if key, _ := element(t, m, i); !seen[string(key)] {
				t.Errorf("%s, values of %d bytes: key %x did not come", c.typ, c.value, key)
			}
		}
		if len(seen) != n {
			t.Errorf("%s, values of %d bytes: %d keys", c.typ, c.value, len(seen))
		}
		allocs := testutil.AllocsPerRun(1, func() {
			for range m.Keys(&err) {
			}
		})
		if allocs > n/10 {
			t.Errorf("%s, values of %d bytes: %v allocations", c.typ, c.value, allocs)
		}
		check(t, m.Close())
	}
}

// Elements that are added and removed during an iteration neither stop it nor make it endless.
func TestIterationUnderChanges(t *testing.T) {
	testutil.Root(t)
	for _, typ := range []libbpf.MapType{libbpf.MapTypeHash, libbpf.MapTypeLPMTrie} {
		var options libbpf.MapCreateOptions
		if typ == libbpf.MapTypeLPMTrie {
			options.Flags = libbpf.CreateNoPrealloc
		}
		m, err := libbpf.CreateMap(typ, "changing", 8, 8, 1000, options)
		check(t, err)
		stop, done := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(done)
			random := rand.New(rand.NewPCG(1, 1))
			for {
				select {
				case <-stop:
					return
				default:
				}
				key, value := element(t, m, random.IntN(1000))
				if random.IntN(2) == 0 {
					_ = m.Update(key, value, libbpf.Any)
				} else {
					_ = m.Delete(key)
				}
			}
		}()
		for range 100 {
			n := 0
			for key, value := range m.All(&err) {
				if len(key) != 8 || len(value) != 8 {
					t.Fatal("a torn entry")
				}
				if n++; n > 100000 {
					t.Fatal("the iteration does not end")
				}
			}
			if err != nil && !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR) {
				t.Fatal(err)
			}
		}
		close(stop)
		<-done
		check(t, m.Close())
	}
}
