package skeleton_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/needs"
	"github.com/libbpf-go/libbpf-go/skeleton"
	"github.com/libbpf-go/libbpf-go/typed"
)

var check = testutil.Check

func spec(t testing.TB, name string) skeleton.Spec {
	t.Helper()
	elf, err := os.ReadFile(testutil.Object(t, name))
	check(t, err)
	return skeleton.Spec{Name: name, ELF: elf}
}

// number is a section with one int.
type number struct{ Value int32 }

// opened and loaded are a part of globals.bpf.o.
type opened struct {
	Programs struct {
		Count *libbpf.OpenProgram `bpf:"count"`
	}
	Bss    *number `bpf:".bss.connection_stats"`
	Data   *number `bpf:".data.connection_stats"`
	Rodata *number `bpf:".rodata.connection_stats"`
}

type loaded struct {
	Programs struct {
		Count *libbpf.Program `bpf:"count"`
		Read  *libbpf.Program `bpf:"read"`
	}
	Links struct {
		Count *libbpf.Link `bpf:"count"`
	}
	Map     *libbpf.Map           `bpf:".bss.connection_stats"`
	Typed   *typed.Array[number]  `bpf:".bss.connection_stats"`
	Bss     *number               `bpf:".bss.connection_stats"`
	Data    *number               `bpf:".data.connection_stats"`
	Rodata  *number               `bpf:".rodata.connection_stats"`
	Kconfig *struct{ _ [12]byte } `bpf:".kconfig"`
	Without *libbpf.Map
}

func loadGlobals(t testing.TB, change func(*skeleton.OpenObject, *opened)) (*skeleton.Object, *loaded) {
	t.Helper()
	testutil.Root(t)
	var before opened
	o, err := spec(t, "globals").Open(libbpf.ObjectBuilder{}, &before)
	check(t, err)
	t.Cleanup(func() { check(t, o.Close()) })
	needs.ToLoad(t, o.OpenObject)
	if change != nil {
		change(o, &before)
	}
	after := new(loaded)
	object, err := o.Load(after)
	check(t, err)
	t.Cleanup(func() { check(t, object.Close()) })
	return object, after
}

func TestGlobals(t *testing.T) {
	object, l := loadGlobals(t, func(o *skeleton.OpenObject, before *opened) {
		if before.Data.Value != 1 || before.Rodata.Value != 3 || before.Bss.Value != 0 {
			t.Errorf("first values = %d, %d, %d", before.Data.Value, before.Rodata.Value, before.Bss.Value)
		}
		before.Data.Value, before.Rodata.Value, before.Bss.Value = 10, 30, 5
	})
	if l.Data.Value != 10 || l.Rodata.Value != 30 || l.Bss.Value != 5 {
		t.Errorf("values = %d, %d, %d", l.Data.Value, l.Rodata.Value, l.Bss.Value)
	}
	if l.Map == nil || l.Kconfig == nil || l.Programs.Read == nil || l.Without != nil || l.Links.Count != nil {
		t.Errorf("fields are %+v", l)
	}
	_, err := l.Programs.Count.TestRun(libbpf.TestRunOptions{Data: make([]byte, 64)})
	check(t, err)
	if l.Bss.Value != 6 {
		t.Errorf("the program left %d, want 6", l.Bss.Value)
	}
	l.Bss.Value = 20
	if got, err := l.Typed.Lookup(0, libbpf.Any); err != nil || got.Value != 20 {
		t.Errorf("in the map is %d, %v", got.Value, err)
	}
	l.Rodata.Value = 99 // of the copy
	check(t, object.Close())
	check(t, object.Close())
	if l.Bss.Value != 0 {
		t.Errorf("after Close the value is %d", l.Bss.Value)
	}
	l.Bss.Value = 1 // harms nobody
}

// TestBothWays changes one variable by its field and another one by SetGlobal.
func TestBothWays(t *testing.T) {
	_, l := loadGlobals(t, func(o *skeleton.OpenObject, before *opened) {
		check(t, o.SetGlobal("data_stats", 0x01020304))
		before.Rodata.Value = 31
	})
	if l.Data.Value != 0x01020304 || l.Rodata.Value != 31 {
		t.Errorf("values = %#x, %d", l.Data.Value, l.Rodata.Value)
	}
}

