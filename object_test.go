package libbpf_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/needs"
)

func TestOpenFile(t *testing.T) {
	o := open(t, "maps")
	if o.Name() != "maps" {
		t.Errorf("name %q", o.Name())
	}
	var maps, programs []string
	for m := range o.Maps() {
		maps = append(maps, m.Name())
	}
	for p := range o.Programs() {
		programs = append(programs, p.Name()+" in "+p.Section())
	}
	for _, want := range []string{"hash", "queue", "outer", "not_created", "maps.rodata", "maps.bss", ".data.custom"} {
		if !slices.Contains(maps, want) {
			t.Errorf("no map %q in %q", want, maps)
		}
	}
	if want := []string{"read_globals in socket", "not_loaded in socket"}; !slices.Equal(programs, want) {
		t.Errorf("programs %q, want %q", programs, want)
	}
	_, err := o.Map("nope")
	wantErr(t, err, libbpf.ErrNotFound)
	_, err = o.Program("nope")
	wantErr(t, err, libbpf.ErrNotFound)
	_, err = o.Map("a\x00b")
	wantErr(t, err, libbpf.ErrNotFound)
}

func TestOpenMemory(t *testing.T) {
	image, err := os.ReadFile(testutil.Object(t, "attach"))
	check(t, err)
	o, err := libbpf.ObjectBuilder{Name: "given"}.OpenMemory(image)
	check(t, err)
	defer o.Close()
	// libbpf must no longer need the bytes.
	clear(image)
	if o.Name() != "given" {
		t.Errorf("name %q", o.Name())
	}
	load(t, o)
}

func TestOpenOptions(t *testing.T) {
	path := testutil.Object(t, "options")
	_, err := libbpf.OpenFile(path)
	if err == nil || !strings.Contains(err.Error(), "no_such_attribute") {
		t.Errorf("without RelaxedMaps: %v", err)
	}
	relaxed := libbpf.ObjectBuilder{RelaxedMaps: true, Kconfig: "CONFIG_LIBBPF_GO=1234\n"}
	loadWith := func(b libbpf.ObjectBuilder) (*libbpf.Object, error) {
		o, err := b.OpenFile(path)
		check(t, err)
		defer o.Close()
		needs.ToLoad(t, o)
		return o.Load()
	}
	o, err := loadWith(relaxed)
	check(t, err)
	defer o.Close()
	value, err := findMap(t, o, ".kconfig").Lookup(u32(0), libbpf.Any)
	check(t, err)
	if !bytes.Equal(value, u32(1234)) {
		t.Errorf("CONFIG_LIBBPF_GO is %v", value)
	}

	// CO-RE relocations use the custom BTF: it has no task_struct, so the field's offset can't be resolved.
	withBTF := relaxed
	withBTF.BTFCustomPath = "/sys/kernel/btf/vmlinux"
	custom, err := loadWith(withBTF)
	check(t, err)
	check(t, custom.Close())
	withBTF.BTFCustomPath = testutil.Object(t, "maps")
	_, err = loadWith(withBTF)
	if err == nil {
		t.Error("loaded with a BTF that lacks task_struct")
	}
	withBTF.BTFCustomPath = "/nonexistent"
	_, err = loadWith(withBTF)
	wantErr(t, err, os.ErrNotExist)
	_, err = libbpf.ObjectBuilder{Kconfig: "a\x00b"}.OpenFile(path)
	wantErr(t, err, libbpf.ErrInvalid)
}

