package ctypes

// Bool is C's bool in memory that C programs write. It is true for every byte but 0. Go's bool breaks with bytes other
// than 0 and 1.
type Bool uint8

// Get returns whether b is true.
func (b Bool) Get() bool { return b != 0 }

// Set stores 1 or 0.
func (b *Bool) Set(v bool) { *b = Bool(Bit(v)) }

// String is "true" or "false".
func (b Bool) String() string {
	if b.Get() {
		return "true"
	}
	return "false"
}

// Bit is 1 for true and 0 for false.
func Bit(v bool) uint64 {
	if v {
		return 1
	}
	return 0
}
