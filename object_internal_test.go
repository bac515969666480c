package libbpf

import (
	"errors"
	"sync"
	"testing"

	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// Close during Load returns at once, and Load closes what it has loaded.
func TestCloseWhileLoading(t *testing.T) {
	o, err := OpenFile(testutil.Object(t, "attach"))
	if err != nil {
		t.Fatal(err)
	}
	if err := o.beginLoad(); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Map("counts"); !errors.Is(err, ErrLoaded) {
		t.Errorf("error %v of a view while loading", err)
	}
	if _, err := o.Load(); !errors.Is(err, ErrLoaded) {
		t.Errorf("error %v of a second Load", err)
	}
	if err := o.Close(); err != nil {
		t.Error(err)
	}
	if o.ptr == nil {
		t.Fatal("Close freed what Load uses")
	}
	if loaded, err := o.loaded(); loaded != nil || !errors.Is(err, ErrClosed) {
		t.Errorf("handed over: %v, %v", loaded, err)
	}
	o.endLoad()
	if o.ptr != nil {
		t.Error("Load did not free the object")
	}
	if _, err := o.Map("counts"); !errors.Is(err, ErrClosed) {
		t.Errorf("error %v of a view after Close", err)
	}
}

func TestNewSections(t *testing.T) {
	for section, minor := range map[string]int{
		"tcx/ingress": 3, "tcx/ingress/x": 0, "uprobe.multi": 3, "uprobe.multi//bin/sh:x": 3, "uprobe.multis": 0,
		"uprobe.session.s/x": 6, "kprobe.session/do_*": 5, "fsession/x": 7, "kprobe/x": 0, "nope": 0, "": 0,
	} {
		if got := sectionMinor(section); got != minor {
			t.Errorf("section %q came with 1.%d, want 1.%d", section, got, minor)
		}
	}
}

// Load, Close and views of one object run at the same time, in every order. Everything is freed exactly once.
func TestLoadRacesWithClose(t *testing.T) {
	testutil.Root(t)
	alone, err := OpenFile(testutil.Object(t, "attach"))
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := alone.Load()
	if err != nil && testutil.Refused(err) {
		testutil.Skip(t, "tp_btf", err)
	}
	_ = loaded.Close()
	for range 20 {
		o, err := OpenFile(testutil.Object(t, "attach"))
		if err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for _, f := range []func(){
			func() {
				loaded, err := o.Load()
				if err != nil && !errors.Is(err, ErrClosed) {
					t.Errorf("load: %v", err)
				}
				_ = loaded.Close()
			},
			func() { _ = o.Close() },
			func() {
				for m := range o.Maps() {
					_, _ = m.Type()
				}
			},
		} {
			all.Go(f)
		}
		all.Wait()
		if o.ptr != nil {
			t.Fatal("the object is left")
		}
	}
}

// C code may make a struct_ops of global data. libbpf would use a definition that it does not have.
func TestStructOpsOfGlobalData(t *testing.T) {
	o, err := OpenFile(testutil.Object(t, "globals"))
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	m, err := o.Map(".bss")
	if err != nil {
		t.Fatal(err)
	}
	if ret := setMapType(m.ptr, MapTypeStructOps); ret != 0 {
		t.Fatal(ret)
	}
	testutil.WantErr(t, checkStructOps(o.ptr), ErrInvalid)
	if ret := setMapType(m.ptr, MapTypeArray); ret != 0 { // Close needs it to compute the size of the data
		t.Error(ret)
	}
}
