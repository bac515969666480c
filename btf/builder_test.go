package btf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

func newTestBuilder(t *testing.T) *Builder {
	b := NewBuilder()
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func build(t *testing.T, b *Builder) *BTF {
	t.Helper()
	made, err := b.BTF()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = made.Close() })
	return made
}

func allTypes(t *testing.T, b *BTF) []Type {
	t.Helper()
	var err error
	all := slices.Collect(b.Types(&err))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func diffTypes(want, got []Type) string {
	return cmp.Diff(want, got, cmp.Exporter(func(reflect.Type) bool { return true }))
}

// addEveryKind adds the types of everyKind.
func addEveryKind(b *Builder) []TypeID {
	return []TypeID{
		b.AddInt("int", 4, IntSigned),
		b.AddPtr(7),
		b.AddArray(1, 1, 5),
		b.AddTypedef("twin", 7),
		b.AddUnion("twin", 8, Member{Name: "a", Type: 1}, Member{Name: "p", Type: 2}),
		b.AddEnum("color", 4, EnumValue{"RED", 0}, EnumValue{"GREEN", -1}),
		b.AddStruct("twin", 40, Member{"first", 1, 0, 0}, Member{"bits", 1, 32, 3}, Member{"more", 1, 35, 5},
			Member{"arr", 3, 64, 0}),
		b.AddFwd("gone", KindUnion),
		b.AddVolatile(1),
		b.AddConst(9),
		b.AddRestrict(2),
		b.AddFunc("call", LinkageGlobal, 13),
		b.AddFuncProto(1, Param{"x", 1}, Param{}),
		b.AddVar("counter", LinkageGlobal, 10),
		b.AddDatasec(".data", 8, DatasecVar{14, 4, 4}),
		b.AddFloat("double", 8),
		b.AddDeclTag("bpf_kfunc", 12, -1),
		b.AddTypeTag("user", 1),
		b.AddEnum64("wide", 8, false, EnumValue{"LOW", 1}, EnumValue{"HIGH", math.MinInt64}),
	}
}

func TestBuildEveryKind(t *testing.T) {
	want := allTypes(t, parse(t, everyKind()))
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		b := newTestBuilder(t)
		b.SetByteOrder(order)
		for i, id := range addEveryKind(b) {
			if id != TypeID(i+1) {
				t.Fatalf("type %d has the number %d: %v", i+1, id, b.Err())
			}
		}
		if next := b.NextID(); next != 20 {
			t.Errorf("the next type is %d", next)
		}
		made := build(t, b)
		if diff := diffTypes(want, allTypes(t, made)); diff != "" {
			t.Errorf("%v: types (-want +got):\n%s", order, diff)
		}
		raw, err := made.Raw()
		if err != nil || made.ByteOrder() != order || order.Uint16(raw) != 0xeb9f {
			t.Errorf("%v: the order is %v, and the raw form begins with %x, %v", order, made.ByteOrder(), raw[:2], err)
		}
		if again, err := b.Raw(); err != nil || !bytes.Equal(again, raw) {
			t.Errorf("%v: the Builder's raw form differs: %v", order, err)
		}
	}
}

func TestBuildAttributes(t *testing.T) {
	b := newTestBuilder(t)
	b.AddInt("int", 4, 0)
	b.AddTypeAttr("noderef", 1)
	b.AddFuncProto(0, Param{"x", 1})
	b.AddFunc("f", LinkageStatic, 3)
	b.AddDeclAttr("cold", 4, -1)
	if err := clib.Needs("attributes", 1, 6); err != nil {
		if !errors.Is(b.Err(), errors.ErrUnsupported) {
			t.Errorf("error %v", b.Err())
		}
		return
	}
	made := build(t, b)
	if tag, err := made.TypeByID(2); err != nil || !tag.(*Modifier).Attr || tag.Name() != "noderef" {
		t.Errorf("%v, %v", tag, err)
	}
	if tag, err := made.TypeByID(5); err != nil || !tag.(*DeclTag).Attr || tag.(*DeclTag).Component != -1 {
		t.Errorf("%v, %v", tag, err)
	}
}

