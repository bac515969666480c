package typed

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"reflect"
	"slices"
	"strings"

	"github.com/libbpf-go/libbpf-go"
)

// access is the way to the map behind a typed one. One of object and handle is set: their methods, unlike those of an
// interface, are known to the compiler not to keep their arguments, so that keys and values can stay on the stack.
type access struct {
	object *libbpf.Map
	handle *libbpf.MapHandle

	key, value layout
}

// closed stands in for nil receivers. Its map is a nil pointer, whose methods return ErrClosed.
var closed access

// newAccess checks that the map is of one of the types that are wanted.
func newAccess(m libbpf.MapCore, wanted ...libbpf.MapType) (access, error) {
	var a access
	switch m := m.(type) {
	case *libbpf.Map:
		a.object = m
	case *libbpf.MapHandle:
		a.handle = m
	case nil:
	default:
		return access{}, fail(m.Name(), invalidf("it is a %T and must be a *libbpf.Map or a *libbpf.MapHandle", m))
	}
	found := a.mapCore()
	if found.FD() < 0 {
		return access{}, fail(found.Name(), libbpf.ErrClosed)
	}
	names := make([]string, 0, len(wanted))
	for _, t := range wanted {
		if found.Type() == t {
			return a, nil
		}
		names = append(names, t.String())
	}
	return access{}, fail(found.Name(), invalidf("it is of type %s and must be of type %s", found.Type(),
		strings.Join(names, " or ")))
}

// newTyped is newAccess for keys and values of Go types.
func newTyped[K, V any](m libbpf.MapCore, wanted ...libbpf.MapType) (access, error) {
	a, err := newAccess(m, wanted...)
	if err == nil {
		err = a.checkKey(reflect.TypeFor[K](), 0)
	}
	if err == nil {
		err = a.checkValue(reflect.TypeFor[V]())
	}
	if err != nil {
		return access{}, err
	}
	return a, nil
}

// checkKey checks the type of keys, of which the map has more bytes in front.
func (a *access) checkKey(t reflect.Type, more uint32) (err error) {
	a.key, err = a.check("key", t, uint64(a.mapCore().KeySize()), uint64(more))
	return err
}

func (a *access) checkValue(t reflect.Type) (err error) {
	a.value, err = a.check("value", t, uint64(a.mapCore().ValueSize()), 0)
	return err
}

func (a *access) check(what string, t reflect.Type, size, more uint64) (layout, error) {
	l, err := layoutOf(t)
	if err != nil {
		return layout{}, fail(a.mapCore().Name(), fmt.Errorf("%s: %w", what, err))
	}
	if found := uint64(l.size) + more; found != size {
		return layout{}, fail(a.mapCore().Name(),
			invalidf("a %s of type %s has %d bytes and must have %d, as the map's have", what, t, found, size))
	}
	return l, nil
}

// wantSize checks a size of the map that is not a Go type's.
func (a *access) wantSize(what string, found uint32, wanted ...uint32) error {
	text := make([]string, 0, len(wanted))
	for _, size := range wanted {
		if found == size {
			return nil
		}
		text = append(text, fmt.Sprint(size))
	}
	return fail(a.mapCore().Name(), invalidf("its %ss have %d bytes and must have %s", what, found,
		strings.Join(text, " or ")))
}

// newIndexed is newAccess for maps with 4-byte keys whose values are not of the caller's type.
func newIndexed(m libbpf.MapCore, wanted libbpf.MapType, valueSizes ...uint32) (access, error) {
	a, err := newAccess(m, wanted)
	if err == nil {
		err = a.wantSize("key", a.mapCore().KeySize(), 4)
	}
	if err == nil {
		err = a.wantSize("value", a.mapCore().ValueSize(), valueSizes...)
	}
	if err != nil {
		return access{}, err
	}
	return a, nil
}

// mapCore is the map. It is never a nil interface, so that its methods can be called.
func (a *access) mapCore() libbpf.MapCore {
	if a.object != nil {
		return a.object
	}
	return a.handle
}

func (a *access) len() int { return int(a.mapCore().MaxEntries()) }

func (a *access) pin(path string) error { return a.mapCore().Pin(path) }

func (a *access) lookup(key, value []byte, flags libbpf.MapFlags) error {
	if a.object != nil {
		return a.object.LookupInto(key, value, flags)
	}
	return a.handle.LookupInto(key, value, flags)
}

func (a *access) update(key, value []byte, flags libbpf.MapFlags) error {
	if a.object != nil {
		return a.object.Update(key, value, flags)
	}
	return a.handle.Update(key, value, flags)
}

func (a *access) delete(key []byte) error {
	if a.object != nil {
		return a.object.Delete(key)
	}
	return a.handle.Delete(key)
}

func (a *access) take(key, value []byte) error {
	if a.object != nil {
		return a.object.LookupAndDeleteInto(key, value)
	}
	return a.handle.LookupAndDeleteInto(key, value)
}

// get, set, remove and takeTyped are the operations on one element of a map of Ks and Vs.
func get[K, V any](a *access, key *K, value *V, flags libbpf.MapFlags) error {
	a.key.clean(bytesOf(key))
	if err := a.lookup(bytesOf(key), bytesOf(value), flags); err != nil {
		return err
	}
	a.value.mend(bytesOf(value))
	return nil
}

