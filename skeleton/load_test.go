package skeleton

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/needs"
	"github.com/libbpf-go/libbpf-go/typed"
)

// An error of Load names the field, and closes the object.
func TestLoadErrors(t *testing.T) {
	testutil.Root(t)
	needs.ToLoadFile(t, testutil.Object(t, "globals"))
	for _, c := range []struct {
		into any
		is   error
		want string
	}{
		{nil, libbpf.ErrInvalid, "must be a pointer to a struct"},
		{&struct {
			M *libbpf.OpenMap `bpf:".data"`
		}{}, libbpf.ErrInvalid, "field M: a *libbpf.OpenMap is there before Load only"},
		{&struct {
			P *libbpf.OpenProgram `bpf:"count"`
		}{}, libbpf.ErrInvalid, "field P: a *libbpf.OpenProgram is there before Load only"},
		{&struct {
			M *libbpf.Map `bpf:"none"`
		}{}, libbpf.ErrNotFound, "field M: "},
		{&struct {
			M *typed.Array[uint32] `bpf:"none"`
		}{}, libbpf.ErrNotFound, "field M: "},
		{&struct {
			P *libbpf.Program `bpf:"none"`
		}{}, libbpf.ErrNotFound, "field P: "},
		{&struct {
			L *libbpf.Link `bpf:"none"`
		}{}, libbpf.ErrNotFound, "field L: "},
		{&struct {
			L *libbpf.Link `bpf:".data"`
		}{}, libbpf.ErrNotFound, "field L: "},
		{&struct {
			S *struct{} `bpf:".none"`
		}{}, libbpf.ErrNotFound, "field S: "},
		{&struct {
			S *struct{} `bpf:".addr_space.1"`
		}{}, libbpf.ErrNotFound, "field S: the object has no arena"},
		{&struct {
			S *struct{ V bool } `bpf:".data"`
		}{}, libbpf.ErrInvalid, "field S: it has a bool"},
		// What only the loaded object shows.
		{&struct {
			M *typed.Array[uint64] `bpf:".bss.connection_stats"`
		}{}, libbpf.ErrInvalid, "field M: "},
		{&struct {
			S *struct{ V [3]uint32 } `bpf:".rodata.connection_stats"`
		}{}, libbpf.ErrInvalid, "field S: a struct { V [3]uint32 } has 12 bytes and the section .rodata.connection_stats has 4"},
		{&struct {
			S *struct{} `bpf:".data.hidden"`
		}{}, libbpf.ErrInvalid, "field S: map memory of section \".data.hidden\": libbpf does not make its section mappable"},
		{&struct {
			S *struct{ V [1 << 20]uint8 } `bpf:".bss.connection_stats"`
		}{}, libbpf.ErrInvalid, "has 1048576 bytes and the section .bss.connection_stats has "},
	} {
		o := open(t, "globals", &struct{}{})
		object, err := o.Load(c.into)
		if object != nil || !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%T: %v, %v; want %q", c.into, object, err, c.want)
		}
		if _, err := o.Map(".data"); !errors.Is(err, libbpf.ErrClosed) && !errors.Is(err, libbpf.ErrLoaded) {
			t.Errorf("%T: after an error, the object is open: %v", c.into, err)
		}
	}

	// What can't be written: a value that the field had before is not the section's any more.
	var before struct {
		Data *struct{ V uint32 } `bpf:".data"`
	}
	o := open(t, "globals", &before)
	before.Data.V++
	testutil.Check(t, o.OpenObject.Close())
	if object, err := o.Load(&struct{}{}); object != nil || !errors.Is(err, libbpf.ErrClosed) || !strings.Contains(err.Error(), "field Data: ") {
		t.Errorf("%v, %v", object, err)
	}
}

