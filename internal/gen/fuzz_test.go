package gen

import (
	"go/parser"
	"go/token"
	"os"
	"testing"

	"github.com/libbpf-go/libbpf-go/internal/testutil/mutate"
)

// FuzzObject makes code of damaged objects. What is made must be Go.
func FuzzObject(f *testing.F) {
	var objects [][]byte
	for _, name := range []string{"maptypes", "globals", "struct_ops", "types", "arena_globals"} {
		object, err := os.ReadFile("../../bpf/" + name + ".bpf.o")
		if err != nil {
			f.Fatal(err)
		}
		objects = append(objects, object)
	}
	f.Add(uint8(0), uint32(0), uint8(0), uint32(0), uint8(0))
	f.Add(uint8(1), uint32(5000), uint8(1), uint32(100), uint8(0x80))
	f.Fuzz(mutate.Target(f, 200, func(t *testing.T, which uint8, at1 uint32, flip1 uint8, at2 uint32, flip2 uint8) {
		elf := append([]byte(nil), objects[int(which)%len(objects)]...)
		elf[int(at1)%len(elf)] ^= flip1
		elf[int(at2)%len(elf)] ^= flip2
		o, err := readObject(elf, nil)
		mutate.Ended(err)
		if err != nil {
			return
		}
		defer o.close()
		c := &Config{Sources: []string{"x.o"}, Stem: "x", Name: "X", Package: "p"}
		e := &emitter{Config: c, product: &product{target: anyOf(hostOrder()), object: o}, objectFile: "x_bpf.o"}
		code, err := e.emit()
		mutate.Ended(err)
		if err != nil {
			return
		}
		if _, err := parser.ParseFile(token.NewFileSet(), "x.go", code, 0); err != nil {
			t.Errorf("not Go: %v", err)
		}
	}))
}
