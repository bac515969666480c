package place

import (
	"encoding/binary"

	"github.com/libbpf-go/libbpf-go/ctypes"
)

// Order is an order of bytes, and with it of bits: whether data is big-endian.
type Order bool

// Native is this machine's order.
var Native = OrderOf(binary.NativeEndian)

// OrderOf is the order of numbers that order reads.
func OrderOf(order binary.ByteOrder) Order { return order.Uint16([]byte{0, 1}) == 1 }

// Load returns the number of width bits, at most 64, that begins at a bit of data. Bits are numbered from the least
// significant in little-endian data, and from the most significant in big-endian data. ok is false if data ends before
// that.
func (o Order) Load(data []byte, bit, width int) (value uint64, ok bool) {
	if bit < 0 || bit+width > 8*len(data) {
		return 0, false
	}
	if o {
		return ctypes.LoadBitsBig(data, bit, width), true
	}
	return ctypes.LoadBits(data, bit, width), true
}

// Store is the reverse of Load. It reports whether data has room for the number.
func (o Order) Store(data []byte, bit, width int, value uint64) bool {
	if bit < 0 || bit+width > 8*len(data) {
		return false
	}
	if o {
		ctypes.StoreBitsBig(data, bit, width, value)
	} else {
		ctypes.StoreBits(data, bit, width, value)
	}
	return true
}
