package symbol

import "encoding/binary"

// filter says which names are not looked for, and may let a few of them pass. Most names end there: to look one up in a
// map takes several times as long.
type filter [1 << (filterBits - 6)]uint64

const filterBits = 14

// add lets a name pass.
func (f *filter) add(name []byte) {
	bit := filterBit(name)
	f[bit/64] |= 1 << (bit % 64)
}

// has reports whether a name may be one that was added.
func (f *filter) has(name []byte) bool {
	bit := filterBit(name)
	return f[bit/64]&(1<<(bit%64)) != 0
}

// filterBit is the bit for a name, by its length and its last bytes: many names begin in the same way.
func filterBit(name []byte) uint64 {
	var end uint64
	if n := len(name); n >= 8 {
		end = binary.LittleEndian.Uint64(name[n-8:])
	} else {
		for _, b := range name {
			end = end<<8 | uint64(b)
		}
	}
	const odd = 0x9e3779b97f4a7c15 // spreads all bits to the upper ones
	return (end + uint64(len(name))) * odd >> (64 - filterBits)
}
