package typed

import (
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// view is what all kinds have in common: the map, and how its keys and values are laid out. The zero value stands for a
// closed map.
//
// At most one of object and handle is set. The compiler knows that their methods do not keep the arguments, which it
// can't know of an interface's: so keys and values stay on the stack.
type view struct {
	object *libbpf.Map
	handle *libbpf.MapHandle

	key, value layout
	entries    uint32

	// outOfRange is the error of a lookup beyond the end. It is nil where keys are not indices, and made in advance
	// because an absent key is an everyday result.
	outOfRange *libbpf.Error
}

// openView looks at a map of one of the wanted types.
func (v *view) openView(m libbpf.MapCore, wanted ...libbpf.MapType) error {
	switch m := m.(type) {
	case *libbpf.Map:
		v.object = m
	case *libbpf.MapHandle:
		v.handle = m
	case nil:
	default:
		return fail(m.Name(), fault.Invalidf("it is a %T and must be a *libbpf.Map or a *libbpf.MapHandle", m))
	}
	found := v.Map()
	if found.FD() < 0 {
		return fail(found.Name(), libbpf.ErrClosed)
	}
	v.entries = found.MaxEntries()
	if isArray(found.Type()) {
		v.outOfRange = &libbpf.Error{
			Op: "lookup in", Object: fmt.Sprintf("map %q", found.Name()), Err: libbpf.ErrIndexRange,
		}
	}
	names := make([]string, 0, len(wanted))
	for _, t := range wanted {
		if found.Type() == t {
			return nil
		}
		names = append(names, t.String())
	}
	return fail(found.Name(), fault.Invalidf("it is of type %s and must be of type %s", found.Type(),
		strings.Join(names, " or ")))
}

// isArray reports whether keys are indices, below the map's maximum of entries.
func isArray(t libbpf.MapType) bool {
	switch t {
	case libbpf.MapTypeArray, libbpf.MapTypePerCPUArray, libbpf.MapTypeProgArray, libbpf.MapTypeCgroupArray,
		libbpf.MapTypeArrayOfMaps, libbpf.MapTypeDevMap, libbpf.MapTypeSockMap, libbpf.MapTypeCPUMap,
		libbpf.MapTypeXSKMap, libbpf.MapTypeReuseportSockArray:
		return true
	}
	return false
}

// setKey makes a Go type, or the part of it that is named, the type of keys.
func (v *view) setKey(t reflect.Type, part ...span) error {
	return v.set(&v.key, "key", v.Map().KeySize(), t, part)
}

// setValue is setKey for values.
func (v *view) setValue(t reflect.Type, part ...span) error {
	return v.set(&v.value, "value", v.Map().ValueSize(), t, part)
}

func (v *view) set(l *layout, what string, size uint32, t reflect.Type, part []span) (err error) {
	if *l, err = layoutOf(t); err != nil {
		return fail(v.Map().Name(), fmt.Errorf("%s: %w", what, err))
	}
	if len(part) != 0 {
		l.span = part[0]
	}
	if l.width() != uintptr(size) {
		return fail(v.Map().Name(), fault.Invalidf("a %s of type %s has %d bytes and must have %d, as the map's have", what, t,
			l.width(), size))
	}
	return nil
}

// closed is the map of a zero view.
var closed libbpf.MapHandle

// mapHandle is handle where object is not set.
func (v *view) mapHandle() *libbpf.MapHandle {
	if v.handle == nil {
		return &closed
	}
	return v.handle
}

// Map returns the map behind the view, for all that does not depend on the types of keys and values: Info, Freeze, Pin
// and more. The map belongs to whoever opened it. It is never nil: of a zero value it is a closed map.
func (v *view) Map() libbpf.MapCore {
	if v.object != nil {
		return v.object
	}
	return v.mapHandle()
}

// MaxEntries returns how many elements the map can hold (bpf_map__max_entries). An array has all of them at any time,
// at the indices below it. It is 0 for local storage, which has no maximum.
func (v *view) MaxEntries() uint32 { return v.entries }

func (v *view) lookup(key, value []byte, flags libbpf.MapFlags) (err error) {
	if v.object != nil {
		err = v.object.LookupInto(key, value, flags)
	} else {
		err = v.mapHandle().LookupInto(key, value, flags)
	}
	return v.explain(err, key)
}

func (v *view) update(key, value []byte, flags libbpf.MapFlags) error {
	if v.object != nil {
		return v.object.Update(key, value, flags)
	}
	return v.mapHandle().Update(key, value, flags)
}

func (v *view) delete(key []byte) (err error) {
	if v.object != nil {
		err = v.object.Delete(key)
	} else {
		err = v.mapHandle().Delete(key)
	}
	return v.explain(err, key)
}

func (v *view) lookupAndDelete(key, value []byte) error {
	if v.object != nil {
		return v.object.LookupAndDeleteInto(key, value)
	}
	return v.mapHandle().LookupAndDeleteInto(key, value)
}

func (v *view) lookupMany(keys, values []byte, found []bool, flags libbpf.MapFlags) (int, error) {
	if v.object != nil {
		return v.object.LookupMany(keys, values, found, flags)
	}
	return v.mapHandle().LookupMany(keys, values, found, flags)
}

// explain turns what the kernel says of an index beyond the end, which differs between the kinds of maps, into
// [libbpf.ErrIndexRange].
func (v *view) explain(err error, key []byte) error {
	if err == nil || v.outOfRange == nil {
		return err
	}
	failed, ok := err.(*libbpf.Error)
	switch {
	case !ok, binary.NativeEndian.Uint32(key) < v.entries, errors.Is(err, libbpf.ErrClosed):
		return err
	case failed.Op == v.outOfRange.Op:
		return v.outOfRange
	}
	return &libbpf.Error{Op: failed.Op, Object: failed.Object, Err: libbpf.ErrIndexRange}
}

// refuse is the error of a wrong argument. A closed map comes first.
func (v *view) refuse(format string, args ...any) error {
	if v.Map().FD() < 0 {
		return fail(v.Map().Name(), libbpf.ErrClosed)
	}
	return fail(v.Map().Name(), fault.Invalidf(format, args...))
}

// fd is a descriptor as the kernel reads it from a key or a value.
func (v *view) fd(fd int) (uint32, error) {
	if fd < 0 || fd != int(int32(fd)) {
		return 0, v.refuse("%d is not a file descriptor", fd)
	}
	return uint32(fd), nil
}

// updateFD puts what a descriptor stands for into a map whose values have 4 or 8 bytes.
func (v *view) updateFD(key []byte, fd int, flags libbpf.MapFlags) error {
	short, err := v.fd(fd)
	if err != nil {
		return err
	}
	if v.Map().ValueSize() == 8 {
		long := uint64(short)
		return v.update(key, bytesOf(&long), flags)
	}
	return v.update(key, bytesOf(&short), flags)
}

// useProgram runs f with a program's descriptor, which stays open until f returns.
func (v *view) useProgram(p libbpf.ProgramCore, f func(fd int) error) error {
	if p == nil {
		return fail(v.Map().Name(), fmt.Errorf("program: %w", libbpf.ErrClosed))
	}
	return p.UseFD(f)
}

// fail is the error of a map that the caller can't use so.
func fail(name string, err error) error {
	return &libbpf.Error{Op: "use", Object: fmt.Sprintf("map %q", name), Err: err}
}

// orNil is what a New function returns: no half-made value beside an error.
func orNil[T any](made *T, err error) (*T, error) {
	if err != nil {
		return nil, err
	}
	return made, nil
}
