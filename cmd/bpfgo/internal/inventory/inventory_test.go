package inventory

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/holders"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/needs"
)

func TestMain(m *testing.M) { os.Exit(testutil.Main(m)) }

func check(t *testing.T, err error) {
	t.Helper()
	testutil.Check(t, err)
}

func program(t *testing.T, o *libbpf.Object, name string) (*libbpf.Program, uint32) {
	t.Helper()
	p, err := o.Program(name)
	check(t, err)
	info, err := p.Info(0)
	check(t, err)
	return p, info.ID
}

func read(t *testing.T) *Snapshot {
	t.Helper()
	var r Reader
	defer r.Close()
	s, err := r.Read()
	check(t, err)
	return s
}

// target is the target of a link in the kernel.
func target(t *testing.T, s *Snapshot, l *libbpf.Link) Target {
	t.Helper()
	info, err := l.Info()
	check(t, err)
	found := s.Link(info.ID)
	if found == nil {
		t.Fatalf("there is no link %d", info.ID)
	}
	return found.Target
}

func TestNamesAndMaps(t *testing.T) {
	o := needs.Load(t, "longname")
	_, id := program(t, o, "a_program_with_a_long_name")
	s := read(t)
	p := s.Program(id)
	if p == nil || p.Name != "a_program_with_a_long_name" || p.NameCut || len(p.MapIDs) != 1 {
		t.Fatalf("%+v", p)
	}
	m := s.Map(p.MapIDs[0])
	if m == nil || m.Name != "a_map_with_a_long_name" || m.NameCut || !slices.Equal(m.ProgramIDs, []uint32{id}) ||
		m.KeyType != "__u32" || m.ValueType != "__u64" || m.MemoryBytes == 0 {
		t.Errorf("%+v", m)
	}
	i := slices.IndexFunc(s.BTFs, func(b *BTF) bool { return b.ID == p.BTFID })
	if i < 0 || !slices.Contains(s.BTFs[i].MapIDs, m.ID) || s.BTFs[i].Kind != "program" {
		t.Errorf("BTF %d of %+v", i, s.BTFs)
	}
}

func TestTracepoints(t *testing.T) {
	o := needs.Load(t, "attach")
	enter, _ := program(t, o, "on_enter")
	exit, id := program(t, o, "on_exit")
	first, err := enter.AttachTrace(libbpf.TraceOptions{})
	check(t, err)
	second, err := exit.AttachRawTracepoint("sys_exit", libbpf.RawTracepointOptions{})
	check(t, err)
	s := read(t)
	if got := target(t, s, second); got.Tracepoint != "sys_exit" {
		t.Errorf("%+v", got)
	}
	if got := target(t, s, first); got.Tracepoint != "sys_enter" {
		t.Errorf("%+v", got)
	}
	p := s.Program(id)
	if !slices.Equal(p.Attached, []string{"raw tracepoint sys_exit"}) || len(p.LinkIDs) != 1 ||
		!slices.Contains(p.HeldBy, fmt.Sprintf("link %d", p.LinkIDs[0])) {
		t.Errorf("%+v", p)
	}
}

// The number of a device in another network namespace is also that of a device here, and has not its name.
func TestDeviceOfAnotherNamespace(t *testing.T) {
	o := needs.Load(t, "attach")
	p, _ := program(t, o, "anywhere")
	network := testutil.NewNetwork(t)
	var l *libbpf.Link
	network.Do(func() {
		var err error
		l, err = p.AttachXDP(1, libbpf.XDPLinkOptions{Mode: libbpf.XDPSKBMode})
		check(t, err)
	})
	if got := target(t, read(t), l); got.IfIndex != 1 || got.Interface != "" ||
		got.Words != "XDP of device 1 of another network namespace" {
		t.Errorf("from outside: %+v", got)
	}
	network.Do(func() {
		if got := target(t, read(t), l); got.Interface != "lo" || got.Words != "XDP of lo" {
			t.Errorf("from inside: %+v", got)
		}
	})
}

// XDP that was attached without a link, as "ip link set dev lo xdp" does.
func TestWithoutLink(t *testing.T) {
	o := needs.Load(t, "attach")
	p, id := program(t, o, "anywhere")
	testutil.NewNetwork(t).Do(func() {
		check(t, libbpf.XDP{IfIndex: 1, Flags: libbpf.XDPSKBMode}.Attach(p))
		s := &Snapshot{Programs: []*Program{{ID: id, typ: libbpf.ProgramTypeXDP}}}
		attachToDevice(s, 1, map[libbpf.ProgramType]bool{libbpf.ProgramTypeXDP: true})
		if got := s.Programs[0]; !slices.Equal(got.Attached, []string{"XDP of lo"}) ||
			!slices.Equal(got.HeldBy, []string{"XDP of lo"}) {
			t.Errorf("%+v", got)
		}
	})
}

