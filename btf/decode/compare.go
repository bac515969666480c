package decode

import (
	"bytes"
	"cmp"
	"slices"
)

// Compare orders two values by their parts, first to last: numbers by value, strings by their bytes.
func (t *Type) Compare(a, b []byte) int {
	if t == nil {
		return bytes.Compare(a, b)
	}
	// Padding makes a difference only where nothing else does.
	return cmp.Or(t.at.compare(a, b), bytes.Compare(t.Bytes(a), t.Bytes(b)))
}

func (f field) compare(a, b []byte) int {
	switch f.kind {
	case KindString:
		x := f.text(a)
		y := f.text(b)
		return bytes.Compare(x, y)
	case KindBig:
		return f.compareBig(f.bytes(a), f.bytes(b))
	case KindStruct:
		for i := range f.members {
			if c := f.member(i).compare(a, b); c != 0 {
				return c
			}
		}
		return 0
	case KindArray:
		x, y := f.count(a), f.count(b)
		for i := range min(x, y) {
			if c := f.index(i).compare(a, b); c != 0 {
				return c
			}
		}
		return cmp.Compare(x, y)
	}
	x, _ := f.load(a)
	y, _ := f.load(b)
	switch {
	case f.kind == KindFloat:
		return cmp.Compare(f.float(x), f.float(y))
	case f.signed:
		return cmp.Compare(int64(x), int64(y))
	default:
		return cmp.Compare(x, y)
	}
}

// compareBig orders large numbers. Those that the data ends before are the smallest.
func (f field) compareBig(a, b []byte) int {
	if len(a) != len(b) {
		return cmp.Compare(len(a), len(b))
	}
	if x, y := f.isNegative(a, f.order), f.isNegative(b, f.order); x != y {
		if x {
			return -1
		}
		return 1
	}
	for i := len(a) - 1; i >= 0; i-- {
		if c := cmp.Compare(digit(a, i, f.order), digit(b, i, f.order)); c != 0 {
			return c
		}
	}
	return 0
}

// Summable tells whether [Type.Sum] can add values up: whether they are made of integers and of nothing else.
func (t *Type) Summable() bool { return t != nil && t.at.summable() }

func (n *node) summable() bool {
	switch n.kind {
	case KindInt:
		return true
	case KindBig:
		return n.integer
	case KindArray:
		return n.elem.summable()
	case KindStruct:
		for _, m := range n.members {
			if m.bits != 0 || !m.summable() {
				return false
			}
		}
		return !n.union && len(n.members) > 0
	default:
		return false
	}
}

// Sum adds up the values of several CPUs. The type must be summable. Of members with the declaration tag "bpfgo:max" or
// "bpfgo:min", it takes the largest or the smallest instead. The result is the caller's.
func (t *Type) Sum(values [][]byte) []byte {
	if len(values) == 0 {
		return nil
	}
	sum := slices.Clone(values[0])
	for _, v := range values[1:] {
		t.at.add(sum, v, "")
	}
	return sum
}

func (f field) add(sum, data []byte, tag string) {
	switch f.kind {
	case KindStruct:
		for i := range f.members {
			f.member(i).add(sum, data, cmp.Or(f.members[i].tag, tag))
		}
	case KindArray:
		for i := range f.count(sum) {
			f.index(i).add(sum, data, tag)
		}
	case KindBig:
		x, y := f.bytes(sum), f.bytes(data)
		if len(x) != f.size || len(y) != f.size {
			return
		}
		less := f.compareBig(y, x) < 0
		switch {
		case tag == "":
			f.addBig(x, y)
		case tag == tagMax && !less, tag == tagMin && less:
			copy(x, y)
		}
	default:
		x, ok := f.load(sum)
		y, more := f.load(data)
		if !ok || !more {
			return
		}
		less := y < x
		if f.signed {
			less = int64(y) < int64(x)
		}
		switch {
		case tag == "":
			f.store(sum, x+y)
		case tag == tagMax && !less, tag == tagMin && less:
			f.store(sum, y)
		}
	}
}

// addBig adds a large number to another one of the same size.
func (f field) addBig(sum, number []byte) {
	carry := 0
	for i := range sum {
		carry += int(digit(sum, i, f.order)) + int(digit(number, i, f.order))
		sum[at(i, len(sum), f.order)] = byte(carry)
		carry >>= 8
	}
}
