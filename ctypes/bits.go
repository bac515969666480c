package ctypes

// LoadBits returns the bit field of size bits, at most 64, that begins at bit offset of b, on a little-endian machine.
// Bits are counted from the lowest bit of the first byte, as BTF does for these machines.
func LoadBits(b []byte, offset, size int) uint64 {
	v := uint64(0)
	for got := 0; got < size; {
		low := offset % 8
		v |= uint64(b[offset/8]>>low) << got
		got += 8 - low
		offset += 8 - low
	}
	return v & mask(size)
}

// StoreBits changes the bit field that [LoadBits] reads, and no other bits. It stores the lowest size bits of v.
func StoreBits(b []byte, offset, size int, v uint64) {
	for size > 0 {
		low := offset % 8
		n := min(8-low, size)
		ones := byte(mask(n)) << low
		b[offset/8] = b[offset/8]&^ones | byte(v<<low)&ones
		v >>= n
		offset += n
		size -= n
	}
}

// LoadBitsBig is LoadBits for big-endian machines. Bits are counted from the highest bit of the first byte.
func LoadBitsBig(b []byte, offset, size int) uint64 {
	v := uint64(0)
	for size > 0 {
		n := min(8-offset%8, size)
		low := 8 - offset%8 - n
		v = v<<n | uint64(b[offset/8]>>low)&mask(n)
		offset += n
		size -= n
	}
	return v
}

// StoreBitsBig changes the bit field that [LoadBitsBig] reads, and no other bits. It stores the lowest size bits of v.
func StoreBitsBig(b []byte, offset, size int, v uint64) {
	for size > 0 {
		n := min(8-offset%8, size)
		low := 8 - offset%8 - n
		ones := byte(mask(n)) << low
		size -= n
		b[offset/8] = b[offset/8]&^ones | byte(v>>size<<low)&ones
		offset += n
	}
}

// SignExtend returns the signed value of a bit field of size bits, from 1 to 64.
func SignExtend(v uint64, size int) int64 { return int64(v<<(64-size)) >> (64 - size) }

func mask(size int) uint64 { return 1<<size - 1 }
