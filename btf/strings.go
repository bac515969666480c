package btf

import (
	"bytes"
	"fmt"
	"strings"
)

// StringByOffset returns a string by its offset in the string section (btf__str_by_offset), as the line information of
// programs has it. Offsets below the length of the base's strings are the base's.
//
// errors.Is: unix.EINVAL for an offset that is out of range, [ErrClosed].
func (b *BTF) StringByOffset(off uint32) (string, error) {
	if err := b.acquire(); err != nil {
		return "", err
	}
	defer b.h.Drop()
	s, err := b.name(off)
	if err != nil {
		return "", fmt.Errorf("btf: %w", err)
	}
	return s, nil
}

// FindString returns the offset of a string in the string section. It is the inverse of [BTF.StringByOffset].
//
// errors.Is: [ErrNotFound], [ErrClosed], unix.ENOMEM.
func (b *BTF) FindString(s string) (uint32, error) {
	if err := b.acquire(); err != nil {
		return 0, err
	}
	defer b.h.Drop()
	if s == "" {
		return 0, nil
	}
	if strings.IndexByte(s, 0) < 0 {
		off, ok, err := b.findString(append([]byte(s), 0))
		if err != nil {
			return 0, fmt.Errorf("btf: find the string %q: %w", s, err)
		}
		if ok {
			return off, nil
		}
	}
	return 0, fmt.Errorf("btf: the string %q: %w", s, ErrNotFound)
}

// findString looks for a string that ends in a NUL. libbpf's btf__find_str would change the BTF, which others read.
func (b *BTF) findString(s []byte) (uint32, bool, error) {
	var first uint32 // the offset of the first byte of b's own strings
	if b.base != nil {
		off, ok, err := b.base.findString(s)
		if ok || err != nil {
			return off, ok, err
		}
		first, err = b.base.stringsEnd()
		if err != nil {
			return 0, false, err
		}
	}
	own, err := b.strings()
	if err != nil {
		return 0, false, err
	}
	for at := 0; ; at++ {
		i := bytes.Index(own[at:], s)
		if i < 0 {
			return 0, false, nil
		}
		if at += i; at == 0 || own[at-1] == 0 {
			return first + uint32(at), true, nil
		}
	}
}

func (b *BTF) stringsEnd() (uint32, error) {
	var first uint32
	if b.base != nil {
		var err error
		if first, err = b.base.stringsEnd(); err != nil {
			return 0, err
		}
	}
	own, err := b.strings()
	return first + uint32(len(own)), err
}

// manyNames is name for one who asks for many names: it makes no call into C for each.
func (b *BTF) manyNames() func(off uint32) (string, error) {
	if b.order != nativeOrder {
		return b.name // libbpf would make a copy of everything in the other order
	}
	own, err := b.strings()
	if err != nil {
		return b.name
	}
	var first uint32
	base := b.name
	if b.base != nil {
		if first, err = b.base.stringsEnd(); err != nil {
			return b.name
		}
		base = b.base.manyNames()
	}
	return func(off uint32) (string, error) {
		if off < first {
			return base(off)
		}
		if uint64(off-first) >= uint64(len(own)) {
			return "", noName(off)
		}
		name, _, _ := bytes.Cut(own[off-first:], nul)
		return string(name), nil
	}
}

// nul ends each string.
var nul = []byte{0}

// strings are the BTF's own strings, without the base's. They are in libbpf's memory, until b is closed.
func (b *BTF) strings() ([]byte, error) {
	raw, err := b.raw()
	if err != nil {
		return nil, err
	}
	// The fields of struct btf_header.
	const headerLen, stringsOff, stringsLen = 4, 16, 20
	field := func(at int) uint64 { return uint64(b.order.Uint32(raw[at:])) }
	from := field(headerLen) + field(stringsOff)
	return raw[from : from+field(stringsLen)], nil
}
