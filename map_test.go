package libbpf_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// testClosedMap checks that every operation on a closed or nil map says so.
func testClosedMap(t *testing.T, m libbpf.MapCore) {
	t.Helper()
	key, value := make([]byte, m.KeySize()), make([]byte, m.ValueSize())
	_, err := m.Lookup(key, libbpf.Any)
	wantErr(t, err, libbpf.ErrClosed)
	wantErr(t, m.LookupInto(key, value, libbpf.Any), libbpf.ErrClosed)
	_, err = m.LookupPerCPU(key, libbpf.Any)
	wantErr(t, err, libbpf.ErrClosed)
	_, err = m.LookupMany(key, value, make([]bool, 1), libbpf.Any)
	wantErr(t, err, libbpf.ErrClosed)
	_, err = m.LookupBloomFilter(value)
	wantErr(t, err, libbpf.ErrClosed)
	wantErr(t, m.Update(key, value, libbpf.Any), libbpf.ErrClosed)
	wantErr(t, m.UpdatePerCPU(key, nil, libbpf.Any), libbpf.ErrClosed)
	wantErr(t, m.Delete(key), libbpf.ErrClosed)
	_, err = m.LookupAndDelete(key)
	wantErr(t, err, libbpf.ErrClosed)
	wantErr(t, m.UpdatePerCPUFrom(key, value, libbpf.Any), libbpf.ErrClosed)
	_, err = m.LookupAndDeletePerCPU(key)
	wantErr(t, err, libbpf.ErrClosed)
	wantErr(t, m.LookupAndDeletePerCPUInto(key, value), libbpf.ErrClosed)
	_, err = m.Info()
	wantErr(t, err, libbpf.ErrClosed)
	wantErr(t, m.Freeze(), libbpf.ErrClosed)
	wantErr(t, m.Pin("/x"), libbpf.ErrClosed)
	err = nil
	for range m.Keys(&err) {
		t.Error("a key in a closed map")
	}
	wantErr(t, err, libbpf.ErrClosed)
	if m.FD() != -1 {
		t.Errorf("fd %d", m.FD())
	}
	_, err = libbpf.MapHandleFrom(m)
	wantErr(t, err, libbpf.ErrClosed)
}

func TestMapOperations(t *testing.T) {
	m := findMap(t, loadMaps(t), "hash")
	if m.Name() != "hash" || m.Type() != libbpf.MapTypeHash || m.KeySize() != 4 || m.ValueSize() != 8 ||
		m.MaxEntries() != 64 {
		t.Errorf("%q, %v, %d, %d, %d", m.Name(), m.Type(), m.KeySize(), m.ValueSize(), m.MaxEntries())
	}
	key, value := u32(1), u64(2)
	_, err := m.Lookup(key, libbpf.Any)
	wantErr(t, err, libbpf.ErrKeyNotExist, unix.ENOENT, os.ErrNotExist)
	wantErr(t, m.Delete(key), libbpf.ErrKeyNotExist)
	wantErr(t, m.Update(key, value, libbpf.Exist), libbpf.ErrKeyNotExist)
	check(t, m.Update(key, value, libbpf.NoExist))
	wantErr(t, m.Update(key, value, libbpf.NoExist), libbpf.ErrKeyExist, unix.EEXIST, os.ErrExist)
	got, err := m.Lookup(key, libbpf.Any)
	check(t, err)
	if !bytes.Equal(got, value) {
		t.Errorf("value %v, want %v", got, value)
	}
	check(t, m.Update(key, u64(3), libbpf.Exist))
	into := make([]byte, 8)
	check(t, m.LookupInto(key, into, libbpf.Any))
	if !bytes.Equal(into, u64(3)) {
		t.Errorf("value %v", into)
	}
	check(t, m.Delete(key))

	for i := range m.MaxEntries() {
		check(t, m.Update(u32(i), value, libbpf.Any))
	}
	wantErr(t, m.Update(u32(1000), value, libbpf.Any), libbpf.ErrMapFull, unix.E2BIG)
	check(t, m.Delete(u32(0)))

	info, err := m.Info()
	check(t, err)
	if info.Type != libbpf.MapTypeHash || info.Name != "hash" || info.KeySize != 4 || info.ValueSize != 8 ||
		info.MaxEntries != 64 || info.ID == 0 || info.BTFID == 0 {
		t.Errorf("info %+v", info)
	}

	// Kernel errors name the map too.
	wantErr(t, m.Update(key, value, libbpf.MapFlags(1<<40)), unix.EINVAL)
}