func TestOpenMapProperties(t *testing.T) {
	o := open(t, "maps")
	m, err := o.Map("hash")
	check(t, err)
	for _, c := range []struct {
		name     string
		set      func() error
		get      func() (any, error)
		old, new any
	}{
		{"type", func() error { return m.SetType(libbpf.MapTypeLRUHash) },
			func() (any, error) { return m.Type() }, libbpf.MapTypeHash, libbpf.MapTypeLRUHash},
		{"key size", func() error { return m.SetKeySize(8) },
			func() (any, error) { return m.KeySize() }, uint32(4), uint32(8)},
		{"value size", func() error { return m.SetValueSize(16) },
			func() (any, error) { return m.ValueSize() }, uint32(8), uint32(16)},
		{"max entries", func() error { return m.SetMaxEntries(99) },
			func() (any, error) { return m.MaxEntries() }, uint32(64), uint32(99)},
		{"flags", func() error { return m.SetFlags(libbpf.CreateNUMANode) },
			func() (any, error) { return m.Flags() }, libbpf.MapCreateFlags(0), libbpf.CreateNUMANode},
		{"extra", func() error { return m.SetExtra(3) },
			func() (any, error) { return m.Extra() }, uint64(0), uint64(3)},
		{"NUMA node", func() error { return m.SetNUMANode(1) },
			func() (any, error) { return m.NUMANode() }, uint32(0), uint32(1)},
		{"ifindex", func() error { return m.SetIfIndex(1) },
			func() (any, error) { return m.IfIndex() }, uint32(0), uint32(1)},
		{"autocreate", func() error { return m.SetAutocreate(false) },
			func() (any, error) { return m.Autocreate() }, true, false},
		{"pin path", func() error { return m.SetPinPath("/x/y") },
			func() (any, error) { return m.PinPath() }, "", "/x/y"},
	} {
		if got, err := c.get(); err != nil || got != c.old {
			t.Errorf("%s is %v, %v at first, want %v", c.name, got, err, c.old)
		}
		if err := c.set(); err != nil {
			t.Errorf("set %s: %v", c.name, err)
		}
		if got, err := c.get(); err != nil || got != c.new {
			t.Errorf("%s is %v, %v when set, want %v", c.name, got, err, c.new)
		}
	}
	wantErr(t, m.SetPinPath("a\x00b"), libbpf.ErrInvalid)
	if value, err := m.InitialValue(); err != nil || value != nil {
		t.Errorf("initial value of a hash: %v, %v", value, err)
	}
	wantErr(t, m.SetInitialValue([]byte{1}), libbpf.ErrInvalid)
}

func TestOpenMapChangesReachTheKernel(t *testing.T) {
	o := openMaps(t, "")
	m, err := o.Map("hash")
	check(t, err)
	check(t, m.SetMaxEntries(3))
	check(t, m.SetFlags(libbpf.CreateNoPrealloc))
	loaded := findMap(t, load(t, o), "hash")
	info, err := loaded.Info()
	check(t, err)
	if info.MaxEntries != 3 || info.Flags != libbpf.CreateNoPrealloc || loaded.MaxEntries() != 3 {
		t.Errorf("info %+v, MaxEntries %d", info, loaded.MaxEntries())
	}
}

func TestInitialValue(t *testing.T) {
	o := openMaps(t, "")
	m, err := o.Map(".data")
	check(t, err)
	value, err := m.InitialValue()
	check(t, err)
	if !bytes.Contains(value, u32(42)) {
		t.Fatalf("no 42 in %v", value)
	}
	value = bytes.Replace(value, u32(42), u32(43), 1)
	again, err := m.InitialValue()
	check(t, err)
	if bytes.Equal(again, value) {
		t.Error("InitialValue is not a copy")
	}
	wantErr(t, m.SetInitialValue(value[1:]), libbpf.ErrInvalid)
	check(t, m.SetInitialValue(value))
	got, err := findMap(t, load(t, o), ".data").Lookup(u32(0), libbpf.Any)
	check(t, err)
	if !bytes.Equal(got, value) {
		t.Errorf(".data is %v, want %v", got, value)
	}
}

func TestExclusiveProgram(t *testing.T) {
	loadWith := func(owner string) error {
		o := openMaps(t, "")
		m, err := o.Map("used")
		check(t, err)
		p, err := o.Program(owner)
		check(t, err)
		other, err := o.Program("not_loaded")
		check(t, err)
		check(t, other.SetAutoload(true))
		if err := m.SetExclusiveProgram(p); errors.Is(err, errors.ErrUnsupported) {
			testutil.Skip(t, "libbpf-1.7", err)
		} else {
			check(t, err)
		}
		foreign, err := open(t, "attach").Program("on_enter")
		check(t, err)
		wantErr(t, m.SetExclusiveProgram(foreign), libbpf.ErrInvalid)
		exclusive, err := m.ExclusiveProgram()
		check(t, err)
		if exclusive != p {
			t.Errorf("exclusive to %q", exclusive.Name())
		}
		wantErr(t, m.SetExclusiveProgram(nil), libbpf.ErrInvalid)
		loaded, err := o.Load()
		if err == nil {
			check(t, loaded.Close())
		}
		return err
	}
	testutil.Root(t)
	if err := loadWith("read_globals"); err != nil && testutil.Refused(err) {
		testutil.Skip(t, "exclusive_program", err)
	} else {
		check(t, err)
	}
	wantErr(t, loadWith("not_loaded"), unix.EACCES) // read_globals uses the map, too
}

