package gotypes

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/libbpf-go/libbpf-go/btf"
)

// enum declares an enum as a named number with its constants. c is what C calls it.
func (g *Generator) enum(t *btf.Enum, name, c string) (*shape, error) {
	s := enumNumber(t)
	var code, cases strings.Builder
	fmt.Fprintf(&code, "// %s is %s.\n%stype %[1]s %[4]s\n\n", name, c, prefixed(g.doc(t.ID(), -1)), s.expr)
	if len(t.Values) > 0 {
		fmt.Fprintf(&code, "// Values of %s.\nconst (\n", name)
		seen := make(map[string]bool)
		for i, constant := range g.constants(t, name) {
			value := enumValue(t, t.Values[i].Value)
			fmt.Fprintf(&code, "%s %s = %s\n", constant, name, value)
			if !seen[value] {
				fmt.Fprintf(&cases, "case %s: return %q\n", constant, t.Values[i].Name)
			}
			seen[value] = true
		}
		code.WriteString(")\n\n")
	}
	fmt.Fprintf(&code, "// String is the name in C or, for a value without one, a text such as %q.\n", name+"(7)")
	fmt.Fprintf(&code, "func (e %s) String() string {\n", name)
	if cases.Len() > 0 {
		fmt.Fprintf(&code, "switch e {\n%s}\n", cases.String())
	}
	fmt.Fprintf(&code, "return %s(%q, e)\n}\n", g.ctypes("UnknownEnum"), name)
	g.decls = append(g.decls, declaration{name: name, code: code.String()})
	s.expr = name
	return s, nil
}

// anonymousEnum declares constants that are of no type of their own: C often has such enums instead of macros.
func (g *Generator) anonymousEnum(t *btf.Enum) *shape {
	if _, ok := g.shapes[t.ID()]; !ok {
		g.shapes[t.ID()] = enumNumber(t)
		names := g.constants(t, "")
		for i, v := range t.Values {
			g.decls = append(g.decls, declaration{
				name: names[i],
				code: fmt.Sprintf("// %s is %s of an enum without a name in C.\nconst %[1]s = %[3]s\n",
					names[i], oneLine(v.Name), enumValue(t, v.Value)),
			})
		}
	}
	return g.shapes[t.ID()]
}

func enumNumber(t *btf.Enum) *shape {
	if t.Signed {
		return number("int", t.Size)
	}
	return number("uint", t.Size)
}

// constants takes the names of an enum's constants. enum is the Go name of the type, which the names begin with.
func (g *Generator) constants(t *btf.Enum, enum string) []string {
	c := make([]string, len(t.Values))
	for i, v := range t.Values {
		c[i] = v.Name
	}
	common := ""
	if enum != "" {
		common = commonPrefix(t.Name(), c)
	}
	names := make([]string, len(c))
	for i := range c {
		var generated string
		switch {
		case g.opts.RawEnumNames:
			generated = g.opts.Prefix + identifier(c[i])
		case enum == "":
			generated = g.opts.Prefix + GoName(c[i])
		default:
			generated = enum + camel(c[i][len(common):])
		}
		names[i] = g.named(c[i], generated, "Value")
	}
	return names
}

// identifier is a C name in which Go does not accept some characters.
func identifier(c string) string {
	name := strings.Map(func(r rune) rune {
		if r == '_' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			return r
		}
		return '_'
	}, c)
	if name == "" || isDigit(name[0]) {
		name = "_" + name
	}
	return name
}

// enumValue is a value as the bytes of an enum hold it.
func enumValue(t *btf.Enum, v int64) string {
	unused := 64 - 8*t.Size
	if t.Signed {
		return strconv.FormatInt(v<<unused>>unused, 10)
	}
	return strconv.FormatUint(uint64(v)<<unused>>unused, 10)
}
