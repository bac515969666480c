package libbpf_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// A batch ends at the first element that the kernel refuses. It returns the errno that the element alone gets, and the
// number of elements before it; the elements after it do not change.
func TestBatchEndsAtItsBadElement(t *testing.T) {
	testutil.Root(t)
	inner, err := libbpf.CreateMap(libbpf.MapTypeArray, "inner", 4, 4, 1, libbpf.MapCreateOptions{})
	check(t, err)
	defer inner.Close()
	loopback, err := net.InterfaceByName("lo")
	check(t, err)
	prefix := func(bits uint32, last byte) []byte { return append(u32(bits), 10, 0, 0, last) }
	fd, device, socket := u32(uint32(inner.FD())), u32(uint32(loopback.Index)), u64(uint64(tcpSocket(t)))
	noFD, noDevice, noSocket := u32(1<<20), u32(1<<30), u64(uint64(inner.FD()))
	type element struct{ key, value []byte }
	for _, c := range []struct {
		typ     libbpf.MapType
		value   uint32
		flags   libbpf.MapCreateFlags
		good    func(i byte) element
		bad     element
		missing []byte // a key that can't be deleted; nil where no element can
	}{
		{libbpf.MapTypeHash, 4, 0, func(i byte) element { return element{u32(uint32(i)), u32(1)} },
			element{}, u32(99)},
		{libbpf.MapTypeHash, 4, libbpf.CreateNoPrealloc, func(i byte) element { return element{u32(uint32(i)), u32(1)} },
			element{}, u32(99)},
		{libbpf.MapTypeLRUHash, 4, 0, func(i byte) element { return element{u32(uint32(i)), u32(1)} },
			element{}, u32(99)},
		{libbpf.MapTypePerCPUHash, 4, 0, func(i byte) element { return element{u32(uint32(i)), nil} },
			element{}, u32(99)},
		{libbpf.MapTypeLRUPerCPUHash, 4, 0, func(i byte) element { return element{u32(uint32(i)), nil} },
			element{}, u32(99)},
		{libbpf.MapTypeLPMTrie, 4, libbpf.CreateNoPrealloc, func(i byte) element { return element{prefix(32, i), u32(1)} },
			element{prefix(99, 0), u32(1)}, prefix(99, 0)},
		{libbpf.MapTypeLPMTrie, 4, libbpf.CreateNoPrealloc, func(i byte) element { return element{prefix(32, i), u32(1)} },
			element{prefix(99, 0), u32(1)}, prefix(32, 99)},
		{libbpf.MapTypeArray, 4, 0, func(i byte) element { return element{u32(uint32(i)), u32(1)} },
			element{u32(99), u32(1)}, nil},
		{libbpf.MapTypePerCPUArray, 4, 0, func(i byte) element { return element{u32(uint32(i)), nil} },
			element{u32(99), nil}, nil},
		{libbpf.MapTypeArrayOfMaps, 4, 0, func(i byte) element { return element{u32(uint32(i)), fd} },
			element{u32(2), noFD}, u32(99)},
		{libbpf.MapTypeHashOfMaps, 4, 0, func(i byte) element { return element{u32(uint32(i)), fd} },
			element{u32(2), noFD}, u32(99)},
		{libbpf.MapTypeDevMap, 4, 0, func(i byte) element { return element{u32(uint32(i)), device} },
			element{u32(2), noDevice}, u32(99)},
		{libbpf.MapTypeDevMapHash, 4, 0, func(i byte) element { return element{u32(uint32(i)), device} },
			element{u32(2), noDevice}, u32(99)},
		{libbpf.MapTypeSockMap, 8, 0, func(i byte) element { return element{u32(uint32(i)), socket} },
			element{u32(2), noSocket}, u32(99)},
		{libbpf.MapTypeSockHash, 8, 0, func(i byte) element { return element{u32(uint32(i)), socket} },
			element{u32(2), noSocket}, u32(99)},
	} {
		t.Run(c.typ.String(), func(t *testing.T) {
			options := libbpf.MapCreateOptions{Flags: c.flags}
			if c.typ.IsMapInMap() {
				options.InnerMap = inner
			}
			create := func() *libbpf.MapHandle {
				m, err := libbpf.CreateMap(c.typ, "partial", uint32(len(c.good(0).key)), c.value, 8, options)
				check(t, err)
				t.Cleanup(func() { check(t, m.Close()) })
				return m
			}
			m := create()
			image := make([]byte, elementSize(t, m))
			value := func(e element) []byte {
				if e.value == nil {
					return image
				}
				return e.value
			}
			update := func(e element) error {
				if c.typ.IsPerCPU() {
					return m.UpdatePerCPUFrom(e.key, image, libbpf.Any)
				}
				return m.Update(e.key, e.value, libbpf.Any)
			}
			batch := func(elements ...element) (keys, values []byte) {
				for _, e := range elements {
					keys, values = append(keys, e.key...), append(values, value(e)...)
				}
				return keys, values
			}
			present := func(key []byte) bool {
				found := false
				for k := range m.Keys(&err) {
					found = found || bytes.Equal(k, key)
				}
				check(t, err)
				return found
			}
			if c.bad.key != nil {
				want := update(c.bad)
				keys, values := batch(c.good(0), c.good(1), c.bad, c.good(3))
				n, err := m.UpdateBatch(keys, values, libbpf.Any)
				wantSameErrno(t, err, want)
				if n != 2 {
					t.Errorf("%d elements were set", n)
				}
				if c.typ.IsHash() && present(c.good(3).key) {
					t.Error("the element behind the bad one was set")
				}
			}
			if c.missing == nil {
				return
			}
			m = create() // a new map still tries batches
			for i := range byte(4) {
				check(t, update(c.good(i)))
			}
			want := m.Delete(c.missing)
			keys, _ := batch(c.good(0), c.good(1), element{key: c.missing}, c.good(3))
			n, err := m.DeleteBatch(keys)
			wantSameErrno(t, err, want)
			if n != 2 {
				t.Errorf("%d elements were deleted", n)
			}
			if c.typ.IsHash() || c.typ == libbpf.MapTypeLPMTrie {
				for i, want := range []bool{false, false, true, true} {
					if got := present(c.good(byte(i)).key); got != want {
						t.Errorf("element %d is there: %t", i, got)
					}
				}
			}
		})
	}
}