func set[K, V any](a *access, key *K, value *V, flags libbpf.MapFlags) error {
	a.key.clean(bytesOf(key))
	a.value.clean(bytesOf(value))
	return a.update(bytesOf(key), bytesOf(value), flags)
}

func remove[K any](a *access, key *K) error {
	a.key.clean(bytesOf(key))
	return a.delete(bytesOf(key))
}

// getMany is get of many keys, in one call. It copies keys that have padding.
func getMany[K, V any](a *access, keys []K, values []V, found []bool, flags libbpf.MapFlags) (int, error) {
	raw := cleanSlice(&a.key, keys)
	var n int
	var err error
	if a.object != nil {
		n, err = a.object.LookupMany(raw, bytesOfSlice(values), found, flags)
	} else {
		n, err = a.handle.LookupMany(raw, bytesOfSlice(values), found, flags)
	}
	a.value.mend(bytesOfSlice(values))
	return n, err
}

// cleanSlice is the bytes of s with its padding zeroed, in a copy: s is the caller's, who may be reading it elsewhere.
func cleanSlice[T any](l *layout, s []T) []byte {
	if len(l.pads) == 0 {
		return bytesOfSlice(s)
	}
	b := bytesOfSlice(slices.Clone(s))
	l.clean(b)
	return b
}

// An iteration reads this many bytes at once, or elements if they are smaller.
const (
	batchBytes    = 64 << 10
	batchElements = 1024
)

// batch is how many elements of so many bytes an iteration reads at once.
func (a *access) batch(bytes int) int {
	return max(1, min(batchElements, batchBytes/max(1, bytes), a.len()))
}

// read reads a batch, and tells whether there is more.
func (a *access) read(cursor *libbpf.MapCursor, keys, values []byte, err *error) (int, bool) {
	n, failed := a.mapCore().LookupBatch(cursor, keys, values, libbpf.Any)
	if failed != nil {
		if err != nil && !errors.Is(failed, io.EOF) {
			*err = failed
		}
		return n, false
	}
	return n, true
}

// entries iterates over the elements of a map of Ks and Vs. The batches are read into slices of these, so that no byte
// is copied once more.
func entries[K, V any](a *access, err *error) iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		n := a.batch(sizeOf[K]() + sizeOf[V]())
		keys, values := make([]K, n), make([]V, n)
		var cursor libbpf.MapCursor
		for {
			got, more := a.read(&cursor, bytesOfSlice(keys), bytesOfSlice(values), err)
			a.key.mend(bytesOfSlice(keys[:got]))
			a.value.mend(bytesOfSlice(values[:got]))
			for i, key := range keys[:got] {
				if !yield(key, values[i]) {
					return
				}
			}
			if !more {
				return
			}
		}
	}
}

// keysOf is the keys of an iteration.
func keysOf[K, V any](entries iter.Seq2[K, V]) iter.Seq[K] {
	return func(yield func(K) bool) {
		for key := range entries {
			if !yield(key) {
				return
			}
		}
	}
}

// present iterates over the indices of an array that have something in them.
func present[V any](a *access, err *error, get func(uint32) (V, error)) iter.Seq2[uint32, V] {
	return func(yield func(uint32, V) bool) {
		for index := uint32(0); ; index++ {
			// After the length, so that a closed map, which has none, is asked once.
			if index > 0 && index >= a.mapCore().MaxEntries() {
				return
			}
			switch value, failed := get(index); {
			case errors.Is(failed, libbpf.ErrKeyNotExist):
			case failed != nil:
				if err != nil {
					*err = failed
				}
				return
			case !yield(index, value):
				return
			}
		}
	}
}

// count counts the elements of an iteration, which leaves its error in *err.
func count[K, V any](entries iter.Seq2[K, V], err *error) (int, error) {
	n := 0
	for range entries {
		n++
	}
	if *err != nil {
		return 0, *err
	}
	return n, nil
}

// isEmpty tells whether a map has no key.
func (a *access) isEmpty() (bool, error) {
	var err error
	for range a.mapCore().Keys(&err) {
		return false, nil
	}
	return err == nil, err
}

// invalid is an [libbpf.ErrInvalid] with a text of its own.
type invalid struct{ text string }

func (e *invalid) Error() string { return e.text }
func (e *invalid) Unwrap() error { return libbpf.ErrInvalid }

func invalidf(format string, args ...any) error { return &invalid{fmt.Sprintf(format, args...)} }

// fail is the error of a map that does not serve, or of an argument.
func fail(name string, err error) error {
	return &libbpf.Error{Op: "use", Object: fmt.Sprintf("map %q", name), Err: err}
}

// refuse is the error of an argument, unless the map is closed, which comes first.
func (a *access) refuse(format string, args ...any) error {
	if a.mapCore().FD() < 0 {
		return fail(a.mapCore().Name(), libbpf.ErrClosed)
	}
	return fail(a.mapCore().Name(), invalidf(format, args...))
}
