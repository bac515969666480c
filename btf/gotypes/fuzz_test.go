package gotypes_test

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/btf/gotypes"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/mutate"
)

// The header of BTF: magic, version, flags, its length, and offset and length of types and names.
const headerSize = 24

// assemble makes BTF of types and names, valid or not.
func assemble(types, names []byte) []byte {
	order := binary.NativeEndian
	raw := order.AppendUint16(nil, 0xeb9f)
	raw = append(raw, 1, 0)
	types = append(slices.Clip(types), make([]byte, -len(types)&3)...)
	names = append(append([]byte{0}, names...), 0)
	for _, v := range []int{headerSize, 0, len(types), len(types), len(names)} {
		raw = order.AppendUint32(raw, uint32(v))
	}
	return append(append(raw, types...), names...)
}

// FuzzGenerate declares damaged types. It must end, and what it makes must compile.
func FuzzGenerate(f *testing.F) {
	for _, name := range []string{"types", "shapes", "globals"} {
		types := parse(f, testutil.Object(f, name))
		raw, err := types.Raw()
		testutil.Check(f, err)
		length := binary.NativeEndian.Uint32(raw[12:])
		f.Add(raw[headerSize:][:length], raw[headerSize+length+1:])
	}
	f.Fuzz(mutate.Target(f, 50, func(t *testing.T, types, names []byte) {
		b, err := btf.ParseRaw(assemble(types, names))
		mutate.Ended(err)
		if err != nil {
			return
		}
		defer b.Close()
		g := gotypes.New(b, gotypes.Options{RawEnumNames: len(names)%2 == 0})
		var sections int
		for typ := range b.Types(nil) {
			_, err := g.Type(typ.ID())
			mutate.Ended(err)
			if section, ok := typ.(*btf.Datasec); ok && sections < 10 {
				var variables []gotypes.Variable
				for _, v := range section.Vars {
					variables = append(variables, gotypes.Variable{Name: "v", Type: v.Type, Offset: int(v.Offset), Size: int(v.Size)})
				}
				_, _ = g.Section(section.Name(), gotypes.GoName(section.Name()), variables, int(section.Size))
				sections++
			}
		}
		var code bytes.Buffer
		if err := g.File(&code, "fuzz"); err != nil {
			t.Fatal(err)
		}
		if code.Len() < 1<<20 {
			checkTypes(t, code.Bytes())
		}
	}))
}
