package libbpf_test

import (
	"errors"
	"os"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// wantHook checks which programs are attached to a hook, in order.
func wantHook(t testing.TB, h libbpf.Hook, programs ...*libbpf.Program) libbpf.HookInfo {
	t.Helper()
	info, err := h.Query(libbpf.HookQueryOptions{})
	check(t, err)
	var want, got []uint32
	for _, p := range programs {
		want = append(want, programID(t, p))
	}
	for _, p := range info.Programs {
		got = append(got, p.ID)
	}
	if !slices.Equal(got, want) {
		t.Fatalf("programs %v, want %v", got, want)
	}
	return info
}

func TestHookCgroup(t *testing.T) {
	p := newPlace(t)
	o := load(t, open(t, "cgroup"))
	first, second := findProgram(t, o, "egress"), findProgram(t, o, "egress_2")
	hits := counter(t, o, "egress_hits")
	act := func() { p.Do(func() { sendUDP(t) }) }
	at := libbpf.Hook{Type: libbpf.AttachTypeCgroupInetEgress, FD: p.fd()}

	// Only one program.
	wantHook(t, at)
	check(t, at.Attach(first, libbpf.HookOptions{}))
	if info := wantHook(t, at, first); info.Flags != 0 {
		t.Errorf("flags %#x", info.Flags)
	}
	if grows(hits, act) == 0 {
		t.Error("no hit")
	}
	wantErr(t, at.Attach(second, libbpf.HookOptions{Flags: libbpf.AttachAllowMulti}), unix.EPERM)
	check(t, at.Attach(second, libbpf.HookOptions{})) // replaces the first
	wantHook(t, at, second)
	check(t, at.Detach(second, libbpf.HookDetachOptions{}))
	wantErr(t, at.Detach(second, libbpf.HookDetachOptions{}), os.ErrNotExist)
	wantHook(t, at)
	if n := grows(hits, act); n != 0 {
		t.Errorf("%d hits", n)
	}

	// Overridden in the cgroup below.
	child := libbpf.Hook{Type: at.Type, FD: int(p.cgroup.NewChild(t).Fd())}
	check(t, at.Attach(first, libbpf.HookOptions{}))
	wantErr(t, child.Attach(second, libbpf.HookOptions{}), os.ErrPermission)
	check(t, at.Detach(first, libbpf.HookDetachOptions{}))
	check(t, at.Attach(first, libbpf.HookOptions{Flags: libbpf.AttachAllowOverride}))
	check(t, child.Attach(second, libbpf.HookOptions{Flags: libbpf.AttachAllowOverride}))
	check(t, child.Detach(second, libbpf.HookDetachOptions{}))
	check(t, at.Detach(first, libbpf.HookDetachOptions{}))

	// Several programs.
	multi := libbpf.HookOptions{Flags: libbpf.AttachAllowMulti}
	check(t, at.Attach(first, multi))
	wantErr(t, at.Attach(first, multi), unix.EINVAL) // twice
	replace := multi
	replace.Replace = second
	wantErr(t, at.Attach(second, replace), os.ErrNotExist)
	replace.Replace = first
	check(t, at.Attach(second, replace))
	if info := wantHook(t, at, second); info.Flags != libbpf.AttachAllowMulti {
		t.Errorf("flags %#x", info.Flags)
	}
	check(t, at.Attach(first, multi))
	wantHook(t, at, second, first)

	// Programs from the cgroup above.
	check(t, child.Attach(first, multi))
	wantHook(t, child, first)
	effective, err := child.Query(libbpf.HookQueryOptions{Effective: true})
	check(t, err)
	if len(effective.Programs) != 3 {
		t.Errorf("effective: %+v", effective)
	}
	check(t, child.Detach(first, libbpf.HookDetachOptions{}))
	check(t, at.Detach(first, libbpf.HookDetachOptions{}))
	wantHook(t, at, second)
	check(t, at.Detach(second, libbpf.HookDetachOptions{}))
	wantHook(t, at)
}

// There are more programs than the first query has room for.
func TestHookQueryGrows(t *testing.T) {
	o := load(t, open(t, "cgroup"))
	egress := findProgram(t, o, "egress")
	at := libbpf.Hook{Type: libbpf.AttachTypeCgroupInetEgress, FD: int(testutil.NewCgroup(t).Fd())}
	var want []*libbpf.Program
	for range 60 { // of 64
		_, err := egress.AttachCgroup(at.FD, libbpf.PlacementOptions{})
		check(t, err)
		want = append(want, egress)
	}
	wantHook(t, at, want...)
	effective, err := at.Query(libbpf.HookQueryOptions{Effective: true})
	check(t, err)
	if len(effective.Programs) != len(want) {
		t.Errorf("%d programs", len(effective.Programs))
	}
}

func TestHookTCX(t *testing.T) {
	w := newWire(t)
	o := loadTC(t, libbpf.AttachTypeTCXIngress, "first", "second")
	first, second := findProgram(t, o, "first"), findProgram(t, o, "second")
	hits, trail := counter(t, o, "first_hits"), variable[uint64](t, o, "trail")
	at := libbpf.Hook{Type: libbpf.AttachTypeTCXIngress, IfIndex: w.far}
	w.net.Do(func() {
		check(t, attachTCX(t, first, w.far, libbpf.PlacementOptions{}).Close()) // or skip
		check(t, at.Attach(first, libbpf.HookOptions{}))
		wantErr(t, at.Attach(first, libbpf.HookOptions{}), os.ErrExist)
		w.wantPass(hits, true)
		check(t, at.Attach(second, libbpf.HookOptions{Flags: libbpf.AttachBefore, RelativeProgram: first}))
		info := wantHook(t, at, second, first)
		*trail = 0
		w.pass()
		if *trail != 21 {
			t.Errorf("they ran as %d", *trail)
		}
		if info.Revision == 0 || info.Programs[0].LinkID != 0 {
			t.Errorf("query: %+v", info)
		}
		stale := libbpf.HookDetachOptions{ExpectedRevision: info.Revision + 1}
		wantErr(t, at.Detach(second, stale), unix.ESTALE)
		check(t, at.Detach(second, libbpf.HookDetachOptions{ExpectedRevision: info.Revision}))
		wantErr(t, at.Attach(second, libbpf.HookOptions{ExpectedRevision: info.Revision}), unix.ESTALE)
		check(t, at.Attach(second, libbpf.HookOptions{Replace: first}))
		wantHook(t, at, second)
		w.wantPass(hits, false)
		wantErr(t, at.Detach(first, libbpf.HookDetachOptions{}), os.ErrNotExist)
		check(t, at.Detach(second, libbpf.HookDetachOptions{}))
		wantHook(t, at)
	})
}

func TestHookSockmap(t *testing.T) {
	p := newPipes(t)
	verdict := findProgram(t, p.o, "verdict")
	hits := counter(t, p.o, "verdict_hits")
	at := libbpf.Hook{Type: libbpf.AttachTypeSKSKBStreamVerdict, FD: p.m.FD()}
	check(t, at.Attach(verdict, libbpf.HookOptions{}))
	p.insert()
	if n := grows(hits, func() {
		p.send()
		if p.wait() != p.outEnd {
			t.Error("not redirected")
		}
	}); n != 1 {
		t.Errorf("%d hits", n)
	}
	info, err := at.Query(libbpf.HookQueryOptions{})
	switch {
	case err == nil:
		if len(info.Programs) != 1 || info.Programs[0].ID != programID(t, verdict) {
			t.Errorf("query: %+v", info)
		}
	case !errors.Is(err, unix.EINVAL): // before Linux 5.19
		t.Error(err)
	}
	check(t, at.Detach(verdict, libbpf.HookDetachOptions{}))
	wantErr(t, at.Detach(verdict, libbpf.HookDetachOptions{}), os.ErrNotExist)
	p.insert()
	p.send()
	if p.wait() != p.inEnd {
		t.Error("redirected after Detach")
	}
}

func TestHookFlowDissector(t *testing.T) {
	n := testutil.NewNetwork(t)
	o := load(t, open(t, "sockets"))
	dissect := findProgram(t, o, "dissect")
	hits := counter(t, o, "dissector_hits")
	act := newDissected(t, n)
	n.Do(func() {
		at := libbpf.Hook{Type: libbpf.AttachTypeFlowDissector}
		check(t, at.Attach(dissect, libbpf.HookOptions{}))
		if grows(hits, func() { act(t) }) == 0 {
			t.Error("no hit")
		}
		wantHook(t, libbpf.Hook{Type: at.Type, FD: n.FD()}, dissect)
		_, err := findProgram(t, o, "dissect_2").AttachNetns(n.FD())
		wantErr(t, err, os.ErrExist)
		check(t, at.Detach(dissect, libbpf.HookDetachOptions{}))
		if n := grows(hits, func() { act(t) }); n != 0 {
			t.Errorf("%d hits after Detach", n)
		}
	})
}

func TestHookRefusals(t *testing.T) {
	o := load(t, open(t, "cgroup"))
	egress := findProgram(t, o, "egress")
	fd := int(testutil.NewCgroup(t).Fd())
	for _, at := range []libbpf.Hook{
		{Type: libbpf.AttachTypeCgroupInetEgress, FD: -1},
		{Type: libbpf.AttachTypeCgroupInetEgress, FD: beyondInt32},
		{Type: libbpf.AttachTypeCgroupInetEgress, IfIndex: 1},
		{Type: libbpf.AttachTypeTCXIngress, FD: fd},
		{Type: libbpf.AttachTypeTCXIngress},
		{Type: libbpf.AttachTypeNetkitPeer, IfIndex: -1},
	} {
		wantErr(t, at.Attach(egress, libbpf.HookOptions{}), libbpf.ErrInvalid)
		wantErr(t, at.Detach(egress, libbpf.HookDetachOptions{}), libbpf.ErrInvalid)
		_, err := at.Query(libbpf.HookQueryOptions{})
		wantErr(t, err, libbpf.ErrInvalid)
	}
	at := libbpf.Hook{Type: libbpf.AttachTypeCgroupInetEgress, FD: fd}
	for _, opts := range []libbpf.HookOptions{
		{RelativeProgram: egress, RelativeProgramID: 3}, {Flags: 1 << 2}, {Flags: 1 << 5}, {Flags: 1 << 13},
	} {
		if err := at.Attach(egress, opts); !errors.Is(err, libbpf.ErrInvalid) && !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%+v: %v", opts, err)
		}
	}
	notCgroup := libbpf.Hook{Type: at.Type, FD: egress.FD()}
	wantErr(t, notCgroup.Attach(egress, libbpf.HookOptions{}), unix.EBADF)
	_, err := notCgroup.Query(libbpf.HookQueryOptions{})
	wantErr(t, err, unix.EBADF)
	wrongType := libbpf.Hook{Type: libbpf.AttachTypeCgroupDevice, FD: fd}
	wantErr(t, wrongType.Attach(egress, libbpf.HookOptions{}), unix.EINVAL)
	_, err = libbpf.Hook{Type: 1 << 20, FD: fd}.Query(libbpf.HookQueryOptions{})
	wantErr(t, err, unix.EINVAL)

	wantErr(t, at.Attach(nil, libbpf.HookOptions{}), libbpf.ErrClosed)
	wantErr(t, at.Detach(nil, libbpf.HookDetachOptions{}), libbpf.ErrClosed)
	check(t, o.Close())
	wantErr(t, at.Attach(egress, libbpf.HookOptions{}), libbpf.ErrClosed)
	second := findProgram(t, load(t, open(t, "cgroup")), "egress")
	wantErr(t, at.Attach(second, libbpf.HookOptions{Replace: egress}), libbpf.ErrClosed)
	wantHook(t, at)
}

// For a missing tcx or netkit, the kernel returns only EINVAL. This kernel may have both, one, or neither.
func TestHookUnsupported(t *testing.T) {
	n := testutil.NewNetwork(t)
	veth, _ := n.Veth()
	first := findProgram(t, load(t, open(t, "tc")), "first")
	n.Do(func() {
		for _, at := range []libbpf.ProgramAttachType{libbpf.AttachTypeTCXIngress, libbpf.AttachTypeNetkitPrimary} {
			h := libbpf.Hook{Type: at, IfIndex: veth}
			_, queried := h.Query(libbpf.HookQueryOptions{})
			for name, err := range map[string]error{
				"query": queried, "attach": h.Attach(first, libbpf.HookOptions{}), "detach": h.Detach(first, libbpf.HookDetachOptions{}),
			} {
				if errors.Is(err, unix.EINVAL) && !errors.Is(err, errors.ErrUnsupported) {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
	})
}
