package typed_test

import (
	"net"
	"slices"
	"testing"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/needs"
	"github.com/libbpf-go/libbpf-go/typed"
)

// The programs of cgroup_storage.bpf.c count packets, in the storage of the cgroup that they are attached to.
func TestCgroupStorage(t *testing.T) {
	parent := testutil.NewCgroup(t)
	cgroups := []*testutil.Cgroup{parent, parent.NewChild(t), parent.NewChild(t)}
	open := must[*libbpf.OpenObject](t)(libbpf.OpenFile(testutil.Object(t, "cgroup_storage")))
	defer open.Close()
	needs.ToLoad(t, open)
	object := must[*libbpf.Object](t)(open.Load())
	defer object.Close()
	program := must[*libbpf.Program](t)(object.Program("count"))
	var want []typed.CgroupStorageKey
	for _, c := range cgroups {
		link := must[*libbpf.Link](t)(program.AttachCgroup(int(c.Fd()), libbpf.PlacementOptions{}))
		defer link.Close()
		want = append(want, typed.CgroupStorageKey{CgroupInodeID: c.ID(), AttachType: libbpf.AttachTypeCgroupInetEgress})
	}
	slices.SortFunc(want, compareKeys)
	m := must[*libbpf.Map](t)(object.Map("storage"))
	s := must[*typed.CgroupStorage[typed.CgroupStorageKey, uint64]](t)(
		typed.NewCgroupStorage[typed.CgroupStorageKey, uint64](m))
	equal(t, "maximum", s.MaxEntries(), 0)
	own := typed.CgroupStorageKey{CgroupInodeID: parent.ID(), AttachType: libbpf.AttachTypeCgroupInetEgress}
	absent := typed.CgroupStorageKey{CgroupInodeID: parent.ID(), AttachType: libbpf.AttachTypeCgroupInetIngress}

	parent.Do(func() { sendUDP(t) })
	packets := must[uint64](t)(s.Lookup(own, libbpf.Any))
	if packets == 0 {
		t.Error("no packet was counted")
	}
	check(t, s.Update(own, 1000, libbpf.Any))
	parent.Do(func() { sendUDP(t) })
	equal(t, "packets", must[uint64](t)(s.Lookup(own, libbpf.Any)), 1000+packets)
	wantErr(t, second(s.Lookup(absent, libbpf.Any)), libbpf.ErrKeyNotExist)
	wantErr(t, s.Update(absent, 1, libbpf.Any), libbpf.ErrKeyNotExist)
	var err error
	var found []typed.CgroupStorageKey
	for key, value := range s.All(&err) {
		found = append(found, key)
		if key == own && value != 1000+packets {
			t.Errorf("value %d", value)
		}
	}
	check(t, err)
	slices.SortFunc(found, compareKeys)
	if !slices.Equal(found, want) {
		t.Errorf("elements of %v, want %v", found, want)
	}
	checkKeys(t, s.Keys, want...)
	noAllocs(t, map[string]func(){
		"lookup": func() { _, _ = s.Lookup(own, libbpf.Any) },
		"update": func() { _ = s.Update(own, 1, libbpf.Any) },
		"miss":   func() { _, _ = s.Lookup(absent, libbpf.Any) },
	})

	m = must[*libbpf.Map](t)(object.Map("percpu_storage"))
	p := must[*typed.PerCPUCgroupStorage[typed.CgroupStorageKey, uint64]](t)(
		typed.NewPerCPUCgroupStorage[typed.CgroupStorageKey, uint64](m))
	sum := uint64(0)
	for _, value := range must[[]uint64](t)(p.Lookup(own, libbpf.Any)) {
		sum += value
	}
	equal(t, "packets", sum, 2*packets)
	values := slices.Repeat([]uint64{7}, p.PossibleCPUs())
	check(t, p.Update(own, values, libbpf.Any))
	if got := must[[]uint64](t)(p.Lookup(own, libbpf.Any)); !slices.Equal(got, values) {
		t.Errorf("values %v, want %v", got, values)
	}
	wantErr(t, p.Update(absent, values, libbpf.Any), libbpf.ErrKeyNotExist)
	checkKeys(t, p.Keys, want...)

	wantInvalid(t, second(typed.NewCgroupStorage[uint64, uint64](s.Map())), "key", "8 bytes", "must have 16")
	wantInvalid(t, second(typed.NewCgroupStorage[typed.CgroupStorageKey, uint32](s.Map())), "value", "must have 8")
	wantInvalid(t, second(typed.NewCgroupStorage[typed.CgroupStorageKey, uint64](m)), "percpu_cgroup_storage")
	wantInvalid(t, second(typed.NewPerCPUCgroupStorage[typed.CgroupStorageKey, uint64](s.Map())), "cgroup_storage")
}

// Storage that programs of all attach types share is keyed by the cgroup alone.
func TestSharedCgroupStorage(t *testing.T) {
	m := create(t, libbpf.MapTypeCgroupStorage, 8, 4, 0)
	s := must[*typed.CgroupStorage[uint64, uint32]](t)(typed.NewCgroupStorage[uint64, uint32](m))
	wantErr(t, second(s.Lookup(1, libbpf.Any)), libbpf.ErrKeyNotExist)
	checkAll(t, s.All, map[uint64]uint32{})
	wantInvalid(t, second(typed.NewCgroupStorage[typed.CgroupStorageKey, uint32](m)), "16 bytes", "must have 8")
}

func compareKeys(a, b typed.CgroupStorageKey) int {
	return int(int64(a.CgroupInodeID - b.CgroupInodeID))
}

// sendUDP sends a packet to itself.
func sendUDP(t *testing.T) {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	check(t, err)
	defer conn.Close()
	_, err = conn.WriteTo([]byte{1}, conn.LocalAddr())
	check(t, err)
}
