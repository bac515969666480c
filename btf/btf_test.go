package btf

import (
	"bytes"
	"errors"
	"io"
	"iter"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

func parse(t *testing.T, b *rawTypes) *BTF {
	t.Helper()
	parsed, err := ParseRaw(b.bytes())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = parsed.Close() })
	return parsed
}

var kernel = sync.OnceValues(func() (*BTF, error) {
	k, err := LoadKernel()
	testutil.Finally(func() { _ = k.Close() })
	return k, err
})

func loadKernel(t testing.TB) *BTF {
	t.Helper()
	k, err := kernel()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestEveryKind(t *testing.T) {
	b := parse(t, everyKind())
	h := func(id TypeID, kind Kind, name string) header { return header{id, kind, name} }
	want := []Type{
		&Int{header: h(1, KindInt, "int"), Size: 4, Bits: 32, Signed: true},
		&Ptr{h(2, KindPtr, ""), 7},
		&Array{h(3, KindArray, ""), 1, 1, 5},
		&Typedef{h(4, KindTypedef, "twin"), 7},
		&Composite{h(5, KindUnion, "twin"), 8, []Member{{"a", 1, 0, 0}, {"p", 2, 0, 0}}},
		&Enum{h(6, KindEnum, "color"), 4, true, []EnumValue{{"RED", 0}, {"GREEN", -1}}},
		&Composite{h(7, KindStruct, "twin"), 40,
			[]Member{{"first", 1, 0, 0}, {"bits", 1, 32, 3}, {"more", 1, 35, 5}, {"arr", 3, 64, 0}}},
		&Fwd{h(8, KindFwd, "gone"), true},
		&Modifier{h(9, KindVolatile, ""), 1, false},
		&Modifier{h(10, KindConst, ""), 9, false},
		&Modifier{h(11, KindRestrict, ""), 2, false},
		&Func{h(12, KindFunc, "call"), 13, LinkageGlobal},
		&FuncProto{h(13, KindFuncProto, ""), 1, []Param{{"x", 1}, {"", 0}}},
		&Var{h(14, KindVar, "counter"), 10, LinkageGlobal},
		&Datasec{h(15, KindDatasec, ".data"), 8, []DatasecVar{{14, 4, 4}}},
		&Float{h(16, KindFloat, "double"), 8},
		&DeclTag{h(17, KindDeclTag, "bpf_kfunc"), 12, -1, false},
		&Modifier{h(18, KindTypeTag, "user"), 1, false},
		&Enum{h(19, KindEnum64, "wide"), 8, false, []EnumValue{{"LOW", 1}, {"HIGH", -1 << 63}}},
	}
	var err error
	got := slices.Collect(b.Types(&err))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmp.Exporter(func(reflect.Type) bool { return true })); diff != "" {
		t.Errorf("types (-want +got):\n%s", diff)
	}
	if b.NumTypes() != len(want) {
		t.Errorf("NumTypes() = %d, want %d", b.NumTypes(), len(want))
	}
	if void, err := b.TypeByID(0); err != nil || void.Kind() != KindVoid {
		t.Errorf("TypeByID(0) = %v, %v, want void", void, err)
	}
	for _, typ := range want {
		if strings.HasPrefix(typ.Kind().String(), "kind ") {
			t.Errorf("kind %d has no name", typ.Kind())
		}
	}
}

func TestUnknownKind(t *testing.T) {
	name := func(uint32) (string, error) { return "later", nil }
	for kind := KindEnum64 + 1; kind < 32; kind++ {
		info := uint32(kind)<<24 | 7
		words := []uint32{1, info, 2}
		if n := typeWords(info); n != len(words) {
			t.Fatalf("typeWords of kind %d = %d, want %d", kind, n, len(words))
		}
		got, err := decodeType(9, words, name)
		if err != nil || got.Kind() != kind || got.Name() != "later" {
			t.Errorf("decodeType of kind %d = %v, %v", kind, got, err)
		}
		if _, ok := got.(*Unknown); !ok || !strings.HasPrefix(kind.String(), "kind ") {
			t.Errorf("kind %d is a %T named %s", kind, got, kind)
		}
	}
}

