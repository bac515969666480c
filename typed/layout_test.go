package typed

import (
	"bytes"
	"errors"
	"reflect"
	"slices"
	"testing"
	"unsafe"

	"github.com/libbpf-go/libbpf-go"
)

func TestLayout(t *testing.T) {
	type padded struct {
		A uint8
		B uint32
		C bool
	}
	for _, c := range []struct {
		typ         reflect.Type
		pads, bools []span
	}{
		{reflect.TypeFor[uint64](), nil, nil},
		{reflect.TypeFor[[6]byte](), nil, nil},
		{reflect.TypeFor[complex64](), nil, nil},
		{reflect.TypeFor[[3]bool](), nil, []span{{0, 3}}},
		{reflect.TypeFor[struct{ A, B uint32 }](), nil, nil},
		{reflect.TypeFor[padded](), []span{{1, 4}, {9, 12}}, []span{{8, 9}}},
		{reflect.TypeFor[[2]padded](), []span{{1, 4}, {9, 12}, {13, 16}, {21, 24}}, []span{{8, 9}, {20, 21}}},
		{reflect.TypeFor[struct {
			A uint32
			_ [4]byte
			B uint64
		}](), []span{{4, 8}}, nil},
		{reflect.TypeFor[struct {
			A uint64
			B padded
		}](), []span{{9, 12}, {17, unsafe.Sizeof(struct {
			A uint64
			B padded
		}{})}}, []span{{16, 17}}},
		{reflect.TypeFor[struct {
			A uint32
			B struct{}
		}](), []span{{4, 8}}, nil},
	} {
		l, err := layoutOf(c.typ)
		if err != nil {
			t.Errorf("%s: %v", c.typ, err)
		}
		if l.size != c.typ.Size() || !slices.Equal(l.pads, c.pads) || !slices.Equal(l.bools, c.bools) {
			t.Errorf("%s: %+v, want %v and %v", c.typ, l, c.pads, c.bools)
		}
	}
	for _, typ := range []reflect.Type{
		reflect.TypeFor[int](), reflect.TypeFor[uint](), reflect.TypeFor[uintptr](), reflect.TypeFor[string](),
		reflect.TypeFor[*int32](), reflect.TypeFor[[]byte](), reflect.TypeFor[map[int32]int32](),
		reflect.TypeFor[any](),
		reflect.TypeFor[func()](), reflect.TypeFor[chan int8](), reflect.TypeFor[[2]string](),
		reflect.TypeFor[struct{ A [2]struct{ B *byte } }](), reflect.TypeFor[struct{ _ string }](),
	} {
		if _, err := layoutOf(typ); !errors.Is(err, libbpf.ErrInvalid) {
			t.Errorf("%s: error %v", typ, err)
		}
	}
}

func TestCleanAndMend(t *testing.T) {
	type padded struct {
		A uint8
		B uint16
		C bool
	}
	l, err := layoutOf(reflect.TypeFor[padded]())
	if err != nil {
		t.Fatal(err)
	}
	b := bytes.Repeat([]byte{0xff}, 12)
	l.clean(b)
	l.mend(b)
	if want := []byte{255, 0, 255, 255, 1, 0, 255, 0, 255, 255, 1, 0}; !bytes.Equal(b, want) {
		t.Errorf("%v, want %v", b, want)
	}
	l.clean(nil)
	l.mend(nil)
}
