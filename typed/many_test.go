package typed_test

import (
	"slices"
	"testing"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/typed"
)

// holed has a byte of padding in front of B.
type holed struct {
	A uint8
	B uint16
}

func TestLookupMany(t *testing.T) {
	m := create(t, libbpf.MapTypeHash, 4, 8, 8)
	hash := must[*typed.Hash[holed, uint64]](t)(typed.NewHash[holed, uint64](m))
	check(t, hash.Update(holed{1, 2}, 12, libbpf.Any))
	check(t, hash.Update(holed{3, 4}, 34, libbpf.Any))
	keys := []holed{{3, 4}, {5, 6}, {1, 2}}
	values, found := []uint64{1, 2, 3}, make([]bool, 3)
	n, err := hash.LookupMany(keys, values, found, libbpf.Any)
	check(t, err)
	if n != 2 || !slices.Equal(values, []uint64{34, 2, 12}) || !slices.Equal(found, []bool{true, false, true}) {
		t.Errorf("%d, %v, %v", n, values, found)
	}
	_, err = hash.LookupMany(keys, values[1:], found, libbpf.Any)
	wantInvalid(t, err, "values")
	_, err = new(typed.Hash[holed, uint64]).LookupMany(keys, values, found, libbpf.Any)
	wantErr(t, err, libbpf.ErrClosed)
}

func TestArrayLookupMany(t *testing.T) {
	array := must[*typed.Array[uint32]](t)(typed.NewArray[uint32](create(t, libbpf.MapTypeArray, 4, 4, 4)))
	for i := range uint32(4) {
		check(t, array.Update(i, 10+i, libbpf.Any))
	}
	indices, values, found := []uint32{3, 9, 0}, make([]uint32, 3), make([]bool, 3)
	n, err := array.LookupMany(indices, values, found, libbpf.Any)
	check(t, err)
	if n != 2 || !slices.Equal(values, []uint32{13, 0, 10}) || !slices.Equal(found, []bool{true, false, true}) {
		t.Errorf("%d, %v, %v", n, values, found)
	}
	noAllocs(t, map[string]func(){"lookup many": func() { _, _ = array.LookupMany(indices, values, found, libbpf.Any) }})
}

// Values that fill their slots in the kernel's image, and others.
func TestPerCPULookupMany(t *testing.T) {
	testPerCPULookupMany[uint64](t, 8)
	testPerCPULookupMany[uint32](t, 4)
}

func testPerCPULookupMany[V uint32 | uint64](t *testing.T, size uint32) {
	hash := must[*typed.PerCPUHash[uint32, V]](t)(
		typed.NewPerCPUHash[uint32, V](create(t, libbpf.MapTypePerCPUHash, 4, size, 8)))
	array := must[*typed.PerCPUArray[V]](t)(typed.NewPerCPUArray[V](create(t, libbpf.MapTypePerCPUArray, 4, size, 2)))
	of := func(base V) []V {
		values := make([]V, hash.PossibleCPUs())
		for cpu := range values {
			values[cpu] = base + V(cpu)
		}
		return values
	}
	for i := range uint32(2) {
		check(t, hash.Update(i, of(V(100*i)), libbpf.Any))
		check(t, array.Update(i, of(V(100*i)), libbpf.Any))
	}
	untouched := slices.Repeat([]V{77}, hash.PossibleCPUs())
	want := slices.Concat(of(100), untouched, of(0))
	for name, lookupMany := range map[string]func([]uint32, []V, []bool, libbpf.MapFlags) (int, error){
		"hash": hash.LookupMany, "array": array.LookupMany,
	} {
		one, found := make([]V, hash.PossibleCPUs()), make([]bool, 1)
		n, err := lookupMany([]uint32{1}, one, found, libbpf.Any)
		check(t, err)
		if n != 1 || !slices.Equal(one, of(100)) || !found[0] {
			t.Errorf("%s: %d, %v; %v", name, n, one, found)
		}
		values := slices.Repeat([]V{77}, 3*hash.PossibleCPUs())
		found = make([]bool, 3)
		n, err = lookupMany([]uint32{1, 5, 0}, values, found, libbpf.Any)
		check(t, err)
		if n != 2 || !slices.Equal(values, want) || !slices.Equal(found, []bool{true, false, true}) {
			t.Errorf("%s: %d, %v, want %v; %v", name, n, values, want, found)
		}
		_, err = lookupMany([]uint32{1, 5, 0}, values[1:], found, libbpf.Any)
		wantInvalid(t, err, "values")
		// What was there of found must not be taken for an answer.
		_, err = lookupMany([]uint32{1, 5, 0}, values, []bool{true}, libbpf.Any)
		wantInvalid(t, err)
		if !slices.Equal(values, want) {
			t.Errorf("%s: an error changed the values: %v", name, values)
		}
	}
}
