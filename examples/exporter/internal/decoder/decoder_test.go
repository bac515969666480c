package decoder

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/config"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

const (
	uid       = "0a1b2c3d-1111-2222-3333-444455556666"
	container = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
)

// machine makes folders as a machine has them.
func machine(t *testing.T) (*Tables, Places) {
	t.Helper()
	dir := t.TempDir()
	p := Places{
		Symbols: dir + "/kallsyms", Cgroups: dir + "/cgroup", Devices: dir + "/dev", Pods: dir + "/pods", Logs: dir + "/containers",
	}
	pod := "kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + strings.ReplaceAll(uid, "-", "_") + ".slice"
	for _, folder := range []string{
		p.Cgroups + "/system.slice/a.service", p.Cgroups + "/" + pod + "/cri-containerd-" + container + ".scope",
		p.Cgroups + "/kubepods/besteffort/pod" + strings.Replace(uid, "0a", "ff", 1), p.Devices, p.Pods + "/shop_cart-7d9_" + uid, p.Logs,
	} {
		testutil.Check(t, os.MkdirAll(folder, 0o700))
	}
	testutil.Check(t, os.Symlink("x", p.Logs+"/cart-7d9_shop_server-"+container+".log"))
	testutil.Check(t, os.Symlink("../../block/sda", p.Devices+"/8:0"))
	testutil.Check(t, os.WriteFile(p.Symbols, []byte("ffffffff81000000 T _stext\nffffffff81000100 t do_it\nffffffff81000100 T alias\n"+
		"ffffffff81000200 A absolute\nffffffff82000000 T far\t[module]\n"), 0o600))
	return NewTables(p), p
}

func inode(t *testing.T, path string) uint64 {
	t.Helper()
	tables := &Cgroups{root: path}
	tables.scan()
	for id, name := range tables.paths {
		if name == "/" {
			return id
		}
	}
	t.Fatal(path + " has no inode")
	return 0
}

func number(n uint64) Field {
	return Field{Number: n, Numeric: true, Text: fmt.Sprint(int64(n)), Negative: int64(n) < 0}
}

