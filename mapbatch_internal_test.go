package libbpf

import (
	"testing"

	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// Flags that only elements take are no reason to do without batches from then on.
func TestFlagsDoNotEndBatches(t *testing.T) {
	testutil.Root(t)
	m, err := CreateMap(MapTypeHash, "flags", 4, 4, 4, MapCreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if n, err := m.UpdateBatch(make([]byte, 4), make([]byte, 4), NoExist); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	if m.c.noBatch.Load() {
		t.Error("NoExist ended batches")
	}
}
