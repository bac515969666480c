package libbpf

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// A map that the kernel accepts breaks no rule, and a map that it refuses breaks one, for all types, sizes and flags.
func TestMapProblems(t *testing.T) {
	testutil.Root(t)
	inner, err := CreateMap(MapTypeArray, "", 4, 4, 1, MapCreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer inner.Close()
	flags := []MapCreateFlags{0, CreateNUMANode, CreateMMapable | CreateReadOnly, CreateReadOnly | CreateWriteOnly, CreateReadOnlyProgram | CreateWriteOnlyProgram}
	for flag := range flagTypes {
		flags = append(flags, flag)
	}
	accepted, unexplained := 0, make(map[string]int)
	for typ := range mapShapes {
		supported, err := typ.IsSupported()
		if err != nil || !supported {
			continue
		}
		for _, keySize := range []uint32{0, 4, 8, 16, 300} {
			for _, valueSize := range []uint32{0, 4, 7, 8} {
				for _, entries := range []uint32{0, 1, 4096, 5000} {
					for _, flags := range flags {
						options := MapCreateOptions{Flags: flags}
						if typ.IsMapInMap() {
							options.InnerMap = inner
						}
						d := MapDefinition{
							Type: typ, KeySize: keySize, ValueSize: valueSize, MaxEntries: entries, Flags: flags,
						}
						m, err := CreateMap(typ, "", keySize, valueSize, entries, options)
						problem := d.problem()
						switch {
						case err == nil:
							accepted++
							if problem != "" {
								t.Errorf("%+v: %s, which the kernel accepts", d, problem)
							}
							_ = m.Close()
						case errors.Is(err, unix.EINVAL) && err.(*Error).Err == unix.EINVAL && flags != CreateRingBufOverwrite:
							unexplained[fmt.Sprintf("%v, flags %v", typ, flags)]++
						}
					}
				}
			}
		}
	}
	if accepted < 100 {
		t.Errorf("only %d were accepted", accepted)
	}
	for what, n := range unexplained {
		t.Errorf("%s: %d refusals break no rule", what, n)
	}
}

// A kernel that is built without NUMA has one node, and no folder for it.
func TestHasNUMANode(t *testing.T) {
	with, without := t.TempDir(), filepath.Join(t.TempDir(), "node")
	if err := os.Mkdir(filepath.Join(with, "node2"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		folder string
		node   uint32
		want   bool
	}{{with, 2, true}, {with, 0, false}, {without, 0, true}, {without, 1, false}} {
		if got := hasNUMANode(c.folder, c.node); got != c.want {
			t.Errorf("node %d in %s: %t", c.node, c.folder, got)
		}
	}
}