func TestDecoders(t *testing.T) {
	tables, places := machine(t)
	text := func(s string) *string { return &s }
	service := inode(t, places.Cgroups+"/system.slice/a.service")
	pods := filepath.Join(places.Cgroups, "kubepods.slice/kubepods-burstable.slice", "kubepods-burstable-pod"+strings.ReplaceAll(uid, "-", "_")+".slice")
	scope := inode(t, pods+"/cri-containerd-"+container+".scope")
	unnamed := inode(t, places.Cgroups+"/kubepods/besteffort/pod"+strings.Replace(uid, "0a", "ff", 1))
	part := func(name string) []config.Decoder { return []config.Decoder{{Name: "pod", Part: name}} }
	for _, c := range []struct {
		field    Field
		decoders []config.Decoder
		want     string // "-" for no series
	}{
		{Field{Text: "init"}, nil, "init"},
		{Field{Text: "a\xffb"}, nil, "a\uFFFDb"},
		{Field{Number: 3, Numeric: true, Text: "BUSY"}, []config.Decoder{{Name: "int"}}, "3"},
		{number(1<<64 - 5), []config.Decoder{{Name: "int"}}, "-5"},
		{number(255), []config.Decoder{{Name: "hex"}}, "0xff"},
		{Field{Bytes: []byte{1, 0xab}}, []config.Decoder{{Name: "hex"}}, "01ab"},
		{Field{Bytes: []byte("lo\x00x")}, []config.Decoder{{Name: "string"}}, "lo"},
		{Field{Bytes: []byte{127, 0, 0, 1}}, []config.Decoder{{Name: "ip"}}, "127.0.0.1"},
		{Field{Bytes: append(make([]byte, 15), 1)}, []config.Decoder{{Name: "ip"}}, "::1"},
		{Field{Bytes: append(append(make([]byte, 10), 255, 255), 10, 0, 0, 1)}, []config.Decoder{{Name: "ip"}}, "10.0.0.1"},
		{number(2), []config.Decoder{{Name: "errno"}}, "ENOENT"},
		{number(1<<64 - 13), []config.Decoder{{Name: "errno"}}, "EACCES"},
		{number(1<<32 - 13), []config.Decoder{{Name: "errno"}}, "EACCES"},
		{number(0), []config.Decoder{{Name: "errno"}}, "0"},
		{number(5000), []config.Decoder{{Name: "errno"}}, "5000"},
		{number(99999), []config.Decoder{{Name: "syscall"}}, "syscall_99999"},
		{number(0xffffffff81000120), []config.Decoder{{Name: "ksym"}}, "do_it"},
		{number(0xffffffff80000000), []config.Decoder{{Name: "ksym"}}, "unknown"},
		{number(1), []config.Decoder{{Name: "ifname"}}, "lo"},
		{number(99999), []config.Decoder{{Name: "ifname"}}, "ifindex_99999"},
		{number(8 << 20), []config.Decoder{{Name: "device"}}, "sda"},
		{number(8<<20 | 1), []config.Decoder{{Name: "device"}}, "8:1"},
		{number(service), []config.Decoder{{Name: "cgroup"}}, "/system.slice/a.service"},
		{number(1), []config.Decoder{{Name: "cgroup"}}, "unknown"},
		{number(1), []config.Decoder{{Name: "cgroup", Otherwise: text("gone")}}, "gone"},
		{number(1), []config.Decoder{{Name: "cgroup", Drop: true}}, "-"},
		{number(service), []config.Decoder{{Name: "cgroup"}, {Name: "regexp", Match: `([^/]+)\.service$`}}, "a"},
		{number(scope), part("name"), "shop/cart-7d9"},
		{number(scope), part("namespace"), "shop"},
		{number(scope), part("pod"), "cart-7d9"},
		{number(scope), part("uid"), uid},
		{number(scope), part("container"), "server"},
		{number(scope), part("container_id"), container},
		{number(unnamed), part("name"), "later"},
		{number(service), part("name"), ""},
		{number(service), []config.Decoder{{Name: "pod", Drop: true}}, "-"},
		{Field{Text: "1"}, []config.Decoder{{Name: "static_map", Values: map[string]string{"1": "read"}}}, "read"},
		{Field{Text: "2"}, []config.Decoder{{Name: "static_map", Values: map[string]string{"1": "read"}}}, "2"},
		{Field{Text: "2"}, []config.Decoder{{Name: "static_map", Values: map[string]string{"1": "read"}, Otherwise: text("other")}}, "other"},
		{Field{Text: "abc"}, []config.Decoder{{Name: "regexp", Match: "b"}}, "b"},
		{Field{Text: "abc"}, []config.Decoder{{Name: "regexp", Match: "(a)b(c)", Replace: "$2-$1"}}, "c-a"},
		{Field{Text: "abc"}, []config.Decoder{{Name: "regexp", Match: "x", Drop: true}, {Name: "regexp", Match: "."}}, "-"},
	} {
		for _, table := range []*limit{&tables.Cgroups.limit, &tables.Pods.limit, &tables.Interfaces.limit} {
			*table = limit{}
		}
		chain, err := New(c.decoders, Shape{Numeric: c.field.Numeric, Size: len(c.field.Bytes)}, tables)
		testutil.Check(t, err)
		got, known := chain.Text(c.field)
		switch known {
		case None:
			got = "-"
		case Later:
			got = "later"
		}
		if got != c.want {
			t.Errorf("%v of %+v is %q, want %q", c.decoders, c.field, got, c.want)
		}
	}
}

func TestSystemCalls(t *testing.T) {
	if name := systemCalls[unix.SYS_GETPGID]; name != "getpgid" {
		t.Errorf("the number of getpgid is that of %q", name)
	}
}

