package skeleton

import (
	"github.com/libbpf-go/libbpf-go"
)

// Load opens the object, and loads what the fields of a struct stand for and what that uses: other programs and maps are
// not created. It sets the fields. The caller closes the result.
//
//	var want struct {
//		Counts *typed.Hash[uint32, uint64] `bpf:"counts"`
//		Count  *libbpf.Program             `bpf:"count"`
//	}
//	object, err := spec.Load(libbpf.ObjectBuilder{}, &want)
//
// A program is loaded for a field of its own, for a field of its link, and if it is in a map that is created: a program
// array or a struct_ops. A map is created for a field of its own, and if a program uses it that is loaded. The maps of
// global variables are always created.
func (s Spec) Load(b libbpf.ObjectBuilder, into any) (*Object, error) {
	fields, err := fieldsOf(into)
	if err != nil {
		return nil, err
	}
	o, err := s.Open(b, &struct{}{})
	if err != nil {
		return nil, err
	}
	if err := o.keep(s.closure(fields)); err != nil {
		_ = o.Close()
		return nil, err
	}
	return o.load(fields)
}

// closure is the names of what the fields stand for, and of all that is used by these. A program and a map can have
// one name: then both are in it, if one is.
func (s Spec) closure(fields []field) map[string]bool {
	names := make(map[string]bool)
	var add func(name string)
	add = func(name string) {
		if names[name] {
			return
		}
		names[name] = true
		for _, m := range s.Uses[name] {
			add(m)
		}
		for _, held := range s.Holds[name] {
			add(held)
		}
	}
	for i := range fields {
		add(fields[i].name)
	}
	return names
}

// keep makes Load leave out what is not named.
func (o *OpenObject) keep(names map[string]bool) error {
	for p := range o.Programs() {
		if err := p.SetAutoload(names[p.Name()]); err != nil {
			return err
		}
	}
	for m := range o.Maps() {
		internal, err := m.IsInternal()
		if err == nil && !internal && !names[m.Name()] {
			err = m.SetAutocreate(false)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
