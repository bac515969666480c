package main

import (
	"fmt"
	"go/ast"
	"go/types"
	"slices"
	"strings"
)

// A schema is a file with all its mutants at once. Which one it is, a process chooses when it begins. So one build is
// enough for all.
type schema struct {
	text  string
	spans []span // what was written for mutants, the outer ones first
}

// span is a part of a schema. Of what does not compile there, these mutants are the cause.
type span struct {
	from, to int
	mutants  []*mutant
}

// schemaWriter writes the schema of one file.
type schemaWriter struct {
	*checked
	source []byte
	parsed *ast.File

	out      strings.Builder
	spans    []span
	places   []*place // those that are not yet written, the outer before the inner
	nameless bool     // the last type has no name in this file
}

// schemaOf writes a file with those of its mutants that dropped does not have. Places whose type can't be named have
// none: what to drop then is the second result.
func schemaOf(c *checked, name string, places []*place, dropped map[*mutant]bool) (schema, []*mutant) {
	w := schemaWriter{checked: c, source: c.sources[name], parsed: c.parsed[name]}
	var nameless []*mutant
	for _, p := range places {
		left := &place{node: p.node, form: p.form}
		for _, m := range p.mutants {
			if !dropped[m] {
				left.mutants = append(left.mutants, m)
			}
		}
		if len(left.mutants) == 0 {
			continue
		}
		if _, ok := w.typeOf(left); !ok {
			nameless = append(nameless, left.mutants...)
			continue
		}
		w.places = append(w.places, left)
	}
	// A place that contains another comes first, and of those with the same text the first one.
	slices.SortStableFunc(w.places, func(a, b *place) int {
		if a.node.Pos() != b.node.Pos() {
			return int(a.node.Pos() - b.node.Pos())
		}
		return int(b.node.End() - a.node.End())
	})
	w.write(0, len(w.source))
	return schema{w.out.String(), w.spans}, nameless
}

// write writes the source between two offsets.
func (w *schemaWriter) write(from, to int) {
	for len(w.places) > 0 {
		p := w.places[0]
		begin, end := w.files.Position(p.node.Pos()).Offset, w.files.Position(p.node.End()).Offset
		if begin >= to {
			break
		}
		w.places = w.places[1:]
		w.out.Write(w.source[from:begin])
		w.writePlace(p, begin, end)
		from = end
	}
	w.out.Write(w.source[from:to])
}

// writePlace writes what chooses between a place's mutants and what the place is, which may have places in it. All of
// it is on the lines of the place, so that lines keep their numbers.
func (w *schemaWriter) writePlace(p *place, begin, end int) {
	at := len(w.spans)
	w.spans = append(w.spans, span{from: w.out.Len(), mutants: p.mutants})
	numbers := fmt.Sprintf("mutantAt(%d, %d)", p.mutants[0].number, p.mutants[len(p.mutants)-1].number)
	switch p.form {
	case expression:
		t, _ := w.typeOf(p)
		fmt.Fprintf(&w.out, "func() %s { switch %s { ", t, numbers)
		for _, m := range p.mutants {
			fmt.Fprintf(&w.out, "case %d: return ", m.number)
			w.writeMutant(m)
			w.out.WriteString("; ")
		}
		w.out.WriteString("}; return ")
		w.write(begin, end)
		w.out.WriteString(" }()")
	case statement, simple:
		m := p.mutants[0]
		if p.form == simple {
			w.out.WriteString("func() { ")
		}
		fmt.Fprintf(&w.out, "if %s == %d { ", numbers, m.number)
		w.writeMutant(m)
		w.out.WriteString(" } else { ")
		w.write(begin, end)
		w.out.WriteString(" }")
		if p.form == simple {
			w.out.WriteString(" }()")
		}
	case returned:
		m := p.mutants[0]
		fmt.Fprintf(&w.out, "if %s == %d { ", numbers, m.number)
		w.writeMutant(m)
		w.out.WriteString(" }; ")
		w.write(begin, end)
	}
	w.spans[at].to = w.out.Len()
}

func (w *schemaWriter) writeMutant(m *mutant) {
	from := w.out.Len()
	w.out.WriteString(m.text)
	w.spans = append(w.spans, span{from, w.out.Len(), []*mutant{m}})
}

// typeOf names the type of an expression. It can't where C's types are involved, or another package's that this file
// does not import.
func (w *schemaWriter) typeOf(p *place) (name string, ok bool) {
	if p.form != expression {
		return "", true
	}
	t := w.info.TypeOf(p.node.(ast.Expr))
	if t == nil {
		return "", false
	}
	if basic, is := t.(*types.Basic); is {
		switch {
		case basic.Kind() == types.Invalid:
			return "", false
		case basic.Kind() == types.UntypedBool:
			return "bool", true
		case basic.Info()&types.IsUntyped != 0:
			return "", false
		}
	}
	w.nameless = false
	name = types.TypeString(t, w.nameOf)
	return name, !w.nameless
}

// nameOf is the name that the file has for a package.
func (w *schemaWriter) nameOf(p *types.Package) string {
	if p == w.pkg {
		return ""
	}
	for _, spec := range w.parsed.Imports {
		if name := w.info.PkgNameOf(spec); name != nil && name.Imported() == p {
			return name.Name()
		}
	}
	w.nameless = true
	return ""
}

// causesAt returns the mutants that were written around an offset.
func (s schema) causesAt(offset int) []*mutant {
	for _, p := range slices.Backward(s.spans) {
		if p.from <= offset && offset < p.to {
			return p.mutants
		}
	}
	return nil
}

// causesBefore returns the mutants that were written last before an offset: a function that has no return at its end
// had a panic there.
func (s schema) causesBefore(offset int) []*mutant {
	var last span
	for _, p := range s.spans {
		if p.to <= offset && p.to > last.to {
			last = p
		}
	}
	return last.mutants
}

// causesOn returns the mutants that were written on a line.
func (s schema) causesOn(line int) []*mutant {
	from := 0
	for range line - 1 {
		from += strings.IndexByte(s.text[from:], '\n') + 1
	}
	to := from + strings.IndexByte(s.text[from:]+"\n", '\n')
	var all []*mutant
	for _, p := range s.spans {
		if p.from < to && from < p.to {
			all = append(all, p.mutants...)
		}
	}
	return all
}
