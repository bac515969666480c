package libbpf_test

import (
	"context"
	"runtime"
	"strings"
	"testing"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/needs"
)

// What runs user code while it uses something lets that code close it. The use completes, or says
// that it is closed. Records end: those that were not handed over stay for the next reader.
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
	for name, make := range map[string]func(t *testing.T) (used closer, loop func(body func()) error){
		"All": func(t *testing.T) (closer, func(body func()) error) {
			m := newMap(t)
			return m, func(body func()) (err error) {
				for range m.All(&err) {
					body()
				}
				return err
			}
		},
		"Keys": func(t *testing.T) (closer, func(body func()) error) {
			m := newMap(t)
			return m, func(body func()) (err error) {
				for range m.Keys(&err) {
					body()
				}
				return err
			}
		},
		"UseFD of a map": func(t *testing.T) (closer, func(body func()) error) {
			m := newMap(t)
			return m, func(body func()) error {
				return m.UseFD(func(fd int) error {
					body()
					return usesFD(fd) // which stays open until UseFD returns
				})
			}
		},
		"types of an object": func(t *testing.T) (closer, func(body func()) error) {
			types, err := open(t, "events").BTF()
			check(t, err)
			return types, func(body func()) (err error) {
				for range types.Types(&err) {
					body()
				}
				return err
			}
		},
		"maps of an object": func(t *testing.T) (closer, func(body func()) error) {
			o := open(t, "maps")
			return o, func(body func()) error {
				for range o.Maps() {
					body()
				}
				return nil
			}
		},
		"records in place": func(t *testing.T) (closer, func(body func()) error) {
			r, err := libbpf.NewRingReader(findMap(t, loadEvents(t, nil), "events"))
			check(t, err)
			return r, func(body func()) (err error) {
				emit(5)
				for range r.Records(context.Background(), &err) {
					body()
				}
				return err
			}
		},
		"records of perf buffers in place": func(t *testing.T) (closer, func(body func()) error) {
			r, err := libbpf.NewPerfReader(findMap(t, loadEvents(t, nil), "perf_events"), libbpf.PerfReaderOptions{Pages: 1})
			check(t, err)
			return r, func(body func()) (err error) {
				emit(5)
				for range r.Records(context.Background(), &err) {
					body()
				}
				return err
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			used, loop := make(t)
			n := 0
			err := loop(func() {
				n++
				check(t, used.Close())
			})
			if err != nil {
				wantErr(t, err, libbpf.ErrClosed)
			}
			if n == 0 || n > 1 && strings.HasPrefix(name, "records") {
				t.Errorf("the body ran %d times", n)
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
