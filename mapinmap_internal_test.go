package libbpf

import (
	"testing"

	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// What libbpf fills in during Load, and what it creates without types if the kernel refuses them, CreateInner does too.
func TestCreateInnerAsLibbpf(t *testing.T) {
	outer, _ := loadLarge(t, 8)
	outer.typ = MapTypeArrayOfMaps
	cpus, err := PossibleCPUs()
	testutil.Check(t, err)
	for _, test := range []struct {
		definition MapDefinition
		entries    uint32
	}{
		{MapDefinition{Type: MapTypePerfEventArray, KeySize: 4, ValueSize: 4}, uint32(cpus)},
		{MapDefinition{Type: MapTypePerfEventArray, KeySize: 4, ValueSize: 4, MaxEntries: 1}, 1},
		{MapDefinition{Type: MapTypeLPMTrie, KeySize: 8, ValueSize: 4, MaxEntries: 2, Flags: CreateNoPrealloc}, 2},
	} {
		outer.inner = &innerMap{test.definition, 1, 1} // no type of the object's that such a map could have
		inner, err := outer.CreateInner("inner")
		testutil.Check(t, err)
		info, err := inner.Info()
		testutil.Check(t, err)
		if info.Type != test.definition.Type || info.MaxEntries != test.entries || info.BTFKeyTypeID != 0 {
			t.Errorf("%+v", info)
		}
		testutil.Check(t, inner.Close())
	}
}
