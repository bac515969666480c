package btf

import (
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/testutil/mutate"
)

// output counts what is dumped. The types of fuzzers have some kilobytes, so that much output means work without an end.
type output struct{ bytes int }

const maxOutput = 1 << 26

func (o *output) Write(p []byte) (int, error) {
	if o.bytes += len(p); o.bytes > maxOutput {
		return 0, unix.EFBIG
	}
	return len(p), nil
}

func (o *output) check(t testing.TB, types int) {
	t.Helper()
	if o.bytes > maxOutput {
		t.Errorf("more than %d bytes for %d types", maxOutput, types)
	}
}

// exercise calls everything that reads types. All calls must return.
func exercise(t testing.TB, b *BTF) {
	t.Helper()
	var out output
	mutate.Ended(b.DumpC(&out, DumpCOptions{}))
	out.check(t, b.NumTypes())
	var err error
	for t := range b.Types(&err) {
		_, _ = b.Size(t.ID())
		_, _ = b.Resolve(t.ID())
		_, _ = b.TypeByName(t.Name(), t.Kind())
	}
	for id := range min(b.NumTypes()+2, 32) {
		_, _ = b.Declaration(TypeID(id), "x")
		_, _ = b.Alignment(TypeID(id))
	}
	_, _ = b.Raw()
	_, _ = b.FindString("twin")
}

func TestMalformed(t *testing.T) {
	tests := map[string]struct {
		make func(b *rawTypes)
		want error // the dump's error; nil if libbpf may refuse to parse the types
	}{
		"typedef of itself":        {func(b *rawTypes) { b.add("t", KindTypedef, 0, 1) }, unix.ELOOP},
		"const of itself":          {func(b *rawTypes) { b.add("", KindConst, 0, 1) }, unix.ELOOP},
		"pointer to itself":        {func(b *rawTypes) { b.add("", KindPtr, 0, 1) }, unix.ELOOP},
		"array of itself":          {func(b *rawTypes) { b.add("", KindArray, 0, 0, 1, 1, 3) }, unix.ELOOP},
		"function taking itself":   {func(b *rawTypes) { b.add("", KindFuncProto, 1, 0, 0, 1) }, unix.ELOOP},
		"struct in itself":         {func(b *rawTypes) { b.add("s", KindStruct, 1, 4, b.name("m"), 1, 0) }, unix.ELOOP},
		"anonymous struct cycle":   {anonymousCycle, unix.ELOOP},
		"const, pointer, const":    {func(b *rawTypes) { b.add("", KindConst, 0, 2); b.add("", KindPtr, 0, 1) }, unix.ELOOP},
		"a long chain":             {longChain, unix.E2BIG},
		"structs in structs":       {deepStructs, unix.E2BIG},
		"exponential anonymous":    {exponential, unix.E2BIG},
		"member of type void":      {func(b *rawTypes) { b.add("s", KindStruct, 1, 16, b.name("m"), 0, 64) }, unix.EINVAL},
		"member without size":      {zeroSizeMember, unix.EINVAL},
		"member far out":           {func(b *rawTypes) { member(b, 1<<31) }, unix.E2BIG},
		"hole of a gigabyte":       {func(b *rawTypes) { member(b, 1<<30) }, unix.E2BIG},
		"struct of 4 GiB":          {func(b *rawTypes) { b.add("s", KindStruct, 0, 0xffffffff) }, unix.E2BIG},
		"type number out of range": {func(b *rawTypes) { b.add("", KindPtr, 0, 99) }, nil},
		"name out of range":        {func(b *rawTypes) { b.types = append(b.types, 1<<20, uint32(KindFwd)<<24, 0) }, nil},
		"unknown kind":             {func(b *rawTypes) { b.add("u", 31, 0, 0) }, nil},
		"entries missing":          {func(b *rawTypes) { b.add("s", KindStruct, 100, 4) }, nil},
		"extra words":              {func(b *rawTypes) { b.add("s", KindStruct, 0, 4); b.types = append(b.types, 1) }, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			raw := newRaw()
			tt.make(raw)
			b, err := ParseRaw(raw.bytes())
			if err != nil {
				if tt.want != nil {
					t.Errorf("ParseRaw: %v, want it to leave that to the dump", err)
				}
				return
			}
			defer b.Close()
			if err := b.DumpC(io.Discard, DumpCOptions{}); err == nil || !errors.Is(err, tt.want) {
				t.Errorf("DumpC: %v, want %v", err, tt.want)
			}
			exercise(t, b)
		})
	}
}