// A field may have all memory behind the beginning of its section, and no more.
func TestMemoryEnds(t *testing.T) {
	testutil.Root(t)
	needs.ToLoadFile(t, testutil.Object(t, "arena_globals"))
	const section = ".addr_space.1"
	load := func(size int) error {
		memory := reflect.StructOf([]reflect.StructField{{Name: "V", Type: reflect.ArrayOf(size, reflect.TypeFor[byte]())}})
		into := reflect.New(reflect.StructOf([]reflect.StructField{
			{Name: "Arena", Type: reflect.PointerTo(memory), Tag: `bpf:"` + section + `"`}}))
		object, err := open(t, "arena_globals", &struct{}{}).Load(into.Interface())
		return errors.Join(err, object.Close())
	}
	object, err := open(t, "arena_globals", &struct{}{}).Load(&struct{}{})
	testutil.Check(t, err)
	defer object.Close()
	memory, offset, err := object.SectionMemory(section)
	testutil.Check(t, err)
	room := len(memory.Bytes()) - offset
	testutil.Check(t, memory.Close())
	testutil.Check(t, load(room))
	want := fmt.Sprintf("has %d bytes and the section %s has %d", room+1, section, room)
	if err := load(room + 1); !errors.Is(err, libbpf.ErrInvalid) || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %q", err, want)
	}
}

// What was not to be loaded leaves its fields nil.
func TestNotLoaded(t *testing.T) {
	testutil.Root(t)
	o := open(t, "maptypes", &struct{}{})
	for m := range o.Maps() {
		testutil.Check(t, m.SetAutocreate(m.Name() == "first_counts"))
	}
	for p := range o.Programs() {
		testutil.Check(t, p.SetAutoload(false))
	}
	var want struct {
		Program *libbpf.Program             `bpf:"on_sys_enter"`
		Typed   *typed.StackTrace           `bpf:"stack_trace"`
		Map     *libbpf.Map                 `bpf:"templated"`
		Counts  *typed.Array[uint64]        `bpf:"first_counts"`
		Wrong   *typed.Hash[uint64, uint64] `bpf:"templated"`
	}
	object, err := o.Load(&want)
	testutil.Check(t, err)
	defer object.Close()
	if want.Program != nil || want.Typed != nil || want.Map != nil || want.Wrong != nil || want.Counts == nil {
		t.Errorf("fields are %+v", want)
	}

	o = open(t, "globals", &struct{}{})
	for p := range o.Programs() {
		testutil.Check(t, p.SetAutoload(false))
	}
	constants, err := o.Map(".rodata.connection_stats")
	testutil.Check(t, err)
	testutil.Check(t, constants.SetAutocreate(false))
	var sections struct {
		Stats *number32 `bpf:".rodata.connection_stats"`
		Other *number32 `bpf:".rodata.connection_other"`
	}
	others, err := o.Load(&sections)
	testutil.Check(t, err)
	defer others.Close()
	if sections.Stats != nil || sections.Other == nil || sections.Other.V != 4 {
		t.Errorf("fields are %+v", sections)
	}
}

type number32 struct{ V int32 }

// What the kernel refuses is the error of Load, and there is no object.
func TestLoadRefused(t *testing.T) {
	object, err := open(t, "rejected", &struct{}{}).Load(&struct{}{})
	if object != nil || err == nil {
		t.Errorf("%v, %v", object, err)
	}
}

// A copy of constants, and the memory of variables, may be longer than their section by padding, and shorter.
func TestSizes(t *testing.T) {
	testutil.Root(t)
	needs.ToLoadFile(t, testutil.Object(t, "globals"))
	var after struct {
		Padded  *struct{ V [2]int32 } `bpf:".rodata.connection_stats"`
		Short   *struct{ V [2]uint8 } `bpf:".rodata.connection_other"`
		Memory  *struct{ V [2]int32 } `bpf:".data.connection_stats"`
		Nothing *struct{}             `bpf:".data.connection_other"`
		Config  *struct{ _ uint32 }   `bpf:".kconfig"`
	}
	object, err := open(t, "globals", &struct{}{}).Load(&after)
	testutil.Check(t, err)
	defer object.Close()
	short := [2]uint8(binary.NativeEndian.AppendUint32(nil, 4))
	if after.Padded.V != [2]int32{3, 0} || after.Memory.V != [2]int32{1, 0} || after.Short.V != short || after.Nothing == nil {
		t.Errorf("%v, %v, %v, %v", after.Padded, after.Memory, after.Short, after.Nothing)
	}
	if after.Config == nil {
		t.Error("there is no .kconfig")
	}
}

