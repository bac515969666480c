package libbpf

import (
	"fmt"
	"strings"
	"unsafe"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/internal/fault"
	"github.com/libbpf-go/libbpf-go/internal/place"
)

// SetField sets the value of a field of a struct_ops map's struct, with which the struct will be registered
// (bpf_map__initial_value). The name may select a part of the field, and the value is as for [OpenObject.SetGlobal]. A
// callback takes an [*OpenProgram] of the same object; a nil one leaves the callback out.
//
// errors.Is(err, [ErrNotFound]) when there is no such field, [ErrInvalid] when the value does not fit or the map is not
// a struct_ops, [errors.ErrUnsupported] before libbpf 1.4.
func (m *OpenMap) SetField(name string, value any) error {
	return m.withField("set", name, func(f *structOpsField) error {
		if p, ok := value.(*OpenProgram); ok {
			return f.setProgram(m.o, p)
		}
		if f.callback {
			return fault.Invalidf("the field is a callback and takes an *OpenProgram, not a %T", value)
		}
		return f.set(value)
	})
}

// Field returns a copy of the bytes of a field of a struct_ops map's struct, with which the struct will be registered.
// The bytes of a callback mean nothing outside of libbpf: use FieldProgram. The errors are those of SetField.
func (m *OpenMap) Field(name string) ([]byte, error) {
	var value []byte
	err := m.withField("get", name, func(f *structOpsField) (err error) {
		value, err = f.get()
		return err
	})
	return value, err
}

// FieldProgram is the program of a callback, or nil if the callback is left out. The errors are those of SetField.
func (m *OpenMap) FieldProgram(name string) (*OpenProgram, error) {
	var found *OpenProgram
	err := m.withField("get", name, func(f *structOpsField) error {
		if !f.callback {
			return fault.Invalidf("the field is not a callback and has no program")
		}
		for _, p := range m.o.programs {
			if p.ptr == *f.program() {
				found = p
			}
		}
		return nil
	})
	return found, err
}

// StructOpsCallback is a field of a struct_ops map's struct that has a program.
type StructOpsCallback struct {
	Field   string
	Program *OpenProgram
}

// Callbacks are the callbacks that have a program, in the order of the struct's fields. The errors are those of
// SetField.
func (m *OpenMap) Callbacks() ([]StructOpsCallback, error) {
	var fields []string
	err := m.use("get callbacks of", func() error {
		types, v, err := m.structOps()
		if err != nil {
			return err
		}
		t, err := types.Resolve(v.Type)
		if err != nil {
			return err
		}
		composite, ok := t.(*btf.Composite)
		if !ok {
			return fault.Invalidf("the map's variable is not a struct")
		}
		for _, member := range composite.Members {
			callback, err := isFunctionPointer(types, member.Type)
			if err != nil {
				return err
			}
			if callback {
				fields = append(fields, member.Name)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var callbacks []StructOpsCallback
	for _, field := range fields {
		p, err := m.FieldProgram(field)
		if err != nil {
			return nil, err
		}
		if p != nil {
			callbacks = append(callbacks, StructOpsCallback{field, p})
		}
	}
	return callbacks, nil
}

// structOpsField is a field of a struct_ops that is not registered yet.
type structOpsField struct {
	global
	callback bool
}

// program is where libbpf keeps a callback's program.
func (f *structOpsField) program() **cProgram {
	return (**cProgram)(unsafe.Pointer(&f.memory[0]))
}

func (f *structOpsField) setProgram(o *OpenObject, p *OpenProgram) error {
	switch {
	case !f.callback:
		return fault.Invalidf("the field is not a callback and takes no program")
	case p == nil:
		*f.program() = nil
		return nil
	case p.o != o:
		return fault.Invalidf("program %q is of another object and must be of this one", p.name)
	case p.typ() != ProgramTypeStructOps:
		return fault.Invalidf("program %q is of type %s and must be of type %s", p.name,
			p.typ(), ProgramTypeStructOps)
	}
	*f.program() = p.ptr
	return nil
}

func (m *OpenMap) withField(op, name string, f func(*structOpsField) error) error {
	return m.use(fmt.Sprintf("%s field %q of", op, name), func() error {
		types, v, err := m.structOps()
		if err != nil {
			return err
		}
		found, err := newGlobal(types, v.Type, m.memory(), m.name, "."+name)
		if err != nil {
			return err
		}
		callback, err := isFunctionPointer(types, found.typ)
		if err != nil {
			return err
		}
		return f(&structOpsField{*found, callback})
	})
}

// structOps finds the variable that defines a struct_ops map, in the object's types.
func (m *OpenMap) structOps() (*btf.BTF, place.Variable, error) {
	if !m.isStructOps() {
		return nil, place.Variable{}, fault.Invalidf("the map is not a struct_ops but of type %s", m.typ())
	}
	if m.memory() == nil {
		return nil, place.Variable{}, &VersionError{Func: "bpf_map__initial_value of a struct_ops", Needs: "1.4"}
	}
	types, err := m.o.ownTypes()
	if err != nil {
		return nil, place.Variable{}, err
	}
	v, _, err := place.FindIn(types, m.name, func(section string) bool {
		return strings.Contains(section, ".struct_ops")
	})
	if err != nil {
		return nil, place.Variable{}, placeError(err)
	}
	return types, v, nil
}

func isFunctionPointer(types *btf.BTF, id btf.TypeID) (bool, error) {
	t, err := types.Resolve(id)
	if err != nil {
		return false, err
	}
	pointer, ok := t.(*btf.Ptr)
	if !ok {
		return false, nil
	}
	target, err := types.Resolve(pointer.Target)
	if err != nil {
		return false, err
	}
	return target.Kind() == btf.KindFuncProto, nil
}
