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

// Operations that race with Close complete or say ErrClosed; none may reach a descriptor that became another file's. To
// make that show, files are opened all the time, under the numbers that Close gives up.
func TestOperationsRaceWithClose(t *testing.T) {
	needs.ToLoadFile(t, testutil.Object(t, "attach"))
	stop := make(chan struct{})
	var reopening sync.WaitGroup
	reopening.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if f, err := os.Open("/dev/null"); err == nil {
				_ = f.Close()
			}
		}
	})
	rounds := 30
	if testing.Short() {
		rounds = 3
	}
	for range rounds {
		o := loadAttach(t, nil)
		bss := findMap(t, o, ".bss")
		handle, err := libbpf.MapHandleFrom(bss)
		check(t, err)
		p, err := o.Program("on_enter")
		check(t, err)
		link, err := p.Attach()
		check(t, err)

		var wg sync.WaitGroup
		until := func(f func() error) {
			wg.Go(func() {
				for {
					if err := f(); err != nil {
						// Before Linux 6.10 a raw tracepoint takes a program once.
						if errors.Is(err, os.ErrExist) {
							continue
						}
						if !errors.Is(err, libbpf.ErrClosed) {
							t.Error(err)
						}
						return
					}
				}
			})
		}
		result := func(_ any, err error) error { return err }
		for _, m := range []libbpf.MapCore{bss, handle} {
			until(func() error { return result(m.Lookup(u32(0), libbpf.Any)) })
			until(func() error { return m.LookupInto(u32(0), make([]byte, m.ValueSize()), libbpf.Any) })
			until(func() error { return result(m.Info()) })
			until(func() error {
				var err error
				for range m.Keys(&err) {
				}
				return err
			})
		}
		until(func() error {
			l, err := p.Attach()
			if err == nil {
				err = l.Close()
			}
			return err
		})
		until(func() error { return result(o.Attach()) })
		until(func() error { return result(o.Map(".bss")) })
		until(func() error {
			if link.FD() == -1 {
				return libbpf.ErrClosed
			}
			return nil
		})
		until(func() error {
			types, err := o.BTF()
			if err == nil {
				err = types.Close()
			}
			return err
		})
		wg.Go(func() { _ = o.Close() })
		wg.Go(func() { _ = o.Close() })
		wg.Go(func() { _ = handle.Close() })
		wg.Wait()
	}
	close(stop)
	reopening.Wait()
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