// The kernel names the maps of variables after the object: after the spec, or after the builder if that has a name.
func TestName(t *testing.T) {
	elf, err := os.ReadFile(testutil.Object(t, "globals"))
	testutil.Check(t, err)
	for builder, want := range map[string]string{"": "spec.data", "built": "built.data"} {
		o, err := Spec{Name: "spec", ELF: elf}.Open(libbpf.ObjectBuilder{Name: builder}, &struct{}{})
		testutil.Check(t, err)
		var names []string
		for m := range o.Maps() {
			names = append(names, m.Name())
		}
		if !slices.Contains(names, want) {
			t.Errorf("maps are %q, without %s", names, want)
		}
		testutil.Check(t, o.Close())
	}
}

// Spec.Load loads the programs that are asked for, all sections, and no other map.
func TestLoadPart(t *testing.T) {
	testutil.Root(t)
	needs.ToLoadFile(t, testutil.Object(t, "globals"))
	elf, err := os.ReadFile(testutil.Object(t, "globals"))
	testutil.Check(t, err)
	s := Spec{Name: "globals", ELF: elf}
	var want struct {
		Count *libbpf.Program `bpf:"count"`
	}
	object, err := s.Load(libbpf.ObjectBuilder{}, &want)
	testutil.Check(t, err)
	defer object.Close()
	if want.Count == nil || want.Count.Name() != "count" {
		t.Errorf("the program is %v", want.Count)
	}
	if _, err := object.Program("read"); !errors.Is(err, libbpf.ErrNotFound) {
		t.Errorf("another program: %v", err)
	}
	if _, err := object.Map(".data.connection_other"); err != nil {
		t.Errorf("a section of which no field was given: %v", err)
	}
	for _, into := range []any{nil, &struct {
		M *libbpf.Map `bpf:"none"`
	}{}} {
		if object, err := s.Load(libbpf.ObjectBuilder{}, into); object != nil || err == nil {
			t.Errorf("%T: %v, %v", into, object, err)
		}
	}
	if object, err := (Spec{ELF: []byte("none")}).Load(libbpf.ObjectBuilder{}, &want); object != nil || err == nil {
		t.Errorf("no object: %v, %v", object, err)
	}
}

// Each link is in the field of its name. What has a link in its field already is not attached again.
func TestAttachTo(t *testing.T) {
	testutil.Root(t)
	needs.ToLoadFile(t, testutil.Object(t, "attach"))
	elf, err := os.ReadFile(testutil.Object(t, "attach"))
	testutil.Check(t, err)
	var want struct {
		Enter  *libbpf.Link    `bpf:"on_enter"`
		Exit   *libbpf.Link    `bpf:"on_exit"`
		Again  *libbpf.Link    `bpf:"on_exit"`
		Enters *libbpf.Program `bpf:"on_enter"`
	}
	object, err := Spec{Name: "attach", ELF: elf}.Load(libbpf.ObjectBuilder{}, &want)
	testutil.Check(t, err)
	defer object.Close()
	by, err := want.Enters.Attach()
	if err != nil && testutil.Refused(err) {
		testutil.Skip(t, "attach", err)
	}
	testutil.Check(t, err)
	want.Enter = by
	testutil.Check(t, object.AttachTo(&want))
	if want.Enter != by || want.Exit == nil || want.Exit.Program().Name() != "on_exit" || want.Again != want.Exit {
		t.Errorf("links are %+v", want)
	}
	info, err := want.Enters.Info(0)
	testutil.Check(t, err)
	links := 0
	for l := range libbpf.LinkInfos(&err) {
		if l.ProgramID == info.ID {
			links++
		}
	}
	if err != nil || links != 1 {
		t.Errorf("the program has %d links, %v", links, err)
	}
	if err := object.AttachTo(nil); !errors.Is(err, libbpf.ErrInvalid) {
		t.Errorf("no struct: %v", err)
	}
	// Another struct gets links of its own, and nothing else.
	var other struct {
		Map     *libbpf.Map     `bpf:"on_enter"`
		Program *libbpf.Program `bpf:"on_enter"`
		Enter   *libbpf.Link    `bpf:"on_enter"`
	}
	testutil.Check(t, object.AttachTo(&other))
	if other.Map != nil || other.Program != nil || other.Enter == nil || other.Enter == by {
		t.Errorf("fields are %+v", other)
	}
	testutil.Check(t, object.Close())
	want.Enter, want.Exit = nil, nil
	if err := object.AttachTo(&want); !errors.Is(err, libbpf.ErrClosed) || want.Enter != nil || want.Exit != nil {
		t.Errorf("after Close: %v, %+v", err, want)
	}
}