func anonymousCycle(b *rawTypes) {
	b.add("", KindPtr, 0, 2)
	b.add("", KindStruct, 1, 8, b.name("next"), 1, 0)
}

func member(b *rawTypes, bitOffset uint32) {
	b.add("int", KindInt, 0, 4, 32)
	b.add("s", KindStruct, 1, 8, b.name("m"), 1, bitOffset)
}

func zeroSizeMember(b *rawTypes) {
	b.add("int", KindInt, 0, 0, 0)
	b.add("", KindArray, 0, 0, 1, 1, 2)
	b.add("s", KindStruct, 1, 16, b.name("m"), 2, 64)
}

func longChain(b *rawTypes) {
	const n = 50_000
	for i := range n {
		b.add("", KindConst, 0, uint32(i+2))
	}
	b.add("int", KindInt, 0, 4, 32)
}

func deepStructs(b *rawTypes) {
	const n = 100_000
	for i := range n {
		b.add("s", KindStruct, 1, 4, b.name("m"), uint32(i+2), 0)
	}
	b.add("int", KindInt, 0, 4, 32)
}

func exponential(b *rawTypes) {
	for i := range 64 {
		next := uint32(i + 2)
		b.add("", KindUnion, 2, 4, b.name("a"), next, 0, b.name("b"), next, 0)
	}
	b.add("int", KindInt, 0, 4, 32)
}

func TestBitFlips(t *testing.T) {
	good := everyKind().bytes()
	step := 1
	if testing.Short() {
		step = 13
	}
	for at := 0; at < len(good); at += step {
		for bit := range 8 {
			data := append([]byte(nil), good...)
			data[at] ^= 1 << bit
			if b, err := ParseRaw(data); err == nil {
				exercise(t, b)
				_ = b.Close()
			}
		}
		if b, err := ParseRaw(good[:at]); err == nil {
			exercise(t, b)
			_ = b.Close()
		}
	}
}

// seedOf is what a fuzzer gets of types: them and their names.
func seedOf(b *rawTypes) (types, names []byte) {
	for _, w := range b.types {
		types = binary.NativeEndian.AppendUint32(types, w)
	}
	return types, b.names
}

func addTypes(f *testing.F, b *rawTypes) {
	types, names := seedOf(b)
	f.Add(types, names)
}

// typesOf makes types of what a fuzzer made of a seed.
func typesOf(types, names []byte) *rawTypes {
	built := &rawTypes{names: append(append([]byte{0}, names...), 0)}
	for w := range slices.Chunk(types, 4) {
		built.types = append(built.types, binary.NativeEndian.Uint32(append(w[:len(w):len(w)], 0, 0, 0)))
	}
	return built
}

func FuzzParseRaw(f *testing.F) {
	addTypes(f, everyKind())
	small := newRaw()
	zeroSizeMember(small)
	anonymousCycle(small)
	addTypes(f, small)
	f.Fuzz(mutate.Target(f, 10, func(t *testing.T, types, names []byte) {
		b, err := ParseRaw(typesOf(types, names).bytes())
		if err != nil {
			mutate.Ended(err)
			return
		}
		exercise(t, b)
		_ = b.Close()
	}))
}

// FuzzSplit reads types that build on others, which may be damaged, too.
func FuzzSplit(f *testing.F) {
	types, names := seedOf(everyKind())
	small := newRaw()
	small.add("", KindPtr, 0, 1)
	small.add("s", KindStruct, 1, 8, small.name("m"), 2, 0)
	more, moreNames := seedOf(small)
	f.Add(types, names, more, moreNames)
	f.Add([]byte{}, []byte{}, types, names)
	f.Fuzz(mutate.Target(f, 20, func(t *testing.T, types, names, more, moreNames []byte) {
		base, err := ParseRaw(typesOf(types, names).bytes())
		if err != nil {
			return
		}
		b, err := ParseRawSplit(typesOf(more, moreNames).bytes(), base)
		numBase := base.NumTypes()
		_ = base.Close()
		if err != nil {
			mutate.Ended(err)
			return
		}
		defer b.Close()
		if b.NumTypes() < numBase {
			t.Errorf("%d types on %d", b.NumTypes(), numBase)
		}
		exercise(t, b)
		raw, err := b.Raw()
		if err != nil || len(raw) == 0 {
			t.Errorf("%d bytes, %v", len(raw), err)
		}
	}))
}
