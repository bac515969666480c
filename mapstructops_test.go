package libbpf_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// openFields opens struct_ops.bpf.o before Load, when its fields can be set.
func openFields(t *testing.T) (*libbpf.OpenObject, *libbpf.OpenMap) {
	t.Helper()
	o, m := openCongestion(t)
	if _, err := m.Field("name"); errors.Is(err, errors.ErrUnsupported) {
		testutil.Skip(t, "libbpf-1.4", err)
	}
	return o, m
}

func TestStructOpsFields(t *testing.T) {
	o, m := openFields(t)
	name, err := m.Field("name")
	check(t, err)
	if want := append([]byte("libbpf_go"), make([]byte, 7)...); !bytes.Equal(name, want) {
		t.Errorf("name %q", name)
	}
	check(t, m.SetField("name", "from_go"))
	check(t, m.SetField("flags", uint32(1))) // TCP_CONG_NON_RESTRICTED
	if flags, err := m.Field("flags"); err != nil || !bytes.Equal(flags, u32(1)) {
		t.Errorf("flags %v, %v", flags, err)
	}
	init, err := m.FieldProgram("init")
	check(t, err)
	if init.Name() != "init_connection" {
		t.Errorf("init is %q", init.Name())
	}
	callbacks, err := m.Callbacks()
	check(t, err)
	if i := slices.IndexFunc(callbacks, func(c libbpf.StructOpsCallback) bool { return c.Program == init }); i < 0 ||
		callbacks[i].Field != "init" {
		t.Errorf("the callbacks are %v", callbacks)
	}
	check(t, m.SetField("init", (*libbpf.OpenProgram)(nil)))
	if fewer, err := m.Callbacks(); err != nil || len(fewer) != len(callbacks)-1 {
		t.Errorf("the callbacks are %v, %v after one was left out", fewer, err)
	}
	if p, err := m.FieldProgram("init"); err != nil || p != nil {
		t.Errorf("init is %v, %v after it was left out", p, err)
	}
	check(t, m.SetField("init", init))
	ssthresh, err := o.Program("ssthresh")
	check(t, err)
	for _, c := range []struct {
		field string
		value any
		want  error
	}{
		{"nothing", 1, libbpf.ErrNotFound},
		{"", 1, libbpf.ErrNotFound},
		{"flags.x", 1, libbpf.ErrNotFound},
		{"list.nothing", 1, libbpf.ErrNotFound},
		{"name", "more than sixteen bytes", libbpf.ErrInvalid},
		{"name", ssthresh, libbpf.ErrInvalid},
		{"flags", uint64(1) << 32, libbpf.ErrInvalid},
		{"init", 1, libbpf.ErrInvalid},
		{"init", make([]byte, 8), libbpf.ErrInvalid},
		{"init", nil, libbpf.ErrInvalid},
	} {
		if err := m.SetField(c.field, c.value); !errors.Is(err, c.want) {
			t.Errorf("set %q to %v: %v", c.field, c.value, err)
		}
	}
	other, err := open(t, "testrun").Program("count_packet")
	check(t, err)
	wantErr(t, m.SetField("init", other), libbpf.ErrInvalid)
	_, err = m.FieldProgram("name")
	wantErr(t, err, libbpf.ErrInvalid)
	hash, err := open(t, "maps").Map("hash")
	check(t, err)
	wantErr(t, hash.SetField("name", "x"), libbpf.ErrInvalid)
	wantErr(t, (*libbpf.OpenMap)(nil).SetField("name", "x"), libbpf.ErrClosed)
	check(t, o.Close())
	wantErr(t, m.SetField("name", "x"), libbpf.ErrClosed)
}

// The kernel calls the programs that were set.
func TestStructOpsFieldsInTheKernel(t *testing.T) {
	testutil.Root(t)
	connect := func(callback string) uint64 {
		o, m := openFields(t)
		check(t, m.SetField("name", "from_go"))
		if callback == "" {
			check(t, m.SetField("init", (*libbpf.OpenProgram)(nil)))
		} else {
			p, err := o.Program(callback)
			check(t, err)
			check(t, m.SetField("init", p))
		}
		loaded := loadStructOps(t, o)
		defer loaded.Close()
		_, err := findMap(t, loaded, "congestion").AttachStructOps()
		check(t, err)
		askForCongestion(t, "from_go")
		return bssUint64(loaded, 0)
	}
	if n := connect("init_connection"); n != 1 {
		t.Errorf("%d connections", n)
	}
	if n := connect(""); n != 0 {
		t.Errorf("%d connections without the callback", n)
	}
}

// Update of a link accepts a struct_ops map with the same name only.
func TestLinkUpdateMap(t *testing.T) {
	o, other := loadCongestion(t), loadCongestion(t)
	m := findMap(t, o, "congestion")
	link, err := m.AttachStructOps()
	check(t, err)
	info, err := link.Info()
	check(t, err)
	byID, err := libbpf.LinkFromID(info.ID)
	check(t, err)
	defer byID.Close()
	// libbpf fills the kernel's struct when it attaches the map. It does not know a link that was opened by id.
	wantErr(t, byID.UpdateMap(findMap(t, other, "congestion")), unix.EINVAL)
	check(t, link.UpdateMap(findMap(t, other, "congestion")))
	check(t, byID.UpdateMap(m))
	wantErr(t, link.UpdateMap(findMap(t, o, ".bss")), libbpf.ErrInvalid)
	wantErr(t, (*libbpf.Link)(nil).UpdateMap(m), libbpf.ErrClosed)

	counting, err := findProgram(t, loadAttach(t, nil), "on_exit").Attach()
	check(t, err)
	wantErr(t, counting.UpdateMap(m), errors.ErrUnsupported)
	check(t, o.Close())
	wantErr(t, byID.UpdateMap(m), libbpf.ErrClosed)
}
