// Package cdecl writes declarations and definitions of C types for people to read. [btf.BTF.Declaration] is what a
// compiler reads; it looks at all types for each declaration, which is too long for the members of many of the kernel's.
package cdecl

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/libbpf-go/libbpf-go/btf"
)

// Bounds for types that contain themselves, or others again and again, as damaged ones can: "..." stands for the rest.
const (
	maxDepth = 32
	maxText  = 1 << 18 // bytes of names, about, in one declaration
)

// writer writes one declaration or definition.
type writer struct {
	types *btf.BTF
	room  int // of maxText
}

func newWriter(types *btf.BTF) *writer { return &writer{types, maxText} }

// spend takes room for a name and what belongs to it.
func (w *writer) spend(name string) { w.room -= len(name) + 1 }

// Declaration is the declaration of a variable or member of a type: "const char comm[16]". Without a name it is the
// type.
func Declaration(types *btf.BTF, id btf.TypeID, name string) string {
	return newWriter(types).declare(id, name, 0)
}

// Definition is a type as C defines it: a struct with its members, an enum with its values, a function with its
// parameters. It ends without a semicolon.
func Definition(types *btf.BTF, id btf.TypeID) string {
	t, err := types.TypeByID(id)
	if err != nil {
		return unknown(id)
	}
	w := newWriter(types)
	switch t := t.(type) {
	case *btf.Composite:
		return w.composite(t, 0)
	case *btf.Enum:
		return w.enum(t)
	case *btf.Typedef:
		return "typedef " + w.declare(t.Target, t.Name(), 0)
	case *btf.Func:
		return w.declare(t.Proto, t.Name(), 0)
	case *btf.Var:
		return w.declare(t.Type, t.Name(), 0)
	}
	return w.declare(id, "", 0)
}

// Member is the declaration of a member.
func Member(types *btf.BTF, m btf.Member) string { return newWriter(types).member(m, 0) }

func unknown(id btf.TypeID) string { return fmt.Sprintf("/* type %d */", id) }

// join puts a type in front of a declarator.
func join(typ, declarator string) string {
	if declarator == "" || strings.HasSuffix(typ, "*") && declarator[0] != '[' {
		return typ + declarator
	}
	return typ + " " + declarator
}

// declare grows the declarator from the name outwards, as C reads it.
func (w *writer) declare(id btf.TypeID, declarator string, depth int) string {
	if depth > maxDepth || w.room <= 0 {
		return join("...", declarator)
	}
	t, err := w.types.TypeByID(id)
	if err != nil {
		return join(unknown(id), declarator)
	}
	w.spend(t.Name())
	switch t := t.(type) {
	case *btf.Void:
		return join("void", declarator)
	case *btf.Ptr:
		return w.declare(t.Target, "*"+declarator, depth+1)
	case *btf.Array:
		length := ""
		if t.Len > 0 {
			length = strconv.FormatUint(uint64(t.Len), 10)
		}
		return w.declare(t.Elem, group(declarator)+"["+length+"]", depth+1)
	case *btf.FuncProto:
		return w.declare(t.Return, group(declarator)+"("+w.params(t, depth)+")", depth+1)
	case *btf.Modifier:
		return w.modify(t, declarator, depth)
	case *btf.Composite:
		if t.Name() == "" {
			return join(w.composite(t, depth+1), declarator)
		}
		return join(t.Kind().String()+" "+t.Name(), declarator)
	case *btf.Enum:
		if t.Name() == "" {
			return join(w.enum(t), declarator)
		}
		return join("enum "+t.Name(), declarator)
	case *btf.Fwd:
		keyword := "struct "
		if t.Union {
			keyword = "union "
		}
		return join(keyword+t.Name(), declarator)
	case *btf.Var:
		return w.declare(t.Type, declarator, depth+1)
	}
	return join(t.Name(), declarator)
}

// group puts parentheses around a pointer, which otherwise would be one to the element or the result.
func group(declarator string) string {
	if strings.HasPrefix(declarator, "*") {
		return "(" + declarator + ")"
	}
	return declarator
}

// modify writes a qualifier: of a pointer behind the *, and of other types in front.
func (w *writer) modify(t *btf.Modifier, declarator string, depth int) string {
	word := t.Kind().String()
	if t.Name() != "" { // a tag
		return w.declare(t.Target, declarator, depth+1)
	}
	target, err := w.types.TypeByID(t.Target)
	if _, pointer := target.(*btf.Ptr); err == nil && pointer {
		return w.declare(t.Target, join(word, declarator), depth+1)
	}
	return word + " " + w.declare(t.Target, declarator, depth+1)
}

func (w *writer) params(t *btf.FuncProto, depth int) string {
	if len(t.Params) == 0 {
		return "void"
	}
	var all []string
	for _, p := range t.Params {
		if p.Type == 0 {
			all = append(all, "...")
		} else {
			w.spend(p.Name)
			all = append(all, w.declare(p.Type, p.Name, depth+1))
		}
	}
	return strings.Join(all, ", ")
}

func (w *writer) composite(t *btf.Composite, depth int) string {
	var text strings.Builder
	text.WriteString(strings.TrimRight(t.Kind().String()+" "+t.Name(), " ") + " {\n")
	for _, m := range t.Members {
		for line := range strings.Lines(w.member(m, depth) + ";") {
			text.WriteString("\t" + line)
		}
		text.WriteString("\n")
	}
	text.WriteString("}")
	return text.String()
}

func (w *writer) member(m btf.Member, depth int) string {
	w.spend(m.Name)
	text := w.declare(m.Type, m.Name, depth+1)
	if m.BitfieldSize != 0 {
		text += fmt.Sprintf(" : %d", m.BitfieldSize)
	}
	return text
}

func (w *writer) enum(t *btf.Enum) string {
	var text strings.Builder
	text.WriteString(strings.TrimRight("enum "+t.Name(), " ") + " {\n")
	for _, v := range t.Values {
		w.spend(v.Name)
		text.WriteString("\t" + v.Name + " = " + EnumValue(t, v.Value) + ",\n")
	}
	text.WriteString("}")
	return text.String()
}

// EnumValue is the value of an enumerator.
func EnumValue(t *btf.Enum, value int64) string {
	if t.Signed || t.Size < 8 {
		return strconv.FormatInt(value, 10)
	}
	return strconv.FormatUint(uint64(value), 10)
}
