package gotypes

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"go/format"
	"go/token"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// Options are options of New.
type Options struct {
	// Prefix is in front of the name of each type and constant. One that begins with a small letter makes them private
	// to their package.
	Prefix string

	// Rename has other Go names. The keys are C names or generated names: "event" or "Event" is a type, "COLOR_RED" or
	// "ColorRed" a constant, "event.pid" or "Event.PID" a member. Members of sections are under the section's name,
	// such as ".data.counter". A name of Rename gets no prefix.
	Rename map[string]string

	// RawEnumNames keeps the C names of enumerators.
	RawEnumNames bool

	// Reserved are the Go names that are taken in the package.
	Reserved []string
}

// Generator makes Go declarations of C types. Its methods are not safe for concurrent use.
type Generator struct {
	types    *btf.BTF
	opts     Options
	names    scope
	shapes   map[btf.TypeID]*shape // of the named types; nil while one is made
	chars    map[int]string        // the types of text, by length
	decls    []declaration
	warnings []string
	imports  map[string]bool // of the declarations
	asked    map[string]bool // imports of the types that Type returned
	depth    int
	visits   int

	scanned  bool
	typedefs map[btf.TypeID]*btf.Typedef // of types that have no other name
	tags     map[tagged][]string
}

// tagged is what a declaration tag is on: a type (-1) or one of its members.
type tagged struct {
	id     btf.TypeID
	member int
}

// declaration is the code for one name.
type declaration struct {
	name    string
	code    string
	asserts string
}

// Limits for types that are made up. The Linux kernel's types stay below each of these. Package go/types, and so "go
// vet", takes twice as long for each level of structs.
const (
	maxSize    = 1 << 27 // bytes of a type, whose bits an int counts on 32-bit machines too
	maxDepth   = 64      // types in each other, as the generator comes to them
	maxHeight  = 14      // structs in each other
	maxVisits  = 1 << 13 // members of one type, with those of anonymous members
	totalVisit = 1 << 20 // members of all types
)

// New returns a generator for types, which must not be closed before the last use of the generator.
func New(types *btf.BTF, opts Options) *Generator {
	return &Generator{
		types:    types,
		opts:     opts,
		names:    newPackage(opts.Reserved),
		shapes:   make(map[btf.TypeID]*shape),
		chars:    make(map[int]string),
		imports:  make(map[string]bool),
		asked:    make(map[string]bool),
		typedefs: make(map[btf.TypeID]*btf.Typedef),
		tags:     make(map[tagged][]string),
	}
}

// Type returns the Go type for a C type, such as "uint32", "Event", "[4]Pair" or "Chars16". All types that it needs are
// declared with the others. Asking twice for a type is harmless, and returns the same.
//
// errors.Is: [btf.ErrNotFound], [btf.ErrClosed]; unix.EINVAL for a type that no value has, such as void, a function or a
// struct without a definition; unix.E2BIG, unix.ELOOP or unix.EINVAL for damaged types.
func (g *Generator) Type(id btf.TypeID) (string, error) { return g.NamedType(id, "") }

// NamedType is Type for a C type that may have no name: a struct, union or enum then gets this Go name.
func (g *Generator) NamedType(id btf.TypeID, name string) (string, error) {
	if err := g.scan(); err != nil {
		return "", err
	}
	s, err := g.shape(id, context{goName: name})
	if err != nil {
		return "", fmt.Errorf("gotypes: type %d: %w", id, err)
	}
	if strings.Contains(s.expr, "ctypes.") {
		g.asked[ctypesPath] = true
	}
	return s.expr, nil
}

// Declare writes the declarations of all types that were asked for, and of those that they need, sorted by name and
// formatted. The package needs the imports that Imports returns.
func (g *Generator) Declare(w io.Writer) error {
	code, err := format.Source(g.source())
	if err != nil {
		return fmt.Errorf("gotypes: format the declarations: %w", err)
	}
	_, err = w.Write(code)
	return err
}

