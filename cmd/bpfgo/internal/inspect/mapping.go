package inspect

import (
	"errors"
	"strings"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/btf"
)

// mapping is a map of an object.
type mapping struct {
	Name       string   `json:"name"`
	Type       string   `json:"type"`
	KeySize    uint32   `json:"key_size"` // bytes
	KeyType    string   `json:"key_type,omitempty"`
	ValueSize  uint32   `json:"value_size"` // bytes
	ValueType  string   `json:"value_type,omitempty"`
	RecordType string   `json:"record_type,omitempty"` // of the records of a buffer
	MaxEntries uint32   `json:"max_entries"`
	Flags      []string `json:"flags"`
	Extra      uint64   `json:"extra,omitempty"`
	PinPath    string   `json:"pin_path,omitempty"`
	Internal   bool     `json:"internal"` // has global variables
	Autocreate bool     `json:"autocreate"`
	Inner      *mapping `json:"inner,omitempty"`

	// Of struct_ops: the members that have a program.
	Callbacks []callback `json:"callbacks,omitempty"`

	typ libbpf.MapType
}

// callback is a member of a struct of callbacks.
type callback struct {
	Member  string `json:"member"`
	Program string `json:"program"`
}

func (r *reader) readMaps() error {
	for m := range r.open.Maps() {
		one, err := r.readMap(m)
		if err != nil {
			return err
		}
		r.object.Maps = append(r.object.Maps, one)
	}
	return nil
}

func (r *reader) readMap(m *libbpf.OpenMap) (mapping, error) {
	definition, err := m.Definition()
	if err != nil {
		return mapping{}, err
	}
	one := mappingOf(definition)
	key, err := m.KeyTypeID()
	if err != nil {
		return one, err
	}
	value, err := m.ValueTypeID()
	if err != nil {
		return one, err
	}
	record, err := m.RecordTypeID()
	if err != nil {
		return one, err
	}
	one.KeyType, one.ValueType, one.RecordType = r.typeName(key), r.typeName(value), r.typeName(record)
	if one.PinPath, err = m.PinPath(); err != nil {
		return one, err
	}
	if one.Internal, err = m.IsInternal(); err != nil {
		return one, err
	}
	if one.Autocreate, err = m.Autocreate(); err != nil {
		return one, err
	}
	if one.typ.IsMapInMap() {
		inner, err := m.InnerMap()
		if err == nil {
			template := mappingOf(inner)
			one.Inner = &template
		} else if !errors.Is(err, libbpf.ErrNotFound) {
			return one, err
		}
	}
	if one.typ == libbpf.MapTypeStructOps && r.types != nil {
		one.ValueType = r.structOps(m, &one, value)
	}
	return one, nil
}

func mappingOf(d libbpf.MapDefinition) mapping {
	return mapping{
		Name: d.Name, Type: d.Type.String(), KeySize: d.KeySize, ValueSize: d.ValueSize, MaxEntries: d.MaxEntries,
		Flags: flagNames(d.Flags), Extra: d.Extra, typ: d.Type,
	}
}

func flagNames(flags libbpf.MapCreateFlags) []string {
	if flags == 0 {
		return []string{}
	}
	return strings.Split(flags.String(), "|")
}

// structOps reads the callbacks of a struct_ops map, and returns the type of the variable that defines it.
func (r *reader) structOps(m *libbpf.OpenMap, one *mapping, value btf.TypeID) string {
	composite := r.structOf(m.Name(), value)
	if composite == nil {
		return one.ValueType
	}
	// The kernel's struct has this name without what the object puts behind three underscores.
	name, _, _ := strings.Cut(composite.Name(), "___")
	callbacks, err := m.Callbacks()
	if err != nil {
		r.warn("the callbacks of map %s: %v", m.Name(), err)
	}
	for _, c := range callbacks {
		one.Callbacks = append(one.Callbacks, callback{c.Field, c.Program.Name()})
		r.callbacks[c.Program.Name()] = name + "." + c.Field
	}
	return "struct " + name
}

// structOf is the struct of a struct_ops map: its value's type or, where libbpf does not tell it, that of the variable.
func (r *reader) structOf(name string, value btf.TypeID) *btf.Composite {
	if value == 0 {
		v, err := r.types.TypeByName(name, btf.KindVar)
		if err != nil {
			return nil
		}
		value = v.ID()
	}
	t, err := r.types.Resolve(value)
	if err != nil {
		return nil
	}
	composite, _ := t.(*btf.Composite)
	return composite
}
