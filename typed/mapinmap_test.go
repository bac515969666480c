package typed_test

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/typed"
)

func id(t *testing.T, m libbpf.MapCore) uint32 {
	t.Helper()
	info, err := m.Info()
	check(t, err)
	return info.ID
}

func TestMapsOfMaps(t *testing.T) {
	inner := create(t, libbpf.MapTypeArray, 4, 4, 1)
	another := create(t, libbpf.MapTypeArray, 4, 4, 1)
	options := libbpf.MapCreateOptions{InnerMap: inner}

	a := must[*typed.ArrayOfMaps](t)(typed.NewArrayOfMaps(
		createWith(t, libbpf.MapTypeArrayOfMaps, 4, 4, 2000, options)))
	equal(t, "maximum", a.MaxEntries(), 2000)
	wantErr(t, second(a.Lookup(0, libbpf.Any)), libbpf.ErrKeyNotExist)
	wantErr(t, second(a.LookupID(0, libbpf.Any)), libbpf.ErrKeyNotExist)
	check(t, a.Update(0, inner, libbpf.Any))
	check(t, a.Update(1999, another, libbpf.Any))
	wantErr(t, a.Update(2000, inner, libbpf.Any), libbpf.ErrIndexRange)
	wantErr(t, a.Update(0, create(t, libbpf.MapTypeHash, 4, 4, 1), libbpf.Any), unix.EINVAL)
	wantErr(t, a.Update(0, nil, libbpf.Any), libbpf.ErrClosed)
	checkAll(t, a.All, map[uint32]uint32{0: id(t, inner), 1999: id(t, another)})
	got, err := a.Lookup(0, libbpf.Any)
	check(t, err)
	equal(t, "inner map", id(t, got), id(t, inner))
	check(t, got.Update(make([]byte, 4), []byte{1, 2, 3, 4}, libbpf.Any))
	check(t, got.Close())
	equal(t, "id", must[uint32](t)(a.LookupID(0, libbpf.Any)), id(t, inner))
	check(t, a.Delete(0))
	wantErr(t, a.Delete(0), libbpf.ErrKeyNotExist)
	noAllocs(t, map[string]func(){
		"id":       func() { _, _ = a.LookupID(1999, libbpf.Any) },
		"id, miss": func() { _, _ = a.LookupID(0, libbpf.Any) },
	})

	m := createWith(t, libbpf.MapTypeHashOfMaps, 12, 4, 8, options)
	h := must[*typed.HashOfMaps[padded]](t)(typed.NewHashOfMaps[padded](m))
	equal(t, "maximum", h.MaxEntries(), 8)
	check(t, h.Update(dirty(1, 2, true), inner, libbpf.Any))
	wantErr(t, h.Update(dirty(1, 2, true), another, libbpf.NoExist), libbpf.ErrKeyExist)
	check(t, h.Update(padded{}, another, libbpf.NoExist))
	checkAll(t, h.All, map[padded]uint32{{1, 2, true}: id(t, inner), {}: id(t, another)})
	checkKeys(t, h.Keys, padded{1, 2, true}, padded{})
	got, err = h.Lookup(dirty(1, 2, true), libbpf.Any)
	check(t, err)
	equal(t, "inner map", id(t, got), id(t, inner))
	check(t, got.Close())
	equal(t, "id", must[uint32](t)(h.LookupID(dirty(1, 2, true), libbpf.Any)), id(t, inner))
	check(t, h.Delete(dirty(1, 2, true)))
	wantErr(t, second(h.Lookup(padded{1, 2, true}, libbpf.Any)), libbpf.ErrKeyNotExist)
	wantInvalid(t, second(typed.NewHashOfMaps[uint32](m)), "4 bytes", "12")
	wantInvalid(t, second(typed.NewArrayOfMaps(m)), "hash_of_maps", "array_of_maps")
	wantInvalid(t, second(typed.NewHashOfMaps[uint32](a.Map())), "hash_of_maps", "array_of_maps")
}
