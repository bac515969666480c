package btf

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/mutate"
	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// needVendored skips a test of what only the vendored libbpf can do.
func needVendored(t testing.TB) {
	t.Helper()
	if !clib.Vendored() {
		_, err := RelocationsInMemory(nil)
		testutil.Skip(t, "vendored-libbpf", err)
	}
}

func relocations(t testing.TB, object string) *Relocations {
	t.Helper()
	needVendored(t)
	r, err := RelocationsInFile(testutil.Object(t, object))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func closing(t testing.TB, all []*BTF, err error) []*BTF {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, b := range all {
			if err := b.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	return all
}

func TestRelocations(t *testing.T) {
	r := relocations(t, "core")
	all := r.All()
	for _, want := range []struct {
		kind RelocationKind
		spec string
	}{
		{RelocateFieldByteOffset, "struct task_struct.pid"},
		{RelocateFieldByteSize, "struct task_struct.comm"},
		{RelocateFieldByteOffset, "struct task_struct.comm[15]"},
		{RelocateFieldSigned, "struct task_struct.pid"},
		{RelocateTypeSize, "struct task_struct"},
		{RelocateFieldExists, "struct task_struct___partly.pid"},
		{RelocateTypeExists, "struct no_such_struct___x"},
		{RelocateEnumvalExists, "enum no_such_enum::NO_SUCH_ENUMERATOR = 0"},
		{RelocateEnumvalValue, "enum sock_type::SOCK_RAW = 3"},
		{RelocateTypeIDLocal, "struct task_struct"},
		{RelocateFieldLShiftU64, "struct sk_buff.pkt_type"},
		{RelocateFieldRShiftU64, "struct sk_buff.pkt_type"},
	} {
		i := slices.IndexFunc(all, func(r Relocation) bool { return r.Kind == want.kind && r.Spec == want.spec })
		if i < 0 {
			t.Errorf("no relocation %s %s in %v", want.kind, want.spec, all)
			continue
		}
		at := all[i]
		local, err := r.Types().TypeByID(at.Type)
		if err != nil || !strings.HasPrefix(want.spec, local.Kind().String()+" "+local.Name()) {
			t.Errorf("%v is for type %v, %v", at, local, err)
		}
		if at.Section != "socket" || at.Function != "relocated" || !strings.HasPrefix(at.Access, "0") && !want.kind.ofEnum() {
			t.Errorf("%+v", at)
		}
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if len(r.All()) != 0 {
		t.Error("relocations after Close")
	}
	if _, err := r.Resolve(loadKernel(t)); !errors.Is(err, ErrClosed) {
		t.Errorf("Resolve after Close: %v", err)
	}
	if _, err := Minimize([]*Relocations{r}, loadKernel(t)); !errors.Is(err, ErrClosed) {
		t.Errorf("Minimize after Close: %v", err)
	}
	var none *Relocations
	if _, err := none.Resolve(loadKernel(t)); !errors.Is(err, ErrClosed) || none.Close() != nil || none.All() != nil {
		t.Errorf("Resolve of nil: %v", err)
	}
}

func TestRelocationErrors(t *testing.T) {
	needVendored(t)
	object, err := os.ReadFile(testutil.Object(t, "core"))
	if err != nil {
		t.Fatal(err)
	}
	otherOrder := bytes.Clone(object)
	otherOrder[5] ^= 3
	noBTF, err := os.ReadFile(testutil.Object(t, "nobtf"))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		image []byte
		is    error
	}{
		"empty":       {nil, unix.EINVAL},
		"text":        {[]byte("int x;"), unix.EINVAL},
		"other order": {otherOrder, unix.EINVAL},
		"no BTF":      {noBTF, ErrNoBTF},
	} {
		if _, err := RelocationsInMemory(c.image); !errors.Is(err, c.is) {
			t.Errorf("%s: %v, want %v", name, err, c.is)
		}
	}
	if _, err := RelocationsInFile("/nonexistent"); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	if text := RelocationKind(99).String(); text != "relocation kind 99" {
		t.Error(text)
	}
}

func TestResolve(t *testing.T) {
	r := relocations(t, "core")
	kernel := loadKernel(t)
	task, err := kernel.TypeByName("task_struct", KindStruct)
	if err != nil {
		t.Fatal(err)
	}
	resolved, err := r.Resolve(kernel)
	if err != nil {
		t.Fatal(err)
	}
	found := func(kind RelocationKind, spec string) Resolution {
		for _, x := range resolved {
			if x.Kind == kind && x.Spec == spec {
				return x
			}
		}
		t.Errorf("no relocation %s %s", kind, spec)
		return Resolution{}
	}
	pid := found(RelocateFieldByteOffset, "struct task_struct.pid")
	for _, m := range task.(*Composite).Members {
		if m.Name == "pid" && uint64(m.BitOffset/8) != pid.New {
			t.Errorf("pid is at %d, and not at %d", pid.New, m.BitOffset/8)
		}
	}
	if pid.In != kernel || pid.Target != task.ID() || pid.TargetSpec != "struct task_struct.pid" || pid.Poisoned {
		t.Errorf("%+v", pid)
	}
	size := found(RelocateTypeSize, "struct task_struct")
	if size.New != uint64(task.(*Composite).Size) {
		t.Errorf("%+v", size)
	}
	partly := found(RelocateFieldExists, "struct task_struct___partly.pid")
	if partly.New != 1 || partly.TargetSpec != "struct task_struct.pid" {
		t.Errorf("%+v", partly)
	}
	missing := found(RelocateFieldExists, "struct task_struct___partly.no_such_member")
	if missing.Old != 1 || missing.New != 0 || missing.Poisoned || missing.In != nil {
		t.Errorf("%+v", missing)
	}
	poisoned := found(RelocateFieldByteOffset, "struct no_such_struct___x.member")
	if !poisoned.Poisoned || poisoned.In != nil {
		t.Errorf("%+v", poisoned)
	}
	for _, x := range resolved {
		if x.Err != nil {
			t.Errorf("%v: %v", x.Relocation, x.Err)
		}
	}
}

// The relocations still need their types when somebody closes them.
func TestResolveWithClosedTypes(t *testing.T) {
	r := relocations(t, "core")
	want, err := r.Resolve(loadKernel(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Types().Close(); err != nil {
		t.Fatal(err)
	}
	sameResolutions(t, r, want, loadKernel(t))
}

// sameResolutions checks that types resolve relocations as the kernel's do, but for the numbers of types.
func sameResolutions(t *testing.T, r *Relocations, want []Resolution, in ...*BTF) {
	t.Helper()
	got, err := r.Resolve(in[0], in[1:]...)
	if err != nil {
		t.Fatal(err)
	}
	for i := range want {
		w, g := want[i], got[i]
		if g.Err != nil || g.Old != w.Old || g.New != w.New || g.Poisoned != w.Poisoned || g.TargetSpec != w.TargetSpec {
			t.Errorf("%v: %+v, want %+v", w.Relocation, g, w)
		}
	}
}

func TestMinimize(t *testing.T) {
	r, types := relocations(t, "core"), relocations(t, "types")
	kernel := loadKernel(t)
	want, err := r.Resolve(kernel)
	if err != nil {
		t.Fatal(err)
	}
	all, err := Minimize([]*Relocations{types, r}, kernel)
	minimal := closing(t, all, err)[0]
	sameResolutions(t, r, want, minimal)
	raw, err := minimal.Raw()
	if err != nil || len(raw) > 4096 || len(raw) < 200 {
		t.Errorf("%d bytes, %v", len(raw), err)
	}
	if err := minimal.Check(); err != nil {
		t.Error(err)
	}
	again, err := ParseRaw(raw)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	sameResolutions(t, r, want, again)
	// What is minimal stays as it is.
	all, err = Minimize([]*Relocations{r}, again)
	twice := closing(t, all, err)[0]
	if raw2, err := twice.Raw(); err != nil || !bytes.Equal(raw, raw2) {
		t.Errorf("minimizing again gives %d bytes and not %d, %v", len(raw2), len(raw), err)
	}

	all, err = Minimize(nil, kernel)
	if empty := closing(t, all, err)[0]; empty.NumTypes() != 0 {
		t.Errorf("%d types for no relocations", empty.NumTypes())
	}
	if _, err := Minimize(nil, nil); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}

// fakeKernel has a module with the task_struct of core.bpf.c, whose members have types of the kernel's.
func fakeKernel(t testing.TB) (kernel, module *BTF) {
	t.Helper()
	b := NewBuilder()
	defer b.Close()
	number := b.AddInt("int", 4, IntSigned)
	unused := b.AddInt("unused", 8, 0)
	pid := b.AddTypedef("pid_t", number)
	char := b.AddInt("char", 1, IntChar)
	comm := b.AddArray(char, number, 16)
	b.AddStruct("list_head", 16)
	kernel, err := b.BTF()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = kernel.Close() })
	m := NewSplitBuilder(kernel)
	defer m.Close()
	m.AddInt("other", 4, 0)
	m.AddStruct("task_struct", 64, Member{Name: "unused", Type: unused}, Member{Name: "pid", Type: pid, BitOffset: 64},
		Member{Name: "comm", Type: comm, BitOffset: 96})
	module, err = m.BTF()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = module.Close() })
	return kernel, module
}

