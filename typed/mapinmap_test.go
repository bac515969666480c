package typed_test

import (
	"errors"
	"strings"
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
		createWith(t, libbpf.MapTypeArrayOfMaps, 4, 4, 40, options)))
	equal(t, "maximum", a.MaxEntries(), 40)
	wantErr(t, second(a.Lookup(0, libbpf.Any)), libbpf.ErrKeyNotExist)
	wantErr(t, second(a.LookupID(0, libbpf.Any)), libbpf.ErrKeyNotExist)
	check(t, a.Update(0, inner, libbpf.Any))
	check(t, a.Update(39, another, libbpf.Any))
	wantErr(t, a.Update(40, inner, libbpf.Any), libbpf.ErrIndexRange)
	wantErr(t, a.Update(0, create(t, libbpf.MapTypeHash, 4, 4, 1), libbpf.Any), unix.EINVAL)
	wantErr(t, a.Update(0, nil, libbpf.Any), libbpf.ErrClosed)
	checkAll(t, a.All, map[uint32]uint32{0: id(t, inner), 39: id(t, another)})
	checkKeys(t, a.Keys, 0, 39)
	got, err := a.Lookup(0, libbpf.Any)
	check(t, err)
	equal(t, "inner map", id(t, got), id(t, inner))
	check(t, got.Update(make([]byte, 4), []byte{1, 2, 3, 4}, libbpf.Any))
	check(t, got.Close())
	equal(t, "id", must[uint32](t)(a.LookupID(0, libbpf.Any)), id(t, inner))
	check(t, a.Delete(0))
	wantErr(t, a.Delete(0), libbpf.ErrKeyNotExist)
	noAllocs(t, map[string]func(){
		"id":       func() { _, _ = a.LookupID(39, libbpf.Any) },
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

// An inner map that is not like the template: the error says what differs.
func TestWrongInnerMap(t *testing.T) {
	template := createWith(t, libbpf.MapTypeHash, 4, 8, 16, libbpf.MapCreateOptions{Flags: libbpf.CreateNoPrealloc})
	h := must[*typed.HashOfMaps[uint32]](t)(typed.NewHashOfMaps[uint32](createWith(t, libbpf.MapTypeHashOfMaps, 4, 4, 8,
		libbpf.MapCreateOptions{InnerMap: template})))
	a := must[*typed.ArrayOfMaps](t)(typed.NewArrayOfMaps(createWith(t, libbpf.MapTypeArrayOfMaps, 4, 4, 8,
		libbpf.MapCreateOptions{InnerMap: template})))
	update := func(inner libbpf.MapCore) []error {
		t.Helper()
		errs := []error{h.Update(1, inner, libbpf.Any), a.Update(1, inner, libbpf.Any)}
		for _, err := range errs {
			wantErr(t, err, unix.EINVAL)
			if errors.Is(err, libbpf.ErrInvalid) {
				t.Errorf("the kernel refused it, and the error says that it never saw it: %v", err)
			}
		}
		return errs
	}
	says := func(inner libbpf.MapCore, wants ...string) {
		t.Helper()
		for _, err := range update(inner) {
			for _, want := range wants {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
		}
	}
	array := create(t, libbpf.MapTypeArray, 4, 8, 16)
	// There is none to compare with.
	says(array, "not like the template", "of type array", "keys of 4 bytes", "values of 8 bytes", "16 entries")
	check(t, h.Update(2, template, libbpf.Any))
	check(t, a.Update(7, template, libbpf.Any))
	says(array, "is of type array and must be of type hash", "has the flags 0x0 and must have no_prealloc")
	options := libbpf.MapCreateOptions{Flags: libbpf.CreateNoPrealloc}
	says(createWith(t, libbpf.MapTypeHash, 8, 8, 16, options), "has keys of 8 bytes and must have 4")
	says(createWith(t, libbpf.MapTypeHash, 4, 4, 16, options), "has values of 4 bytes and must have 8")
	says(create(t, libbpf.MapTypeHash, 4, 8, 16), "and must have no_prealloc")
	check(t, h.Update(1, createWith(t, libbpf.MapTypeHash, 4, 8, 99, options), libbpf.Any)) // another maximum is right

	// Arrays must have the same maximum.
	array = create(t, libbpf.MapTypeArray, 4, 8, 16)
	h = must[*typed.HashOfMaps[uint32]](t)(typed.NewHashOfMaps[uint32](createWith(t, libbpf.MapTypeHashOfMaps, 4, 4, 8,
		libbpf.MapCreateOptions{InnerMap: array})))
	a = must[*typed.ArrayOfMaps](t)(typed.NewArrayOfMaps(createWith(t, libbpf.MapTypeArrayOfMaps, 4, 4, 8,
		libbpf.MapCreateOptions{InnerMap: array})))
	check(t, h.Update(2, array, libbpf.Any))
	check(t, a.Update(2, array, libbpf.Any))
	says(create(t, libbpf.MapTypeArray, 4, 8, 17), "has 17 entries and must have 16")

	// It looks at so many keys, and no further.
	sparse := must[*typed.ArrayOfMaps](t)(typed.NewArrayOfMaps(createWith(t, libbpf.MapTypeArrayOfMaps, 4, 4, 100,
		libbpf.MapCreateOptions{InnerMap: array})))
	check(t, sparse.Update(64, array, libbpf.Any))
	wrong := create(t, libbpf.MapTypeArray, 4, 8, 17)
	if err := sparse.Update(0, wrong, libbpf.Any); err == nil || !strings.Contains(err.Error(), "not like the template") {
		t.Errorf("the 65th is the first that is there: %v", err)
	}
	check(t, sparse.Update(63, array, libbpf.Any))
	if err := sparse.Update(0, wrong, libbpf.Any); err == nil || !strings.Contains(err.Error(), "has 17 entries and must have 16") {
		t.Errorf("the 64th is the first that is there: %v", err)
	}

	// What is wrong is something else.
	err := a.Update(1, array, libbpf.NoExist)
	wantErr(t, err, unix.EINVAL)
	if strings.Contains(err.Error(), "inner map is") || strings.Contains(err.Error(), "must have") {
		t.Errorf("error %q", err)
	}
}