func TestLookup(t *testing.T) {
	b := parse(t, everyKind())
	tests := []struct {
		name  string
		kinds []Kind
		want  TypeID
	}{
		{"twin", nil, 4},
		{"twin", []Kind{KindTypedef}, 4},
		{"twin", []Kind{KindUnion}, 5},
		{"twin", []Kind{KindStruct}, 7},
		{"twin", []Kind{KindEnum, KindStruct, KindUnion}, 7},
		{"wide", []Kind{KindEnum64}, 19},
		{"void", nil, 0},
		{"void", []Kind{KindVoid}, 0},
	}
	for _, tt := range tests {
		got, err := b.TypeByName(tt.name, tt.kinds...)
		if err != nil {
			t.Errorf("TypeByName(%q, %v): %v", tt.name, tt.kinds, err)
		} else if got.ID() != tt.want {
			t.Errorf("TypeByName(%q, %v) = %d, want %d", tt.name, tt.kinds, got.ID(), tt.want)
		}
	}
	missing := []struct {
		name  string
		kinds []Kind
	}{
		{"twin", []Kind{KindEnum}},
		{"void", []Kind{KindStruct}},
		{"int", []Kind{KindVoid}},
		{"", nil},
		{"", []Kind{KindPtr}},
		{"no such", nil},
		{"twin\x00", nil},
		{"twin", []Kind{31}},
	}
	for _, tt := range missing {
		if got, err := b.TypeByName(tt.name, tt.kinds...); !errors.Is(err, ErrNotFound) {
			t.Errorf("TypeByName(%q, %v) = %v, %v, want ErrNotFound", tt.name, tt.kinds, got, err)
		}
	}
	for _, id := range []TypeID{20, 1 << 31, 0xffffffff} {
		if _, err := b.TypeByID(id); !errors.Is(err, ErrNotFound) {
			t.Errorf("TypeByID(%d): %v, want ErrNotFound", id, err)
		}
		if _, err := b.Size(id); !errors.Is(err, ErrNotFound) {
			t.Errorf("Size(%d): %v, want ErrNotFound", id, err)
		}
		if _, err := b.Resolve(id); !errors.Is(err, ErrNotFound) {
			t.Errorf("Resolve(%d): %v, want ErrNotFound", id, err)
		}
		if _, err := b.Declaration(id, "x"); !errors.Is(err, ErrNotFound) {
			t.Errorf("Declaration(%d): %v, want ErrNotFound", id, err)
		}
	}
}

func TestSizeResolveDeclaration(t *testing.T) {
	b := parse(t, everyKind())
	tests := []struct {
		id       TypeID
		size     int // -1: it has none
		resolved TypeID
		decl     string
	}{
		{0, -1, 0, "void x"},
		{1, 4, 1, "int x"},
		{2, 8, 2, "struct twin *x"},
		{3, 20, 3, "int x[5]"},
		{4, 40, 7, "twin x"},
		{5, 8, 5, "union twin x"},
		{6, 4, 6, "enum color x"},
		{8, -1, 8, "union gone x"},
		{10, 4, 1, "volatile const int x"},
		{11, 8, 2, "struct twin * restrict x"},
		{12, -1, 12, ""},
		{13, -1, 13, "int x(int x, ...)"},
		{14, 4, 1, ""},
		{15, 8, 15, ""},
		{16, 8, 16, "double x"},
		{19, 8, 19, "enum wide x"},
	}
	for _, tt := range tests {
		size, err := b.Size(tt.id)
		switch {
		case tt.size < 0 && err == nil:
			t.Errorf("Size(%d) = %d, want an error", tt.id, size)
		case tt.size >= 0 && (err != nil || size != tt.size):
			t.Errorf("Size(%d) = %d, %v, want %d", tt.id, size, err, tt.size)
		}
		if got, err := b.Resolve(tt.id); err != nil || got.ID() != tt.resolved {
			t.Errorf("Resolve(%d) = %v, %v, want %d", tt.id, got, err, tt.resolved)
		}
		if tt.decl == "" {
			continue
		}
		if got, err := b.Declaration(tt.id, "x"); err != nil || got != tt.decl {
			t.Errorf("Declaration(%d) = %q, %v, want %q", tt.id, got, err, tt.decl)
		}
	}
}

