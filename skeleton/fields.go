package skeleton

import (
	"fmt"
	"reflect"
	"unsafe"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/fault"
	"github.com/libbpf-go/libbpf-go/typed"
)

// kind is what a field is for.
type kind int

const (
	openMap kind = iota
	openProgram
	loadedMap
	typedMap
	loadedProgram
	link
	variables // a section's, or the fields of a struct_ops map
)

// field is a field with a tag.
type field struct {
	kind  kind
	name  string // in the object
	path  string // in the struct, for errors
	value reflect.Value
}

// fail is an error about the field.
func (f *field) fail(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("skeleton: field %s: %w", f.path, err)
}

// set sets the field, whose type is that of a pointer.
func (f *field) set(pointer any) { f.value.Set(reflect.ValueOf(pointer)) }

// bytes is the memory that the field points to.
func (f *field) bytes() []byte {
	return unsafe.Slice((*byte)(f.value.UnsafePointer()), f.value.Type().Elem().Size())
}

// fieldsOf are the fields with a tag of a struct that into points to.
func fieldsOf(into any) ([]field, error) {
	v := reflect.ValueOf(into)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return nil, fmt.Errorf("skeleton: a %T: %w", into, fault.Invalidf("must be a pointer to a struct"))
	}
	return collect(nil, v.Elem(), "")
}

func collect(fields []field, v reflect.Value, path string) ([]field, error) {
	for i := range v.NumField() {
		of := v.Type().Field(i)
		name, tagged := of.Tag.Lookup("bpf")
		at := path + of.Name
		switch {
		case !tagged && of.Type.Kind() == reflect.Struct:
			var err error
			if fields, err = collect(fields, v.Field(i), at+"."); err != nil {
				return nil, err
			}
			continue
		case !tagged:
			continue
		}
		f := field{name: name, path: at, value: v.Field(i)}
		var err error
		if f.kind, err = kindOf(of); err != nil {
			return nil, f.fail(err)
		}
		fields = append(fields, f)
	}
	return fields, nil
}

var kinds = map[reflect.Type]kind{
	reflect.TypeFor[*libbpf.OpenMap]():     openMap,
	reflect.TypeFor[*libbpf.OpenProgram](): openProgram,
	reflect.TypeFor[*libbpf.Map]():         loadedMap,
	reflect.TypeFor[*libbpf.Program]():     loadedProgram,
	reflect.TypeFor[*libbpf.Link]():        link,
}

func kindOf(f reflect.StructField) (kind, error) {
	switch k, ok := kinds[f.Type]; {
	case !f.IsExported():
		return 0, fault.Invalidf("a field with the tag bpf must be exported")
	case ok:
		return k, nil
	case f.Type.Kind() == reflect.Pointer && typed.IsKind(f.Type):
		return typedMap, nil
	case f.Type.Kind() == reflect.Pointer && f.Type.Elem().Kind() == reflect.Struct:
		return variables, nil
	}
	return 0, fault.Invalidf("a %s stands for nothing in an object", f.Type)
}

// checkMemory refuses types that can't be the memory of programs.
func checkMemory(t reflect.Type) error {
	switch t.Kind() {
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64,
		reflect.Float32, reflect.Float64, reflect.Complex64, reflect.Complex128:
		return nil
	case reflect.Bool:
		return fault.Invalidf("it has a bool, and programs can write more than 0 and 1 to it: use ctypes.Bool")
	case reflect.Array:
		return checkMemory(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			if err := checkMemory(t.Field(i).Type); err != nil {
				return err
			}
		}
		return nil
	}
	return fault.Invalidf("it has a %s: types must have a fixed size and no pointers", t)
}
