package libbpf_test

import (
	"encoding/binary"
	"iter"
	"maps"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// Cgroup storage has no max entries. Keys returns all keys, in maps with values that can be read and in others.
func TestIterateCgroupStorage(t *testing.T) {
	p := newPlace(t)
	o := load(t, open(t, "cgroup_storage"))
	want := []uint64{p.cgroup.ID()}
	cgroups := []*testutil.Cgroup{p.cgroup}
	for range 40 {
		child := p.cgroup.NewChild(t)
		cgroups, want = append(cgroups, child), append(want, child.ID())
	}
	for _, c := range cgroups {
		_, err := findProgram(t, o, "count").AttachCgroup(int(c.Fd()), libbpf.PlacementOptions{})
		check(t, err)
	}
	p.Do(func() { sendUDP(t) })
	slices.Sort(want)
	for _, name := range []string{"storage", "percpu_storage"} {
		m := findMap(t, o, name)
		var err error
		ids := func(keys iter.Seq[[]byte]) (found []uint64) {
			for key := range keys {
				found = append(found, binary.NativeEndian.Uint64(key))
			}
			slices.Sort(found)
			return found
		}
		found := ids(m.Keys(&err))
		check(t, err)
		if !slices.Equal(found, want) {
			t.Errorf("%s: keys of cgroups %d, want %d", name, found, want)
		}
		values := make(map[uint64]uint64)
		for key, value := range m.All(&err) {
			for ; len(value) > 0; value = value[8:] {
				values[binary.NativeEndian.Uint64(key)] += binary.NativeEndian.Uint64(value)
			}
		}
		check(t, err)
		if got := slices.Sorted(maps.Keys(values)); !slices.Equal(got, want) || values[p.cgroup.ID()] == 0 {
			t.Errorf("%s: entries %d, want those of cgroups %d", name, values, want)
		}
	}
}

// An iteration ends even if the kernel restarts it at every step, because the current key is deleted each time.
func TestIterationThatStartsOver(t *testing.T) {
	testutil.Root(t)
	for _, c := range []struct {
		name  string
		value uint32
		keys  func(m libbpf.MapCore, err *error) iter.Seq[[]byte]
	}{
		{"keys", 5000, libbpf.MapCore.Keys}, // walked key by key
		{"entries of a trie", 4, func(m libbpf.MapCore, err *error) iter.Seq[[]byte] {
			return func(yield func([]byte) bool) {
				for key := range m.All(err) {
					if !yield(key) {
						return
					}
				}
			}
		}},
	} {
		typ := libbpf.MapTypeHash
		if c.value == 4 {
			typ = libbpf.MapTypeLPMTrie
		}
		m, err := libbpf.CreateMap(typ, "restarted", 8, c.value, 1, libbpf.MapCreateOptions{Flags: libbpf.CreateNoPrealloc})
		check(t, err)
		defer m.Close()
		replace := func(i int) {
			for key := range m.Keys(&err) {
				check(t, m.Delete(key))
				break
			}
			key, value := element(t, m, i)
			check(t, m.Update(key, value, libbpf.Any))
		}
		replace(0)
		n := 0
		for range c.keys(m, &err) {
			if n++; n > 100 {
				break
			}
			replace(n)
		}
		if n != 2 { // twice what it holds
			t.Errorf("%s: %d keys", c.name, n)
		}
		wantErr(t, err, unix.EAGAIN)
	}
}

// For per-CPU LRU lists, the kernel rounds the number of elements up. The iteration returns all keys.
func TestIterateRoundedUp(t *testing.T) {
	cpus, err := libbpf.PossibleCPUs()
	check(t, err)
	open := openMaps(t, "")
	table, err := open.Map("lru_hash")
	check(t, err)
	check(t, table.SetFlags(libbpf.CreateNoCommonLRU))
	check(t, table.SetMaxEntries(1))
	m := findMap(t, load(t, open), "lru_hash")
	if m.MaxEntries() != uint32(cpus) {
		t.Errorf("%d entries on %d CPUs", m.MaxEntries(), cpus)
	}
}
