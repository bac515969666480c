package gotypes

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// writer makes the declaration of a struct type that has bytes where C has them.
type writer struct {
	g        *Generator
	name     string // in Go
	c        string // in C
	doc      string // comment lines
	receiver string
	size     int
	maxAlign int // what no field may exceed
	align    int // the largest alignment of a field
	height   int // the largest of a field's type
	members  scope
	fields   []field
	methods  strings.Builder
	imports  map[string]bool
	section  bool // it is no C type but a section: its end is free, and nothing follows
	last     bool // no parts follow
}

// field is a field of the Go struct, or padding, which is called _.
type field struct {
	name    string
	offset  int
	size    int // -1: up to the next field
	expr    string
	align   int // of the Go type; 0 and 1 are the same
	carrier int // the alignment that the bytes in it need
	doc     string
	note    string
}

// newWriter begins a type of a size. Go makes sizes multiples of the alignment, so limit, which is the size or, where
// that may be rounded up, 0, tells which alignments the type can have.
func (g *Generator) newWriter(name, c string, size, limit int) *writer {
	w := &writer{
		g: g, name: name, c: c, receiver: "s", size: size, maxAlign: 8, align: 1,
		members: scope{}, imports: make(map[string]bool),
	}
	for limit%w.maxAlign != 0 {
		w.maxAlign /= 2
	}
	return w
}

func (w *writer) ctypes(name string) string {
	w.imports[ctypesPath] = true
	return "ctypes." + name
}

// typed is a Go type's name, whose package the declaration uses.
func (w *writer) typed(expr string) string {
	if strings.Contains(expr, "ctypes.") {
		w.imports[ctypesPath] = true
	}
	return expr
}

// methodf adds a method.
func (w *writer) methodf(doc, format string, args ...any) {
	fmt.Fprintf(&w.methods, "\n%sfunc (%s *%s) ", doc, w.receiver, w.name)
	fmt.Fprintf(&w.methods, format+"\n", args...)
}

// remark adds a line to the type's comment.
func (w *writer) remark(format string, args ...any) {
	w.doc += "// " + oneLine(fmt.Sprintf(format, args...)) + "\n"
}

// opaque makes the type bytes, with the alignment that its size permits.
func (w *writer) opaque(why string) {
	w.remark("%s", why)
	if w.size > 0 {
		w.fields = append(w.fields, field{name: "opaque", size: w.size, expr: fmt.Sprintf("[%d]byte", w.size),
			carrier: w.maxAlign})
		w.align = w.maxAlign
	}
}

// placed is a part with its Go name and its shape. Bit fields have none.
type placed struct {
	part
	goName string
	shape  *shape
	err    error // why there is no shape
}

// write adds the parts and blocks.
func (w *writer) write(parts []part, blocks []*block) error {
	all := make([]placed, len(parts))
	for i, p := range parts {
		all[i] = placed{part: p, goName: w.memberName(p)}
	}
	for i := range all {
		p := &all[i]
		if p.width == 0 {
			if p.shape, p.err = w.g.shape(p.t, w.contextOf(p)); fatal(p.err) {
				return p.err
			}
			if p.err == nil && p.shape.height >= maxHeight {
				p.shape, p.err = nil, errDeep
			}
			if p.shape != nil {
				w.height = max(w.height, p.shape.height)
			}
		}
		if p.shape != nil && p.block != nil && p.offset/8%p.shape.align == 0 {
			p.block.align = max(p.block.align, p.shape.align)
		}
	}
	for _, b := range blocks {
		b.name = w.bytesName(b.name)
		b.align = max(1, min(b.align, w.maxAlign))
		for b.offset%b.align != 0 {
			b.align /= 2
		}
		w.align = max(w.align, b.align)
		w.fields = append(w.fields, field{name: b.name, offset: b.offset, size: b.size,
			expr: fmt.Sprintf("[%d]byte", b.size), carrier: b.align})
	}
	bits, err := w.bitBlocks(all)
	if err != nil {
		return err
	}
	for i, p := range all {
		w.last = i == len(all)-1
		switch {
		case p.err != nil:
			w.inexpressible(p, p.err)
		case p.width != 0:
			w.bitField(p, bits[i])
		case p.block != nil:
			err = w.inBlock(p)
		default:
			err = w.plain(p)
		}
		if err != nil {
			return err
		}
	}
	return w.arrange()
}

// contextOf is for the type of a part. A variable's type is named after the variable alone.
func (w *writer) contextOf(p *placed) context {
	if w.section {
		return context{w.g.opts.Prefix + p.goName, "the type of variable " + oneLine(p.name)}
	}
	return context{w.name + p.goName, "the type of member " + oneLine(p.name) + " of " + w.c}
}

// memberName takes a Go name for a part.
func (w *writer) memberName(p part) string {
	name := GoName(p.name)
	for _, key := range append(p.rename, w.name+"."+name) {
		if other, ok := w.g.rename(key); ok {
			name = other
			break
		}
	}
	return w.members.add(name, "Field")
}