// The last variable of a section of global data can be made larger, if it is an array.
func TestResizeGlobalData(t *testing.T) {
	o := openMaps(t, "")
	m, err := o.Map(".data.growing")
	check(t, err)
	old, err := m.ValueSize()
	check(t, err)
	if err := m.SetValueSize(4096); errors.Is(err, errors.ErrUnsupported) {
		testutil.Skip(t, "libbpf-1.3", err)
	} else {
		check(t, err)
	}
	value, err := m.InitialValue()
	check(t, err)
	if old != 8 || len(value) != 4096 || !bytes.HasPrefix(value, u32(1)) {
		t.Errorf("%d bytes at first, then %d", old, len(value))
	}
	value[4095] = 9
	check(t, m.SetInitialValue(value))
	got, err := findMap(t, load(t, o), ".data.growing").Lookup(u32(0), libbpf.Any)
	check(t, err)
	if !bytes.Equal(got, value) {
		t.Errorf("%d bytes, the last is %d", len(got), got[len(got)-1])
	}
}

func TestOpenProgramProperties(t *testing.T) {
	p, err := open(t, "maps").Program("read_globals")
	check(t, err)
	for _, c := range []struct {
		name     string
		set      func() error
		get      func() (any, error)
		old, new any
	}{
		{"type", func() error { return p.SetType(libbpf.ProgramTypeXDP) },
			func() (any, error) { return p.Type() }, libbpf.ProgramTypeSocketFilter, libbpf.ProgramTypeXDP},
		{"attach type", func() error { return p.SetAttachType(libbpf.AttachTypeXDP) },
			func() (any, error) { return p.AttachType() }, libbpf.ProgramAttachType(0), libbpf.AttachTypeXDP},
		{"autoload", func() error { return p.SetAutoload(false) },
			func() (any, error) { return p.Autoload() }, true, false},
		{"autoattach", func() error { return p.SetAutoattach(false) },
			func() (any, error) { return p.Autoattach() }, true, false},
		{"log level", func() error { return p.SetLogLevel(2) },
			func() (any, error) { return p.LogLevel() }, uint32(0), uint32(2)},
		{"flags", func() error { return p.SetFlags(unix.BPF_F_STRICT_ALIGNMENT) },
			func() (any, error) { return p.Flags() }, uint32(0), uint32(unix.BPF_F_STRICT_ALIGNMENT)},
	} {
		if got, err := c.get(); err != nil || got != c.old {
			t.Errorf("%s is %v, %v at first, want %v", c.name, got, err, c.old)
		}
		if err := c.set(); err != nil {
			t.Errorf("set %s: %v", c.name, err)
		}
		if got, err := c.get(); err != nil || got != c.new {
			t.Errorf("%s is %v, %v when set, want %v", c.name, got, err, c.new)
		}
	}
	check(t, p.SetIfIndex(1))
	insns, err := p.Instructions()
	check(t, err)
	const exit = 0x95
	if len(insns) < 2 || insns[len(insns)-1].Code != exit {
		t.Errorf("instructions %v", insns)
	}
}

func TestAttachTarget(t *testing.T) {
	p, err := open(t, "attach").Program("on_enter")
	check(t, err)
	// Only the kernel's BTF has this name, so the error shows that the name was passed on.
	err = p.SetAttachTarget(0, "no_such_function")
	wantErr(t, err, unix.ESRCH)
	wantErr(t, p.SetAttachTarget(0, "a\x00b"), libbpf.ErrInvalid)
	wantErr(t, p.SetAttachTarget(-1, "f"), libbpf.ErrInvalid)
	wantErr(t, p.SetAttachTarget(beyondInt32, "f"), libbpf.ErrInvalid)
	wantErr(t, p.SetAttachTarget(1<<20, "f"), unix.EBADF)
}

