package place

import "encoding/binary"

var bigEndian = binary.NativeEndian.Uint16([]byte{0, 1}) == 1

// Load returns the number of width bits, at most 64, that begins at a bit of data. Bits are numbered from the least
// significant on little-endian machines, and from the most significant on others. ok is false if data ends before that.
func Load(data []byte, bit, width int) (value uint64, ok bool) {
	if bit < 0 || bit+width > 8*len(data) {
		return 0, false
	}
	if bit%8 == 0 && width%8 == 0 {
		for i, b := range data[bit/8 : (bit+width)/8] {
			if bigEndian {
				value = value<<8 | uint64(b)
			} else {
				value |= uint64(b) << (8 * i)
			}
		}
		return value, true
	}
	for i := range width {
		at := bit + i
		if bigEndian {
			value = value<<1 | uint64(data[at/8]>>(7-at%8)&1)
		} else {
			value |= uint64(data[at/8]>>(at%8)&1) << i
		}
	}
	return value, true
}

// Store is the reverse of Load. It reports whether data has room for the number.
func Store(data []byte, bit, width int, value uint64) bool {
	if bit < 0 || bit+width > 8*len(data) {
		return false
	}
	for i := range width {
		at := bit + i
		b, shift := byte(value>>i&1), at%8
		if bigEndian {
			b, shift = byte(value>>(width-1-i)&1), 7-at%8
		}
		data[at/8] = data[at/8]&^(1<<shift) | b<<shift
	}
	return true
}

// SignExtend converts a signed number of width bits to the bits of an int64.
func SignExtend(value uint64, width int) uint64 {
	if width >= 64 {
		return value
	}
	return uint64(int64(value<<(64-width)) >> (64 - width))
}