// bytesName takes a name for bytes. Only a member that the options rename can have it already.
func (w *writer) bytesName(name string) string { return w.members.add(name, "Bytes") }

// inexpressible leaves a part as bytes.
func (w *writer) inexpressible(p placed, why error) {
	w.g.warn("%s: member %s is bytes: %v", w.c, p.name, why)
	if p.block != nil {
		w.remark("Member %s can't be expressed: %v.", p.name, why)
		return
	}
	w.fields = append(w.fields, field{name: w.bytesName(fmt.Sprintf("raw%d", p.offset/8)), offset: p.offset / 8, size: -1,
		note: fmt.Sprintf("%s: %v", p.name, why), doc: p.doc})
}

// plain adds a part that no union has.
func (w *writer) plain(p placed) error {
	offset := p.offset / 8
	if offset+p.shape.size > w.size {
		return fault.Invalidf("member %s ends at byte %d of %d", oneLine(p.name), offset+p.shape.size, w.size)
	}
	if p.shape.size == 0 && (w.last || offset == w.size) {
		return w.tail(p)
	}
	aligned := p.shape.align <= w.maxAlign && offset%p.shape.align == 0
	switch {
	case aligned:
		w.align = max(w.align, p.shape.align)
		w.fields = append(w.fields, field{name: p.goName, offset: offset, size: p.shape.size, align: p.shape.align,
			expr: w.typed(p.shape.expr), doc: p.doc, note: p.shape.note})
	case p.shape.size == 0:
		w.remark("Member %s has no bytes.", p.name)
	default:
		raw := w.bytesName(fmt.Sprintf("raw%d", offset))
		w.fields = append(w.fields, field{name: raw, offset: offset, size: p.shape.size,
			expr: fmt.Sprintf("[%d]byte", p.shape.size), note: oneLine(p.name) + ", which is not aligned as Go needs it"})
		w.byValue(p, raw+"[:]")
	}
	return nil
}

// inBlock adds a part of a union: accessors of its bytes.
func (w *writer) inBlock(p placed) error {
	from := p.offset/8 - p.block.offset
	to := from + p.shape.size
	if from < 0 || to > p.block.size {
		return fault.Invalidf("member %s is at bytes %d to %d of a union of %d", oneLine(p.name), from, to, p.block.size)
	}
	switch {
	case p.shape.size == 0:
		return w.tail(p)
	case p.shape.align > p.block.align || p.offset/8%p.shape.align != 0:
		w.byValue(p, fmt.Sprintf("%s[%d:%d]", p.block.name, from, to))
		return nil
	}
	w.makeMethod(&p)
	at := p.block.name
	if from > 0 {
		at = fmt.Sprintf("%s[%d]", at, from)
	}
	w.imports["unsafe"] = true
	w.methodf(w.methodDoc(p, "%s is member %s, in place.", p.goName, p.name),
		"%s() *%s { return (*%[2]s)(unsafe.Pointer(&%[3]s.%[4]s)) }",
		p.goName, w.typed(p.shape.expr), w.receiver, at)
	return nil
}

// interfaceMethods are methods for which "go vet" wants the signature of Go's own interfaces.
var interfaceMethods = map[string]bool{
	"Format": true, "GobDecode": true, "GobEncode": true, "MarshalJSON": true, "MarshalXML": true, "Peek": true,
	"ReadByte": true, "ReadFrom": true, "ReadRune": true, "Scan": true, "Seek": true, "UnmarshalJSON": true,
	"UnmarshalXML": true, "UnreadByte": true, "UnreadRune": true, "WriteByte": true, "WriteTo": true,
}

// makeMethod gives a part that becomes a method another name where that of a field does not serve.
func (w *writer) makeMethod(p *placed) {
	if interfaceMethods[p.goName] {
		p.goName = w.members.add(p.goName+"Field", "Field")
	}
}

// methodDoc is the comment of a method for a part.
func (w *writer) methodDoc(p placed, format string, args ...any) string {
	doc := oneLine(fmt.Sprintf(format, args...))
	if p.shape != nil && p.shape.note != "" {
		doc = strings.TrimSuffix(doc, ".") + ": " + p.shape.note + "."
	}
	doc = "// " + doc + "\n"
	if p.doc != "" {
		doc += "//\n" + p.doc
	}
	return doc
}

// byValue adds a getter and a setter for a part that Go can't point to. bytes are where it is.
func (w *writer) byValue(p placed, bytes string) {
	w.makeMethod(&p)
	setter := w.members.add("Set"+p.goName, "Field")
	expr := w.typed(p.shape.expr)
	w.methodf(w.methodDoc(p, "%s returns a copy of member %s.", p.goName, p.name),
		"%s() %s { return %s[%[2]s](%[4]s.%[5]s) }",
		p.goName, expr, w.ctypes("Load"), w.receiver, bytes)
	w.methodf(fmt.Sprintf("// %s stores member %s.\n", setter, oneLine(p.name)), "%s(v %s) { %s(%s.%s, v) }",
		setter, expr, w.ctypes("Store"), w.receiver, bytes)
}

