package libbpf_test

import (
	"errors"
	"os"
	"sync"
	"testing"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/needs"
)

// A nil pointer to a map or a program is a closed one, also as an argument, where Go makes an interface of it that is not
// nil.
func TestNilIsClosed(t *testing.T) {
	var (
		m      *libbpf.Map
		handle *libbpf.MapHandle
		p      *libbpf.Program
		loaded *libbpf.ProgramHandle
	)
	result := func(_ any, err error) error { return err }
	for name, err := range map[string]error{
		"MapHandleFrom a map":        result(libbpf.MapHandleFrom(m)),
		"MapHandleFrom a handle":     result(libbpf.MapHandleFrom(handle)),
		"NewRingReader":              result(libbpf.NewRingReader(m)),
		"NewUserRingBuffer":          result(libbpf.NewUserRingBuffer(handle)),
		"UpdateInnerMap":             libbpf.UpdateInnerMap(m, u32(0), handle, libbpf.Any),
		"ProgramHandleFrom":          result(libbpf.ProgramHandleFrom(p)),
		"ProgramHandleFrom a handle": result(libbpf.ProgramHandleFrom(loaded)),
		"AttachSocketFilter":         libbpf.AttachSocketFilter(0, p),
	} {
		if !errors.Is(err, os.ErrClosed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLoadRacesWithViews(t *testing.T) {
	needs.ToLoadFile(t, testutil.Object(t, "attach"))
	rounds := 30
	if testing.Short() {
		rounds = 5
	}
	for range rounds {
		o := open(t, "attach")
		p, err := o.Program("on_enter")
		check(t, err)
		m, err := o.Map(".bss")
		check(t, err)
		var wg sync.WaitGroup
		for _, f := range []func() error{
			func() error { return p.SetAutoattach(true) },
			func() error { _, err := m.InitialValue(); return err },
			func() error { return o.SetGlobal("target_tgid", 1) },
		} {
			wg.Go(func() {
				for {
					if err := f(); err != nil {
						if !errors.Is(err, libbpf.ErrLoaded) && !errors.Is(err, libbpf.ErrClosed) {
							t.Error(err)
						}
						return
					}
				}
			})
		}
		loaded, err := o.Load()
		check(t, err)
		check(t, loaded.Close())
		wg.Wait()
	}
}

// Many goroutines use one map at once.
func TestParallelMapUse(t *testing.T) {
	m := findMap(t, loadMaps(t), "hash")
	var wg sync.WaitGroup
	for g := range uint32(8) {
		wg.Go(func() {
			key, value := u32(g), make([]byte, 8)
			for i := range uint64(2000) {
				if err := m.Update(key, u64(i), libbpf.Any); err != nil {
					t.Error(err)
				}
				if err := m.LookupInto(key, value, libbpf.Any); err != nil || string(value) != string(u64(i)) {
					t.Errorf("%v, %v", value, err)
				}
			}
		})
	}
	wg.Wait()
}