func TestAutoloadOff(t *testing.T) {
	_, l := loadGlobals(t, func(o *skeleton.OpenObject, before *opened) { check(t, before.Programs.Count.SetAutoload(false)) })
	if l.Programs.Count != nil || l.Programs.Read == nil {
		t.Errorf("programs are %+v", l.Programs)
	}
}

// TestPart loads parts of maptypes.bpf.o, whose other maps some kernels lack.
func TestPart(t *testing.T) {
	testutil.Root(t)
	s := spec(t, "maptypes")
	s.Uses = map[string][]string{"on_sys_enter": {"stack_trace"}}
	s.Holds = map[string][]string{"templated": {"first_counts"}}
	created := func(o *skeleton.Object) []string {
		var names []string
		for m := range o.Maps() {
			if !strings.HasPrefix(m.Name(), "maptypes.") && !strings.HasPrefix(m.Name(), ".") {
				names = append(names, m.Name())
			}
		}
		slices.Sort(names)
		return names
	}

	var maps struct {
		Templated *typed.ArrayOfMaps `bpf:"templated"`
	}
	o, err := s.Load(libbpf.ObjectBuilder{}, &maps)
	check(t, err)
	defer o.Close()
	if got, want := created(o), []string{"first_counts", "templated"}; !slices.Equal(got, want) {
		t.Errorf("maps are %q, want %q", got, want)
	}
	if _, err := o.Program("on_sys_enter"); !errors.Is(err, libbpf.ErrNotFound) {
		t.Errorf("the program was loaded: %v", err)
	}
	if id, err := maps.Templated.LookupID(1, libbpf.Any); err != nil || id == 0 {
		t.Errorf("the inner map is %d, %v", id, err)
	}

	var program struct {
		Link *libbpf.Link `bpf:"on_sys_enter"`
	}
	o, err = s.Load(libbpf.ObjectBuilder{}, &program)
	check(t, err)
	defer o.Close()
	if got, want := created(o), []string{"stack_trace"}; !slices.Equal(got, want) {
		t.Errorf("maps are %q, want %q", got, want)
	}
	check(t, o.AttachTo(&program))
	if program.Link == nil || program.Link.Program().Name() != "on_sys_enter" {
		t.Errorf("the link is %v", program.Link)
	}
	had := program.Link
	check(t, o.AttachTo(&program))
	if program.Link != had {
		t.Error("what was attached was attached again")
	}
}

// congestion is what struct_ops.bpf.o has.
type congestion struct {
	Congestion *struct {
		Init *libbpf.OpenProgram `bpf:"init"`
		Name [16]byte            `bpf:"name"`
		Key  uint32              `bpf:"key"`
	} `bpf:"congestion"`
	Programs struct {
		InitConnection *libbpf.OpenProgram `bpf:"init_connection"`
	}
}

func TestStructOps(t *testing.T) {
	var c congestion
	o, err := spec(t, "struct_ops").Open(libbpf.ObjectBuilder{}, &c)
	check(t, err)
	defer o.Close()
	if c.Congestion.Init != c.Programs.InitConnection || string(c.Congestion.Name[:11]) != "libbpf_go\x00\x00" {
		t.Fatalf("fields are %+v", c.Congestion)
	}
	c.Congestion.Init = nil
	c.Congestion.Name = [16]byte{'o', 't', 'h', 'e', 'r'}
	needs.ToLoad(t, o.OpenObject)
	var l struct {
		Link *libbpf.Link `bpf:"congestion"`
		Map  *libbpf.Map  `bpf:"congestion"`
	}
	object, err := o.Load(&l)
	check(t, err)
	defer object.Close()
	check(t, object.AttachTo(&l))
	if l.Link == nil || l.Link.Map() != l.Map {
		t.Errorf("fields are %+v", l)
	}
	available, err := os.ReadFile("/proc/sys/net/ipv4/tcp_available_congestion_control")
	if err == nil && !slices.Contains(strings.Fields(string(available)), "other") {
		t.Errorf("congestion controls are %s", available)
	}
}