func TestSplitBuilder(t *testing.T) {
	base, err := ParseRaw(everyKind().bytes())
	if err != nil {
		t.Fatal(err)
	}
	b := NewSplitBuilder(base)
	defer b.Close()
	// Others may read the base meanwhile, and close it.
	if ptr := b.AddPtr(7); ptr != 20 {
		t.Fatalf("the first type has the number %d: %v", ptr, b.Err())
	}
	b.AddStruct("mine", 16, Member{"t", 20, 0, 0}, Member{"n", 1, 64, 0})
	b.AddTypedef("twin", 21)
	raw, err := base.Raw()
	if err != nil || !bytes.Equal(raw, everyKind().bytes()) {
		t.Errorf("the base changed: %v", err)
	}
	made := build(t, b)
	more := made.Builder()
	defer more.Close()
	if id := more.AddConst(22); id != 23 {
		t.Errorf("a copy goes on with %d: %v", id, more.Err())
	}
	if err := base.Close(); err != nil {
		t.Fatal(err)
	}
	if made.Base() != base || made.NumTypes() != 22 {
		t.Errorf("base %v, %d types", made.Base(), made.NumTypes())
	}
	if typ, err := made.TypeByName("mine"); err != nil || typ.ID() != 21 {
		t.Errorf("%v, %v", typ, err)
	}
	if again := made.Builder(); !errors.Is(again.Err(), ErrClosed) {
		t.Errorf("a copy on a closed base: %v", again.Err())
	}
	// The name "twin" is the base's.
	if off, err := made.FindString("twin"); err != nil || int(off) >= len(everyKind().names) {
		t.Errorf("a name of the base is at %d, %v", off, err)
	}
	if _, err := b.BTF(); !errors.Is(err, ErrClosed) {
		t.Errorf("BTF on a closed base: %v", err)
	}
	if b := NewSplitBuilder(base); !errors.Is(b.Err(), ErrClosed) {
		t.Errorf("a Builder on a closed base: %v", b.Err())
	}
}