func TestMapLengths(t *testing.T) {
	o := loadMaps(t)
	hash, perCPU, queue := findMap(t, o, "hash"), findMap(t, o, "percpu_hash"), findMap(t, o, "queue")
	key, value := u32(1), u64(1)
	cpus, err := libbpf.PossibleCPUs()
	check(t, err)
	odd := make([]byte, perCPU.ValueSize())
	values := make([][]byte, cpus)
	for i := range values {
		values[i] = odd
	}
	image := make([]byte, cpus*((len(odd)+7)/8*8))
	short := slices.Clone(values)
	short[cpus-1] = odd[1:]
	result := func(_ any, err error) error { return err }
	for name, err := range map[string]error{
		"no key":                     hash.Update(nil, value, libbpf.Any),
		"short key":                  hash.Update(key[1:], value, libbpf.Any),
		"long key":                   hash.Delete(value),
		"no value":                   hash.Update(key, nil, libbpf.Any),
		"short value":                hash.Update(key, value[1:], libbpf.Any),
		"long buffer":                hash.LookupInto(key, make([]byte, 9), libbpf.Any),
		"short buffer":               hash.LookupInto(key, make([]byte, 7), libbpf.Any),
		"take, short key":            result(hash.LookupAndDelete(key[1:])),
		"lookup, empty key":          result(hash.Lookup([]byte{}, libbpf.Any)),
		"per-CPU of a plain map":     result(hash.LookupPerCPU(key, libbpf.Any)),
		"take per-CPU of plain":      result(hash.LookupAndDeletePerCPU(key)),
		"plain of a per-CPU map":     result(perCPU.Lookup(key, libbpf.Any)),
		"plain update of per-CPU":    perCPU.Update(key, odd, libbpf.Any),
		"plain take of per-CPU":      result(perCPU.LookupAndDelete(key)),
		"per-CPU, short key":         result(perCPU.LookupPerCPU(key[1:], libbpf.Any)),
		"per-CPU, no values":         perCPU.UpdatePerCPU(key, nil, libbpf.Any),
		"per-CPU, too few values":    perCPU.UpdatePerCPU(key, values[1:], libbpf.Any),
		"per-CPU, too many values":   perCPU.UpdatePerCPU(key, append(values, odd), libbpf.Any),
		"per-CPU, one short value":   perCPU.UpdatePerCPU(key, short, libbpf.Any),
		"per-CPU, short image":       perCPU.LookupPerCPUInto(key, image[1:], libbpf.Any),
		"per-CPU, long image":        perCPU.UpdatePerCPUFrom(key, append(image, 0), libbpf.Any),
		"per-CPU, one value":         perCPU.UpdatePerCPUFrom(key, odd, libbpf.Any),
		"per-CPU, take short image":  perCPU.LookupAndDeletePerCPUInto(key, image[1:]),
		"per-CPU update of plain":    hash.UpdatePerCPUFrom(key, value, libbpf.Any),
		"queue with a key":           queue.Update(key, u32(1), libbpf.Any),
		"queue, lookup with a key":   result(queue.Lookup(key, libbpf.Any)),
		"queue, short value":         queue.Update(nil, key[1:], libbpf.Any),
		"bloom filter that is a map": result(hash.LookupBloomFilter(value)),
	} {
		if !errors.Is(err, libbpf.ErrInvalid) || !errors.Is(err, unix.EINVAL) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	err = nil
	for range queue.Keys(&err) {
		t.Error("a queue has a key")
	}
	wantErr(t, err, libbpf.ErrInvalid)
	for range queue.Keys(nil) {
		t.Error("a queue has a key")
	}
}

func TestArray(t *testing.T) {
	m := findMap(t, loadMaps(t), "array")
	check(t, m.Update(u32(7), u64(1), libbpf.Any))
	wantErr(t, m.Update(u32(8), u64(1), libbpf.Any), libbpf.ErrIndexRange, unix.E2BIG)
	wantErr(t, m.Update(u32(0), u64(1), libbpf.NoExist), libbpf.ErrKeyExist)
	_, err := m.Lookup(u32(8), libbpf.Any)
	wantErr(t, err, libbpf.ErrKeyNotExist)
	wantErr(t, m.Delete(u32(0)), unix.EINVAL)
	var keys [][]byte
	for key := range m.Keys(&err) {
		keys = append(keys, bytes.Clone(key))
	}
	check(t, err)
	if len(keys) != 8 || !bytes.Equal(keys[7], u32(7)) {
		t.Errorf("keys %v", keys)
	}
}

func TestFullTrie(t *testing.T) {
	testutil.Root(t)
	m, err := libbpf.CreateMap(libbpf.MapTypeLPMTrie, "trie", 8, 4, 1,
		libbpf.MapCreateOptions{Flags: libbpf.CreateNoPrealloc})
	check(t, err)
	defer m.Close()
	check(t, m.Update(append(u32(32), 1, 2, 3, 4), u32(1), libbpf.Any))
	wantErr(t, m.Update(append(u32(32), 1, 2, 3, 5), u32(1), libbpf.Any), libbpf.ErrMapFull)
}

func TestPerCPU(t *testing.T) {
	o := loadMaps(t)
	cpus, err := libbpf.PossibleCPUs()
	check(t, err)
	for _, name := range []string{"percpu_hash", "percpu_array"} {
		m := findMap(t, o, name)
		size := int(m.ValueSize())
		values := make([][]byte, cpus)
		for cpu := range values {
			values[cpu] = bytes.Repeat([]byte{byte(cpu + 1)}, size)
		}
		check(t, m.UpdatePerCPU(u32(1), values, libbpf.Any))
		got, err := m.LookupPerCPU(u32(1), libbpf.Any)
		check(t, err)
		if !slices.EqualFunc(got, values, bytes.Equal) {
			t.Errorf("%s: values %v, want %v", name, got, values)
		}
		for _, value := range got {
			if len(value) != size || cap(value) != size {
				t.Errorf("%s: a value of %d bytes, room for %d", name, len(value), cap(value))
			}
		}
	}
	hash := findMap(t, o, "percpu_hash")
	_, err = hash.LookupPerCPU(u32(2), libbpf.Any)
	wantErr(t, err, libbpf.ErrKeyNotExist)
	size := (int(hash.ValueSize()) + 7) / 8 * 8
	image := bytes.Repeat([]byte{7}, cpus*size)
	check(t, hash.UpdatePerCPUFrom(u32(3), image, libbpf.NoExist))
	read := make([]byte, len(image))
	check(t, hash.LookupPerCPUInto(u32(3), read, libbpf.Any))
	for cpu := range cpus {
		if from, to := cpu*size, cpu*size+int(hash.ValueSize()); !bytes.Equal(read[from:to], image[from:to]) {
			t.Errorf("values %v", read)
		}
	}
}

func TestLookupAndDelete(t *testing.T) {
	o := loadMaps(t)
	m := findMap(t, o, "hash")
	check(t, m.Update(u32(1), u64(3), libbpf.Any))
	got, err := m.LookupAndDelete(u32(1))
	if errors.Is(err, errors.ErrUnsupported) {
		testutil.Skip(t, "hash-take", err)
	}
	check(t, err)
	if !bytes.Equal(got, u64(3)) {
		t.Errorf("value %v", got)
	}
	_, err = m.LookupAndDelete(u32(1))
	wantErr(t, err, libbpf.ErrKeyNotExist)

	cpus, err := libbpf.PossibleCPUs()
	check(t, err)
	m = findMap(t, o, "percpu_hash")
	size := (int(m.ValueSize()) + 7) / 8 * 8
	image := bytes.Repeat([]byte{7}, cpus*size)
	check(t, m.UpdatePerCPUFrom(u32(3), image, libbpf.NoExist))
	check(t, m.UpdatePerCPUFrom(u32(4), image, libbpf.NoExist))
	taken := make([]byte, len(image))
	check(t, m.LookupAndDeletePerCPUInto(u32(3), taken))
	for cpu := range cpus {
		if from, to := cpu*size, cpu*size+int(m.ValueSize()); !bytes.Equal(taken[from:to], image[from:to]) {
			t.Errorf("values %v", taken)
		}
	}
	wantErr(t, m.LookupAndDeletePerCPUInto(u32(3), taken), libbpf.ErrKeyNotExist)
	values, err := m.LookupAndDeletePerCPU(u32(4))
	check(t, err)
	if len(values) != cpus || values[0][4] != 7 {
		t.Errorf("values %v", values)
	}
	_, err = m.LookupAndDeletePerCPU(u32(4))
	wantErr(t, err, libbpf.ErrKeyNotExist)
}

// Operations on one CPU's value need a kernel that knows the flags. For another kernel they must fail before the call:
// the kernel would copy the values of all CPUs, and the buffer has room for one.
func TestOneCPUsValue(t *testing.T) {
	o := loadMaps(t)
	cpus, err := libbpf.PossibleCPUs()
	check(t, err)
	last := uint32(cpus - 1)
	for _, name := range []string{"percpu_hash", "percpu_array"} {
		m := findMap(t, o, name)
		size := int(m.ValueSize())
		one, seven := bytes.Repeat([]byte{1}, size), bytes.Repeat([]byte{7}, size)
		for _, flags := range []libbpf.MapFlags{libbpf.OnCPU(0) | libbpf.NoExist, libbpf.AllCPUs | libbpf.Exist} {
			wantErr(t, m.Update(u32(2), one, flags), libbpf.ErrInvalid) // Linux 7 would ignore NoExist and Exist
		}
		err := m.Update(u32(2), one, libbpf.AllCPUs)
		if errors.Is(err, errors.ErrUnsupported) {
			testutil.Skip(t, "one-cpu", err)
		}
		check(t, err)
		check(t, m.Update(u32(2), seven, libbpf.OnCPU(last)))
		all, err := m.LookupPerCPU(u32(2), libbpf.Any)
		check(t, err)
		for cpu, value := range all {
			want := one
			if cpu == int(last) {
				want = seven
			}
			got, err := m.Lookup(u32(2), libbpf.OnCPU(uint32(cpu)))
			check(t, err)
			if !bytes.Equal(value, want) || !bytes.Equal(got, want) {
				t.Errorf("%s: CPU %d has %v, or %v, and should have %v", name, cpu, value, got, want)
			}
		}
		_, err = m.Lookup(u32(2), libbpf.OnCPU(last+1))
		wantErr(t, err, unix.ERANGE)
		wantErr(t, m.UpdatePerCPU(u32(2), all, libbpf.AllCPUs), libbpf.ErrInvalid)
		_, err = m.LookupPerCPU(u32(2), libbpf.OnCPU(0))
		wantErr(t, err, libbpf.ErrInvalid)
		_, err = m.UpdateBatch(u32(2), make([]byte, elementSize(t, m)), libbpf.AllCPUs)
		wantErr(t, err, libbpf.ErrInvalid)
	}
	wantErr(t, findMap(t, o, "hash").Update(u32(2), u64(1), libbpf.AllCPUs), libbpf.ErrInvalid)
}

func TestKeyless(t *testing.T) {
	o := loadMaps(t)
	for _, c := range []struct {
		name string
		want []uint32
	}{{"queue", []uint32{1, 2, 3, 4}}, {"stack", []uint32{4, 3, 2, 1}}} {
		m := findMap(t, o, c.name)
		_, err := m.Lookup(nil, libbpf.Any)
		wantErr(t, err, libbpf.ErrKeyNotExist)
		for i := range uint32(4) {
			check(t, m.Update(nil, u32(i+1), libbpf.Any))
		}
		wantErr(t, m.Update([]byte{}, u32(5), libbpf.Any), libbpf.ErrMapFull)
		peek, err := m.Lookup(nil, libbpf.Any)
		check(t, err)
		if !bytes.Equal(peek, u32(c.want[0])) {
			t.Errorf("%s: peek %v", c.name, peek)
		}
		for _, want := range c.want {
			got, err := m.LookupAndDelete(nil)
			check(t, err)
			if !bytes.Equal(got, u32(want)) {
				t.Errorf("%s: %v, want %d", c.name, got, want)
			}
		}
		_, err = m.LookupAndDelete(nil)
		wantErr(t, err, libbpf.ErrKeyNotExist)
	}
}

func TestBloomFilter(t *testing.T) {
	if err := bloomFilters(); err != nil {
		testutil.Skip(t, "bloom_filter", err)
	}
	bloom := findMap(t, loadMaps(t), "bloom")
	_, err := bloom.Lookup(nil, libbpf.Any)
	wantErr(t, err, libbpf.ErrInvalid, unix.EINVAL)
	for _, value := range [][]byte{u64(1), u32(1)[1:]} {
		_, err := bloom.LookupBloomFilter(value)
		wantErr(t, err, libbpf.ErrInvalid, unix.EINVAL)
	}
	check(t, bloom.Update(nil, u32(5), libbpf.Any))
	if ok, err := bloom.LookupBloomFilter(u32(5)); err != nil || !ok {
		t.Errorf("5 is not in the filter: %v", err)
	}
	absent := 0
	for i := range uint32(100) {
		ok, err := bloom.LookupBloomFilter(u32(1000 + i))
		check(t, err)
		if !ok {
			absent++
		}
	}
	if absent < 50 {
		t.Errorf("only %d of 100 absent values are absent", absent)
	}
}

func TestKeys(t *testing.T) {
	m := findMap(t, loadMaps(t), "hash")
	var err error
	for range m.Keys(&err) {
		t.Error("a key in an empty map")
	}
	check(t, err)
	for i := range uint32(50) {
		check(t, m.Update(u32(i), u64(0), libbpf.Any))
	}
	seen := make(map[string]int)
	for key := range m.Keys(&err) {
		seen[string(key)]++
	}
	check(t, err)
	if len(seen) != 50 {
		t.Errorf("%d keys", len(seen))
	}
	for key := range m.Keys(&err) {
		// Changing a key in the loop must not change the iteration.
		check(t, m.Delete(key))
		clear(key)
	}
	check(t, err)
	n := 0
	for range m.Keys(&err) {
		n++
	}
	check(t, err)
	if n != 0 {
		t.Errorf("%d keys are left", n)
	}
}

// Deletions during an iteration make the kernel restart it. It must end nevertheless.
func TestKeysEnd(t *testing.T) {
	m := findMap(t, loadMaps(t), "hash")
	for i := range uint32(8) {
		check(t, m.Update(u32(i), u64(0), libbpf.Any))
	}
	var err error
	n := 0
	for key := range m.Keys(&err) {
		check(t, m.Delete(key))
		check(t, m.Update(key, u64(0), libbpf.Any))
		other := u32(uint32(1000 + n%2))
		check(t, m.Delete(key))
		check(t, m.Update(other, u64(0), libbpf.Any))
		check(t, m.Update(key, u64(0), libbpf.Any))
		if n++; n > 1000 {
			t.Fatal("the iteration does not end")
		}
	}
}

func TestFreeze(t *testing.T) {
	m := findMap(t, loadMaps(t), "array")
	check(t, m.Update(u32(0), u64(1), libbpf.Any))
	check(t, m.Freeze())
	wantErr(t, m.Update(u32(0), u64(2), libbpf.Any), unix.EPERM, os.ErrPermission)
	_, err := m.Lookup(u32(0), libbpf.Any)
	check(t, err)
}

func TestPinMap(t *testing.T) {
	pins := testutil.BPFFS(t)
	m := findMap(t, loadMaps(t), "hash")
	path := filepath.Join(pins, "hash")
	check(t, m.Pin(path))
	if !m.IsPinned() || m.PinPath() != path {
		t.Errorf("pinned %t at %q", m.IsPinned(), m.PinPath())
	}
	check(t, m.Update(u32(1), u64(2), libbpf.Any))
	opened, err := libbpf.MapHandleFromPinnedPath(path)
	check(t, err)
	defer opened.Close()
	got, err := opened.Lookup(u32(1), libbpf.Any)
	check(t, err)
	if !bytes.Equal(got, u64(2)) {
		t.Errorf("value %v", got)
	}
	testMapOpenOptions(t, m, path)
	wantErr(t, findMap(t, loadMaps(t), "array").Pin(path), os.ErrExist)
	wantErr(t, opened.Pin(path), os.ErrExist)
	wantErr(t, opened.Pin(filepath.Join(pins, "missing", "hash")), os.ErrNotExist)
	check(t, m.Unpin(path))
	_, err = libbpf.MapHandleFromPinnedPath(path)
	wantErr(t, err, os.ErrNotExist)
	// The path is not on a BPF file system.
	if err := opened.Pin(filepath.Join(t.TempDir(), "hash")); err == nil {
		t.Error("pinned on an ordinary file system")
	}
	if err := m.Pin(filepath.Join(t.TempDir(), "hash")); err == nil {
		t.Error("pinned on an ordinary file system")
	}
}

// testMapOpenOptions opens a map with the value 2 under the key 1, which is pinned at path.
func testMapOpenOptions(t *testing.T, m *libbpf.Map, path string) {
	t.Helper()
	info, err := m.Info()
	check(t, err)
	dir, err := os.Open(filepath.Dir(path))
	check(t, err)
	defer dir.Close()
	key, value := u32(1), u64(2)
	readOnly := libbpf.MapOpenOptions{Flags: libbpf.CreateReadOnly}
	relative := libbpf.PinOptions{Directory: int(dir.Fd())}
	for name, open := range map[string]func() (*libbpf.MapHandle, error){
		"from pin": func() (*libbpf.MapHandle, error) {
			return libbpf.PinOptions{}.OpenMap(path, libbpf.CreateReadOnly)
		},
		"from pin in": func() (*libbpf.MapHandle, error) {
			return relative.OpenMap(filepath.Base(path), libbpf.CreateReadOnly)
		},
		"from id": func() (*libbpf.MapHandle, error) { return readOnly.FromID(info.ID) },
		"by write only": func() (*libbpf.MapHandle, error) {
			return libbpf.MapOpenOptions{Flags: libbpf.CreateWriteOnly}.FromID(info.ID)
		},
	} {
		t.Run(name, func(t *testing.T) {
			opened, err := open()
			switch {
			case errors.Is(err, errors.ErrUnsupported):
				return // an older libbpf
			case name == "from pin in" && errors.Is(err, unix.EINVAL):
				testutil.Skip(t, "path-fd", err)
			}
			check(t, err)
			if name == "by write only" {
				wantErr(t, opened.LookupInto(key, value, libbpf.Any), unix.EPERM)
				check(t, opened.Update(key, value, libbpf.Any))
			} else {
				check(t, opened.LookupInto(key, value, libbpf.Any))
				wantErr(t, opened.Update(key, value, libbpf.Any), unix.EPERM)
			}
			check(t, opened.Close())
		})
	}
	for _, wrong := range []libbpf.MapCreateFlags{libbpf.CreateNoPrealloc, libbpf.CreatePathFD | libbpf.CreateTokenFD} {
		_, err = libbpf.PinOptions{}.OpenMap(path, wrong)
		wantErr(t, err, libbpf.ErrInvalid)
		_, err = libbpf.MapOpenOptions{Flags: wrong}.FromID(info.ID)
		wantErr(t, err, libbpf.ErrInvalid)
	}
	_, err = libbpf.PinOptions{Directory: -1}.OpenMap(path, 0)
	wantErr(t, err, libbpf.ErrInvalid)
	_, err = libbpf.PinOptions{}.OpenMap(filepath.Join(filepath.Dir(path), "absent"), libbpf.CreateReadOnly)
	wantErr(t, err, os.ErrNotExist)
}

func TestMapHandle(t *testing.T) {
	testutil.Root(t)
	pins := testutil.BPFFS(t)
	m, err := libbpf.CreateMap(libbpf.MapTypePerCPUHash, "counts", 4, 12, 10,
		libbpf.MapCreateOptions{Flags: libbpf.CreateNoPrealloc})
	check(t, err)
	defer m.Close()
	if m.Name() != "counts" || m.Type() != libbpf.MapTypePerCPUHash || m.KeySize() != 4 || m.ValueSize() != 12 ||
		m.MaxEntries() != 10 {
		t.Errorf("%q, %v, %d, %d, %d", m.Name(), m.Type(), m.KeySize(), m.ValueSize(), m.MaxEntries())
	}
	cpus, err := libbpf.PossibleCPUs()
	check(t, err)
	values := make([][]byte, cpus)
	for i := range values {
		values[i] = bytes.Repeat([]byte{byte(i)}, 12)
	}
	check(t, m.UpdatePerCPU(u32(9), values, libbpf.Any))
	info, err := m.Info()
	check(t, err)
	path := filepath.Join(pins, "counts")
	check(t, m.Pin(path))

	for name, open := range map[string]func() (*libbpf.MapHandle, error){
		"from id":   func() (*libbpf.MapHandle, error) { return libbpf.MapHandleFromID(info.ID) },
		"from pin":  func() (*libbpf.MapHandle, error) { return libbpf.MapHandleFromPinnedPath(path) },
		"from fd":   func() (*libbpf.MapHandle, error) { return libbpf.MapHandleFromFD(m.FD()) },
		"duplicate": func() (*libbpf.MapHandle, error) { return libbpf.MapHandleFrom(m) },
	} {
		other, err := open()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got, err := other.LookupPerCPU(u32(9), libbpf.Any)
		if err != nil || !slices.EqualFunc(got, values, bytes.Equal) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
		if theirs, err := other.Info(); err != nil || theirs != info {
			t.Errorf("%s: info %+v, %v, want %+v", name, theirs, err, info)
		}
		if other.FD() == m.FD() {
			t.Errorf("%s: shares the descriptor", name)
		}
		check(t, other.Close())
		check(t, other.Close())
		testClosedMap(t, other)
	}
	check(t, m.Unpin(path))
	wantErr(t, m.Unpin(path), os.ErrNotExist)
	other, err := libbpf.CreateMap(libbpf.MapTypeArray, "other", 4, 4, 1, libbpf.MapCreateOptions{})
	check(t, err)
	defer other.Close()
	check(t, other.Pin(path))
	wantErr(t, m.Unpin(path), libbpf.ErrInvalid)

	// A handle outlives the object that its map came from.
	o := loadMaps(t)
	survivor, err := libbpf.MapHandleFrom(findMap(t, o, "hash"))
	check(t, err)
	defer survivor.Close()
	check(t, o.Close())
	check(t, survivor.Update(u32(1), u64(1), libbpf.Any))
}

func TestMapHandleErrors(t *testing.T) {
	testutil.Root(t)
	pins := testutil.BPFFS(t)
	_, err := libbpf.CreateMap(libbpf.MapTypeHash, "no\x00name", 4, 4, 1, libbpf.MapCreateOptions{})
	wantErr(t, err, libbpf.ErrInvalid)
	_, err = libbpf.CreateMap(libbpf.MapType(12345), "unknown", 4, 4, 1, libbpf.MapCreateOptions{})
	wantErr(t, err, unix.EINVAL)
	_, err = libbpf.CreateMap(libbpf.MapTypeHash, "no_entries", 4, 4, 0, libbpf.MapCreateOptions{})
	wantErr(t, err, unix.EINVAL)
	_, err = libbpf.CreateMap(libbpf.MapTypeArrayOfMaps, "outer", 4, 4, 1,
		libbpf.MapCreateOptions{InnerMap: new(libbpf.Map)})
	wantErr(t, err, libbpf.ErrClosed)
	_, err = libbpf.MapHandleFromID(1 << 31)
	wantErr(t, err, os.ErrNotExist)
	_, err = libbpf.MapHandleFromPinnedPath("/nonexistent")
	wantErr(t, err, os.ErrNotExist)
	_, err = libbpf.MapHandleFromFD(-1)
	wantErr(t, err, unix.EBADF)
	_, err = libbpf.MapHandleFromFD(0)
	if err == nil {
		t.Error("a map from standard input")
	}
	_, err = libbpf.MapHandleFrom(nil)
	wantErr(t, err, libbpf.ErrClosed)

	// A pinned program is not a map.
	p, err := loadMaps(t).Program("read_globals")
	check(t, err)
	path := filepath.Join(pins, "program")
	check(t, p.Pin(path))
	_, err = libbpf.MapHandleFromPinnedPath(path)
	wantErr(t, err, libbpf.ErrInvalid)
	_, err = libbpf.MapHandleFromFD(p.FD())
	wantErr(t, err, libbpf.ErrInvalid)
	check(t, p.Unpin(path))
	wantErr(t, p.Unpin(path), os.ErrNotExist)
}

func TestMapOperationsDoNotAllocate(t *testing.T) {
	m := findMap(t, loadMaps(t), "hash")
	key, absent, value := u32(1), u32(2), u64(1)
	check(t, m.Update(key, value, libbpf.Any))
	for name, f := range map[string]func(){
		"lookup": func() { _ = m.LookupInto(key, value, libbpf.Any) },
		"miss":   func() { _ = m.LookupInto(absent, value, libbpf.Any) },
		"update": func() { _ = m.Update(key, value, libbpf.Any) },
		"delete": func() { _ = m.Delete(absent) },
	} {
		if n := testutil.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