func TestMisplaced(t *testing.T) {
	tables, _ := machine(t)
	at := config.Place{File: "x.yml", Line: 7}
	for _, c := range []struct {
		decoders []config.Decoder
		shape    Shape
		want     string
	}{
		{[]config.Decoder{{Name: "int"}, {Name: "ksym", At: at}}, Shape{Numeric: true}, "x.yml:7: decoder ksym reads the field: it must be the first"},
		{[]config.Decoder{{Name: "ksym", At: at}}, Shape{What: "text of 16 bytes"}, "x.yml:7: decoder ksym reads an integer, and the field is text of 16 bytes"},
		{[]config.Decoder{{Name: "ip", At: at}}, Shape{Size: 8, What: "an integer of 8 bytes"}, "x.yml:7: decoder ip reads 4 or 16 bytes, and the field is an integer of 8 bytes"},
	} {
		if _, err := New(c.decoders, c.shape, tables); err == nil || err.Error() != c.want {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
}

// A cgroup that is not there is looked for once, and not for each of its elements.
func TestUnknownCgroupsAreRemembered(t *testing.T) {
	tables, places := machine(t)
	if _, known := tables.Cgroups.path(1); known != None {
		t.Fatal(known)
	}
	paths := tables.Cgroups.paths
	tables.Cgroups.limit = limit{}
	tables.Cgroups.path(1)
	if fmt.Sprintf("%p", paths) != fmt.Sprintf("%p", tables.Cgroups.paths) {
		t.Error("it was looked for again")
	}
	id := inode(t, places.Cgroups+"/system.slice/a.service")
	if path, known := tables.Cgroups.path(id); known != Known || !tables.Cgroups.alive(id) {
		t.Fatal(path)
	}
	testutil.Check(t, os.Remove(places.Cgroups+"/system.slice/a.service"))
	if tables.Cgroups.alive(id) {
		t.Error("it lives after it was removed")
	}
}

// A cgroup that is made just after all were read has its path as soon as they may be read again. One that is still not
// there then is gone.
func TestNewCgroupsWait(t *testing.T) {
	tables, places := machine(t)
	tables.Cgroups.path(1)
	testutil.Check(t, os.Mkdir(places.Cgroups+"/new", 0o700))
	id := inode(t, places.Cgroups+"/new")
	for _, id := range []uint64{id, 2} {
		if path, known := tables.Cgroups.path(id); known != Later {
			t.Errorf("%d is %q, %v", id, path, known)
		}
	}
	tables.Cgroups.limit.last = time.Time{}
	if path, known := tables.Cgroups.path(id); path != "/new" || known != Known {
		t.Error(path, known)
	}
	if path, known := tables.Cgroups.path(2); known != None {
		t.Error(path, known)
	}
}

func TestNewInterfacesWait(t *testing.T) {
	tables := &Interfaces{}
	if name, known := tables.decode(number(99999)); name != "ifindex_99999" || known != Known {
		t.Error(name, known)
	}
	if name, known := tables.decode(number(99998)); known != Later {
		t.Error(name, known)
	}
	tables.limit.last = time.Time{}
	for _, id := range []uint64{99999, 99998} {
		if name, known := tables.decode(number(id)); known != Known {
			t.Error(name, known)
		}
	}
}

// The names of a pod may come after its cgroup. They are not waited for without end, and not if no label needs them.
func TestNewPodsWait(t *testing.T) {
	tables, places := machine(t)
	other := strings.Replace(uid, "0a", "ee", 1)
	path := "/kubepods/pod" + other
	if p, known := tables.Pods.of(path, "uid"); known != Known || p.uid != other {
		t.Error(p, known)
	}
	again := func() (pod, Answer) {
		tables.Pods.limit = limit{}
		return tables.Pods.of(path, "name")
	}
	if p, known := again(); known != Later {
		t.Error(p, known)
	}
	testutil.Check(t, os.Mkdir(places.Pods+"/shop_late_"+other, 0o700))
	if p, known := again(); known != Known || p.part("name") != "shop/late" {
		t.Error(p, known)
	}
	path = strings.Replace(path, "ee", "dd", 1)
	for i := range tries {
		if p, known := again(); (known == Known) != (i == tries-1) || p.part("name") != p.uid {
			t.Error(i, p, known)
		}
	}
}

// Without the kernel's list, no address is published.
func TestSymbolsThatAreHidden(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kallsyms")
	testutil.Check(t, os.WriteFile(path, []byte("0000000000000000 T _stext\n"), 0o600))
	s := &Symbols{path: path}
	address := number(0xffffffff81000120)
	if name := s.decode(address); name != unknown {
		t.Error(name)
	}
	s.Release()
	testutil.Check(t, os.WriteFile(path, []byte("ffffffff81000100 t do_it\n"), 0o600))
	if name := s.decode(address); name != "do_it" {
		t.Error(name)
	}
}

// Where both versions of cgroups are mounted, the numbers are those of version 2.
func TestOtherHierarchiesAreLeftOut(t *testing.T) {
	dir := t.TempDir()
	cgroup := testutil.NewCgroup(t) // in a mount of its own
	below := dir + "/unified"
	testutil.Check(t, os.Mkdir(below, 0o700))
	tables := &Cgroups{root: filepath.Dir(filepath.Dir(cgroup.Name()))}
	tables.scan()
	if path, ok := tables.paths[cgroup.ID()]; ok {
		t.Errorf("it went across a mount to %s", path)
	}
	testutil.Check(t, unix.Mount(filepath.Dir(cgroup.Name()), below, "", unix.MS_BIND, ""))
	defer func() { testutil.Check(t, unix.Unmount(below, unix.MNT_DETACH)) }()
	tables = &Cgroups{root: dir}
	if path, known := tables.path(cgroup.ID()); known != Known || path != "/"+filepath.Base(cgroup.Name()) {
		t.Error(path, known)
	}
}

func TestCgroupRoot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mountinfo")
	testutil.Check(t, os.WriteFile(path, []byte("1 0 0:1 / / rw - ext4 /dev/sda rw\n2 1 0:2 / /x rw shared:3 - cgroup2 cgroup2 rw\n"), 0o600))
	if root := cgroupRoot(path); root != "/x" {
		t.Error(root)
	}
	if root := cgroupRoot("/nonexistent"); root != "/sys/fs/cgroup" {
		t.Error(root)
	}
}
