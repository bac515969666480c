package libbpf_test

import (
	"encoding/binary"
	"os"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/needs"
)

func TestMain(m *testing.M) {
	testutil.TraceFS()
	if os.Getenv(faultsInC) != "" {
		os.Exit(m.Run()) // C leaves things behind, and the parent looks for them after each run
	}
	os.Exit(testutil.Main(m, testutil.Example{Name: "Example", Missing: func() (string, error) {
		return needs.Missing("bpf/syscalls.bpf.o")
	}}))
}

// open opens one of the objects in the bpf folder.
func open(t testing.TB, name string) *libbpf.OpenObject {
	t.Helper()
	o, err := libbpf.OpenFile(testutil.Object(t, name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { check(t, o.Close()) })
	return o
}

// openMaps opens maps.bpf.o, whose map "pinned" is to be pinned in pins and whose map of maps needs a template. Where
// the kernel has no bloom filters the object goes without.
func openMaps(t testing.TB, pins string) *libbpf.OpenObject {
	t.Helper()
	o, err := libbpf.ObjectBuilder{PinRootPath: pins}.OpenFile(testutil.Object(t, "maps"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { check(t, o.Close()) })
	inner, err := libbpf.CreateMap(libbpf.MapTypeArray, "inner", 4, 4, 1, libbpf.MapCreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer inner.Close()
	outer, err := o.Map("outer")
	check(t, err)
	check(t, outer.SetInnerMap(inner))
	notCreated, err := o.Map("not_created")
	check(t, err)
	check(t, notCreated.SetAutocreate(false))
	if bloomFilters() != nil {
		bloom, err := o.Map("bloom")
		check(t, err)
		check(t, bloom.SetAutocreate(false))
	}
	if pins == "" {
		pinned, err := o.Map("pinned")
		check(t, err)
		check(t, pinned.SetPinPath(""))
	}
	return o
}

// bloomFilters tells why the kernel has no bloom filters.
var bloomFilters = sync.OnceValue(func() error {
	m, err := libbpf.CreateMap(libbpf.MapTypeBloomFilter, "bloom", 0, 4, 1, libbpf.MapCreateOptions{})
	if err != nil && testutil.Refused(err) {
		return err
	}
	_ = m.Close()
	return nil
})

// missingMaps tries which of an object's maps the kernel creates, each alone, and tells why it refuses the others.
func missingMaps(t testing.TB, name string) map[string]error {
	t.Helper()
	testutil.Root(t)
	missing := make(map[string]error)
	for wanted := range open(t, name).Maps() {
		typ, err := wanted.Type()
		check(t, err)
		if typ == libbpf.MapTypeArrayOfMaps || typ == libbpf.MapTypeHashOfMaps {
			continue // which hold others from the start, and every kernel has them
		}
		o := open(t, name)
		for p := range o.Programs() {
			check(t, p.SetAutoload(false))
		}
		for m := range o.Maps() {
			check(t, m.SetAutocreate(m.Name() == wanted.Name()))
		}
		loaded, err := o.Load()
		if err != nil && testutil.Refused(err) {
			missing[wanted.Name()] = err
			continue
		}
		check(t, err)
		check(t, loaded.Close())
	}
	return missing
}

func load(t testing.TB, o *libbpf.OpenObject) *libbpf.Object {
	t.Helper()
	needs.ToLoad(t, o)
	loaded, err := o.Load()
	if err != nil {
		t.Fatalf("%+v", err)
	}
	t.Cleanup(func() { check(t, loaded.Close()) })
	return loaded
}

// loadMaps loads maps.bpf.o without its pinned map.
func loadMaps(t testing.TB) *libbpf.Object { return load(t, openMaps(t, "")) }

func findProgram(t testing.TB, o *libbpf.Object, name string) *libbpf.Program {
	t.Helper()
	p, err := o.Program(name)
	check(t, err)
	return p
}

func findMap(t testing.TB, o *libbpf.Object, name string) *libbpf.Map {
	t.Helper()
	m, err := o.Map(name)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

var check, wantErr = testutil.Check, testutil.WantErr

func u32(v uint32) []byte { return binary.NativeEndian.AppendUint32(nil, v) }
func u64(v uint64) []byte { return binary.NativeEndian.AppendUint64(nil, v) }

// selfTGID is the process's id as programs see it in the initial pid namespace, which is what they compare with.
func selfTGID(t testing.TB) uint32 {
	t.Helper()
	return uint32(unix.Getpid())
}
