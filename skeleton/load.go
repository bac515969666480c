package skeleton

import (
	"errors"
	"reflect"
	"strings"
	"unsafe"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/fault"
	"github.com/libbpf-go/libbpf-go/internal/place"
	"github.com/libbpf-go/libbpf-go/typed"
)

// Object is a [libbpf.Object], and the memory of its global variables.
type Object struct {
	*libbpf.Object
	memory []*libbpf.MapMemory
}

// Load loads the object, with the values that the fields of Open have now, and sets the fields of a struct that stand
// for what is there after Load. A map that was not created, because its autocreate is off, and a program that was not
// loaded, because its autoload is off, leave their fields nil. Load takes the OpenObject over, as
// [libbpf.OpenObject.Load] does. The caller closes the result.
func (o *OpenObject) Load(into any) (*Object, error) {
	fields, err := fieldsOf(into)
	if err != nil {
		_ = o.Close()
		return nil, err
	}
	return o.load(fields)
}

func (o *OpenObject) load(fields []field) (*Object, error) {
	err := o.check(fields)
	if err == nil {
		err = o.write()
	}
	if err != nil {
		_ = o.Close()
		return nil, err
	}
	object, err := o.OpenObject.Load()
	if err != nil {
		return nil, err
	}
	loaded := &Object{Object: object}
	for i := range fields {
		// It is known, so it is not there because it was not to be.
		if err := loaded.setField(&fields[i]); err != nil && !errors.Is(err, libbpf.ErrNotFound) {
			_ = loaded.Close()
			return nil, fields[i].fail(err)
		}
	}
	return loaded, nil
}

// check tells of fields that stand for nothing, before anything is loaded.
func (o *OpenObject) check(fields []field) error {
	for i := range fields {
		var err error
		switch f := &fields[i]; f.kind {
		case loadedMap, typedMap:
			_, err = o.Map(f.name)
		case loadedProgram:
			_, err = o.Program(f.name)
		case variables:
			if _, err = o.section(f.name); err == nil {
				err = checkMemory(f.value.Type().Elem())
			}
		case link:
			err = o.checkLink(f.name)
		default:
			err = fault.Invalidf("a %s is there before Load only", f.value.Type())
		}
		if err != nil {
			return fields[i].fail(err)
		}
	}
	return nil
}

// checkLink looks for a program or a struct_ops map of that name.
func (o *OpenObject) checkLink(name string) error {
	_, err := o.Program(name)
	m, none := o.Map(name)
	if none != nil {
		return err
	}
	if typ, failed := m.Type(); failed == nil && typ == libbpf.MapTypeStructOps {
		return nil
	}
	return err
}

func (o *Object) setField(f *field) error {
	switch f.kind {
	case loadedMap, typedMap:
		m, err := o.Map(f.name)
		if err != nil {
			return err
		}
		if f.kind == loadedMap {
			f.set(m)
			return nil
		}
		view := reflect.New(f.value.Type().Elem())
		if err := typed.Bind(view.Interface(), m); err != nil {
			return err
		}
		f.value.Set(view)
		return nil
	case loadedProgram:
		p, err := o.Program(f.name)
		if err == nil {
			f.set(p)
		}
		return err
	case variables:
		return o.setSection(f)
	}
	return nil // AttachTo sets links
}

func (o *Object) setSection(f *field) error {
	to := f.value.Type().Elem()
	if constant(f.name) {
		return o.copySection(f)
	}
	memory, offset, err := o.SectionMemory(f.name)
	if err != nil {
		return err
	}
	bytes := memory.Bytes()
	if int(to.Size()) > len(bytes)-offset {
		_ = memory.Close()
		return tooLarge(f, len(bytes)-offset)
	}
	f.value.Set(reflect.NewAt(to, unsafe.Pointer(&bytes[offset])))
	o.memory = append(o.memory, memory)
	return nil
}

func tooLarge(f *field, has int) error {
	to := f.value.Type().Elem()
	return fault.Invalidf("a %s has %d bytes and the section %s has %d", to, to.Size(), f.name, has)
}

// roundUp is the size of a section with the padding that a Go struct may have at its end.
func roundUp(size int) uintptr { return uintptr(size+7) / 8 * 8 }

// constant tells whether a section does not change after Load.
func constant(section string) bool {
	return section == place.Kconfig || section == ".rodata" || strings.HasPrefix(section, ".rodata.")
}

// copySection sets the field to a copy.
func (o *Object) copySection(f *field) error {
	m, err := o.Map(f.name)
	if err != nil {
		return err
	}
	value, err := m.Lookup(make([]byte, 4), libbpf.Any)
	if err != nil {
		return err
	}
	to := f.value.Type().Elem()
	if to.Size() > roundUp(len(value)) {
		return tooLarge(f, len(value))
	}
	f.value.Set(reflect.New(to))
	copy(f.bytes(), value)
	return nil
}

// AttachTo attaches all programs as their sections say, and registers the struct_ops maps, as [libbpf.Object.Attach]
// does. It sets the fields for links of a struct. It skips what has a link in its field already, so a program can be
// attached by hand before. When one fails, AttachTo detaches those that it attached, and changes no field.
func (o *Object) AttachTo(into any) error {
	fields, err := fieldsOf(into)
	if err != nil {
		return err
	}
	var attached []*libbpf.Link
	for i := range fields {
		if fields[i].kind == link {
			attached = append(attached, fields[i].value.Interface().(*libbpf.Link))
		}
	}
	links, err := o.AttachExcept(attached)
	if err != nil {
		return err
	}
	for _, l := range links {
		for i := range fields {
			if f := &fields[i]; f.kind == link && f.value.IsNil() && f.name == nameOf(l) {
				f.set(l)
			}
		}
	}
	return nil
}

// nameOf is the name of what a link attaches.
func nameOf(l *libbpf.Link) string {
	if p := l.Program(); p != nil {
		return p.Name()
	}
	return l.Map().Name()
}

// Close closes the object, as [libbpf.Object.Close] does. Then zeroes take the place of the memory of global variables.
func (o *Object) Close() error {
	if o == nil {
		return nil
	}
	err := o.Object.Close()
	for _, m := range o.memory {
		err = errors.Join(err, m.Close())
	}
	return err
}
