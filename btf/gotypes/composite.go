package gotypes

import (
	"fmt"
	"strings"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// part is a member of a struct or union, or of an anonymous struct or union in it, whose members belong to the outer one.
type part struct {
	name   string // in C
	t      btf.TypeID
	offset int      // in bits, from the beginning of the outer type
	width  int      // in bits, of a bit field; otherwise 0
	block  *block   // of the union that it is in, or nil
	doc    string   // comment lines
	rename []string // the keys in Options.Rename
}

// block is the bytes of a union, which its members share.
type block struct {
	offset, size int // in bytes
	name         string
	align        int
}

// collector takes the parts of a struct or union together.
type collector struct {
	g      *Generator
	parts  []part
	blocks []*block
	c      string // the outer type's name in C, without the keyword
	visits int
	depth  int
}

// composite declares a struct or a union; cName is what C calls it. It never fails for what is in it: what can't be
// expressed is left as bytes.
func (g *Generator) composite(t *btf.Composite, name, cName string) (*shape, error) {
	if t.Size > maxSize {
		return nil, errLarge
	}
	w := g.newWriter(name, cName, int(t.Size), int(t.Size))
	w.doc = g.doc(t.ID(), -1)
	c := collector{g: g, c: t.Name()}
	if typedef := g.typedefs[t.ID()]; t.Name() == "" && typedef != nil {
		w.doc += g.doc(typedef.ID(), -1)
		c.c = typedef.Name()
	}
	if isOpaque(t) {
		w.opaque("The kernel's own data: programs can't read or write it either.")
		return w.finish(), nil
	}
	var outer *block
	if t.Kind() == btf.KindUnion && t.Size > 0 { // one of flexible arrays alone has no bytes to align
		outer = &block{size: int(t.Size), name: "bytes"}
		c.blocks = append(c.blocks, outer)
		w.receiver = "u"
	}
	err := c.collect(t, 0, outer)
	if err == nil {
		err = w.write(c.parts, c.blocks)
	}
	switch {
	case fatal(err):
		return nil, err
	case err != nil:
		g.warn("%s is bytes: %v", w.c, err)
		w = g.newWriter(name, w.c, w.size, w.size)
		w.opaque(fmt.Sprintf("Its members can't be expressed: %v.", err))
	}
	return w.finish(), nil
}

// kernelOwned are structs of which the kernel alone knows what is in them.
var kernelOwned = map[string]bool{
	"bpf_spin_lock": true, "bpf_res_spin_lock": true, "bpf_timer": true, "bpf_wq": true, "bpf_task_work": true,
	"bpf_list_head": true, "bpf_list_node": true, "bpf_rb_root": true, "bpf_rb_node": true, "bpf_refcount": true,
	"bpf_dynptr": true,
}

func isOpaque(t *btf.Composite) bool { return kernelOwned[t.Name()] && t.Kind() == btf.KindStruct }

// collect adds the members of t, which is at a bit of the outer type and in a block, if not nil.
func (c *collector) collect(t *btf.Composite, at int, in *block) error {
	if c.depth++; c.depth > maxDepth {
		return errDeep
	}
	defer func() { c.depth-- }()
	for i, m := range t.Members {
		c.g.visits++
		if c.visits++; c.visits > maxVisits || c.g.visits > totalVisit {
			return fault.Newf(errTooLarge, "too many members")
		}
		if m.BitOffset > 8*maxSize {
			return fault.Invalidf("member %s at bit %d", oneLine(m.Name), m.BitOffset)
		}
		p := part{
			name: m.Name, t: m.Type, offset: at + int(m.BitOffset), width: int(m.BitfieldSize), block: in,
			doc: c.g.doc(t.ID(), i),
		}
		resolved, err := c.g.types.Resolve(m.Type)
		if fatal(err) {
			return err
		}
		inner, isComposite := resolved.(*btf.Composite)
		if m.Name == "" && isComposite {
			if err := c.anonymous(inner, p, at+8*int(t.Size)); err != nil {
				return err
			}
			continue
		}
		if m.Name == "" {
			continue // only for its size
		}
		// Compilers of old give the bits in the type.
		if i, ok := resolved.(*btf.Int); ok && p.width == 0 && uint32(i.Bits) < 8*i.Size {
			p.width, p.offset = int(i.Bits), p.offset+int(i.Offset)
		}
		if p.offset > at+8*int(t.Size) || p.width == 0 && p.offset%8 != 0 {
			return fault.Invalidf("member %s at bit %d of %d bytes", oneLine(m.Name), p.offset-at, t.Size)
		}
		p.rename = []string{c.c + "." + m.Name}
		c.parts = append(c.parts, p)
	}
	return nil
}

// anonymous adds the members of an anonymous struct or union. end is the bit at which the type around it ends.
func (c *collector) anonymous(t *btf.Composite, p part, end int) error {
	if p.offset%8 != 0 || p.width != 0 || t.Size > maxSize || p.offset+8*int(t.Size) > end {
		return fault.Invalidf("%s at bit %d is not inside", cName(t), p.offset)
	}
	if isOpaque(t) {
		return nil
	}
	if p.block == nil && t.Kind() == btf.KindUnion && t.Size > 0 {
		p.block = &block{offset: p.offset / 8, size: int(t.Size), name: fmt.Sprintf("union%d", p.offset/8)}
		c.blocks = append(c.blocks, p.block)
	}
	return c.collect(t, p.offset, p.block)
}

// doc is what the declaration tags of a type (-1) or of one of its members say, as lines of a comment.
func (g *Generator) doc(id btf.TypeID, member int) string {
	var b strings.Builder
	for _, tag := range g.tags[tagged{id, member}] {
		fmt.Fprintf(&b, "// %s\n", oneLine(tag))
	}
	return b.String()
}
