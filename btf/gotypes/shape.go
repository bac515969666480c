package gotypes

import (
	"cmp"
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// shape is how Go has a C type.
type shape struct {
	expr  string // the Go type
	size  int    // in bytes, on all machines
	align int    // Go's alignment on 64-bit machines; on others it may be less
	// height is how many structs are in each other.
	height int
	note   string // what the Go type does not tell, for a comment
}

var errTooLarge = unix.E2BIG

// context is where a type is used, for a struct, union or enum that has no name.
type context struct {
	goName string // the name that it gets
	c      string // what has the type
}

// shape returns the shape of a type.
func (g *Generator) shape(id btf.TypeID, at context) (*shape, error) {
	if g.depth++; g.depth > maxDepth {
		g.depth--
		return nil, errDeep
	}
	defer func() { g.depth-- }()
	t, err := g.types.Resolve(id)
	if err != nil {
		return nil, err
	}
	switch t := t.(type) {
	case *btf.Int:
		return g.integer(t)
	case *btf.Float:
		if t.Size == 4 || t.Size == 8 {
			return number("float", t.Size), nil
		}
		return opaque(t.Size, cName(t))
	case *btf.Ptr:
		s := number("uint", uint32(g.types.PointerSize()))
		s.note = g.pointer(t)
		return s, nil
	case *btf.Array:
		return g.array(t, at)
	case *btf.Enum:
		if !hasNumber(t.Size) {
			return opaque(t.Size, cName(t))
		}
		if t.Name() == "" && g.typedefs[t.ID()] == nil && at.goName == "" {
			return g.anonymousEnum(t), nil
		}
		return g.declared(t, at, func(name, c string) (*shape, error) { return g.enum(t, name, c) })
	case *btf.Composite:
		return g.declared(t, at, func(name, c string) (*shape, error) { return g.composite(t, name, c) })
	case *btf.Fwd:
		return nil, fault.Invalidf("%s is declared but not defined", cName(t))
	}
	return nil, fault.Invalidf("no value has the type %s", cName(t))
}

// declared returns the shape of a type that has a declaration of its own. The first call makes it.
func (g *Generator) declared(t btf.Type, at context, declare func(name, c string) (*shape, error)) (*shape, error) {
	if s, ok := g.shapes[t.ID()]; ok {
		if s == nil {
			return nil, fault.Newf(unix.ELOOP, "%s contains itself", cName(t))
		}
		return s, nil
	}
	g.shapes[t.ID()] = nil
	name, c := g.typeName(t, at)
	s, err := declare(name, c)
	if err != nil {
		delete(g.shapes, t.ID())
		delete(g.names, name)
		return nil, err
	}
	g.shapes[t.ID()] = s
	return s, nil
}

// typeName takes a Go name for a struct, union or enum: its own, its typedef's, or the context's. c is what C calls it.
func (g *Generator) typeName(t btf.Type, at context) (name, c string) {
	suffix := map[btf.Kind]string{btf.KindStruct: "Struct", btf.KindUnion: "Union"}[t.Kind()]
	if suffix == "" {
		suffix = "Enum"
	}
	named := t
	if typedef := g.typedefs[t.ID()]; t.Name() == "" && typedef != nil {
		named = typedef
	}
	if c := named.Name(); c != "" {
		return g.named(c, g.opts.Prefix+GoName(c), suffix), keyword(named) + " " + oneLine(c)
	}
	name = g.named("", cmp.Or(at.goName, g.opts.Prefix+"Anonymous"), suffix)
	return name, cmp.Or(at.c, cName(t))
}

func number(kind string, size uint32) *shape {
	return &shape{expr: kind + strconv.Itoa(int(size)*8), size: int(size), align: int(size)}
}

// opaque is bytes for what Go has no type for.
func opaque(size uint32, note string) (*shape, error) {
	if size > maxSize {
		return nil, errLarge
	}
	return &shape{expr: fmt.Sprintf("[%d]byte", size), size: int(size), align: 1, note: note}, nil
}

func (g *Generator) integer(t *btf.Int) (*shape, error) {
	switch {
	case t.Bool && t.Size == 1:
		return &shape{expr: "ctypes.Bool", size: 1, align: 1}, nil
	case isChar(t):
		return &shape{expr: "byte", size: 1, align: 1}, nil
	case !hasNumber(t.Size):
		return opaque(t.Size, cName(t))
	case t.Signed:
		return number("int", t.Size), nil
	}
	return number("uint", t.Size), nil
}

// hasNumber reports whether Go has integers of a size.
func hasNumber(size uint32) bool {
	switch size {
	case 1, 2, 4, 8:
		return true
	}
	return false
}

// isChar reports whether a type is the one that C has text in. A signed char or an unsigned char is a number.
func isChar(t btf.Type) bool {
	i, ok := t.(*btf.Int)
	return ok && i.Size == 1 && i.Name() == "char"
}

func (g *Generator) array(t *btf.Array, at context) (*shape, error) {
	elem, err := g.types.Resolve(t.Elem)
	if err != nil {
		return nil, err
	}
	if isChar(elem) && t.Len > 0 {
		return g.text(t.Len)
	}
	s, err := g.shape(t.Elem, at)
	if err != nil {
		return nil, err
	}
	if int64(t.Len) > maxSize/int64(max(s.size, 1)) { // the length of an array of nothing, too, must be an int
		return nil, errLarge
	}
	return &shape{
		expr: fmt.Sprintf("[%d]%s", t.Len, s.expr), size: s.size * int(t.Len), align: s.align, height: s.height, note: s.note,
	}, nil
}

// text is the shape of an array of char. All arrays of one length have the same type.
func (g *Generator) text(length uint32) (*shape, error) {
	if length > maxSize {
		return nil, errLarge
	}
	n := int(length)
	name, ok := g.chars[n]
	if !ok {
		name = g.named("", fmt.Sprintf("%sChars%d", g.opts.Prefix, n), "Text")
		g.chars[n] = name
		g.decls = append(g.decls, declaration{name: name, code: fmt.Sprintf(`
// %[1]s is text in C, an array of %[2]d char.
type %[1]s [%[2]d]byte

// String is the text before the first NUL.
func (c %[1]s) String() string { return %[3]s(c[:]) }

// Set stores s, and fills the rest with NULs. s must have no NUL, and at most %[4]d bytes.
func (c *%[1]s) Set(s string) error { return %[5]s(c[:], s) }
`, name, n, g.ctypes("Text"), n-1, g.ctypes("SetText"))})
	}
	return &shape{expr: name, size: n, align: 1}, nil
}

// pointer says what a pointer points to.
func (g *Generator) pointer(t *btf.Ptr) string {
	name, tags := "", ""
	id := t.Target
	for range maxDepth {
		target, err := g.types.TypeByID(id)
		if err != nil {
			return ""
		}
		switch target := target.(type) {
		case *btf.Modifier:
			if target.Kind() == btf.KindTypeTag && !target.Attr {
				tags += ", " + oneLine(target.Name())
			}
			id = target.Target
			continue
		case *btf.FuncProto:
			name = "a function"
		case *btf.Ptr:
			name = "a pointer"
		default:
			name = cName(target)
		}
		break
	}
	if name == "" {
		return ""
	}
	return "pointer to " + name + tags
}

// cName is what C calls a type.
func cName(t btf.Type) string {
	name := oneLine(t.Name())
	switch word := keyword(t); {
	case name == "" && word == "":
		return t.Kind().String()
	case name == "":
		return word + " without a name"
	case word == "" || t.Kind() == btf.KindTypedef:
		return name
	default:
		return word + " " + name
	}
}

// keyword is what a declaration of a type begins with.
func keyword(t btf.Type) string {
	switch t := t.(type) {
	case *btf.Enum:
		return "enum"
	case *btf.Composite, *btf.Typedef:
		return t.Kind().String()
	case *btf.Fwd:
		if t.Union {
			return "union"
		}
		return "struct"
	}
	return ""
}