// wantSameErrno checks that two errors have the same errno.
func wantSameErrno(t *testing.T, err, want error) {
	t.Helper()
	var errno unix.Errno
	if !errors.As(want, &errno) {
		t.Fatalf("%v has no errno", want)
	}
	wantErr(t, err, errno)
}

// Most indices of an array of maps are empty. Before Linux 6.14, batches end there.
func TestSparseArrayOfMaps(t *testing.T) {
	testutil.Root(t)
	inner, err := libbpf.CreateMap(libbpf.MapTypeArray, "inner", 4, 4, 1, libbpf.MapCreateOptions{})
	check(t, err)
	defer inner.Close()
	outer, err := libbpf.CreateMap(libbpf.MapTypeArrayOfMaps, "outer", 4, 4, 40, libbpf.MapCreateOptions{InnerMap: inner})
	check(t, err)
	defer outer.Close()
	want := []uint32{5, 6, 7, 20, 39}
	for _, i := range want {
		check(t, outer.Update(u32(i), u32(uint32(inner.FD())), libbpf.Any))
	}
	for _, n := range []int{1, 2, 5, 40} {
		var found []uint32
		var cursor libbpf.MapCursor
		keys, ids := make([]byte, 4*n), make([]byte, 4*n)
		for {
			got, err := outer.LookupBatch(&cursor, keys, ids, libbpf.Any)
			if got == 0 {
				break
			}
			check(t, err)
			for i := range got {
				found = append(found, binary.NativeEndian.Uint32(keys[4*i:]))
			}
		}
		if !slices.Equal(found, want) {
			t.Errorf("by %d: maps at %v, want %v", n, found, want)
		}
	}
}