func TestMinimizeModules(t *testing.T) {
	r := relocations(t, "core")
	kernel, module := fakeKernel(t)
	want, err := r.Resolve(kernel, module)
	if err != nil {
		t.Fatal(err)
	}
	inModule := 0
	for _, x := range want {
		if x.In == module && x.Spec == "struct task_struct.pid" && x.Kind == RelocateFieldByteOffset {
			inModule++
			if x.New != 8 || x.Target != 8 {
				t.Errorf("%+v", x)
			}
		}
	}
	if inModule != 1 {
		t.Errorf("%d relocations resolve to the module's pid", inModule)
	}
	minimal, err := Minimize([]*Relocations{r}, kernel, module)
	closing(t, minimal, err)
	if n := len(minimal); n != 2 {
		t.Fatalf("%d results", n)
	}
	sameResolutions(t, r, want, minimal...)
	if base, all := minimal[0].NumTypes(), minimal[1].NumTypes(); base != 4 || all != 5 {
		t.Errorf("%d types for the kernel, %d with the module's", base, all)
	}
	task, err := minimal[1].TypeByName("task_struct", KindStruct)
	if err != nil || len(task.(*Composite).Members) != 2 {
		t.Errorf("%+v, %v", task, err)
	}
	if _, err := r.Resolve(loadKernel(t), module); !errors.Is(err, unix.EINVAL) {
		t.Errorf("a module of another kernel: %v", err)
	}
}

