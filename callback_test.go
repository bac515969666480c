package libbpf_test

import (
	"context"
	"runtime"
	"testing"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/needs"
)

// What runs user code while it uses something lets that code close it. The use completes, or says that it is closed; what
// comes later is closed.
func TestCloseInBody(t *testing.T) {
	type closer interface{ Close() error }
	newMap := func(t *testing.T) *libbpf.MapHandle {
		m, err := libbpf.CreateMap(libbpf.MapTypeHash, "body", 4, 8, 1024, libbpf.MapCreateOptions{})
		check(t, err)
		for i := range uint32(1024) {
			check(t, m.Update(u32(i), u64(1), libbpf.Any))
		}
		return m
	}
	for name, body := range map[string]func(t *testing.T) (used closer, err error){
		"All": func(t *testing.T) (closer, error) {
			m := newMap(t)
			var err error
			for range m.All(&err) {
				check(t, m.Close())
			}
			return m, err
		},
		"Keys": func(t *testing.T) (closer, error) {
			m := newMap(t)
			var err error
			for range m.Keys(&err) {
				check(t, m.Close())
			}
			return m, err
		},
		"UseFD of a map": func(t *testing.T) (closer, error) {
			m := newMap(t)
			return m, m.UseFD(func(fd int) error {
				check(t, m.Close())
				return usesFD(fd) // which stays open until UseFD returns
			})
		},
		"types of an object": func(t *testing.T) (closer, error) {
			types, err := open(t, "events").BTF()
			check(t, err)
			var failed error
			for range types.Types(&failed) {
				check(t, types.Close())
			}
			return types, failed
		},
		"maps of an object": func(t *testing.T) (closer, error) {
			o := open(t, "maps")
			for range o.Maps() {
				check(t, o.Close())
			}
			return o, nil
		},
		"records in place": func(t *testing.T) (closer, error) {
			r, err := libbpf.NewRingReader(findMap(t, loadEvents(t, nil), "events"))
			check(t, err)
			emit(5)
			n := 0
			for range r.Records(context.Background(), &err) {
				n++
				check(t, r.Close())
			}
			if n != 1 {
				t.Errorf("%d records", n)
			}
			return r, err
		},
		"records of perf buffers in place": func(t *testing.T) (closer, error) {
			r, err := libbpf.NewPerfReader(findMap(t, loadEvents(t, nil), "perf_events"), libbpf.PerfReaderOptions{Pages: 1})
			check(t, err)
			emit(5)
			n := 0
			for range r.Records(context.Background(), &err) {
				n++
				check(t, r.Close())
			}
			if n != 1 {
				t.Errorf("%d records", n)
			}
			return r, err
		},
	} {
		t.Run(name, func(t *testing.T) {
			used, err := body(t)
			if err != nil {
				wantErr(t, err, libbpf.ErrClosed)
			}
			check(t, used.Close())
		})
	}
}

// A print function may close what libbpf prints about: the operation that prints ends first.
func TestCloseInPrint(t *testing.T) {
	needs.ToLoadFile(t, testutil.Object(t, "rejected"))
	var o *libbpf.OpenObject
	var err error
	closed := 0
	o, err = libbpf.ObjectBuilder{Print: func(libbpf.PrintLevel, string) {
		if o != nil {
			closed++
			check(t, o.Close())
		}
	}}.OpenFile(testutil.Object(t, "rejected"))
	check(t, err)
	if loaded, err := o.Load(); err == nil {
		check(t, loaded.Close())
		t.Error("loaded")
	}
	if closed == 0 {
		t.Error("nothing was printed")
	}
	check(t, o.Close())
}

// What belongs to an object keeps it: it works when nobody else knows the object any more, as often as the garbage is
// collected.
func TestLostParents(t *testing.T) {
	collect := func() {
		for range 3 {
			runtime.GC()
		}
	}
	get := func() (*libbpf.Map, *libbpf.Program, *libbpf.Link, func() error) {
		o := load(t, open(t, "attach"))
		p := findProgram(t, o, "on_exit")
		l, err := p.Attach()
		check(t, err)
		return findMap(t, o, ".bss"), p, l, o.Close
	}
	m, p, l, _ := get()
	collect()
	if _, err := m.Lookup(u32(0), libbpf.Any); err != nil {
		t.Error(err)
	}
	if _, err := p.Info(libbpf.ProgramInfoParts(0)); err != nil {
		t.Error(err)
	}
	if _, err := l.Info(); err != nil {
		t.Error(err)
	}
	memory, err := m.Memory()
	check(t, err)
	collect()
	if len(memory.Bytes()) == 0 {
		t.Error("no memory")
	}
	check(t, memory.Close())

	reader := func() *libbpf.RingReader {
		r, err := libbpf.NewRingReader(findMap(t, loadEvents(t, nil), "events"))
		check(t, err)
		return r
	}()
	collect()
	emit(1)
	n := 0
	for range reader.Pending(&err) {
		n++
	}
	if n != 1 || err != nil {
		t.Errorf("%d records, %v", n, err)
	}
	check(t, reader.Close())
}
