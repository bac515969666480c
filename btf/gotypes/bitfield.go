package gotypes

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// bitBlocks finds the bytes for each bit field: those of its union, or bytes that it may share with other bit fields,
// which become a field.
func (w *writer) bitBlocks(all []placed) ([]*block, error) {
	blocks := make([]*block, len(all))
	var free []int // of no union
	for i, p := range all {
		switch {
		case p.width == 0:
		case p.offset+p.width > 8*w.size:
			return nil, fault.Invalidf("bit field %s ends at bit %d of %d", oneLine(p.name), p.offset+p.width, 8*w.size)
		case p.block == nil:
			free = append(free, i)
		case p.offset+p.width > 8*(p.block.offset+p.block.size):
			return nil, fault.Invalidf("bit field %s is not in its union", oneLine(p.name))
		default:
			blocks[i] = p.block
		}
	}
	slices.SortStableFunc(free, func(a, b int) int { return all[a].offset - all[b].offset })
	var shared []*block
	for _, i := range free {
		from, to := all[i].offset/8, (all[i].offset+all[i].width+7)/8
		if n := len(shared); n == 0 || from >= shared[n-1].offset+shared[n-1].size {
			shared = append(shared, &block{name: w.bytesName(fmt.Sprintf("bits%d", from)), offset: from})
		}
		b := shared[len(shared)-1]
		b.size = max(b.size, to-b.offset)
		blocks[i] = b
	}
	for _, b := range shared {
		w.fields = append(w.fields, field{name: b.name, offset: b.offset, size: b.size, expr: fmt.Sprintf("[%d]byte", b.size)})
	}
	return blocks, nil
}

// bitField adds a getter and a setter.
func (w *writer) bitField(p placed, in *block) {
	resolved, err := w.g.types.Resolve(p.t)
	if err != nil || p.width > 64 {
		w.bitsWithoutNumber(p)
		return
	}
	load, store := "LoadBits", "StoreBits"
	if w.g.types.ByteOrder() == binary.BigEndian {
		load, store = "LoadBitsBig", "StoreBitsBig"
	}
	where := fmt.Sprintf("%s.%s[:], %d, %d", w.receiver, in.name, p.offset-8*in.offset, p.width)
	var expr string
	var signed bool
	switch t := resolved.(type) {
	case *btf.Int:
		signed = t.Signed
		switch {
		case t.Bool:
			expr, signed = "bool", false
		case !hasNumber(t.Size):
			expr = "uint64"
		default:
			expr = number("uint", t.Size).expr
		}
		if signed {
			expr = expr[1:]
		}
	case *btf.Enum:
		s, err := w.g.shape(p.t, w.contextOf(&p))
		if err != nil || !hasNumber(t.Size) {
			w.bitsWithoutNumber(p)
			return
		}
		expr, signed = s.expr, t.Signed
	default:
		w.bitsWithoutNumber(p)
		return
	}
	w.makeMethod(&p)
	setter := w.members.add("Set"+p.goName, "Field")
	value, stored := fmt.Sprintf("%s(%s)", w.ctypes(load), where), "uint64(v)"
	if signed {
		value = fmt.Sprintf("%s(%s, %d)", w.ctypes("SignExtend"), value, p.width)
	}
	switch expr {
	case "bool":
		value, stored = value+" != 0", w.ctypes("Bit")+"(v)"
	case "uint64":
		stored = "v"
	case "int64":
	default:
		value = expr + "(" + value + ")"
	}
	w.methodf(w.methodDoc(p, "%s is bit field %s.", p.goName, p.name), "%s() %s { return %s }", p.goName, expr, value)
	w.methodf(w.methodDoc(p, "%s stores bit field %s.", setter, p.name), "%s(v %s) { %s(%s, %s) }",
		setter, expr, w.ctypes(store), where, stored)
}

// bitsWithoutNumber is for a bit field of a type that has none.
func (w *writer) bitsWithoutNumber(p placed) {
	w.g.warn("%s: bit field %s has no accessors: it is of no integer type up to 64 bits", w.c, p.name)
	w.remark("Bit field %s has no accessors.", p.name)
}
