package typed

import "testing"

func TestBatch(t *testing.T) {
	for _, c := range []struct {
		entries uint32
		bytes   uintptr
		want    int
	}{
		{0, 0, 1024}, {0, 1, 1024}, {0, 64, 1024}, {0, 65, 1008}, {0, 1 << 16, 1}, {0, 1 << 17, 1},
		{1, 64, 1}, {10, 64, 10}, {10, 1 << 15, 2}, {2000, 64, 1024},
	} {
		if n := (&view{entries: c.entries}).batch(c.bytes); n != c.want {
			t.Errorf("%d entries of %d bytes: %d, want %d", c.entries, c.bytes, n, c.want)
		}
	}
}
