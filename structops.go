package libbpf

/*
#include <bpf/libbpf.h>
*/
import "C"

import (
	"bytes"
	"fmt"
	"strings"
	"unsafe"

	"github.com/libbpf-go/libbpf-go/btf"
)

// SetField gives a field of the map's struct the value that it will be registered with, if the map is a struct_ops. The
// field's name may have dots, for one of a struct inside. What it takes is as for [OpenObject.SetGlobal], and for a
// callback an [*OpenProgram] of the same object, or a nil one, which leaves it out (bpf_map__initial_value).
//
// errors.Is(err, [ErrNotFound]) when there is no such field, [ErrInvalid] when the value does not fit or the map is not a
// struct_ops, [errors.ErrUnsupported] before libbpf 1.4.
func (m *OpenMap) SetField(name string, value any) error {
	return m.withField("set", name, func(f *structOpsField) error {
		if p, ok := value.(*OpenProgram); ok {
			return f.setProgram(m.o, p)
		}
		if f.callback {
			return invalidf("a callback takes an *OpenProgram and no %T", value)
		}
		image, err := f.encode(value)
		if err != nil {
			return err
		}
		copy(f.memory, image)
		return nil
	})
}

// Field is a copy of the bytes that a field of the map's struct will be registered with, if the map is a struct_ops. Those
// of a callback mean nothing outside of libbpf: see FieldProgram. Errors are as for SetField.
func (m *OpenMap) Field(name string) ([]byte, error) {
	var value []byte
	err := m.withField("get", name, func(f *structOpsField) error {
		value = bytes.Clone(f.memory)
		return nil
	})
	return value, err
}

// FieldProgram is the program of a callback, nil for one that is left out. Errors are as for SetField.
func (m *OpenMap) FieldProgram(name string) (*OpenProgram, error) {
	var found *OpenProgram
	err := m.withField("get", name, func(f *structOpsField) error {
		if !f.callback {
			return invalidf("it is no callback")
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

// structOpsField is a field of a struct_ops that is not registered yet.
type structOpsField struct {
	global
	callback bool
}

// program is where libbpf keeps a callback's program.
func (f *structOpsField) program() **C.struct_bpf_program {
	return (**C.struct_bpf_program)(unsafe.Pointer(&f.memory[0]))
}

func (f *structOpsField) setProgram(o *OpenObject, p *OpenProgram) error {
	switch {
	case !f.callback:
		return invalidf("it is no callback and takes no program")
	case p == nil:
		*f.program() = nil
		return nil
	case p.o != o:
		return invalidf("program %q is of another object", p.name)
	case ProgramType(C.bpf_program__type(p.ptr)) != ProgramTypeStructOps:
		return invalidf("program %q is not of a struct_ops", p.name)
	}
	*f.program() = p.ptr
	return nil
}

func (m *OpenMap) withField(op, name string, f func(*structOpsField) error) error {
	return m.use(fmt.Sprintf("%s field %q of", op, name), func() error {
		if !m.isStructOps() {
			return invalidf("the map is not a struct_ops but of type %s", m.typ())
		}
		var size C.size_t
		memory := C.bpf_map__initial_value(m.ptr, &size)
		if memory == nil {
			return &VersionError{Func: "bpf_map__initial_value of a struct_ops", Needs: "1.4"}
		}
		types, err := m.o.ownTypes()
		if err != nil {
			return err
		}
		v, err := findVariable(types, m.name, func(section string) bool { return strings.Contains(section, ".struct_ops") })
		if err != nil {
			return err
		}
		found, err := findField(types, v.typ, unsafe.Slice((*byte)(memory), int(size)), name)
		if err != nil {
			return err
		}
		return f(found)
	})
}

// findField looks for a field below a struct's type. memory is the struct's.
func findField(types *btf.BTF, id btf.TypeID, memory []byte, name string) (*structOpsField, error) {
	first, rest, nested := strings.Cut(name, ".")
	member, offset, err := findMember(types, id, first, make(map[btf.TypeID]bool))
	if err != nil {
		return nil, err
	}
	size, err := types.Size(member.Type)
	if err != nil {
		return nil, err
	}
	if member.BitfieldSize != 0 {
		return nil, invalidf("it is a bit field")
	}
	if offset+size > len(memory) {
		return nil, invalidf("BTF puts it beyond the end of the struct")
	}
	memory = memory[offset : offset+size]
	if nested {
		return findField(types, member.Type, memory, rest)
	}
	callback, err := isFunctionPointer(types, member.Type)
	if err != nil {
		return nil, err
	}
	return &structOpsField{global{name, types, member.Type, memory}, callback}, nil
}

// findMember looks for a member of a struct or union, and in those without a name inside it. The offset is in bytes.
// seen are those that it looked into before: a damaged object's may contain one another.
func findMember(
	types *btf.BTF, id btf.TypeID, name string, seen map[btf.TypeID]bool,
) (*btf.Member, int, error) {
	t, err := types.Resolve(id)
	if err != nil {
		return nil, 0, err
	}
	composite, ok := t.(*btf.Composite)
	if !ok {
		return nil, 0, notFoundf("there is no field %q in a %s", name, t.Kind())
	}
	if seen[t.ID()] {
		return nil, 0, notFoundf("struct %s is in itself", t.Name())
	}
	seen[t.ID()] = true
	for i := range composite.Members {
		m := &composite.Members[i]
		at := int(m.BitOffset / 8)
		if m.Name == name {
			return m, at, nil
		}
		if m.Name == "" {
			if inner, offset, err := findMember(types, m.Type, name, seen); err == nil {
				return inner, at + offset, nil
			}
		}
	}
	return nil, 0, notFoundf("struct %s has no field %q", composite.Name(), name)
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