func TestBuilderErrors(t *testing.T) {
	long := strings.Repeat("x", 10)
	for name, tt := range map[string]struct {
		do   func(b *Builder)
		want error
	}{
		"an int without a name":    {func(b *Builder) { b.AddInt("", 4, 0) }, unix.EINVAL},
		"a NUL in the name":        {func(b *Builder) { b.AddStruct("a\x00b", 4) }, unix.EINVAL},
		"an int of 3 bytes":        {func(b *Builder) { b.AddInt("int", 3, 0) }, unix.EINVAL},
		"an unknown encoding":      {func(b *Builder) { b.AddInt("int", 4, 8) }, unix.EINVAL},
		"a float of 5 bytes":       {func(b *Builder) { b.AddFloat("f", 5) }, unix.EINVAL},
		"a member of a union at 8": {func(b *Builder) { b.AddUnion("u", 4, Member{BitOffset: 8}) }, unix.EINVAL},
		"a value without a name":   {func(b *Builder) { b.AddEnum("e", 4, EnumValue{}) }, unix.EINVAL},
		"a value of 33 bits":       {func(b *Builder) { b.AddEnum("e", 4, EnumValue{"V", 1 << 32}) }, unix.E2BIG},
		"a typedef in advance":     {func(b *Builder) { b.AddFwd("f", KindTypedef) }, unix.EINVAL},
		"an unknown linkage":       {func(b *Builder) { b.AddFunc("f", 3, 0) }, unix.EINVAL},
		"a component below -1":     {func(b *Builder) { b.AddDeclTag("tag", 0, -2) }, unix.EINVAL},
		"a number out of range":    {func(b *Builder) { b.AddPtr(1 << 31) }, unix.EINVAL},
		"no byte order":            {func(b *Builder) { b.SetByteOrder(binary.NativeEndian) }, unix.EINVAL},
		"a copy of what is not":    {func(b *Builder) { b.AddType(parse(t, everyKind()), 99) }, ErrNotFound},
		"a copy of nothing":        {func(b *Builder) { b.AddType(nil, 1) }, ErrClosed},
		"a graph of what is not":   {func(b *Builder) { b.AddReachable(parse(t, everyKind()), 99) }, ErrNotFound},
		"too many members":         {func(b *Builder) { b.AddStruct(long, 1, make([]Member, 1<<16)...) }, unix.EINVAL},
		"too many parameters":      {func(b *Builder) { b.AddFuncProto(0, make([]Param, 1<<16)...) }, unix.EINVAL},
		"a far member and bits": {func(b *Builder) {
			b.AddStruct(long, 4, Member{"a", 0, 1 << 24, 0}, Member{"b", 0, 0, 1})
		}, unix.EINVAL},
		"relocation without a base": {func(b *Builder) { b.Relocate(parse(t, everyKind())) }, unix.EINVAL},
		"dedup of damaged types":    {func(b *Builder) { b.AddPtr(99); b.Dedup(nil) }, unix.EINVAL},
		"permute with few numbers":  {func(b *Builder) { b.AddPtr(0); b.Permute(nil, nil) }, unix.EINVAL},
		"permute to one number": {func(b *Builder) {
			b.AddPtr(0)
			b.AddPtr(0)
			b.Permute([]TypeID{1, 1}, nil)
		}, unix.EINVAL},
		"permute to void":         {func(b *Builder) { b.AddPtr(0); b.Permute([]TypeID{0}, nil) }, unix.EINVAL},
		"dedup with a closed ext": {func(b *Builder) { b.Dedup(&Ext{}) }, ErrClosed},
		"types of another base":   {func(b *Builder) { b.AddBTF(parseSplit(t)) }, unix.EINVAL},
	} {
		t.Run(name, func(t *testing.T) {
			b := newTestBuilder(t)
			tt.do(b)
			if err := b.Err(); !errors.Is(err, tt.want) && !errors.Is(err, errors.ErrUnsupported) {
				t.Fatalf("error %v, want %v", err, tt.want)
			}
			text := b.Err().Error()
			if !strings.HasPrefix(text, "btf: ") || strings.Contains(text, "\n") {
				t.Errorf("%q does not say on one line what failed", text)
			}
			if id := b.AddPtr(0); id != 0 || b.Err().Error() != text {
				t.Errorf("after the error, a type got the number %d: %v", id, b.Err())
			}
			if _, err := b.BTF(); err != b.Err() {
				t.Errorf("BTF: %v", err)
			}
			if _, err := b.Raw(); err != b.Err() {
				t.Errorf("Raw: %v", err)
			}
		})
	}
	b := newTestBuilder(t)
	b.AddPtr(99)
	if _, err := b.BTF(); !errors.Is(err, unix.EINVAL) {
		t.Errorf("a type that refers to none: %v", err)
	}
	for range 2 {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := b.Raw(); !errors.Is(err, ErrClosed) || !errors.Is(b.Err(), os.ErrClosed) || b.NumTypes() != 0 {
		t.Errorf("after Close: %v, %v, %d types", err, b.Err(), b.NumTypes())
	}
}

func parseSplit(t *testing.T) *BTF {
	t.Helper()
	b, err := ParseRawSplit(splitTypes(everyKind()).bytes(), parse(t, everyKind()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

// As many members as BTF can count. One more would change the type's kind.
func TestBuildManyMembers(t *testing.T) {
	b := newTestBuilder(t)
	values := make([]EnumValue, math.MaxUint16)
	for i := range values {
		values[i] = EnumValue{fmt.Sprintf("V%d", i), int64(i)}
	}
	b.AddEnum("many", 4, values...)
	typ, err := build(t, b).TypeByID(1)
	if err != nil || len(typ.(*Enum).Values) != len(values) {
		t.Errorf("%v", err)
	}
}

func TestBuilderStrings(t *testing.T) {
	b := newTestBuilder(t)
	off := b.AddString("a string")
	if again := b.AddString("a string"); off == 0 || again != off {
		t.Errorf("the string is at %d and %d: %v", off, again, b.Err())
	}
	if found, err := b.FindString("a string"); err != nil || found != off {
		t.Errorf("FindString = %d, %v, want %d", found, err, off)
	}
	if _, err := b.FindString("string"); !errors.Is(err, ErrNotFound) {
		t.Errorf("FindString of a part: %v", err)
	}
	if s, err := build(t, b).StringByOffset(off); err != nil || s != "a string" {
		t.Errorf("%q, %v", s, err)
	}
}

func TestAddBTF(t *testing.T) {
	b := newTestBuilder(t)
	b.AddInt("first", 1, IntChar)
	if id := b.AddBTF(parse(t, everyKind())); id != 2 {
		t.Fatalf("the types begin at %d: %v", id, b.Err())
	}
	made := build(t, b)
	typ, err := made.TypeByName("twin", KindStruct)
	if err != nil || typ.ID() != 8 || typ.(*Composite).Members[3] != (Member{"arr", 4, 64, 0}) {
		t.Errorf("%v, %v", typ, err)
	}

	split := parseSplit(t)
	on := NewSplitBuilder(split.Base())
	defer on.Close()
	on.AddConst(7)
	id := on.AddBTF(split)
	if err := clib.Needs("btf__add_btf of split types", 1, 7); err != nil {
		if !errors.Is(on.Err(), errors.ErrUnsupported) {
			t.Errorf("error %v", on.Err())
		}
		return
	}
	if id != 21 {
		t.Fatalf("the types begin at %d: %v", id, on.Err())
	}
	typ, err = build(t, on).TypeByName("mine")
	if err != nil || typ.(*Composite).Members[0] != (Member{"t", 21, 0, 0}) || typ.(*Composite).Members[1].Type != 1 {
		t.Errorf("%v, %v", typ, err)
	}
}

func TestReachable(t *testing.T) {
	b := newTestBuilder(t)
	outer := b.AddStruct("outer", 16, Member{"in", 2, 0, 0}, Member{"p", 3, 64, 0})
	b.AddStruct("inner", 8, Member{"self", 4, 0, 0}) // 2
	b.AddPtr(5)                                      // 3
	b.AddPtr(2)                                      // 4
	b.AddStruct("user", 16, Member{"o", 6, 0, 0})    // 5: has outer, to which it is needed by a pointer
	b.AddTypedef("outer_t", 1)                       // 6
	b.AddInt("unused", 4, 0)                         // 7
	types := build(t, b)
	ids := func(of ...TypeID) (ids []TypeID) {
		var err error
		for typ := range types.Reachable(&err, of...) {
			ids = append(ids, typ.ID())
		}
		if err != nil {
			t.Error(err)
		}
		return ids
	}
	if got := ids(outer); !slices.Equal(got, []TypeID{4, 2, 3, 1, 6, 5}) {
		t.Errorf("the order is %v", got)
	}
	if got := ids(0); got != nil {
		t.Errorf("void has %v", got)
	}
	if got := ids(6, 5, 6); len(got) != 6 {
		t.Errorf("%v is not all, once", got)
	}
	for typ := range types.Reachable(nil, outer) {
		if typ.ID() != 4 {
			t.Error("the loop goes on after break")
		}
		break
	}
	var err error
	for range types.Reachable(&err, 99) {
	}
	if !errors.Is(err, ErrNotFound) {
		t.Errorf("a type that is not: %v", err)
	}
}

// In vmlinux's graph of task_struct, each type comes after those that its definition needs, and a copy is the same.
func TestReachableOfTheKernel(t *testing.T) {
	k := loadKernel(t)
	task, err := k.TypeByName("task_struct", KindStruct)
	if err != nil {
		t.Fatal(err)
	}
	at := make(map[TypeID]int)
	var order []TypeID
	for typ := range k.Reachable(&err, task.ID()) {
		if _, twice := at[typ.ID()]; twice {
			t.Fatalf("type %d comes twice", typ.ID())
		}
		at[typ.ID()] = len(order)
		order = append(order, typ.ID())
	}
	if err != nil || len(order) < 1000 {
		t.Fatalf("%d types: %v", len(order), err)
	}
	for _, id := range order {
		typ, err := k.TypeByID(id)
		if err != nil {
			t.Fatal(err)
		}
		for _, needs := range references(typ) {
			if _, ok := at[needs]; !ok && needs != 0 {
				t.Fatalf("type %d needs type %d, which does not come", id, needs)
			}
			if _, isPtr := typ.(*Ptr); !isPtr && typ.Kind() == KindStruct && at[needs] > at[id] {
				t.Errorf("%s comes before type %d, which is in it", typ.Name(), needs)
			}
		}
	}
	b := newTestBuilder(t)
	numbers := b.AddReachable(k, task.ID())
	if len(numbers) != len(order)+1 {
		t.Fatalf("%d types: %v", len(numbers), b.Err())
	}
	copied := build(t, b)
	for _, id := range order {
		want, err := k.TypeByID(id)
		if err != nil {
			t.Fatal(err)
		}
		got, err := copied.TypeByID(numbers[id])
		if err != nil || got.Kind() != want.Kind() || got.Name() != want.Name() {
			t.Fatalf("type %d, %s, is %v, %v", id, want.Name(), got, err)
		}
		wantRefs := references(want)
		for i, to := range references(got) {
			if to != numbers[wantRefs[i]] {
				t.Fatalf("type %d of %s refers to %d, want %d", i, want.Name(), to, numbers[wantRefs[i]])
			}
		}
	}
	a, errA := k.Size(task.ID())
	z, errZ := copied.Size(numbers[task.ID()])
	if a != z || errA != nil || errZ != nil {
		t.Errorf("the sizes are %d and %d: %v, %v", a, z, errA, errZ)
	}
}

// A chain as long as there are types needs no deep stack.
func TestReachableOfALongChain(t *testing.T) {
	raw := newRaw()
	longChain(raw)
	b := parse(t, raw)
	n := 0
	var err error
	for range b.Reachable(&err, 1) {
		n++
	}
	if err != nil || n != b.NumTypes() {
		t.Errorf("%d types, %v", n, err)
	}
}