// A damaged object, or a damaged kernel, gives errors. libbpf would loop, divide by zero or read out of bounds.
func TestRelocationsDamaged(t *testing.T) {
	r := relocations(t, "core")
	for name, damage := range map[string]func(b *rawTypes){
		"typedef of itself": func(b *rawTypes) {
			b.add("task_struct", KindStruct, 1, 8, b.name("pid"), 2, 0)
			b.add("t", KindTypedef, 0, 2)
		},
		"bit field of nothing": func(b *rawTypes) {
			b.add("sk_buff", KindStruct|kflag, 1, 8, b.name("pkt_type"), 2, 3<<24)
			b.add("", KindPtr, 0, 0)
		},
		"struct in itself": func(b *rawTypes) { b.add("task_struct", KindStruct, 1, 8, 0, 1, 0) },
	} {
		b := newRaw()
		damage(b)
		kernel, err := ParseRaw(b.bytes())
		if err != nil {
			t.Fatal(name, err)
		}
		resolved, err := r.Resolve(kernel)
		if err != nil {
			t.Fatal(name, err)
		}
		failed := 0
		for _, x := range resolved {
			if x.Err != nil {
				failed++
			}
		}
		if failed == 0 {
			t.Errorf("%s: no relocation failed", name)
		}
		all, err := Minimize([]*Relocations{r}, kernel)
		closing(t, all, err)
		_ = kernel.Close()
	}
}

// FuzzRelocations changes bytes of an object and of the types of a kernel.
func FuzzRelocations(f *testing.F) {
	needVendored(f)
	object, err := os.ReadFile(testutil.Object(f, "core"))
	if err != nil {
		f.Fatal(err)
	}
	r := relocations(f, "core")
	minimal, err := Minimize([]*Relocations{r}, loadKernel(f))
	if err != nil {
		f.Fatal(err)
	}
	target, err := minimal[0].Raw()
	if err != nil {
		f.Fatal(err)
	}
	_ = minimal[0].Close()
	f.Add(uint32(0), byte(0), uint32(0), byte(0), uint32(0), byte(0), uint32(0), byte(0))
	f.Fuzz(mutate.Target(f, 50, func(t *testing.T, at uint32, flip byte, at2 uint32, flip2 byte, at3 uint32, flip3 byte, at4 uint32, flip4 byte) {
		image, types := bytes.Clone(object), bytes.Clone(target)
		image[int(at)%len(image)] ^= flip
		image[int(at2)%len(image)] ^= flip2
		types[int(at3)%len(types)] ^= flip3
		types[int(at4)%len(types)] ^= flip4
		r, err := RelocationsInMemory(image)
		mutate.Ended(err)
		if err != nil {
			return
		}
		defer r.Close()
		kernel, err := ParseRaw(types)
		mutate.Ended(err)
		if err != nil {
			return
		}
		defer kernel.Close()
		if _, err := r.Resolve(kernel); err != nil {
			t.Error(err)
		}
		if all, err := Minimize([]*Relocations{r}, kernel); err == nil {
			closing(t, all, nil)
		}
	}))
}
