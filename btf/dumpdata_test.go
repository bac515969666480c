package btf

import (
	"encoding/binary"
	"errors"
	"io"
	"math"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/testutil/mutate"
	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// valueTypes are types of which the tests have values.
func valueTypes(t *testing.T) *BTF {
	b := newTestBuilder(t)
	number := b.AddInt("int", 4, IntSigned)                                        // 1
	char := b.AddInt("char", 1, IntSigned)                                         // 2
	b.AddStruct("point", 8, Member{"x", number, 0, 0}, Member{"y", number, 32, 0}) // 3
	b.AddArray(char, number, 8)                                                    // 4
	b.AddEnum("color", 4, EnumValue{"RED", 0}, EnumValue{"GREEN", 1})              // 5
	b.AddStruct("shape", 28, Member{"name", 4, 0, 0}, Member{"at", 3, 64, 0}, Member{"color", 5, 128, 0},
		Member{"low", 1, 160, 3}, Member{"high", 1, 163, 5}, Member{"n", number, 192, 0}) // 6
	b.AddArray(number, number, 3)                                            // 7
	b.AddVar("count", LinkageStatic, number)                                 // 8
	b.AddDatasec(".data", 4, DatasecVar{8, 0, 4})                            // 9
	b.AddFloat("double", 8)                                                  // 10
	b.AddFuncProto(0)                                                        // 11
	b.AddFwd("gone", KindStruct)                                             // 12
	b.AddPtr(12)                                                             // 13
	b.AddUnion("either", 8, Member{"n", number, 0, 0}, Member{"p", 3, 0, 0}) // 14
	return build(t, b)
}

func words(values ...uint32) []byte {
	data := make([]byte, 4*len(values))
	for i, v := range values {
		nativeOrder.PutUint32(data[4*i:], v)
	}
	return data
}

func TestDumpData(t *testing.T) {
	types := valueTypes(t)
	bits := uint32(5 | 9<<3)
	if nativeOrder == binary.BigEndian {
		bits = 5<<29 | 9<<24
	}
	shape := append([]byte("box\x00\x00\x00\x00\x00"), words(1, 2, 1, bits, 7)...)
	tests := map[string]struct {
		id   TypeID
		data []byte
		opts DumpDataOptions
		want string
	}{
		"int":         {1, words(0xffffffff), DumpDataOptions{}, "(int)-1"},
		"zero":        {1, words(0), DumpDataOptions{}, "(int)0"},
		"struct":      {3, words(1, 2), DumpDataOptions{}, "(struct point){\n\t.x = (int)1,\n\t.y = (int)2,\n}"},
		"compact":     {3, words(1, 2), DumpDataOptions{Compact: true}, "(struct point){.x = (int)1,.y = (int)2,}"},
		"no names":    {3, words(1, 2), DumpDataOptions{Compact: true, SkipNames: true}, "{1,2,}"},
		"zero member": {3, words(1, 0), DumpDataOptions{Compact: true}, "(struct point){.x = (int)1,}"},
		"emit zeroes": {3, words(1, 0), DumpDataOptions{Compact: true, EmitZeroes: true},
			"(struct point){.x = (int)1,.y = (int)0,}"},
		"indent": {3, words(1, 2), DumpDataOptions{Indent: "  ", IndentLevel: 1},
			"  (struct point){\n    .x = (int)1,\n    .y = (int)2,\n  }"},
		"array": {7, words(1, 0, 3), DumpDataOptions{Compact: true}, "(int[3])[1,0,3,]"},
		"chars": {4, []byte("ab\x00\x00\x00\x00\x00\x00"), DumpDataOptions{Compact: true}, "(char[8])['a','b',]"},
		"enum":  {5, words(1), DumpDataOptions{}, "(enum color)GREEN"},
		"other": {5, words(9), DumpDataOptions{}, "(enum color)9"},
		"far":   {5, words(0xfffffffe), DumpDataOptions{}, "(enum color)4294967294"},
		"var":   {8, words(3), DumpDataOptions{}, "static int count = (int)3"},
		"data":  {9, words(3), DumpDataOptions{}, "SEC(\".data\") static int count = (int)3;"},
		"union": {14, words(1, 2), DumpDataOptions{Compact: true},
			"(union either){.n = (int)1,.p = (struct point){.x = (int)1,.y = (int)2,},}"},
		"shape": {6, shape, DumpDataOptions{Compact: true},
			"(struct shape){.name = (char[8])['b','o','x',],.at = (struct point){.x = (int)1,.y = (int)2,}," +
				".color = (enum color)GREEN,.low = (int)0x5,.high = (int)0x9,.n = (int)7,}"},
	}
	for name, tt := range tests {
		var text strings.Builder
		if err := types.DumpData(&text, tt.id, tt.data, tt.opts); err != nil || text.String() != tt.want {
			t.Errorf("%s: %q, %v, want %q", name, &text, err, tt.want)
		}
	}

	var text strings.Builder
	err := types.DumpData(&text, 6, shape, DumpDataOptions{Compact: true, EmitStrings: true})
	if old := clib.Needs("emit_strings", 1, 7); old != nil {
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("EmitStrings: %v", err)
		}
	} else if err != nil || !strings.Contains(text.String(), `"box"`) {
		t.Errorf("EmitStrings: %q, %v", &text, err)
	}
}

