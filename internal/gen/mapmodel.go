package gen

import (
	"cmp"
	"errors"
	"math"
	"slices"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// readMaps reads the maps that the source defines: those of global variables come with their sections, and libbpf's own
// are nobody's business.
func (o *object) readMaps(opened *libbpf.OpenObject, section *btf.Datasec) error {
	definitions := make(map[string]*btf.Var)
	if section != nil {
		for _, v := range section.Vars {
			t, err := o.types.TypeByID(v.Type)
			if err != nil {
				return err
			}
			if of, ok := t.(*btf.Var); ok {
				definitions[of.Name()] = of
			}
		}
	}
	for m := range opened.Maps() {
		definition, err := m.Definition()
		if err != nil {
			return err
		}
		internal, err := m.IsInternal()
		if err != nil {
			return err
		}
		of := definitions[m.Name()]
		if internal || of == nil && definition.Type != libbpf.MapTypeStructOps {
			continue
		}
		model := mapModel{name: m.Name(), definition: definition}
		if of != nil {
			model.doc = o.docs[of.ID()]
			if err := o.readTypes(&model, of.Type); err != nil {
				return err
			}
		}
		if model.inner != nil {
			model.inner.name = m.Name()
			if model.inner.definition, err = m.InnerMap(); errors.Is(err, libbpf.ErrNotFound) {
				model.inner, err = nil, nil
			}
		}
		if err != nil {
			return err
		}
		o.maps = append(o.maps, model)
	}
	// In the order of the source, as libbpf has only the struct_ops.
	slices.SortStableFunc(o.maps, func(a, b mapModel) int { return cmp.Compare(o.order(a.name), o.order(b.name)) })
	return nil
}

// order is where the definition of a map is. Those of struct_ops are in other sections, and come last.
func (o *object) order(name string) int {
	if at, ok := o.file.variable(".maps", name, false); ok {
		return at.offset
	}
	return math.MaxInt
}

// readTypes reads the types of keys and values from the definition of a map: a struct whose members key and value are
// pointers to these. The member values of a map of maps is an array of pointers to the definition of what it holds.
func (o *object) readTypes(m *mapModel, definition btf.TypeID) error {
	t, err := o.types.Resolve(definition)
	if err != nil {
		return err
	}
	fields, ok := t.(*btf.Composite)
	if !ok {
		return nil
	}
	for _, member := range fields.Members {
		switch member.Name {
		case "key":
			m.key, err = o.target(member.Type)
		case "value":
			m.value, err = o.target(member.Type)
		case "values":
			err = o.readInner(m, member.Type)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// target is what a pointer points to.
func (o *object) target(pointer btf.TypeID) (btf.TypeID, error) {
	t, err := o.types.Resolve(pointer)
	if err != nil {
		return 0, err
	}
	if of, ok := t.(*btf.Ptr); ok {
		return of.Target, nil
	}
	return 0, fault.Invalidf("the definition of a map has a member that is no pointer")
}

func (o *object) readInner(m *mapModel, values btf.TypeID) error {
	t, err := o.types.Resolve(values)
	if err != nil {
		return err
	}
	array, ok := t.(*btf.Array)
	if !ok || !m.definition.Type.IsMapInMap() {
		return nil
	}
	target, err := o.target(array.Elem)
	if err != nil {
		return err
	}
	m.inner = new(mapModel)
	return o.readTypes(m.inner, target)
}

// readOps reads the struct_ops of a section.
func (o *object) readOps(section *btf.Datasec) error {
	for _, v := range section.Vars {
		t, err := o.types.TypeByID(v.Type)
		if err != nil {
			return err
		}
		of, ok := t.(*btf.Var)
		if !ok {
			continue
		}
		typ, err := o.types.Resolve(of.Type)
		if err != nil {
			return err
		}
		if ops, ok := typ.(*btf.Composite); ok {
			o.structOps = append(o.structOps, opsModel{of.Name(), ops, o.docs[of.ID()]})
		}
	}
	return nil
}
