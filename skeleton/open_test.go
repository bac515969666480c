package skeleton

import (
	"bytes"
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// open opens an object, and closes it when the test ends.
func open(t testing.TB, name string, into any) *OpenObject {
	t.Helper()
	elf, err := os.ReadFile(testutil.Object(t, name))
	testutil.Check(t, err)
	o, err := Spec{Name: name, ELF: elf}.Open(libbpf.ObjectBuilder{}, into)
	testutil.Check(t, err)
	t.Cleanup(func() { testutil.Check(t, o.Close()) })
	return o
}

// initial is a section's value before Load.
func initial(t testing.TB, o *OpenObject, name string) []byte {
	t.Helper()
	m, err := o.Map(name)
	testutil.Check(t, err)
	value, err := m.InitialValue()
	testutil.Check(t, err)
	return value
}

// Only the bytes that a field's user changes are written. A field may be shorter than its section, and longer by padding.
func TestWriteSections(t *testing.T) {
	var s struct {
		Data   *struct{ V [64]uint8 }  `bpf:".data"`
		Bss    *struct{ V [2]uint32 }  `bpf:".bss.connection_stats"` // 4 bytes, and padding
		Stats  *struct{ V [3]uint8 }   `bpf:".data.connection_stats"`
		Other  *struct{ V uint32 }     `bpf:".data.connection_other"`
		Rodata *struct{ V [1]uint32 }  `bpf:".rodata.connection_stats"`
		None   *struct{}               `bpf:".bss"`
		Unused *struct{ V [1]float32 } `bpf:".rodata.connection_other"`
	}
	o := open(t, "globals", &s)
	before := initial(t, o, ".data")
	if !bytes.Equal(s.Data.V[:], before[:64]) || s.Other.V != 2 || s.Rodata.V[0] != 3 {
		t.Errorf("first values are %v, %d, %v", s.Data, s.Other.V, s.Rodata)
	}
	testutil.Check(t, o.write())
	if !bytes.Equal(initial(t, o, ".data"), before) {
		t.Error("what was not changed was written")
	}

	m, err := o.Map(".data")
	testutil.Check(t, err)
	other := bytes.Clone(before)
	other[10] += 5
	testutil.Check(t, m.SetInitialValue(other))
	s.Data.V[0]++
	s.Data.V[63]--
	s.Bss.V[0] = 7
	s.Bss.V[1] = 8 // of no variable
	s.Stats.V = [3]uint8{9, 9, 9}
	s.Rodata.V[0] = 0x01020304
	s.Other = nil
	testutil.Check(t, o.write())
	other[0]++
	other[63]--
	if got := initial(t, o, ".data"); !bytes.Equal(got, other) {
		t.Errorf("%v, want %v", got, other)
	}
	one := initial(t, o, ".data.connection_stats")
	if !bytes.Equal(one[:3], []byte{9, 9, 9}) || len(one) != 4 {
		t.Errorf(".data.connection_stats is %v", one)
	}
	if got := initial(t, o, ".bss.connection_stats"); len(got) != 4 || bytes.Equal(got, make([]byte, 4)) {
		t.Errorf(".bss.connection_stats is %v", got)
	}
	if got := initial(t, o, ".data.connection_other"); bytes.Equal(got, make([]byte, 4)) {
		t.Error("a field that is nil was written")
	}
	testutil.Check(t, o.Close())
	s.Stats.V[0]++
	if err := o.write(); !errors.Is(err, libbpf.ErrClosed) || !strings.Contains(err.Error(), "skeleton: field Data: ") {
		t.Errorf("written to an object that is closed: %v", err)
	}
}

// The fields of a struct_ops are read, and written if they were changed.
func TestWriteStructOps(t *testing.T) {
	var c struct {
		Ops *struct {
			Without   uint64
			Init      *libbpf.OpenProgram `bpf:"init"`
			Ssthresh  *libbpf.OpenProgram `bpf:"ssthresh"`
			CongAvoid *libbpf.OpenProgram `bpf:"cong_avoid"`
			Name      [16]byte            `bpf:"name"`
			Flags     uint32              `bpf:"flags"`
		} `bpf:"congestion"`
		Programs struct {
			Init     *libbpf.OpenProgram `bpf:"init_connection"`
			Ssthresh *libbpf.OpenProgram `bpf:"ssthresh"`
			Avoid    *libbpf.OpenProgram `bpf:"cong_avoid"`
		}
	}
	o := open(t, "struct_ops", &c)
	m, err := o.Map("congestion")
	testutil.Check(t, err)
	if c.Ops.Init != c.Programs.Init || c.Ops.Ssthresh != c.Programs.Ssthresh || c.Ops.CongAvoid != c.Programs.Avoid || c.Ops.Flags != 0 {
		t.Fatalf("fields are %+v", c.Ops)
	}
	has := func(field string) any {
		t.Helper()
		if p, err := m.FieldProgram(field); err == nil {
			if p == nil {
				return ""
			}
			return p.Name()
		}
		value, err := m.Field(field)
		testutil.Check(t, err)
		return strings.TrimRight(string(value), "\x00")
	}
	check := func(want map[string]any) {
		t.Helper()
		for field, want := range want {
			if got := has(field); got != want {
				t.Errorf("%s is %v, want %v", field, got, want)
			}
		}
	}
	// What others change stays, if the field was not changed.
	testutil.Check(t, m.SetField("flags", []byte{1, 1, 1, 1}))
	testutil.Check(t, m.SetField("cong_avoid", (*libbpf.OpenProgram)(nil)))
	testutil.Check(t, o.write())
	check(map[string]any{"init": "init_connection", "ssthresh": "ssthresh", "cong_avoid": "", "name": "libbpf_go", "flags": "\x01\x01\x01\x01"})
	c.Ops.Init = nil
	c.Ops.Name = [16]byte{'o', 't', 'h', 'e', 'r'}
	testutil.Check(t, o.write())
	check(map[string]any{"init": "", "ssthresh": "ssthresh", "cong_avoid": "", "name": "other"})
	testutil.Check(t, o.Close())
	c.Ops.Init = nil
	if err := o.write(); !errors.Is(err, libbpf.ErrClosed) || !strings.Contains(err.Error(), "skeleton: field Init: ") {
		t.Errorf("written to an object that is closed: %v", err)
	}
}

func TestStructOpsErrors(t *testing.T) {
	elf, err := os.ReadFile(testutil.Object(t, "struct_ops"))
	testutil.Check(t, err)
	for _, f := range []struct {
		typ        reflect.Type
		name, want string
	}{
		{reflect.TypeFor[[8]byte](), "name", "field F: Field: a [8]uint8 has 8 bytes and the field name has 16"},
		{reflect.TypeFor[[20]byte](), "name", "field F: Field: a [20]uint8 has 20 bytes and the field name has 16"},
		{reflect.TypeFor[bool](), "flags", "field F: Field: it has a bool"},
		{reflect.TypeFor[*uint32](), "flags", "field F: Field: it has a *uint32"},
		{reflect.TypeFor[*libbpf.Program](), "init", "field F: Field: it has a *libbpf.Program"},
		{reflect.TypeFor[uint32](), "none", "congestion has no member none"},
		{reflect.TypeFor[*libbpf.OpenProgram](), "none", "congestion has no member none"},
		{reflect.TypeFor[*libbpf.OpenProgram](), "flags", "the field is not a callback and has no program"},
	} {
		tag := func(name string) reflect.StructTag { return reflect.StructTag(`bpf:"` + name + `"`) }
		ops := reflect.StructOf([]reflect.StructField{{Name: "Field", Type: f.typ, Tag: tag(f.name)}})
		into := reflect.New(reflect.StructOf([]reflect.StructField{{Name: "F", Type: reflect.PointerTo(ops), Tag: tag("congestion")}}))
		o, err := Spec{Name: "ops", ELF: elf}.Open(libbpf.ObjectBuilder{}, into.Interface())
		if o != nil || err == nil || !strings.Contains(err.Error(), f.want) {
			t.Errorf("%s of type %s: %v, want %q", f.name, f.typ, err, f.want)
		}
	}
	var hidden struct {
		F *struct {
			init *libbpf.OpenProgram `bpf:"init"`
		} `bpf:"congestion"`
	}
	_, err = Spec{Name: "ops", ELF: elf}.Open(libbpf.ObjectBuilder{}, &hidden)
	if !errors.Is(err, libbpf.ErrInvalid) || !strings.Contains(err.Error(), "field F: init: a field with the tag bpf must be exported") {
		t.Errorf("a field that is not exported: %v", err)
	}
}

// Fields stand for maps and programs of their names.
func TestOpenFields(t *testing.T) {
	var s struct {
		Map     *libbpf.OpenMap     `bpf:"first_counts"`
		Program *libbpf.OpenProgram `bpf:"on_sys_enter"`
	}
	o := open(t, "maptypes", &s)
	m, err := o.Map("first_counts")
	testutil.Check(t, err)
	if s.Map != m || s.Program == nil || s.Program.Name() != "on_sys_enter" {
		t.Errorf("fields are %+v", s)
	}
	elf, err := os.ReadFile(testutil.Object(t, "maptypes"))
	testutil.Check(t, err)
	none, err := Spec{ELF: elf}.Open(libbpf.ObjectBuilder{}, &struct {
		S *struct{} `bpf:".none"`
	}{})
	if none != nil || !errors.Is(err, libbpf.ErrNotFound) || !strings.Contains(err.Error(), "field S: find map") {
		t.Errorf("%v", err)
	}
}
