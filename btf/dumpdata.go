package btf

import (
	"fmt"
	"io"
	"math"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/cmem"
	"github.com/libbpf-go/libbpf-go/internal/fault"
	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// DumpDataOptions are options of [BTF.DumpData].
type DumpDataOptions struct {
	Indent      string // of one level; the default is a tab. At most 31 bytes
	IndentLevel int    // the level of the first line
	Compact     bool   // all on one line, without indentation
	SkipNames   bool   // without the names of members and types
	EmitZeroes  bool   // also members that are zero
	EmitStrings bool   // arrays of characters that end in a NUL as text in quotes (libbpf 1.7)
}

// DumpData writes a value of that type as C text: an initializer (btf_dump__dump_type_data). data is the value, in this
// machine's byte order. For a struct, it is such as
//
//	(struct point){
//		.x = (int)1,
//		.y = (int)2,
//	}
//
// Without EmitZeroes, libbpf leaves out members that are zero, and structs whose first member is zero. For a section,
// data is the whole section.
//
// If data is shorter than the type, DumpData writes what it has as far as libbpf gets, and the error matches
// unix.E2BIG.
//
// errors.Is: [ErrNotFound], [ErrClosed], unix.E2BIG; unix.EINVAL, unix.ELOOP or unix.E2BIG for types that can't be
// written, or are too large; unix.ENOTSUP for a type that has no values; [errors.ErrUnsupported] for EmitStrings before
// libbpf 1.7; the error that w returned. When it returns an error, it may have written a part of the text.
func (b *BTF) DumpData(w io.Writer, id TypeID, data []byte, opts DumpDataOptions) error {
	if err := b.acquire(); err != nil {
		return err
	}
	defer b.h.Drop()
	if err := b.dumpData(w, id, data, opts); err != nil {
		return fmt.Errorf("btf: dump data of type %d: %w", id, err)
	}
	return nil
}

// maxIndent is the length of the text for one level that libbpf keeps, and maxIndentLevel is far above what is useful.
const (
	maxIndent      = 31
	maxIndentLevel = 1 << 10
)

func (b *BTF) dumpData(w io.Writer, id TypeID, data []byte, opts DumpDataOptions) error {
	switch {
	case len(opts.Indent) > maxIndent:
		return fault.Invalidf("Indent has %d bytes, and at most %d are possible", len(opts.Indent), maxIndent)
	case opts.IndentLevel < 0 || opts.IndentLevel > maxIndentLevel:
		return fault.Invalidf("IndentLevel is %d and must be from 0 to %d", opts.IndentLevel, maxIndentLevel)
	case opts.EmitStrings:
		if err := clib.Needs("btf_dump__dump_type_data with emit_strings", 1, 7); err != nil {
			return err
		}
	}
	c := valueCheck{b: b, seen: make(map[TypeID]value), decl: newDumpCheck(b)}
	v, err := c.walk(id)
	if err != nil {
		return err
	}
	// libbpf looks at members that are behind the end of data, to see whether they are zero.
	padded := make([]byte, max(v.extent, int64(len(data)))+valuePadding)
	copy(padded, data)

	d, err := b.makeDumper(w)
	if err != nil {
		return err
	}
	defer d.free()
	var args cArgs
	defer args.Free()
	indent := args.Optional("Indent", opts.Indent)
	if args.Err != nil {
		return args.Err
	}
	err = saying(func() error {
		ret := dumpTypeData(d.c, d.text, id, cmem.Lend(&args, padded), len(data), indent, opts)
		return clib.FromRet(int(ret))
	})
	if flushErr := d.flush(); err == nil {
		err = flushErr
	}
	return err
}

// Limits for the values that libbpf gets to dump.
const (
	maxValueExtent = 1 << 26 // bytes
	maxValueWork   = 1 << 24 // steps
	maxValueDepth  = 1 << 6  // nested types
	valuePadding   = 16      // bytes: a bit field is read with all of its type's bytes
)

// valueCheck walks a type in the way in which libbpf dumps a value of it, and finds types that would crash it, make it
// read far away, or never end.
type valueCheck struct {
	b     *BTF
	seen  map[TypeID]value // with work 0 while walk is in it
	depth int
	decl  *dumpCheck // for the name of the type, which libbpf writes before each value
}

// value is what a value of a type costs.
type value struct {
	extent int64 // the bytes up to the last that belongs to it, also where that is behind its size
	nodes  int64 // the values in it
	work   int64 // the steps: libbpf looks at all values in it before it writes each of them
}

func (c *valueCheck) walk(id TypeID) (value, error) {
	if v, ok := c.seen[id]; ok {
		if v.work == 0 {
			return v, fmt.Errorf("type %d contains itself: %w", id, errCycle)
		}
		return v, nil
	}
	if c.depth++; c.depth > maxValueDepth {
		return value{}, fmt.Errorf("type %d is nested too deep: %w", id, errTooLarge)
	}
	defer func() { c.depth-- }()
	c.seen[id] = value{}

	t, err := c.b.typeByID(id)
	if err != nil {
		return value{}, err
	}
	v, err := c.inside(t)
	if err != nil {
		return value{}, err
	}
	if t.Kind() != KindVar && t.Kind() != KindDatasec {
		name, err := c.decl.walk(dumpVisit{id, false})
		if err != nil {
			return value{}, err
		}
		v.work += int64(name)
	}
	v.nodes++
	v.work += v.nodes
	switch {
	case v.extent > maxValueExtent:
		return value{}, fmt.Errorf("type %d reaches over %d bytes: %w", id, v.extent, errTooLarge)
	case v.work > maxValueWork:
		return value{}, fmt.Errorf("type %d has too many values: %w", id, errTooLarge)
	}
	c.seen[id] = v
	return v, nil
}

// inside is what the parts of a value cost together.
func (c *valueCheck) inside(t Type) (value, error) {
	switch t := t.(type) {
	case *Typedef:
		return c.walk(t.Target)
	case *Modifier:
		return c.walk(t.Target)
	case *Var:
		if target, err := c.b.typeByID(t.Type); err != nil || !isC(target.Kind()) {
			return value{}, fmt.Errorf("variable %d has no type of C's: %w", t.ID(), unix.EINVAL)
		}
		return c.walk(t.Type)
	case *Int:
		return value{extent: int64(t.Size)}, nil
	case *Enum:
		// Here libbpf gives the upper half of the value to a C function that takes it for a pointer.
		if t.Kind() == KindEnum && t.Size > 4 && math.MaxInt == math.MaxInt32 {
			return value{}, fmt.Errorf("enum %d of %d bytes on a machine of 32 bits: %w", t.ID(), t.Size, unix.EINVAL)
		}
		return value{extent: int64(t.Size)}, nil
	case *Ptr:
		return value{extent: int64(c.b.pointerSize)}, nil
	case *Float:
		// libbpf copies it to a place for the largest float that C has.
		if t.Size > 16 {
			return value{}, fmt.Errorf("float %d of %d bytes: %w", t.ID(), t.Size, unix.EINVAL)
		}
		return value{extent: int64(t.Size)}, nil
	case *Array:
		v, err := c.walk(t.Elem)
		if err != nil || t.Len == 0 {
			return value{}, err
		}
		size, err := c.b.size(t.Elem)
		if err != nil {
			return value{}, err
		}
		n := int64(t.Len)
		v.extent = times(n-1, int64(size)) + v.extent
		v.nodes, v.work = times(n, v.nodes), times(n, v.work)
		return v, nil
	case *Composite:
		all := value{extent: int64(t.Size)}
		for _, m := range t.Members {
			v, err := c.walk(m.Type)
			if err != nil {
				return value{}, err
			}
			all.add(v, int64(m.BitOffset/8))
		}
		return all, nil
	case *Datasec:
		all := value{extent: int64(t.Size)}
		for _, m := range t.Vars {
			// libbpf expects variables, and C text can't have anything else in a section.
			if target, err := c.b.typeByID(m.Type); err != nil || target.Kind() != KindVar {
				return value{}, fmt.Errorf("section %d has type %d, which is no variable: %w", t.ID(), m.Type, unix.EINVAL)
			}
			v, err := c.walk(m.Type)
			if err != nil {
				return value{}, err
			}
			all.add(v, int64(m.Offset))
		}
		return all, nil
	default:
		return value{}, fault.Newf(unix.ENOTSUP, "a %s has no values", t.Kind())
	}
}

func (v *value) add(part value, at int64) {
	v.extent = max(v.extent, at+part.extent)
	v.nodes += part.nodes
	v.work += part.work
}

// times is the product, or a number above all limits.
func times(a, b int64) int64 {
	const limit = math.MaxInt32
	if a > 0 && b > limit/a {
		return limit
	}
	return a * b
}
