package typed

import (
	"errors"
	"fmt"
	"reflect"
	"sync/atomic"

	"github.com/libbpf-go/libbpf-go"
)

// Global is a global variable of an object that was loaded, or a part of one, as a T. It reads and writes the memory
// that programs do, without system calls.
//
//	hits, err := typed.NewGlobal[uint64](object, "hits")
//	n, err := hits.Get()
//
// A value of 4 or 8 bytes, and of one or two, is read and written in one piece. Anything larger is not, so that a program
// may be half way through changing it. Set does not wait for programs, either: of what they add to the variable between a
// Get and a Set, nothing remains. To add to a variable that programs add to, use [sync/atomic] on what
// [libbpf.Object.GlobalMemory] and [libbpf.MemoryAt] return, as they use __sync_fetch_and_add.
type Global[T any] struct {
	name   string
	memory *libbpf.MapMemory // nil where the section is not mappable
	offset int64
	layout layout

	section *libbpf.Map // instead of memory
	closed  atomic.Bool // for section; memory knows by itself
}

// NewGlobal makes a typed view of a global variable of an object, or of a part of one. Names are as for
// [libbpf.OpenObject.SetGlobal]: "hits", "config.mode", "table[3]". The view belongs to the caller, who closes it. It
// outlasts the object, unless the variable is in an arena.
//
// T must be what the object's BTF says of the variable: an integer of the same size and sign for an integer, any
// integer of its size for an enum, uint64 for a pointer, bool for a bool, a float for a float, an array for an array of
// as many elements, and a struct for a struct with the same at each offset, whatever the names; or, for any variable, an
// array of bytes as large as it. The errors are those of [libbpf.Object.GlobalVariable].
//
// A section whose variables are all static is not mappable by libbpf's choice. Get then copies the whole section
// (bpf_map_lookup_elem), and Set is refused, because it would set the other variables of the section back to what they
// were. Add [libbpf.MMapable] to the flags of the section's map before Load to have it mapped.
func NewGlobal[T any](o *libbpf.Object, name string) (*Global[T], error) {
	v, err := o.GlobalVariable(name)
	if err != nil {
		return nil, err
	}
	g := &Global[T]{name: name, offset: int64(v.Offset)}
	t := reflect.TypeFor[T]()
	if g.layout, err = layoutOf(t); err != nil {
		return nil, g.fail(err)
	}
	types, err := o.BTF()
	if err != nil {
		return nil, err
	}
	defer types.Close()
	if err := (&matcher{types: types}).match(t, v.Type, name); err != nil {
		return nil, g.fail(err)
	}
	g.memory, err = v.Map.Memory()
	if errors.Is(err, libbpf.ErrInvalid) && v.Map.Type() == libbpf.MapTypeArray {
		g.section, err = v.Map, nil
	}
	if err != nil {
		return nil, err
	}
	return g, nil
}

// Get is the variable's value: [libbpf.ErrClosed] after Close.
func (g *Global[T]) Get() (T, error) {
	var value T
	err := g.GetInto(&value)
	return value, err
}

// GetInto is Get into the caller's variable. It spares copies of large values.
func (g *Global[T]) GetInto(value *T) error {
	if g == nil || g.section != nil {
		return g.getElement(value)
	}
	if _, err := g.memory.ReadAt(bytesOf(value), g.offset); err != nil {
		return err
	}
	g.layout.mend(bytesOf(value))
	return nil
}

// getElement reads the one element of a section that is not mapped.
func (g *Global[T]) getElement(value *T) error {
	if g == nil || g.closed.Load() {
		return errGlobalClosed
	}
	section, err := g.section.Lookup(make([]byte, 4), libbpf.Any)
	if err != nil {
		return err
	}
	copy(bytesOf(value), section[g.offset:])
	g.layout.mend(bytesOf(value))
	return nil
}

// Set gives the variable a value, and leaves what a struct has as padding or in fields called _ as it is: [libbpf.ErrClosed] after Close, unix.EPERM for a constant, which is in .rodata, and
// [libbpf.ErrInvalid] in a section that is not mappable.
func (g *Global[T]) Set(value T) error {
	switch {
	case g == nil:
		return errGlobalClosed
	case g.section != nil && (g.closed.Load() || g.section.FD() < 0):
		return errGlobalClosed
	case g.section != nil:
		return g.fail(invalidf("its section is not mappable, and can only be written as a whole: " +
			"add MMapable to the flags of its map before Load"))
	}
	b, from := bytesOf(&value), uintptr(0)
	for _, pad := range g.layout.pads {
		if _, err := g.memory.WriteAt(b[from:pad.from], g.offset+int64(from)); err != nil {
			return err
		}
		from = pad.to
	}
	_, err := g.memory.WriteAt(b[from:], g.offset+int64(from))
	return err
}

// Close gives the memory up. It is idempotent.
func (g *Global[T]) Close() error {
	if g == nil {
		return nil
	}
	g.closed.Store(true)
	return g.memory.Close()
}

var errGlobalClosed error = &libbpf.Error{Op: "use", Object: "variable", Err: libbpf.ErrClosed}

func (g *Global[T]) fail(err error) error {
	return &libbpf.Error{Op: "use", Object: fmt.Sprintf("variable %q", g.name), Err: err}
}
