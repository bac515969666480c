package libbpf_test

import (
	"os"
	"testing"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/needs"
)

// libbpf takes the size of a map's initial content from its definition each time that it touches or frees it. No
// sequence of setters may make the two differ: that would unmap or overwrite somebody else's memory.
func TestSettersKeepTheInitialContent(t *testing.T) {
	large, err := libbpf.CreateMap(libbpf.MapTypeArray, "large", 4, 1<<20, 1,
		libbpf.MapCreateOptions{Flags: libbpf.CreateMMapable})
	check(t, err)
	defer large.Close()
	o := openMaps(t, "")
	for _, name := range []string{".bss", ".data", ".rodata", ".data.custom"} {
		m, err := o.Map(name)
		check(t, err)
		wantErr(t, m.SetMaxEntries(1<<25), libbpf.ErrInvalid)
		check(t, m.SetMaxEntries(1))
		wantErr(t, m.SetType(libbpf.MapTypeHash), libbpf.ErrInvalid)
		check(t, m.SetType(libbpf.MapTypeArray))
		wantErr(t, m.Reuse(large), libbpf.ErrInvalid)
		if _, err := m.InitialValue(); err != nil {
			t.Error(err)
		}
	}
	load(t, o)

	hash, err := openMaps(t, "").Map("hash")
	check(t, err)
	wantErr(t, hash.Reuse(nil), libbpf.ErrClosed)
	var none *libbpf.OpenMap
	wantErr(t, none.Reuse(large), libbpf.ErrClosed)
	wantErr(t, none.ReusePinned("/nonexistent"), libbpf.ErrClosed)

	// What fits can be reused.
	o = openMaps(t, "")
	bss, err := o.Map(".bss")
	check(t, err)
	size, err := bss.ValueSize()
	check(t, err)
	same, err := libbpf.CreateMap(libbpf.MapTypeArray, "same", 4, size, 1,
		libbpf.MapCreateOptions{Flags: libbpf.CreateMMapable})
	check(t, err)
	defer same.Close()
	check(t, bss.Reuse(same))
	load(t, o)
}

// A PrintFunc may use the object that it hears of, and panic, and neither hang nor leak.
func TestPrintFuncUsesObject(t *testing.T) {
	var o *libbpf.OpenObject
	heard := 0
	b := libbpf.ObjectBuilder{Print: func(libbpf.PrintLevel, string) {
		heard++
		for range o.Maps() {
		}
		_, _ = o.Program("on_enter")
	}}
	image := readObject(t, "attach")
	o, err := b.OpenMemory(image)
	check(t, err)
	defer o.Close()
	needs.ToLoad(t, o)
	loaded, err := o.Load()
	check(t, err)
	check(t, loaded.Close())
	if heard == 0 {
		t.Error("nothing was printed")
	}

	before := openFiles(t)
	for range 20 {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			_, _ = libbpf.ObjectBuilder{Print: func(libbpf.PrintLevel, string) { panic("print") }}.OpenMemory(image)
		}()
		func() {
			armed := false
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			o, err := libbpf.ObjectBuilder{Print: func(libbpf.PrintLevel, string) {
				if armed {
					panic("print")
				}
			}}.OpenMemory(image)
			check(t, err)
			armed = true
			_, _ = o.Load()
		}()
	}
	if after := openFiles(t); after != before {
		t.Errorf("%d descriptors, %d before", after, before)
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	check(t, err)
	return len(entries)
}

func TestStructOpsSettersKeepTheInitialContent(t *testing.T) {
	testutil.Root(t)
	large, err := libbpf.CreateMap(libbpf.MapTypeArray, "large", 4, 1<<20, 1, libbpf.MapCreateOptions{})
	check(t, err)
	defer large.Close()
	o := open(t, "struct_ops")
	m, err := o.Map("congestion")
	check(t, err)
	wantErr(t, m.SetValueSize(1<<24), libbpf.ErrInvalid)
	wantErr(t, m.SetMaxEntries(2), libbpf.ErrInvalid)
	wantErr(t, m.SetType(libbpf.MapTypeArray), libbpf.ErrInvalid)
	wantErr(t, m.Reuse(large), libbpf.ErrInvalid)
	wantErr(t, m.SetInitialValue(make([]byte, 4096)), libbpf.ErrInvalid)
	if value, err := m.InitialValue(); value != nil || err != nil {
		t.Errorf("initial value %v, %v", value, err)
	}
	congestion := findMap(t, loadStructOps(t, o), "congestion")
	hash, err := openMaps(t, "").Map("hash")
	check(t, err)
	wantErr(t, hash.Reuse(congestion), libbpf.ErrInvalid)
}