func TestCgroup(t *testing.T) {
	o := needs.Load(t, "cgroup")
	p, id := program(t, o, "connect4")
	cgroup := testutil.NewCgroup(t)
	l, err := p.AttachCgroup(int(cgroup.Fd()), libbpf.PlacementOptions{})
	check(t, err)
	got := target(t, read(t), l)
	if got.CgroupID != cgroup.ID() || got.AttachType != "cgroup_inet4_connect" || got.CgroupPath == "" {
		t.Errorf("%+v", got)
	}
	// Found in the other way, too.
	all := findCgroups()
	all.walk()
	if path := all.path(got.CgroupID); path != got.CgroupPath {
		t.Errorf("%q and %q", path, got.CgroupPath)
	}
	check(t, l.Close())

	// Without a link.
	hook := libbpf.Hook{Type: libbpf.AttachTypeCgroupInet4Connect, FD: int(cgroup.Fd())}
	check(t, hook.Attach(p, libbpf.HookOptions{}))
	defer func() { check(t, hook.Detach(p, libbpf.HookDetachOptions{})) }()
	if got := read(t).Program(id); len(got.Attached) != 1 || got.Attached[0] != "inet4_connect of cgroup "+all.path(cgroup.ID()) {
		t.Errorf("%+v", got)
	}
}

// Maps and programs in maps are held by them.
func TestHeldByMaps(t *testing.T) {
	o := needs.Load(t, "attach")
	exit, id := program(t, o, "on_exit")
	inner, err := libbpf.CreateMap(libbpf.MapTypeArray, "inner", 4, 4, 1, libbpf.MapCreateOptions{})
	check(t, err)
	defer inner.Close()
	outer, err := libbpf.CreateMap(libbpf.MapTypeArrayOfMaps, "outer", 4, 4, 3, libbpf.MapCreateOptions{InnerMap: inner})
	check(t, err)
	defer outer.Close()
	programs, err := libbpf.CreateMap(libbpf.MapTypeProgArray, "programs", 4, 4, 3, libbpf.MapCreateOptions{})
	check(t, err)
	defer programs.Close()
	key := binary.NativeEndian.AppendUint32(nil, 1)
	check(t, outer.Update(key, binary.NativeEndian.AppendUint32(nil, uint32(inner.FD())), libbpf.Any))
	check(t, programs.Update(key, binary.NativeEndian.AppendUint32(nil, uint32(exit.FD())), libbpf.Any))
	s := read(t)
	for _, tt := range []struct {
		held   Holding
		holder *libbpf.MapHandle
	}{{s.Map(idOf(t, inner)).Holding, outer}, {s.Program(id).Holding, programs}} {
		if want := fmt.Sprintf("map %d", idOf(t, tt.holder)); !slices.Contains(tt.held.HeldBy, want) {
			t.Errorf("%q lacks %s", tt.held.HeldBy, want)
		}
	}
}

// An array with many places is not looked at to its end.
func TestSparseArray(t *testing.T) {
	o := needs.Load(t, "attach")
	exit, id := program(t, o, "on_exit")
	const last = mostElements // the first place that is not looked at
	sparse, err := libbpf.CreateMap(libbpf.MapTypeProgArray, "sparse", 4, 4, last+1, libbpf.MapCreateOptions{})
	check(t, err)
	defer sparse.Close()
	value := binary.NativeEndian.AppendUint32(nil, uint32(exit.FD()))
	for _, place := range []uint32{last, last - 1} {
		check(t, sparse.Update(binary.NativeEndian.AppendUint32(nil, place), value, libbpf.Any))
	}
	if ids, more, err := elementIDs(sparse); err != nil || !more || !slices.Equal(ids, []uint32{id}) {
		t.Errorf("%v, %v, %v", ids, more, err)
	}
}

func idOf(t *testing.T, m *libbpf.MapHandle) uint32 {
	t.Helper()
	info, err := m.Info()
	check(t, err)
	return info.ID
}

func TestWords(t *testing.T) {
	for want, heldBy := range map[string][]string{
		"link 3, programs 5 7, XDP of lo": {"link 3", "program 5", "program 7", "XDP of lo"},
		"XDP of lo, XDP of eth0":          {"XDP of lo", "XDP of eth0"},
		"maps 1 2 3, links 1 2":           {"map 1", "map 2", "map 3", "link 1", "link 2"},
	} {
		if got := (Holding{HeldBy: heldBy}).Words(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	h := Holding{Holders: []holders.Process{{PID: 3, Comm: "x"}}, HeldBy: []string{"link 3"}, Pins: []string{"/a"}}
	if got, want := h.Words(), "x(3), link 3, /a"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestGone(t *testing.T) {
	_, err := libbpf.MapHandleFromID(1<<32 - 1)
	if !Gone(err) && !errors.Is(err, os.ErrPermission) {
		t.Error(err)
	}
}