func TestLoad(t *testing.T) {
	o := openMaps(t, "")
	loaded := load(t, o)
	if loaded.Name() != "maps" {
		t.Errorf("name %q", loaded.Name())
	}
	var names []string
	for m := range loaded.Maps() {
		names = append(names, m.Name())
		if m.FD() < 0 {
			t.Errorf("map %q has fd %d", m.Name(), m.FD())
		}
	}
	if slices.Contains(names, "not_created") || !slices.Contains(names, "pinned") {
		t.Errorf("maps %q", names)
	}
	_, err := loaded.Map("not_created")
	wantErr(t, err, libbpf.ErrNotFound)
	_, err = loaded.Map("nope")
	wantErr(t, err, libbpf.ErrNotFound)
	_, err = loaded.Program("not_loaded")
	wantErr(t, err, libbpf.ErrNotFound)
	p, err := loaded.Program("read_globals")
	check(t, err)
	if p.FD() < 0 || p.Type() != libbpf.ProgramTypeSocketFilter || p.Section() != "socket" {
		t.Errorf("program: fd %d, type %v, section %q", p.FD(), p.Type(), p.Section())
	}
	if _, err := p.Instructions(); err != nil {
		t.Error(err)
	}

	types, err := loaded.BTF()
	check(t, err)
	defer types.Close()
	value, err := types.Resolve(findMap(t, loaded, "hash").ValueTypeID())
	check(t, err)
	if value.Name() != "pair" {
		t.Errorf("the value of hash has type %q", value.Name())
	}
}

func TestLoadConsumes(t *testing.T) {
	o := openMaps(t, "")
	m, err := o.Map("hash")
	check(t, err)
	p, err := o.Program("read_globals")
	check(t, err)
	loaded := load(t, o)
	_, err = o.Load()
	wantErr(t, err, libbpf.ErrLoaded)
	_, err = o.Map("hash")
	wantErr(t, err, libbpf.ErrLoaded)
	_, err = o.BTF()
	wantErr(t, err, libbpf.ErrLoaded)
	wantErr(t, m.SetMaxEntries(1), libbpf.ErrLoaded)
	_, err = m.InitialValue()
	wantErr(t, err, libbpf.ErrLoaded)
	wantErr(t, p.SetAutoload(false), libbpf.ErrLoaded)
	wantErr(t, o.SetGlobal("data_u32", 1), libbpf.ErrLoaded)
	for range o.Maps() {
		t.Error("a map after Load")
	}
	check(t, o.Close())
	// The OpenObject's Close must not affect the object.
	_, err = findMap(t, loaded, "array").Lookup(u32(0), libbpf.Any)
	check(t, err)
}

func TestClosed(t *testing.T) {
	o := open(t, "maps")
	m, err := o.Map("hash")
	check(t, err)
	check(t, o.Close())
	check(t, o.Close())
	_, err = o.Load()
	wantErr(t, err, libbpf.ErrClosed, os.ErrClosed)
	_, err = m.Type()
	wantErr(t, err, libbpf.ErrClosed)

	loaded := loadMaps(t)
	hash := findMap(t, loaded, "hash")
	p, err := loaded.Program("read_globals")
	check(t, err)
	check(t, loaded.Close())
	check(t, loaded.Close())
	_, err = loaded.Map("hash")
	wantErr(t, err, libbpf.ErrClosed)
	_, err = loaded.Program("read_globals")
	wantErr(t, err, libbpf.ErrClosed)
	_, err = loaded.Attach()
	wantErr(t, err, libbpf.ErrClosed)
	_, err = loaded.BTF()
	wantErr(t, err, libbpf.ErrClosed)
	for range loaded.Maps() {
		t.Error("a map after Close")
	}
	for range loaded.Programs() {
		t.Error("a program after Close")
	}
	if hash.FD() != -1 || p.FD() != -1 {
		t.Errorf("fds %d, %d after Close", hash.FD(), p.FD())
	}
	_, err = p.Attach()
	wantErr(t, err, libbpf.ErrClosed)
	_, err = p.Instructions()
	wantErr(t, err, libbpf.ErrClosed)
	wantErr(t, p.Pin("/x"), libbpf.ErrClosed)
	testClosedMap(t, hash)
	wantErr(t, hash.Pin("/x"), libbpf.ErrClosed)
	_, err = hash.AttachStructOps()
	wantErr(t, err, libbpf.ErrClosed)
}

