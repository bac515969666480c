package libbpf_test

import (
	"encoding/binary"
	"errors"
	"sync"
	"testing"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil/usdt"
)

func loadUSDT(t testing.TB) *libbpf.Object {
	t.Helper()
	o := open(t, "usdt")
	check(t, o.SetGlobal("target_tgid", selfTGID(t)))
	return load(t, o)
}

func TestUSDT(t *testing.T) {
	o := loadUSDT(t)
	links, err := o.Attach()
	check(t, err)
	for i := range 10 {
		usdt.Fire(i)
	}
	check(t, links[0].Close())
	usdt.Fire(1000)
	bss, err := findMap(t, o, ".bss").Lookup(u32(0), libbpf.Any)
	check(t, err)
	hits, sum := binary.NativeEndian.Uint64(bss), binary.NativeEndian.Uint64(bss[8:])
	if hits != 10 || sum != 45 {
		t.Errorf("%d hits, the arguments' sum is %d", hits, sum)
	}
}

// The USDT links of one object share memory of libbpf's, and look into the object.
func TestUSDTLinksCloseAtOnce(t *testing.T) {
	for range 6 {
		o := loadUSDT(t)
		p, err := o.Program("on_probe")
		check(t, err)
		var links []*libbpf.Link
		for range 16 {
			link, err := p.Attach()
			check(t, err)
			links = append(links, link)
		}
		var wg sync.WaitGroup
		for _, link := range links {
			wg.Go(func() {
				if err := link.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		check(t, o.Close())
	}
}

func TestUSDTAttachRacesWithClose(t *testing.T) {
	for range 50 {
		o := loadUSDT(t)
		p, err := o.Program("on_probe")
		check(t, err)
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				for {
					if _, err := p.Attach(); err != nil {
						if !errors.Is(err, libbpf.ErrClosed) {
							t.Error(err)
						}
						return
					}
				}
			})
		}
		wg.Go(func() { _ = o.Close() })
		wg.Wait()
	}
}
