package source

// Bits are how wide the numbers are that an element has of a metric: that of a counter, or those of the buckets and the
// sum.
func (m *Metric) Bits() []int {
	bits := make([]int, len(m.numbers))
	for i, n := range m.numbers {
		bits[i] = 8 * n.field.Size()
	}
	return bits
}

// Totals is how many numbers a series has.
func (m *Metric) Totals() int {
	if m.Buckets == nil {
		return 1
	}
	n := len(m.Buckets.Bounds) + 1
	if m.sum >= 0 {
		n++
	}
	return n
}

// SumAt is which of the totals is the sum, or -1.
func (m *Metric) SumAt() int {
	if m.sum < 0 || m.Buckets == nil {
		return -1
	}
	return len(m.Buckets.Bounds) + 1
}

// Slot is which of the totals the first number of an element adds to.
func (m *Metric) Slot(key []byte) int {
	if m.slot == nil {
		return 0
	}
	slot, _ := m.slot.Uint(key)
	if m.sum >= 0 && slot == uint64(m.sum) {
		return m.SumAt()
	}
	return int(min(slot, uint64(len(m.Buckets.Bounds))))
}

// Add adds the numbers of a value.
func (m *Metric) Add(to []uint64, value []byte) {
	for i := range m.numbers {
		to[i] += m.numbers[i].count(value)
	}
}

// Gauge is the number of a value.
func (m *Metric) Gauge(value []byte) float64 { return m.numbers[0].value(value) }
