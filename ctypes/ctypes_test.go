package ctypes_test

import (
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/libbpf-go/libbpf-go/ctypes"
)

func TestBool(t *testing.T) {
	for _, v := range []byte{0, 1, 2, 255} {
		b := ctypes.Bool(v)
		if want := v != 0; b.Get() != want || b.String() != map[bool]string{true: "true", false: "false"}[want] {
			t.Errorf("%d is %v, %s", v, b.Get(), b)
		}
		if b.Set(true); b != 1 {
			t.Errorf("true is stored as %d", byte(b))
		}
		if b.Set(false); b != 0 {
			t.Errorf("false is stored as %d", byte(b))
		}
	}
}

func TestText(t *testing.T) {
	for in, want := range map[string]string{"": "", "\x00": "", "abc": "abc", "abc\x00def\x00": "abc", "\x00abc": ""} {
		if got := ctypes.Text([]byte(in)); got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
	b := []byte("--------")
	if err := ctypes.SetText(b, "seven c"); err != nil || string(b) != "seven c\x00" {
		t.Errorf("%q, %v", b, err)
	}
	if err := ctypes.SetText(b, "a"); err != nil || string(b) != "a"+strings.Repeat("\x00", 7) {
		t.Errorf("%q, %v", b, err)
	}
	before := slices.Clone(b)
	for text, want := range map[string]error{
		"eight ch": ctypes.ErrTooLong, strings.Repeat("x", 1000): ctypes.ErrTooLong, "a\x00b": ctypes.ErrNUL, "\x00b": ctypes.ErrNUL,
	} {
		if err := ctypes.SetText(b, text); !errors.Is(err, want) || !slices.Equal(b, before) {
			t.Errorf("%q: %v, and %q is stored", text, err, b)
		}
	}
	if err := ctypes.SetText(nil, ""); !errors.Is(err, ctypes.ErrTooLong) {
		t.Errorf("no room for a NUL: %v", err)
	}
}

// Bit fields are compared with one large number, in which bits are where the machine's order has them.
func TestBits(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		size := 1 + random.IntN(64)
		offset := random.IntN(128 - size + 1)
		v := random.Uint64()
		want := v & (math.MaxUint64 >> (64 - size))
		var b [16]byte
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		for _, order := range []struct {
			load  func([]byte, int, int) uint64
			store func([]byte, int, int, uint64)
			bit   func(b []byte, i int) byte // the i-th bit
			lowAt func(i int) int            // the number of the value's i-th lowest bit
		}{
			{ctypes.LoadBits, ctypes.StoreBits,
				func(b []byte, i int) byte { return b[i/8] >> (i % 8) & 1 },
				func(i int) int { return offset + i }},
			{ctypes.LoadBitsBig, ctypes.StoreBitsBig,
				func(b []byte, i int) byte { return b[i/8] >> (7 - i%8) & 1 },
				func(i int) int { return offset + size - 1 - i }},
		} {
			stored := b
			order.store(stored[:], offset, size, v)
			if got := order.load(stored[:], offset, size); got != want {
				t.Fatalf("%d bits at %d: %#x, want %#x", size, offset, got, want)
			}
			for i := range 128 {
				if (i < offset || i >= offset+size) && order.bit(stored[:], i) != order.bit(b[:], i) {
					t.Fatalf("%d bits at %d: bit %d changed", size, offset, i)
				}
			}
			for i := range size {
				if uint64(order.bit(stored[:], order.lowAt(i))) != v>>i&1 {
					t.Fatalf("%d bits at %d: bit %d of the value is elsewhere", size, offset, i)
				}
			}
		}
	}
}

// A bit field may be the last bits of its bytes: nothing behind them is read.
func TestBitsAtEnd(t *testing.T) {
	b := []byte{0, 0, 0}
	ctypes.StoreBits(b, 21, 3, 5)
	ctypes.StoreBitsBig(b, 13, 3, 5)
	if b[2] != 0xa0 || b[1] != 5 || ctypes.LoadBits(b, 21, 3) != 5 || ctypes.LoadBitsBig(b, 13, 3) != 5 {
		t.Errorf("%x", b)
	}
}

func TestSignExtend(t *testing.T) {
	for _, c := range []struct {
		v    uint64
		size int
		want int64
	}{{0, 1, 0}, {1, 1, -1}, {3, 3, 3}, {4, 3, -4}, {7, 3, -1}, {math.MaxUint64, 64, -1},
		{1 << 62, 63, math.MinInt64 >> 1}} {
		if got := ctypes.SignExtend(c.v, c.size); got != c.want {
			t.Errorf("%#x of %d bits is %d, want %d", c.v, c.size, got, c.want)
		}
	}
}

func TestLoadStore(t *testing.T) {
	type pair struct {
		a uint32
		b uint8
		_ [3]byte
	}
	var b [20]byte
	for at := range 12 {
		ctypes.Store(b[at:], pair{7, 8, [3]byte{}})
		if got := ctypes.Load[pair](b[at:]); got.a != 7 || got.b != 8 {
			t.Errorf("at %d: %v", at, got)
		}
		binary.NativeEndian.PutUint64(b[at:], 1<<40)
		if got := ctypes.Load[uint64](b[at:]); got != 1<<40 {
			t.Errorf("at %d: %d", at, got)
		}
	}
	for name, f := range map[string]func(){
		"load":  func() { ctypes.Load[uint64](b[:7]) },
		"store": func() { ctypes.Store(b[:7], uint64(1)) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s of 7 bytes as 8: no panic", name)
				}
			}()
			f()
		}()
	}
}

func TestTail(t *testing.T) {
	words := []uint64{1, 2, 3}
	record := make([]byte, 8*len(words)+1)
	for i, w := range words {
		binary.NativeEndian.PutUint64(record[8*i:], w)
	}
	tail := ctypes.Tail[uint64](record, 8)
	if !slices.Equal(tail, words[1:]) {
		t.Errorf("%d", tail)
	}
	// What begins at an odd address is a copy, and right.
	moved := make([]byte, len(record)+1)[1:]
	copy(moved, record)
	if tail := ctypes.Tail[uint64](moved, 8); !slices.Equal(tail, words[1:]) {
		t.Errorf("at an odd address: %d", tail)
	}
	if tail := ctypes.Tail[byte](record, 24); len(tail) != 1 || &tail[0] != &record[24] {
		t.Errorf("bytes: %d, and not in place", tail)
	}
	for n, want := range map[int]int{0: 0, 7: 0, 8: 0, 15: 0, 16: 1, 23: 1, 24: 2} {
		if got := len(ctypes.Tail[uint64](record[:n], 8)); got != want {
			t.Errorf("%d elements in %d bytes, want %d", got, n, want)
		}
	}
	if tail := ctypes.Tail[struct{}](record, 8); tail != nil {
		t.Errorf("elements without bytes: %v", tail)
	}
}

func TestUnknownEnum(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{ctypes.UnknownEnum("Color", uint8(200)), "Color(200)"},
		{ctypes.UnknownEnum("Color", int8(-1)), "Color(-1)"},
		{ctypes.UnknownEnum("Color", int64(math.MinInt64)), "Color(-9223372036854775808)"},
		{ctypes.UnknownEnum("Color", uint64(math.MaxUint64)), "Color(18446744073709551615)"},
	} {
		if c.got != c.want {
			t.Errorf("%s, want %s", c.got, c.want)
		}
	}
}