func TestNil(t *testing.T) {
	var o *libbpf.OpenObject
	_, err := o.Load()
	wantErr(t, err, libbpf.ErrClosed)
	_, err = o.Map("x")
	wantErr(t, err, libbpf.ErrClosed)
	_, err = o.Program("x")
	wantErr(t, err, libbpf.ErrClosed)
	_, err = o.BTF()
	wantErr(t, err, libbpf.ErrClosed)
	wantErr(t, o.SetGlobal("x", 1), libbpf.ErrClosed)
	check(t, o.Close())
	for range o.Maps() {
		t.Error("a map of nil")
	}
	for range o.Programs() {
		t.Error("a program of nil")
	}

	var openMap *libbpf.OpenMap
	_, err = openMap.Type()
	wantErr(t, err, libbpf.ErrClosed)
	wantErr(t, openMap.SetMaxEntries(1), libbpf.ErrClosed)
	wantErr(t, openMap.SetInnerMap(nil), libbpf.ErrClosed)
	var openProgram *libbpf.OpenProgram
	wantErr(t, openProgram.SetAutoload(true), libbpf.ErrClosed)

	var object *libbpf.Object
	_, err = object.Map("x")
	wantErr(t, err, libbpf.ErrClosed)
	_, err = object.Attach()
	wantErr(t, err, libbpf.ErrClosed)
	_, err = object.BTF()
	wantErr(t, err, libbpf.ErrClosed)
	check(t, object.Close())
	for range object.Maps() {
		t.Error("a map of nil")
	}
	if object.Name()+o.Name()+openMap.Name()+openProgram.Name()+openProgram.Section()+object.KernelLog() != "" {
		t.Error("nil has a name")
	}

	program := new(libbpf.Program)
	_, err = program.Attach()
	wantErr(t, err, libbpf.ErrClosed)
	if program.FD() != -1 || program.Name() != "" || program.Section() != "" || program.Type() != 0 {
		t.Error("a closed program has properties")
	}
	m := new(libbpf.Map)
	testClosedMap(t, m)
	if m.IsPinned() || m.PinPath() != "" || m.KeyTypeID() != 0 || m.ValueTypeID() != 0 {
		t.Error("a closed map has properties")
	}
	wantErr(t, m.Pin("/x"), libbpf.ErrClosed)
	_, err = m.AttachStructOps()
	wantErr(t, err, libbpf.ErrClosed)
	handle := new(libbpf.MapHandle)
	testClosedMap(t, handle)
	wantErr(t, handle.Pin("/x"), libbpf.ErrClosed)
	check(t, handle.Close())

	var link *libbpf.Link
	wantErr(t, link.Detach(), libbpf.ErrClosed)
	wantErr(t, link.Disconnect(), libbpf.ErrClosed)
	wantErr(t, link.Pin("/x"), libbpf.ErrClosed)
	check(t, link.Close())
	if link.FD() != -1 || link.PinPath() != "" {
		t.Error("a nil link has properties")
	}
	var ring *libbpf.RingBuffer
	_, err = ring.Poll(0)
	wantErr(t, err, libbpf.ErrClosed)
	_, err = ring.Poll(-1)
	wantErr(t, err, libbpf.ErrClosed)
	_, err = ring.Consume()
	wantErr(t, err, libbpf.ErrClosed)
	check(t, ring.Close())
	var perf *libbpf.PerfBuffer
	_, err = perf.Poll(-1)
	wantErr(t, err, libbpf.ErrClosed)
	check(t, perf.Close())
	if ring.EpollFD() != -1 || perf.EpollFD() != -1 {
		t.Error("a nil buffer has an epoll fd")
	}
}