// tail adds a part without bytes at the end of a struct or in a union. For an array, the elements are what follows in a
// record. Go would make the struct larger for an empty field at its end.
func (w *writer) tail(p placed) error {
	resolved, err := w.g.types.Resolve(p.t)
	if err != nil {
		return err
	}
	array, ok := resolved.(*btf.Array)
	if !ok || array.Len != 0 || w.section {
		w.remark("Member %s has no bytes.", p.name)
		return nil
	}
	elem := strings.TrimPrefix(p.shape.expr, "[0]")
	method := w.members.add(p.goName+"In", "Field")
	const doc = "%s returns the elements of %s in a record that begins with the struct: see [ctypes.Tail]."
	w.methodf(w.methodDoc(p, doc, method, p.name),
		"%s(record []byte) []%s { return %s[%[2]s](record, %[4]d) }", method, w.typed(elem), w.ctypes("Tail"), p.offset/8)
	return nil
}

// arrange sorts the fields by offset, and fills what is between them with padding.
func (w *writer) arrange() error {
	slices.SortStableFunc(w.fields, func(a, b field) int {
		return cmp.Or(cmp.Compare(a.offset, b.offset), cmp.Compare(min(a.size, 1), min(b.size, 1)))
	})
	if w.section {
		w.size = (w.size + w.align - 1) / w.align * w.align
	}
	var fields []field
	end := 0
	for i, f := range w.fields {
		if f.size < 0 {
			next := w.size
			if i+1 < len(w.fields) {
				next = w.fields[i+1].offset
			}
			if f.size = next - f.offset; f.size == 0 {
				w.remark("There are no bytes for member %s.", f.note)
				continue
			}
			f.expr = fmt.Sprintf("[%d]byte", f.size)
		}
		if f.size == 0 && f.offset < end {
			w.remark("Field %s has no bytes, and is in the middle of another.", f.name)
			continue
		}
		if f.offset < end || f.offset+f.size > w.size {
			return fault.Invalidf("members overlap, or are outside, at byte %d of %d", f.offset, w.size)
		}
		fields = appendPadding(fields, end, f.offset)
		if f.size > 0 || f.offset < w.size {
			fields = append(fields, f)
		}
		end = f.offset + f.size
	}
	w.fields = appendPadding(fields, end, w.size)
	return nil
}

func appendPadding(fields []field, from, to int) []field {
	if from < to {
		fields = append(fields, field{name: "_", offset: from, size: to - from, expr: fmt.Sprintf("[%d]byte", to-from)})
	}
	return fields
}

// finish adds the declaration to those of the generator.
func (w *writer) finish() *shape {
	w.imports["unsafe"] = true
	var code, asserts strings.Builder
	fmt.Fprintf(&code, "// %s is %s.\n%stype %[1]s struct {\n", w.name, w.c, prefixed(w.doc))
	fmt.Fprintf(&asserts, "_ [%d]struct{} = [unsafe.Sizeof(%s{})]struct{}{}\n", w.size, w.name)
	if w.align > 1 {
		fmt.Fprintf(&asserts, "_ [unsafe.Alignof(uint%d(0))]struct{} = [unsafe.Alignof(%s{})]struct{}{}\n", 8*w.align, w.name)
	}
	carried := w.carried()
	for _, f := range w.fields {
		code.WriteString(f.doc)
		if f.carrier == w.align && !carried {
			fmt.Fprintf(&code, "_ [0]uint%d // aligns the bytes\n", 8*f.carrier)
			carried = true
		}
		fmt.Fprintf(&code, "%s %s", f.name, f.expr)
		if f.note != "" {
			fmt.Fprintf(&code, " // %s", oneLine(f.note))
		}
		code.WriteString("\n")
		if f.name != "_" {
			fmt.Fprintf(&asserts, "_ [%d]struct{} = [unsafe.Offsetof(%s{}.%s)]struct{}{}\n", f.offset, w.name, f.name)
		}
	}
	code.WriteString("}\n" + w.methods.String())
	maps.Copy(w.g.imports, w.imports)
	w.g.decls = append(w.g.decls, declaration{name: w.name, code: code.String(), asserts: asserts.String()})
	return &shape{expr: w.name, size: w.size, align: w.align, height: w.height + 1}
}

// carried reports whether a field gives the type its alignment by itself.
func (w *writer) carried() bool {
	return w.align == 1 || slices.ContainsFunc(w.fields, func(f field) bool { return f.align == w.align })
}

// prefixed separates further lines of a comment from the first.
func prefixed(doc string) string {
	if doc == "" {
		return ""
	}
	return "//\n" + doc
}
