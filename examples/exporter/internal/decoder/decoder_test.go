package decoder

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

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
		{number(0xffffffff80000000), []config.Decoder{{Name: "ksym"}}, "0xffffffff80000000"},
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
		{number(unnamed), part("name"), strings.Replace(uid, "0a", "ff", 1)},
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
		got, ok := chain.Text(c.field)
		if !ok {
			got = "-"
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
	if _, ok := tables.Cgroups.path(1); ok {
		t.Fatal("found")
	}
	paths := tables.Cgroups.paths
	tables.Cgroups.limit = limit{}
	tables.Cgroups.path(1)
	if fmt.Sprintf("%p", paths) != fmt.Sprintf("%p", tables.Cgroups.paths) {
		t.Error("it was looked for again")
	}
	id := inode(t, places.Cgroups+"/system.slice/a.service")
	if path, ok := tables.Cgroups.path(id); !ok || !tables.Cgroups.alive(id) {
		t.Fatal(path)
	}
	testutil.Check(t, os.Remove(places.Cgroups+"/system.slice/a.service"))
	if tables.Cgroups.alive(id) {
		t.Error("it lives after it was removed")
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