// TestArena changes variables in an arena before and after Load.
func TestArena(t *testing.T) {
	type variables struct {
		Total uint64
		Spans [2]struct{ From, To uint32 }
	}
	var before struct {
		Arena *variables `bpf:".addr_space.1"`
	}
	o, err := spec(t, "arena_globals").Open(libbpf.ObjectBuilder{}, &before)
	check(t, err)
	defer o.Close()
	if before.Arena.Total != 40 || before.Arena.Spans[0].To != 2 {
		t.Errorf("first values are %+v", before.Arena)
	}
	before.Arena.Total, before.Arena.Spans[1].To = 100, 11
	needs.ToLoad(t, o.OpenObject)
	var after struct {
		Arena *variables      `bpf:".addr_space.1"`
		Add   *libbpf.Program `bpf:"add"`
	}
	object, err := o.Load(&after)
	check(t, err)
	defer object.Close()
	_, err = after.Add.TestRun(libbpf.TestRunOptions{})
	check(t, err)
	if after.Arena.Total != 111 || after.Arena.Spans[1].From != 9 {
		t.Errorf("the program left %+v", after.Arena)
	}
	check(t, object.Close())
	_ = after.Arena.Total // can still be read
}

func TestErrors(t *testing.T) {
	s := spec(t, "globals")
	b := libbpf.ObjectBuilder{}
	for _, tt := range []struct {
		into any
		is   error
		text string
	}{
		{nil, libbpf.ErrInvalid, "a <nil>: must be a pointer to a struct"},
		{opened{}, libbpf.ErrInvalid, "must be a pointer to a struct"},
		{(*opened)(nil), libbpf.ErrInvalid, "must be a pointer to a struct"},
		{&struct {
			M *libbpf.OpenMap `bpf:"none"`
		}{}, libbpf.ErrNotFound, `field M: find map "none"`},
		{&struct {
			In struct {
				P *libbpf.OpenProgram `bpf:"none"`
			}
		}{}, libbpf.ErrNotFound, "field In.P"},
		{&struct {
			M *libbpf.Map `bpf:".data"`
		}{}, libbpf.ErrInvalid, "a *libbpf.Map is there after Load only"},
		{&struct {
			m *libbpf.OpenMap `bpf:".data"`
		}{}, libbpf.ErrInvalid, "must be exported"},
		{&struct {
			M libbpf.OpenMap `bpf:".data"`
		}{}, libbpf.ErrInvalid, "a libbpf.OpenMap stands for nothing"},
		{&struct {
			B *struct{ V bool } `bpf:".bss.connection_stats"`
		}{}, libbpf.ErrInvalid, "use ctypes.Bool"},
		{&struct {
			B *struct{ V *int } `bpf:".bss.connection_stats"`
		}{}, libbpf.ErrInvalid, "no pointers"},
		{&struct {
			B *[2]uint32 `bpf:".bss.connection_stats"`
		}{}, libbpf.ErrInvalid, "stands for nothing"},
		{&struct {
			B *struct{ V [3]uint32 } `bpf:".bss.connection_stats"`
		}{}, libbpf.ErrInvalid, "has 12 bytes and the section .bss.connection_stats has 4"},
	} {
		o, err := s.Open(b, tt.into)
		if !errors.Is(err, tt.is) || !strings.Contains(err.Error(), tt.text) {
			t.Errorf("%T: %v, want %q", tt.into, err, tt.text)
		}
		if o != nil {
			t.Errorf("%T: an object beside the error", tt.into)
		}
	}
	for _, into := range []any{
		&struct {
			M *libbpf.OpenMap `bpf:".data"`
		}{},
		&struct {
			M *libbpf.Map `bpf:"none"`
		}{},
		&struct {
			L *libbpf.Link `bpf:".data"`
		}{},
		&struct {
			P *libbpf.Program `bpf:"none"`
		}{},
		&struct {
			B *struct{ V bool } `bpf:".data"`
		}{},
	} {
		if o, err := s.Load(b, into); err == nil || o != nil {
			t.Errorf("%T: %v, %v", into, o, err)
		}
	}
	_, err := skeleton.Spec{ELF: []byte("none")}.Open(b, &struct{}{})
	if err == nil {
		t.Error("no object was opened")
	}
	check(t, (*skeleton.Object)(nil).Close())
}

// BenchmarkGlobal is the cost of a global variable.
func BenchmarkGlobal(b *testing.B) {
	_, l := loadGlobals(b, nil)
	sum := int32(0)
	for b.Loop() {
		l.Bss.Value++
		sum += l.Bss.Value
	}
	_ = unsafe.Sizeof(sum)
}
