package skeleton

import (
	"bytes"
	"cmp"
	"fmt"
	"reflect"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/fault"
	"github.com/libbpf-go/libbpf-go/internal/place"
)

// Spec is an object that is part of the program, and what libbpf can't tell of it.
type Spec struct {
	// Name is the object's name, unless [libbpf.ObjectBuilder] has another. The kernel names the maps of global
	// variables after it.
	Name string
	// ELF is the object.
	ELF []byte
	// Uses are the maps that each program uses, itself or by the functions that it calls.
	Uses map[string][]string
	// Holds are the programs and maps that are in a map from the beginning: in a program array, a map of maps or a
	// struct_ops.
	Holds map[string][]string
}

// OpenObject is a [libbpf.OpenObject], and the fields that stand for its global variables.
type OpenObject struct {
	*libbpf.OpenObject
	sections []openSection
	ops      []openOps
}

// openSection is a section's variables before Load.
type openSection struct {
	m     *libbpf.OpenMap
	field field
	first []byte // what the field was at first
}

// openOps is a struct_ops map before Load.
type openOps struct {
	m      *libbpf.OpenMap
	fields []opsField
}

// opsField is one field of a struct_ops.
type opsField struct {
	field
	program bool
	// What the field was at first.
	first        []byte
	firstProgram *libbpf.OpenProgram
}

// Open opens the object, and sets the fields of a struct that stand for what is there before Load. It needs no
// privileges. The caller loads or closes the result.
//
// The error matches [libbpf.ErrNotFound] for a field whose name the object does not have.
func (s Spec) Open(b libbpf.ObjectBuilder, into any) (*OpenObject, error) {
	fields, err := fieldsOf(into)
	if err != nil {
		return nil, err
	}
	b.Name = cmp.Or(b.Name, s.Name)
	opened, err := b.OpenMemory(s.ELF)
	if err != nil {
		return nil, err
	}
	o := &OpenObject{OpenObject: opened}
	for i := 0; i < len(fields) && err == nil; i++ {
		err = fields[i].fail(o.setField(fields[i]))
	}
	if err != nil {
		_ = o.Close()
		return nil, err
	}
	return o, nil
}

func (o *OpenObject) setField(f field) error {
	switch f.kind {
	case openMap:
		m, err := o.Map(f.name)
		if err == nil {
			f.set(m)
		}
		return err
	case openProgram:
		p, err := o.Program(f.name)
		if err == nil {
			f.set(p)
		}
		return err
	case variables:
		m, err := o.section(f.name)
		if err != nil {
			return err
		}
		typ, err := m.Type()
		if err != nil {
			return err
		}
		if typ == libbpf.MapTypeStructOps {
			return o.setOps(f, m)
		}
		return o.setSection(f, m)
	}
	return fault.Invalidf("a %s is there after Load only", f.value.Type())
}

// section is the map of a section of global variables. All variables of arenas are in one arena.
func (o *OpenObject) section(name string) (*libbpf.OpenMap, error) {
	if name != place.Arena {
		return o.Map(name)
	}
	for m := range o.Maps() {
		if typ, err := m.Type(); err == nil && typ == libbpf.MapTypeArena {
			return m, nil
		}
	}
	return nil, fault.Newf(libbpf.ErrNotFound, "the object has no arena")
}

func (o *OpenObject) setSection(f field, m *libbpf.OpenMap) error {
	first, err := m.InitialValue()
	if err != nil {
		return err
	}
	to := f.value.Type().Elem()
	if err := checkMemory(to); err != nil {
		return err
	}
	if to.Size() > roundUp(len(first)) {
		return tooLarge(&f, len(first))
	}
	f.value.Set(reflect.New(to))
	first = first[:min(len(first), int(to.Size()))]
	copy(f.bytes(), first)
	o.sections = append(o.sections, openSection{m, f, first})
	return nil
}

// write puts what was changed in the field into the object. What was changed in the object by other means stays.
func (s *openSection) write() error {
	if s.field.value.IsNil() {
		return nil
	}
	now := s.field.bytes()[:len(s.first)]
	if bytes.Equal(now, s.first) {
		return nil
	}
	value, err := s.m.InitialValue()
	if err != nil {
		return err
	}
	for i := range now {
		if now[i] != s.first[i] {
			value[i] = now[i]
		}
	}
	return s.m.SetInitialValue(value)
}

func (o *OpenObject) setOps(f field, m *libbpf.OpenMap) error {
	to := reflect.New(f.value.Type().Elem())
	ops := openOps{m: m}
	for i := range to.Elem().NumField() {
		of := to.Elem().Type().Field(i)
		name, tagged := of.Tag.Lookup("bpf")
		if !tagged {
			continue
		}
		at := opsField{field: field{name: name, path: of.Name, value: to.Elem().Field(i)}}
		if err := at.read(m, of); err != nil {
			return fmt.Errorf("%s: %w", of.Name, err)
		}
		ops.fields = append(ops.fields, at)
	}
	f.value.Set(to)
	o.ops = append(o.ops, ops)
	return nil
}

// read sets the field to what the object has.
func (f *opsField) read(m *libbpf.OpenMap, of reflect.StructField) error {
	if !of.IsExported() {
		return fault.Invalidf("a field with the tag bpf must be exported")
	}
	if kinds[of.Type] == openProgram && of.Type.Kind() == reflect.Pointer {
		f.program = true
		p, err := m.FieldProgram(f.name)
		if err == nil {
			f.set(p)
			f.firstProgram = p
		}
		return err
	}
	if err := checkMemory(of.Type); err != nil {
		return err
	}
	value, err := m.Field(f.name)
	if err != nil {
		return err
	}
	if len(value) != int(of.Type.Size()) {
		return fault.Invalidf("a %s has %d bytes and the field %s has %d", of.Type, of.Type.Size(), f.name, len(value))
	}
	f.first = value
	copy(f.memory(), value)
	return nil
}

func (f *opsField) memory() []byte {
	pointer := field{value: f.value.Addr()}
	return pointer.bytes()
}

// write puts the field into the object, if it was changed. What was changed in the object by other means stays.
func (f *opsField) write(m *libbpf.OpenMap) error {
	if f.program {
		if now := f.value.Interface().(*libbpf.OpenProgram); now != f.firstProgram {
			return m.SetField(f.name, now)
		}
		return nil
	}
	if now := f.memory(); !bytes.Equal(now, f.first) {
		return m.SetField(f.name, now)
	}
	return nil
}

// write puts all fields into the object.
func (o *OpenObject) write() error {
	for i := range o.sections {
		if err := o.sections[i].write(); err != nil {
			return o.sections[i].field.fail(err)
		}
	}
	for _, ops := range o.ops {
		for i := range ops.fields {
			if err := ops.fields[i].write(ops.m); err != nil {
				return ops.fields[i].fail(err)
			}
		}
	}
	return nil
}
