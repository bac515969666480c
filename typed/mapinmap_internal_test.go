package typed

import (
	"testing"

	"github.com/libbpf-go/libbpf-go"
)

func TestDifferences(t *testing.T) {
	array := libbpf.MapInfo{Type: libbpf.MapTypeArray, KeySize: 4, ValueSize: 8, MaxEntries: 16}
	hash := libbpf.MapInfo{Type: libbpf.MapTypeHash, KeySize: 4, ValueSize: 8, MaxEntries: 16}
	with := func(m libbpf.MapInfo, change func(*libbpf.MapInfo)) libbpf.MapInfo { change(&m); return m }
	more := func(m *libbpf.MapInfo) { m.MaxEntries = 17 }
	wide := func(m *libbpf.MapInfo) { m.ValueSize, m.MaxEntries = 16, 17 }
	free := func(m *libbpf.MapInfo) { m.Flags = libbpf.CreateInnerMap }
	for _, c := range []struct {
		inner, like libbpf.MapInfo
		want        string
	}{
		{array, array, ""}, {hash, hash, ""},
		{with(array, more), array, "the inner map has 17 entries and must have 16"},
		{with(hash, more), hash, "the inner map has 17 entries and must have 16"},
		{with(array, wide), array, "the inner map has values of 16 bytes and must have 8; it has 17 entries and must have 16"},
		{with(hash, wide), hash, "the inner map has values of 16 bytes and must have 8"},
		{with(with(array, wide), free), with(array, free), "the inner map has values of 16 bytes and must have 8"},
		{with(array, free), array, "the inner map has the flags inner_map and must have 0x0"},
		{hash, array, "the inner map is of type hash and must be of type array"},
		{with(hash, func(m *libbpf.MapInfo) { m.KeySize = 8 }), hash, "the inner map has keys of 8 bytes and must have 4"},
	} {
		if got := differences(c.inner, c.like); got != c.want {
			t.Errorf("%+v and %+v: %q, want %q", c.inner, c.like, got, c.want)
		}
	}
}