func TestDumpDataErrors(t *testing.T) {
	types := valueTypes(t)
	for name, tt := range map[string]struct {
		id   TypeID
		data []byte
		opts DumpDataOptions
		want error
	}{
		"short":           {3, words(1), DumpDataOptions{}, unix.E2BIG},
		"none":            {3, nil, DumpDataOptions{}, unix.E2BIG},
		"void":            {0, nil, DumpDataOptions{}, unix.ENOTSUP},
		"function":        {11, nil, DumpDataOptions{}, unix.ENOTSUP},
		"declaration":     {12, nil, DumpDataOptions{}, unix.ENOTSUP},
		"no such type":    {99, nil, DumpDataOptions{}, ErrNotFound},
		"a long indent":   {1, words(1), DumpDataOptions{Indent: strings.Repeat(" ", 32)}, unix.EINVAL},
		"a NUL in indent": {1, words(1), DumpDataOptions{Indent: "\x00"}, unix.EINVAL},
		"below level 0":   {1, words(1), DumpDataOptions{IndentLevel: -1}, unix.EINVAL},
	} {
		if err := types.DumpData(io.Discard, tt.id, tt.data, tt.opts); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
	if err := types.DumpData(&failingWriter{0}, 1, words(1), DumpDataOptions{}); !errors.Is(err, errFull) {
		t.Errorf("a full writer: %v", err)
	}
	// What is there is written.
	var text strings.Builder
	_ = types.DumpData(&text, 3, words(1), DumpDataOptions{Compact: true})
	if text.String() != "(struct point){.x = (int)1," {
		t.Errorf("short data: %q", &text)
	}
}

// With each of these, libbpf would write over its stack, read far behind the data, or not end.
func TestDumpDataDamaged(t *testing.T) {
	for name, tt := range map[string]struct {
		make func(b *rawTypes)
		want error
	}{
		"a float that is not aligned": {func(b *rawTypes) {
			b.add("s", KindStruct, 2, 1<<20, b.name("a"), 2, 8, b.name("c"), 2, 8)
			b.add("f", KindFloat, 0, 1<<16)
		}, unix.EINVAL},
		"an array far out": {func(b *rawTypes) {
			b.add("s", KindStruct, 1, 4, b.name("a"), 2, 1<<31)
			b.add("", KindArray, 0, 0, 3, 3, 2)
			b.add("int", KindInt, 0, 4, 32)
		}, unix.E2BIG},
		"an endless array": {func(b *rawTypes) {
			b.add("s", KindStruct, 1, 4, b.name("a"), 2, 0)
			b.add("", KindArray, 0, 0, 3, 3, 1<<32-1)
			b.add("e", KindStruct, 0, 0)
		}, unix.E2BIG},
		"a struct in itself": {func(b *rawTypes) { b.add("s", KindStruct, 1, 4, b.name("m"), 1, 0) }, unix.ELOOP},
		"exponential":        {exponential, unix.E2BIG},
		"a section of sections": {func(b *rawTypes) {
			b.add(".data", KindDatasec, 1, 4, 1, 0, 4)
		}, unix.EINVAL},
		"a variable of itself": {func(b *rawTypes) { b.add("v", KindVar, 0, 1, 0) }, unix.EINVAL},
		"names without end": {func(b *rawTypes) {
			b.add("", KindArray, 0, 0, 2, 3, 1<<19)
			for i := range 400 {
				b.add("", KindPtr, 0, uint32(i+3))
			}
			b.add("int", KindInt, 0, 4, 32)
		}, unix.E2BIG},
	} {
		t.Run(name, func(t *testing.T) {
			b := newRaw()
			tt.make(b)
			types := parse(t, b)
			if err := types.DumpData(io.Discard, 1, words(1), DumpDataOptions{EmitZeroes: true}); !errors.Is(err, tt.want) {
				t.Errorf("error %v, want %v", err, tt.want)
			}
		})
	}
}

// A value of the kernel's largest types. Without padding, libbpf would read behind short data.
func TestDumpDataOfTheKernel(t *testing.T) {
	k := loadKernel(t)
	task, err := k.TypeByName("task_struct", KindStruct)
	if err != nil {
		t.Fatal(err)
	}
	data := make([]byte, task.(*Composite).Size)
	for i := range data {
		data[i] = byte(i)
	}
	var text strings.Builder
	if err := k.DumpData(&text, task.ID(), data, DumpDataOptions{}); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(text.String(), "(struct task_struct){\n\t.thread_info = (struct thread_info){") ||
		strings.Count(text.String(), "\n") < 500 {
		t.Errorf("%.200s", text.String())
	}
	for _, n := range []int{0, 1, 100, len(data) / 2} {
		err := k.DumpData(io.Discard, task.ID(), data[:n:n], DumpDataOptions{EmitZeroes: true})
		if !errors.Is(err, unix.E2BIG) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

func FuzzDumpData(f *testing.F) {
	seed := func(b *rawTypes, data string) {
		types, names := seedOf(b)
		f.Add(types, names, []byte(data), uint8(4))
	}
	seed(everyKind(), "some bytes of a value, as long as the struct")
	small := newRaw()
	zeroSizeMember(small)
	anonymousCycle(small)
	seed(small, "bytes")
	f.Fuzz(mutate.Target(f, 20, func(t *testing.T, types, names, data []byte, flags uint8) {
		b, err := ParseRaw(typesOf(types, names).bytes())
		if err != nil {
			return
		}
		var out output
		opts := DumpDataOptions{
			Compact: flags&1 != 0, SkipNames: flags&2 != 0, EmitZeroes: flags&4 != 0, EmitStrings: flags&8 != 0,
		}
		n := min(b.NumTypes(), 64)
		for id := range n {
			mutate.Ended(b.DumpData(&out, TypeID(id+1), data, opts))
			_, _ = b.Alignment(TypeID(id + 1))
		}
		_ = b.Close()
		out.check(t, n)
	}))
}

// On a machine of 32 bits, libbpf would take the upper half of the value for a string.
func TestDumpDataOfAWideEnum(t *testing.T) {
	b := newTestBuilder(t)
	b.AddEnum("wide", 8, EnumValue{"ONE", 1})
	data := make([]byte, 8)
	nativeOrder.PutUint64(data, 7<<32)
	err := build(t, b).DumpData(io.Discard, 1, data, DumpDataOptions{})
	if math.MaxInt == math.MaxInt32 && !errors.Is(err, unix.EINVAL) || math.MaxInt != math.MaxInt32 && err != nil {
		t.Errorf("error %v", err)
	}
}
