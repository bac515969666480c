package libbpf_test

import (
	"bytes"
	"math"
	"testing"

	"github.com/libbpf-go/libbpf-go"
)

func TestSetGlobal(t *testing.T) {
	o := openMaps(t, "")
	type pair struct{ A, B uint32 }
	bigPair := append(u32(3), u32(4)...)
	for _, c := range []struct {
		name  string
		value any
		want  []byte
	}{
		{"ro_u32", 5, u32(5)},
		{"ro_u32", uint64(math.MaxUint32), u32(math.MaxUint32)},
		{"ro_u32", true, u32(1)},
		{"ro_s8", -128, []byte{0x80}},
		{"ro_s8", int64(127), []byte{127}},
		{"ro_u64", uint64(math.MaxUint64), u64(math.MaxUint64)},
		{"ro_bool", true, []byte{1}},
		{"ro_bool", 0, []byte{0}},
		{"ro_color", 6, u32(6)},
		{"ro_name", "seven..", []byte("seven..\x00")},
		{"ro_name", "", make([]byte, 8)},
		{"ro_name", []byte("12345678"), []byte("12345678")},
		{"ro_pair", pair{3, 4}, bigPair},
		{"ro_pair", [2]uint32{3, 4}, bigPair},
		{"ro_pair", bigPair, bigPair},
		{"data_u32", int8(9), u32(9)},
		{"bss_u64", uint(10), u64(10)},
		{"custom_u16", uint16(65535), []byte{255, 255}},
		{"data_double", 1.5, u64(math.Float64bits(1.5))},
	} {
		check(t, o.SetGlobal(c.name, c.value))
		got, err := o.Global(c.name)
		check(t, err)
		if !bytes.Equal(got, c.want) {
			t.Errorf("%s = %v: bytes %v, want %v", c.name, c.value, got, c.want)
		}
	}
	for _, c := range []struct {
		name  string
		value any
	}{
		{"ro_u32", -1},
		{"ro_u32", int64(1) << 32},
		{"ro_u32", 1.5},
		{"ro_u32", "5"},
		{"ro_u32", nil},
		{"ro_u32", &struct{}{}},
		{"ro_u32", []int{1}},
		{"ro_u32", []byte{1, 2, 3}},
		{"ro_u32", [2]uint32{}},
		{"ro_s8", 128},
		{"ro_s8", -129},
		{"ro_u64", -1},
		{"ro_bool", 2},
		{"ro_bool", -1},
		{"ro_name", "eight..."},
		{"ro_name", 1},
		{"ro_pair", [3]uint32{}},
		{"ro_pair", struct{ p *int }{}},
		{"ro_pair", "a"},
		{"data_double", 1},
		{"custom_u16", 65536},
	} {
		wantErr(t, o.SetGlobal(c.name, c.value), libbpf.ErrInvalid)
	}
	wantErr(t, o.SetGlobal("nope", 1), libbpf.ErrNotFound)
	wantErr(t, o.SetGlobal("read_globals", 1), libbpf.ErrNotFound)
	_, err := o.Global("nope")
	wantErr(t, err, libbpf.ErrNotFound)

	// The values are in the kernel after Load.
	loaded := load(t, o)
	for section, want := range map[string][]byte{".rodata": bigPair, ".bss": u64(10), ".data.custom": {255, 255}} {
		m := findMap(t, loaded, section)
		value, err := m.Lookup(u32(0), libbpf.Any)
		check(t, err)
		if !bytes.Contains(value, want) {
			t.Errorf("%s is %v and lacks %v", section, value, want)
		}
	}
}