func (g *Generator) source() []byte {
	decls := slices.SortedFunc(slices.Values(g.decls), func(a, b declaration) int { return cmp.Compare(a.name, b.name) })
	var code bytes.Buffer
	for _, d := range decls {
		code.WriteString(d.code + "\n")
	}
	asserts := slices.IndexFunc(decls, func(d declaration) bool { return d.asserts != "" }) >= 0
	if asserts {
		code.WriteString("// Sizes and offsets are C's: otherwise the two arrays differ in length.\nvar (\n")
	}
	for _, d := range decls {
		code.WriteString(d.asserts)
	}
	if asserts {
		code.WriteString(")\n")
	}
	return code.Bytes()
}

// Imports are the paths of the packages that the declarations use, and the types that Type returned, sorted.
func (g *Generator) Imports() []string {
	all := maps.Clone(g.imports)
	maps.Copy(all, g.asked)
	return slices.Sorted(maps.Keys(all))
}

// Warnings has a line for each thing in C that the Go declarations do not express. The declarations have it as a comment.
func (g *Generator) Warnings() []string { return slices.Clone(g.warnings) }

func (g *Generator) warn(format string, args ...any) {
	g.warnings = append(g.warnings, oneLine(fmt.Sprintf(format, args...)))
}

const ctypesPath = "github.com/libbpf-go/libbpf-go/ctypes"

// ctypes is a name of package ctypes.
func (g *Generator) ctypes(name string) string {
	g.imports[ctypesPath] = true
	return "ctypes." + name
}

// scan reads all types once, for what points to a type: typedefs and tags.
func (g *Generator) scan() error {
	if g.scanned {
		return nil
	}
	var err error
	for t := range g.types.Types(&err) {
		switch t := t.(type) {
		case *btf.Typedef:
			// Not Resolve, which goes through other typedefs.
			target, err := g.unqualified(t.Target)
			if err != nil {
				break
			}
			if _, taken := g.typedefs[target.ID()]; !taken && target.Name() == "" {
				g.typedefs[target.ID()] = t
			}
		case *btf.DeclTag:
			if t.Attr {
				break // for the compiler
			}
			at := tagged{t.Target, t.Component}
			g.tags[at] = append(g.tags[at], t.Name())
		}
	}
	if err != nil {
		return fmt.Errorf("gotypes: %w", err)
	}
	g.scanned = true
	return nil
}

// unqualified is a type without const, volatile and the like.
func (g *Generator) unqualified(id btf.TypeID) (btf.Type, error) {
	for range maxDepth {
		t, err := g.types.TypeByID(id)
		if err != nil {
			return nil, err
		}
		m, ok := t.(*btf.Modifier)
		if !ok {
			return t, nil
		}
		id = m.Target
	}
	return nil, errDeep
}

// named takes the Go name for a type or constant. c is its name in C, which may be empty, and generated the name that it
// would have.
func (g *Generator) named(c, generated, suffix string) string {
	for _, key := range []string{c, generated} {
		if name, ok := g.rename(key); ok {
			return g.names.add(name, suffix)
		}
	}
	return g.names.add(generated, suffix)
}

// rename is the name that the options have for a key.
func (g *Generator) rename(key string) (string, bool) {
	name, ok := g.opts.Rename[key]
	if !ok || key == "" {
		return "", false
	}
	if !token.IsIdentifier(name) {
		g.warn("%s keeps its name: %q is no Go name", key, name)
		return "", false
	}
	return name, true
}

// fatal reports whether an error is not about one type: nothing can be read any more.
func fatal(err error) bool { return errors.Is(err, btf.ErrClosed) }

// Errors of types that can't be expressed.
var (
	errDeep  = fault.New("types are nested too deep", errTooLarge)
	errLarge = fault.New("the type is too large", errTooLarge)
)

// oneLine makes text fit for a comment: whatever names and tags have in them, it stays one line.
func oneLine(text string) string {
	breaks := func(r rune) bool { return !unicode.IsPrint(r) }
	return strings.Join(strings.FieldsFunc(strings.ToValidUTF8(text, "?"), breaks), " ")
}
