package typed

import (
	"errors"
	"fmt"
	"reflect"
	"sync/atomic"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// Global is a global variable of a loaded object, or a part of one, as a T. Get and Set read and write the memory that
// programs use, without a system call. Its methods are safe for concurrent use.
//
//	hits, err := typed.NewGlobal[uint64](object, "hits")
//	...
//	defer hits.Close()
//	n, err := hits.Get()
//
// A value of 1, 2, 4 or 8 bytes is read and written in one piece. A larger one is not: a program can be half way
// through changing it. Set does not lock programs out. What they add to the variable between a Get and a Set is lost.
// To add to a variable that programs add to with __sync_fetch_and_add, use [sync/atomic] on the memory that
// [libbpf.Object.GlobalMemory] and [libbpf.MemoryAt] return.
type Global[T any] struct {
	name   string
	memory *libbpf.MapMemory // nil where the section is not mappable
	offset int64
	layout layout

	section *libbpf.Map // instead of memory
	closed  atomic.Bool // for section; memory knows by itself
}

// NewGlobal returns a typed view of a global variable, or of a part of one: "hits", "config.mode", "table[3]". Names
// are as in [libbpf.OpenObject.SetGlobal]. The caller closes the view. It works on when the object is closed, unless
// the variable is in an arena.
//
// T must be what the object's BTF says of the variable:
//   - for an integer, an integer of the same size and sign;
//   - for an enum, an integer of the same size;
//   - for a bool or a float, a bool or a float of the same size;
//   - for a pointer, a uint64;
//   - for an array, an array of as many elements;
//   - for a struct, a struct whose fields are the same at the same offsets, whatever their names;
//   - for any variable, and any part of a struct, an array of as many bytes.
//
// Otherwise the error matches [libbpf.ErrInvalid]. The other errors are those of [libbpf.Object.GlobalVariable].
//
// libbpf does not map a section whose variables are all static. Get then copies the whole section
// (bpf_map_lookup_elem), and Set fails, because it would set the section's other variables back, too. To have the
// section mapped, add [libbpf.CreateMMapable] to the flags of its map before Load.
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

// Get returns the variable's value. The error matches [libbpf.ErrClosed] after Close. It does not allocate, unless the
// section is not mapped.
func (g *Global[T]) Get() (value T, err error) {
	err = g.GetInto(&value)
	return value, err
}

// GetInto is Get into the caller's variable, which saves copies of a large value.
func (g *Global[T]) GetInto(value *T) error {
	if err := g.read(bytesOf(value)); err != nil {
		return err
	}
	g.layout.mend(bytesOf(value))
	return nil
}

// read reads the memory, or the one element of a section that is not mapped.
func (g *Global[T]) read(value []byte) error {
	if g.section == nil {
		_, err := g.memory.ReadAt(value, g.offset)
		return err
	}
	if g.closed.Load() {
		return g.fail(libbpf.ErrClosed)
	}
	section, err := g.section.Lookup(make([]byte, 4), libbpf.Any)
	if err != nil {
		return err
	}
	copy(value, section[g.offset:])
	return nil
}

// Set gives the variable a value. It leaves a struct's padding, and what its fields called _ stand for, as they are.
//
// The error matches [libbpf.ErrClosed] after Close, unix.EPERM for a constant, which is in .rodata, and
// [libbpf.ErrInvalid] when the section is not mapped. It does not allocate.
func (g *Global[T]) Set(value T) error {
	switch {
	case g.section == nil:
	case g.closed.Load() || g.section.FD() < 0:
		return g.fail(libbpf.ErrClosed)
	default:
		return g.fail(fault.Invalidf("its section is not mapped, and can only be written as a whole: " +
			"add CreateMMapable to the flags of its map before Load"))
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
	g.closed.Store(true)
	return g.memory.Close()
}

func (g *Global[T]) fail(err error) error {
	return &libbpf.Error{Op: "use", Object: fmt.Sprintf("variable %q", g.name), Err: err}
}