func TestVerifierError(t *testing.T) {
	testutil.Root(t)
	check := func(t *testing.T, err error) {
		var rejected *libbpf.VerifierError
		if !errors.As(err, &rejected) {
			t.Fatalf("%v is not a VerifierError", err)
		}
		if rejected.Program != "rejected" {
			t.Errorf("program %q", rejected.Program)
		}
		wantErr(t, err, unix.EACCES)
		if short := err.Error(); !strings.Contains(short, "invalid mem access") || strings.Contains(short, "processed") ||
			strings.Contains(short, "\n") {
			t.Errorf("error %q", short)
		}
		if !strings.Contains(rejected.Log, "call bpf_get_prandom_u32") || !strings.Contains(rejected.Log, "processed ") {
			t.Errorf("log %q", rejected.Log)
		}
	}
	_, err := open(t, "rejected").Load()
	check(t, err)

	// The same with a log buffer of the user.
	o, err := libbpf.ObjectBuilder{KernelLogLevel: 1, KernelLogSize: 1 << 16}.OpenFile(testutil.Object(t, "rejected"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = o.Load()
	check(t, err)
}

func TestKernelLog(t *testing.T) {
	o, err := libbpf.ObjectBuilder{KernelLogLevel: 1, KernelLogSize: 1 << 20}.OpenFile(testutil.Object(t, "attach"))
	check(t, err)
	defer o.Close()
	loaded := load(t, o)
	if log := loaded.KernelLog(); !strings.Contains(log, "processed ") {
		t.Errorf("log %q", log)
	}
	check(t, loaded.Close())
	if loaded.KernelLog() != "" {
		t.Error("a log after Close")
	}
	_, err = libbpf.ObjectBuilder{KernelLogSize: -1}.OpenFile(testutil.Object(t, "attach"))
	wantErr(t, err, libbpf.ErrInvalid)
}

func TestAutoPinning(t *testing.T) {
	pins := testutil.BPFFS(t)
	path := filepath.Join(pins, "pinned")
	first := load(t, openMaps(t, pins))
	m := findMap(t, first, "pinned")
	if !m.IsPinned() || m.PinPath() != path {
		t.Errorf("pinned %t at %q", m.IsPinned(), m.PinPath())
	}
	check(t, m.Update(u32(1), u64(2), libbpf.Any))
	check(t, first.Close())

	// A second object reuses the pinned map of the first.
	second := load(t, openMaps(t, pins))
	value, err := findMap(t, second, "pinned").Lookup(u32(1), libbpf.Any)
	check(t, err)
	if !bytes.Equal(value, u64(2)) {
		t.Errorf("value %v", value)
	}
	check(t, findMap(t, second, "pinned").Unpin(""))
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after Unpin: %v", err)
	}
}

// A load that fails must not leave pins of the maps that it created.
func TestFailedLoadLeavesNoPin(t *testing.T) {
	pins := testutil.BPFFS(t)
	o := openMaps(t, pins)
	bloom, err := o.Map("bloom")
	check(t, err)
	check(t, bloom.SetAutocreate(true))
	check(t, bloom.SetKeySize(4))
	_, err = o.Load()
	if err == nil {
		t.Fatal("a bloom filter with keys was created")
	}
	entries, err := os.ReadDir(pins)
	check(t, err)
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".debug") { // the file system's own
			t.Errorf("left behind: %v", entry)
		}
	}
}

func TestReuse(t *testing.T) {
	testutil.Root(t)
	pins := testutil.BPFFS(t)
	existing, err := libbpf.CreateMap(libbpf.MapTypeHash, "existing", 4, 8, 64, libbpf.MapCreateOptions{})
	check(t, err)
	defer existing.Close()
	path := filepath.Join(pins, "existing")
	check(t, existing.Pin(path))
	check(t, existing.Update(u32(1), u64(11), libbpf.Any))

	o := openMaps(t, "")
	hash, err := o.Map("hash")
	check(t, err)
	check(t, hash.Reuse(existing))
	pinned, err := o.Map("lru_hash")
	check(t, err)
	wantErr(t, pinned.ReusePinned(path+"nope"), os.ErrNotExist)
	loaded := load(t, o)
	value, err := findMap(t, loaded, "hash").Lookup(u32(1), libbpf.Any)
	check(t, err)
	if !bytes.Equal(value, u64(11)) {
		t.Errorf("value %v", value)
	}

	o = openMaps(t, "")
	hash, err = o.Map("hash")
	check(t, err)
	check(t, hash.ReusePinned(path))
	_, err = findMap(t, load(t, o), "hash").Lookup(u32(1), libbpf.Any)
	check(t, err)
}

func TestNoPrivileges(t *testing.T) {
	testutil.Root(t)
	runUnprivileged(t, "TestUnprivilegedHelper")
}

// TestUnprivilegedHelper is what TestNoPrivileges runs as another user.
func TestUnprivilegedHelper(t *testing.T) {
	path := os.Getenv("LIBBPF_GO_UNPRIVILEGED")
	if path == "" {
		return
	}
	o, err := libbpf.OpenFile(path)
	check(t, err)
	_, err = o.Load()
	wantErr(t, err, os.ErrPermission)
	_, err = libbpf.CreateMap(libbpf.MapTypeHash, "x", 4, 4, 1, libbpf.MapCreateOptions{})
	wantErr(t, err, os.ErrPermission)
	_, err = libbpf.MapHandleFromID(1)
	wantErr(t, err, os.ErrPermission)
}
