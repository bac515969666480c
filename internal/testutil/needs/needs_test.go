package needs

import (
	"errors"
	"testing"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// A hook that no kernel has is missing, one that all kernels have is not, and programs that the object will not load
// are ignored.
func TestMissing(t *testing.T) {
	testutil.Root(t)
	for _, c := range []struct {
		hook hook
		want bool
	}{
		{hook{typ: libbpf.ProgramTypeSocketFilter}, false},
		{hook{typ: libbpf.ProgramTypeXDP, attachType: libbpf.AttachTypeXDP}, false},
		{hook{typ: libbpf.ProgramTypeRawTracepoint}, false},
		{hook{typ: libbpf.ProgramType(1000)}, true},
		{hook{typ: libbpf.ProgramTypeTracing, attachType: libbpf.AttachTypeTraceIter, target: "no_such_thing"}, true},
	} {
		for range 2 { // by trying, and then from the cache
			cause, err := c.hook.refusal()
			if err != nil || (cause != nil) != c.want {
				t.Errorf("%+v: refused: %v, %v", c.hook, cause, err)
			}
		}
	}

	o, err := libbpf.OpenFile(testutil.Object(t, "smallest"))
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	p, err := o.Program("smallest")
	if err != nil {
		t.Fatal(err)
	}
	for _, loaded := range []bool{true, false} {
		if err := errors.Join(p.SetType(libbpf.ProgramType(1000)), p.SetAutoload(loaded)); err != nil {
			t.Fatal(err)
		}
		if feature, cause, err := missing(o); err != nil || (cause != nil) != loaded {
			t.Errorf("to be loaded: %t, missing: %q, %v, %v", loaded, feature, cause, err)
		}
	}
}