func TestRawRoundTrip(t *testing.T) {
	want := everyKind().bytes()
	got, err := parse(t, everyKind()).Raw()
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("Raw() = %d bytes, %v, want the %d that were parsed", len(got), err, len(want))
	}
}

func TestNilAndClosed(t *testing.T) {
	b, err := ParseRaw(everyKind().bytes())
	if err != nil {
		t.Fatal(err)
	}
	kept, err := b.TypeByName("twin", KindStruct)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if m := kept.(*Composite).Members; m[3].Name != "arr" {
		t.Errorf("after Close, a type that was read has the member %v", m[3])
	}
	for name, b := range map[string]*BTF{"nil": nil, "closed": b} {
		check := func(what string, err error) {
			t.Helper()
			if !errors.Is(err, ErrClosed) || !errors.Is(err, os.ErrClosed) {
				t.Errorf("%s.%s: %v, want ErrClosed", name, what, err)
			}
		}
		_, err := b.TypeByID(1)
		check("TypeByID", err)
		_, err = b.TypeByName("int")
		check("TypeByName", err)
		_, err = b.Resolve(1)
		check("Resolve", err)
		_, err = b.Size(1)
		check("Size", err)
		_, err = b.Raw()
		check("Raw", err)
		_, err = b.Declaration(1, "x")
		check("Declaration", err)
		_, err = LoadModule("none", b)
		check("LoadModule", err)
		_, err = b.Alignment(1)
		check("Alignment", err)
		_, err = b.StringByOffset(1)
		check("StringByOffset", err)
		_, err = b.FindString("int")
		check("FindString", err)
		_, err = ParseRawSplit(everyKind().bytes(), b)
		check("ParseRawSplit", err)
		_, err = FromIDSplit(1, b)
		check("FromIDSplit", err)
		check("Builder", b.Builder().Err())
		for range b.TypesByName("int", &err) {
			t.Errorf("%s.TypesByName yields a type", name)
		}
		check("TypesByName", err)
		for range b.Reachable(&err, 1) {
			t.Errorf("%s.Reachable yields a type", name)
		}
		check("Reachable", err)
		check("DumpData", b.DumpData(&bytes.Buffer{}, 1, nil, DumpDataOptions{}))
		_, _, err = b.DistillBase()
		check("DistillBase", err)
		check("LoadIntoKernel", b.LoadIntoKernel(LoadOptions{}))
		check("UseFD", b.UseFD(func(int) error { return nil }))
		check("DumpC", b.DumpC(&bytes.Buffer{}, DumpCOptions{}))
		for range b.Types(&err) {
			t.Errorf("%s.Types yields a type", name)
		}
		check("Types", err)
		for range b.Types(nil) {
			t.Errorf("%s.Types yields a type", name)
		}
	}
	var none *BTF
	if none.NumTypes() != 0 || none.PointerSize() != 0 || none.Close() != nil || none.Base() != nil ||
		none.ByteOrder() != nil {
		t.Error("a nil BTF is not empty")
	}
}

