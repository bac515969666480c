package gotypes_test

import (
	"bytes"
	"testing"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/btf/gotypes"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// TestKernel declares all types of the running kernel. The declarations have no errors, so their sizes and offsets are
// those of BTF, on 64-bit and 32-bit machines.
func TestKernel(t *testing.T) {
	kernel, err := btf.LoadKernel()
	testutil.Check(t, err)
	defer kernel.Close()
	limit := kernel.NumTypes()
	if testing.Short() || testutil.RaceDetector {
		limit = 500 // some of these need hundreds of others
	}
	g := gotypes.New(kernel, gotypes.Options{})
	declared := 0
	for typ := range kernel.Types(&err) {
		c, ok := typ.(*btf.Composite)
		// A type without a name is declared with the one that has it.
		if !ok || c.Name() == "" || declared == limit {
			continue
		}
		if _, err := g.Type(c.ID()); err != nil {
			t.Errorf("%s %s: %v", c.Kind(), c.Name(), err)
		}
		declared++
	}
	testutil.Check(t, err)
	var code bytes.Buffer
	testutil.Check(t, g.File(&code, "kernel"))
	for _, warning := range g.Warnings() {
		t.Error(warning)
	}
	t.Logf("%d structs and unions, %d bytes of Go", declared, code.Len())
	checkTypes(t, code.Bytes())
}
