package libbpf_test

import (
	"bytes"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

func TestMapInMap(t *testing.T) {
	testutil.Root(t)
	template, err := libbpf.CreateMap(libbpf.MapTypeArray, "template", 4, 8, 4, libbpf.MapCreateOptions{})
	check(t, err)
	defer template.Close()
	for _, typ := range []libbpf.MapType{libbpf.MapTypeArrayOfMaps, libbpf.MapTypeHashOfMaps} {
		outer, err := libbpf.CreateMap(typ, "outer", 4, 4, 4, libbpf.MapCreateOptions{InnerMap: template})
		check(t, err)
		defer outer.Close()
		_, err = libbpf.OpenInnerMap(outer, u32(1))
		wantErr(t, err, libbpf.ErrKeyNotExist)
		for value := range uint64(2) {
			inner, err := libbpf.CreateMap(libbpf.MapTypeArray, "inner", 4, 8, 4, libbpf.MapCreateOptions{})
			check(t, err)
			check(t, inner.Update(u32(0), u64(value), libbpf.Any))
			check(t, libbpf.UpdateInnerMap(outer, u32(1), inner, libbpf.Any))
			check(t, inner.Close()) // the outer map keeps it
			opened, err := libbpf.OpenInnerMap(outer, u32(1))
			check(t, err)
			got, err := opened.Lookup(u32(0), libbpf.Any)
			check(t, err)
			if !bytes.Equal(got, u64(value)) {
				t.Errorf("%v: value %v, want %d", typ, got, value)
			}
			check(t, opened.Close())
		}
		check(t, outer.Delete(u32(1)))
		_, err = libbpf.OpenInnerMap(outer, u32(1))
		wantErr(t, err, libbpf.ErrKeyNotExist)
		other, err := libbpf.CreateMap(libbpf.MapTypeHash, "other", 4, 8, 4, libbpf.MapCreateOptions{})
		check(t, err)
		defer other.Close()
		wantErr(t, libbpf.UpdateInnerMap(outer, u32(1), other, libbpf.Any), unix.EINVAL)
		wantErr(t, libbpf.UpdateInnerMap(outer, u32(1), nil, libbpf.Any), libbpf.ErrClosed)
		wantErr(t, libbpf.UpdateInnerMap(template, u32(1), other, libbpf.Any), libbpf.ErrInvalid)
		_, err = libbpf.OpenInnerMap(nil, u32(1))
		wantErr(t, err, libbpf.ErrClosed)
		_, err = libbpf.OpenInnerMap(new(libbpf.Map), u32(1))
		wantErr(t, err, libbpf.ErrClosed)
	}
}

func TestInnerMapTemplate(t *testing.T) {
	o := openMapTypes(t, missingMaps(t, "maptypes"))
	m, err := o.Map("templated")
	check(t, err)
	inner, err := m.InnerMap()
	check(t, err)
	want := libbpf.MapDefinition{
		Name: "templated.inner", Type: libbpf.MapTypeArray, KeySize: 4, ValueSize: 8, MaxEntries: 3,
	}
	if inner != want {
		t.Errorf("%+v, want %+v", inner, want)
	}
	plain, err := o.Map("sockmap")
	check(t, err)
	_, err = plain.InnerMap()
	wantErr(t, err, libbpf.ErrInvalid)

	loaded := load(t, o)
	outer := findMap(t, loaded, "templated")
	first, err := libbpf.OpenInnerMap(outer, u32(1))
	check(t, err)
	defer first.Close()
	got, err := first.Info()
	check(t, err)
	named, err := findMap(t, loaded, "first_counts").Info()
	check(t, err)
	if got.ID != named.ID {
		t.Errorf("the map with id %d is there, not %d", got.ID, named.ID)
	}
	_, err = libbpf.OpenInnerMap(outer, u32(0))
	wantErr(t, err, libbpf.ErrKeyNotExist)
	_, err = m.InnerMap()
	wantErr(t, err, libbpf.ErrLoaded)

	// Another template replaces it.
	o = openMapTypes(t, missingMaps(t, "maptypes"))
	m, err = o.Map("templated")
	check(t, err)
	larger, err := libbpf.CreateMap(libbpf.MapTypeArray, "larger", 4, 8, 9, libbpf.MapCreateOptions{})
	check(t, err)
	defer larger.Close()
	check(t, m.SetInnerMap(larger))
	_, err = m.InnerMap()
	wantErr(t, err, os.ErrNotExist)
	first1, err := o.Map("first_counts")
	check(t, err)
	check(t, first1.SetMaxEntries(9))
	outer = findMap(t, load(t, o), "templated")
	check(t, libbpf.UpdateInnerMap(outer, u32(3), larger, libbpf.Any))
	_, err = outer.CreateInner("none")
	wantErr(t, err, libbpf.ErrNotFound)
}

// A map that CreateInner makes is like the one of the object, with its BTF, which some kernels want of an inner map.
func TestCreateInner(t *testing.T) {
	o := load(t, openMapTypes(t, missingMaps(t, "maptypes")))
	outer := findMap(t, o, "templated")
	inner, err := outer.CreateInner("made")
	check(t, err)
	defer inner.Close()
	got, err := inner.Info()
	check(t, err)
	like, err := findMap(t, o, "first_counts").Info()
	check(t, err)
	if got.Name != "made" || like.BTFValueTypeID == 0 {
		t.Errorf("a map %q, like one with the value type %d", got.Name, like.BTFValueTypeID)
	}
	got.ID, got.Name = like.ID, like.Name
	if got != like {
		t.Errorf("%+v, want %+v", got, like)
	}
	check(t, libbpf.UpdateInnerMap(outer, u32(0), inner, libbpf.Any))

	_, err = findMap(t, o, "first_counts").CreateInner("made")
	wantErr(t, err, libbpf.ErrInvalid)
	_, err = (*libbpf.Map)(nil).CreateInner("made")
	wantErr(t, err, libbpf.ErrClosed)
	check(t, o.Close())
	_, err = outer.CreateInner("made")
	wantErr(t, err, libbpf.ErrClosed)
}