// Close runs while others read. Without the use count, they would read freed memory.
func TestCloseRace(t *testing.T) {
	for range 50 {
		b, err := ParseRaw(everyKind().bytes())
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		start := make(chan struct{})
		for range 4 {
			wg.Go(func() {
				<-start
				for i := 0; ; i++ {
					typ, err := b.TypeByName("twin", KindStruct)
					if err == nil && len(typ.(*Composite).Members) != 4 {
						t.Error("a struct lost members")
					}
					if _, rawErr := b.Raw(); err == nil {
						err = rawErr
					}
					if errors.Is(err, ErrClosed) {
						return
					}
					if err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		wg.Go(func() {
			<-start
			if err := b.DumpC(&bytes.Buffer{}, DumpCOptions{}); err != nil && !errors.Is(err, ErrClosed) {
				t.Error(err)
			}
		})
		for range 2 {
			wg.Go(func() {
				<-start
				_ = b.Close()
			})
		}
		close(start)
		wg.Wait()
	}
}

func TestCloseWhileInUse(t *testing.T) {
	b, err := ParseRaw(everyKind().bytes())
	if err != nil {
		t.Fatal(err)
	}
	var types int
	for range b.Types(&err) {
		_ = b.Close()
		types++
	}
	if err != nil || types != 19 {
		t.Errorf("Close within the iteration: %d types, %v, want 19", types, err)
	}
	if _, err := b.TypeByID(1); !errors.Is(err, ErrClosed) {
		t.Errorf("after the iteration: %v, want ErrClosed", err)
	}
}

func TestParseErrors(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	tests := []struct {
		path string
		want error
	}{
		{filepath.Join(dir, "missing"), os.ErrNotExist},
		{"", unix.EINVAL},
		{"a\x00b", unix.EINVAL},
		{dir, nil},
		{write("empty", nil), nil},
		{write("text", []byte("no BTF in here")), nil},
		{write("short", everyKind().bytes()[:40]), unix.EINVAL},
		{os.Args[0], ErrNoBTF},
	}
	for _, tt := range tests {
		b, err := Parse(tt.path)
		if err == nil || b != nil || tt.want != nil && !errors.Is(err, tt.want) {
			t.Errorf("Parse(%q) = %v, %v, want %v", tt.path, b, err, tt.want)
		} else if !strings.HasPrefix(err.Error(), "btf: parse ") || strings.Contains(err.Error(), "\n") {
			t.Errorf("Parse(%q): %q does not say what failed on one line", tt.path, err)
		}
	}
	if b, err := Parse(write("good", everyKind().bytes())); err != nil {
		t.Error(err)
	} else {
		if b.NumTypes() != 19 {
			t.Errorf("NumTypes() = %d, want 19", b.NumTypes())
		}
		_ = b.Close()
	}
	for _, data := range [][]byte{nil, {}, {1}, []byte("\x9f\xeb")} {
		if _, err := ParseRaw(data); !errors.Is(err, unix.EINVAL) {
			t.Errorf("ParseRaw(%q): %v, want EINVAL", data, err)
		}
	}
	for _, name := range []string{"", ".", "../vmlinux", "a/b", "a\x00"} {
		if _, err := LoadModule(name, loadKernel(t)); !errors.Is(err, unix.EINVAL) {
			t.Errorf("LoadModule(%q): %v, want EINVAL", name, err)
		}
	}
	if _, err := LoadModule("no_such_module", loadKernel(t)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("LoadModule of a missing module: %v, want ErrNotExist", err)
	}
}

func TestOtherByteOrder(t *testing.T) {
	raw := everyKind().bytes()
	swapped := bytes.Clone(raw)
	words := len(everyKind().types)
	slices.Reverse(swapped[0:2])
	for at := 4; at < 24+4*words; at += 4 {
		slices.Reverse(swapped[at : at+4])
	}
	b, err := ParseRaw(swapped)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	typ, err := b.TypeByName("twin", KindStruct)
	if err != nil || typ.(*Composite).Members[2] != (Member{"more", 1, 35, 5}) {
		t.Errorf("twin = %v, %v", typ, err)
	}
	if got, err := b.Raw(); err != nil || !bytes.Equal(got, swapped) {
		t.Errorf("Raw() differs from what was parsed: %v", err)
	}
}

func TestKernel(t *testing.T) {
	k := loadKernel(t)
	if k.NumTypes() < 10_000 || k.PointerSize() != 8 {
		t.Errorf("%d types, pointers of %d bytes", k.NumTypes(), k.PointerSize())
	}
	task, err := k.TypeByName("task_struct", KindStruct)
	if err != nil {
		t.Fatal(err)
	}
	size, err := k.Size(task.ID())
	if err != nil || size != int(task.(*Composite).Size) || size < 1000 {
		t.Errorf("size of task_struct = %d, %v", size, err)
	}
	i := slices.IndexFunc(task.(*Composite).Members, func(m Member) bool { return m.Name == "comm" })
	if i < 0 {
		t.Fatal("task_struct has no comm")
	}
	comm := task.(*Composite).Members[i]
	if size, err := k.Size(comm.Type); err != nil || size != 16 {
		t.Errorf("size of comm = %d, %v, want 16", size, err)
	}
	if decl, err := k.Declaration(comm.Type, comm.Name); err != nil || decl != "char comm[16]" {
		t.Errorf("comm is %q, %v", decl, err)
	}
	if _, err := k.TypeByName("pid_t", KindTypedef); err != nil {
		t.Error(err)
	}
}

func TestDumpC(t *testing.T) {
	b := parse(t, everyKind())
	var text bytes.Buffer
	if err := b.DumpC(&text, DumpCOptions{IncludeGuard: "GUARD_H"}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"#ifndef GUARD_H\n#define GUARD_H\n",
		"preserve_access_index",
		"struct twin {\n\tint first;\n\tint bits: 3;\n\tint more: 5;\n\tint arr[5];\n",
		"union twin___2 {",
		"\tRED = 0,\n\tGREEN = -1,\n",
		"HIGH = 9223372036854775808ULL,",
		"typedef struct twin twin;",
		"extern int call(int x, ...) __weak __ksym;\n",
		"#pragma clang attribute pop\n#endif\n\n#endif /* GUARD_H */\n",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the dump lacks %q:\n%s", want, &text)
		}
	}
}

type failingWriter struct{ left int }

var errFull = errors.New("full")

func (w *failingWriter) Write(p []byte) (int, error) {
	if w.left -= len(p); w.left < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestDumpCWriteError(t *testing.T) {
	for _, size := range []int{0, 1000, 200_000, 1_000_000} {
		if err := loadKernel(t).DumpC(&failingWriter{size}, DumpCOptions{}); !errors.Is(err, errFull) {
			t.Errorf("after %d bytes: %v, want the writer's error", size, err)
		}
	}
}

// BPF programs include the header, so the test compiles it.
func TestKernelDumpCompiles(t *testing.T) {
	clang, err := exec.LookPath("clang")
	if err != nil {
		testutil.Skip(t, "toolchain", err)
	}
	dir := t.TempDir()
	header, err := os.Create(filepath.Join(dir, "vmlinux.h"))
	if err != nil {
		t.Fatal(err)
	}
	defer header.Close()
	if err := loadKernel(t).DumpC(header, DumpCOptions{}); err != nil {
		t.Fatal(err)
	}
	const program = `
#include "vmlinux.h"
#include "vmlinux.h"
int parent(struct task_struct *task) { return task->real_parent->tgid; }
`
	source, object := filepath.Join(dir, "probe.bpf.c"), filepath.Join(dir, "probe.bpf.o")
	if err := os.WriteFile(source, []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(clang, "-g", "-O2", "-Wall", "-Werror", "-fms-extensions",
		"-Wno-microsoft-anon-tag", "-target", "bpf", "-c", source, "-o", object).
		CombinedOutput()
	if err != nil {
		t.Fatalf("clang: %v\n%s", err, out)
	}
	b, err := Parse(object)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if _, err := b.TypeByName("task_struct", KindStruct); err != nil {
		t.Error(err)
	}
	// The .BTF.ext section only has this string if accesses to the struct are relocated.
	data, err := os.ReadFile(object)
	if err != nil || !bytes.Contains(data, []byte("0:")) {
		t.Errorf("the object has no access strings: %v", err)
	}
}

// No size is negative, in a 32-bit program either.
func TestSizeOfLargeType(t *testing.T) {
	b := NewBuilder()
	defer b.Close()
	large := b.AddStruct("large", 1<<32-1)
	types, err := b.BTF()
	testutil.Check(t, err)
	defer types.Close()
	size, err := types.Size(large)
	if math.MaxInt == math.MaxInt32 {
		if !errors.Is(err, unix.E2BIG) {
			t.Errorf("%d bytes, %v", size, err)
		}
	} else if err != nil || int64(size) != 1<<32-1 {
		t.Errorf("%d bytes, %v", size, err)
	}
}

// What the body of a loop leaves in *err stays there: a return out of the loop may be by the same variable.
func TestReturnFromIteration(t *testing.T) {
	b := parse(t, everyKind())
	for name, all := range map[string]func(err *error) iter.Seq[Type]{
		"Types":       b.Types,
		"TypesByName": func(err *error) iter.Seq[Type] { return b.TypesByName("twin", err) },
		"Reachable":   func(err *error) iter.Seq[Type] { return b.Reachable(err, 7) },
	} {
		first := func() (err error) {
			for range all(&err) {
				return io.EOF
			}
			return err
		}
		if err := first(); err != io.EOF {
			t.Errorf("%s: the error is %v", name, err)
		}
	}
}
