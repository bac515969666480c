package libbpf_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/usdt"
)

func loadUSDT(t testing.TB) *libbpf.Object {
	t.Helper()
	o := open(t, "usdt")
	check(t, o.SetGlobal("target_tgid", selfTGID(t)))
	return load(t, o)
}

// usdtSeen returns what the programs of usdt.bpf.o counted.
func usdtSeen(t testing.TB, o *libbpf.Object) (hits, sum, cookie uint64) {
	t.Helper()
	bss, err := findMap(t, o, ".bss").Lookup(u32(0), libbpf.Any)
	check(t, err)
	return binary.NativeEndian.Uint64(bss), binary.NativeEndian.Uint64(bss[8:]), binary.NativeEndian.Uint64(bss[16:])
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
	if hits, sum, _ := usdtSeen(t, o); hits != 10 || sum != 45 {
		t.Errorf("%d hits, the arguments' sum is %d", hits, sum)
	}
}

// loadUSDTProgram loads one program of usdt.bpf.o alone.
func loadUSDTProgram(t testing.TB, feature, program string) (*libbpf.Object, *libbpf.Program) {
	t.Helper()
	o, p, err := tryLoadProgram(t, "usdt", program, nil)
	if err != nil {
		skipMissing(t, feature, err)
	}
	return o, p
}

func attachProbe(p *libbpf.Program, cookie uint64) (*libbpf.Link, error) {
	return p.AttachUSDT(libbpf.ThisProcess, self, "libbpf_go", "probe", libbpf.USDTOptions{Cookie: cookie})
}

// Programs whose sections name no place, and the cookie.
func TestAttachUSDT(t *testing.T) {
	for _, c := range []struct{ feature, program string }{{"usdt", "on_any_probe"}, {"uprobe.multi", "on_multi"}} {
		t.Run(c.program, func(t *testing.T) {
			o, p := loadUSDTProgram(t, c.feature, c.program)
			const cookie = 0xfedcba9876543210
			link, err := attachProbe(p, cookie)
			if err != nil {
				skipMissing(t, c.feature, err)
			}
			usdt.Fire(7)
			if hits, sum, got := usdtSeen(t, o); hits != 1 || sum != 7 || got != cookie {
				t.Errorf("%d hits, argument %d, cookie %#x", hits, sum, got)
			}
			check(t, link.Close())
			usdt.Fire(7)
			if hits, _, _ := usdtSeen(t, o); hits != 1 {
				t.Errorf("%d hits after Close", hits-1)
			}
		})
	}
}

// libbpf returns descriptor 0 for a USDT link, which may be another open file.
func TestUSDTLinkHasNoDescriptor(t *testing.T) {
	_, p := loadUSDTProgram(t, "usdt", "on_any_probe")
	link, err := attachProbe(p, 0)
	check(t, err)
	if fd := link.FD(); fd != -1 {
		t.Errorf("descriptor %d", fd)
	}
	for name, f := range map[string]func() error{
		"detach": link.Detach,
		"pin":    func() error { return link.Pin("/sys/fs/bpf/x") },
		"update": func() error { return link.UpdateProgram(p) },
	} {
		if err := f(); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s: %v", name, err)
		}
	}
	check(t, link.Close())
}

func TestUSDTErrors(t *testing.T) {
	_, p := loadUSDTProgram(t, "usdt", "on_any_probe")
	for _, c := range []struct {
		pid                    int
		binary, provider, name string
		want                   error
	}{
		{libbpf.ThisProcess, "", "libbpf_go", "probe", libbpf.ErrInvalid},
		{libbpf.ThisProcess, self, "", "probe", libbpf.ErrInvalid},
		{libbpf.ThisProcess, self, "libbpf_go", "", libbpf.ErrInvalid},
		{libbpf.ThisProcess, self, "libbpf_go", "probe\x00", libbpf.ErrInvalid},
		{libbpf.ThisProcess, self + "\x00", "libbpf_go", "probe", libbpf.ErrInvalid},
		{-2, self, "libbpf_go", "probe", libbpf.ErrInvalid},
		{libbpf.ThisProcess, self, "libbpf_go", "no_such_probe", os.ErrNotExist},
		{libbpf.ThisProcess, self, "no_such_provider", "probe", os.ErrNotExist},
		{libbpf.ThisProcess, self, strings.Repeat("a", 1<<16), "probe", os.ErrNotExist},
		{libbpf.ThisProcess, "/nonexistent", "libbpf_go", "probe", os.ErrNotExist},
	} {
		_, err := p.AttachUSDT(c.pid, c.binary, c.provider, c.name, libbpf.USDTOptions{})
		wantErr(t, err, c.want)
	}
	// An object without libbpf's map of probes.
	_, p = loadSeen(t, "uprobe", "uprobe", "on_entry", nil)
	_, err := attachProbe(p, 0)
	wantErr(t, err, unix.ESRCH)
}

// The USDT links of one object share libbpf's memory, and use the object.
func TestUSDTLinksCloseAtOnce(t *testing.T) {
	for range 6 {
		o := loadUSDT(t)
		p, err := o.Program("on_probe")
		check(t, err)
		var links []*libbpf.Link
		for range 16 {
			link, err := p.Attach()
			if errors.Is(err, unix.EEXIST) {
				testutil.Skip(t, "usdt-twice", err)
			}
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
	rounds := 50
	if testing.Short() {
		rounds = 6
	}
	// A USDT program attached by its section, and a program of another section. The method used decides what the link
	// is.
	bySection := func(p *libbpf.Program) (*libbpf.Link, error) { return p.Attach() }
	byHook := func(p *libbpf.Program) (*libbpf.Link, error) { return attachProbe(p, 0) }
	for i := range rounds {
		o, p := loadUSDTProgram(t, "usdt", "on_probe")
		attach := bySection
		if i%2 == 1 {
			attach = byHook
		}
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				for {
					_, err := attach(p)
					if errors.Is(err, unix.EEXIST) || errors.Is(err, unix.E2BIG) {
						// Without cookies in the kernel, a probe can have only one link. On a busy machine Close comes
						// late, when the map of probes is full.
						continue
					}
					if err != nil {
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

// An object that was compiled with another libbpf's usdt.bpf.h would read arguments from wrong places.
func TestUSDTOfAnotherLibbpf(t *testing.T) {
	o := open(t, "usdt")
	check(t, o.SetGlobal("target_tgid", selfTGID(t)))
	specs, err := o.Map("__bpf_usdt_specs")
	check(t, err)
	size, err := specs.ValueSize()
	check(t, err)
	check(t, specs.SetValueSize(size+96)) // 208 bytes up to libbpf 1.6, 304 in 1.7
	obj := load(t, o)
	_, err = obj.Attach()
	wantErrSaying(t, err, libbpf.ErrInvalid, "__bpf_usdt_specs", fmt.Sprint(size+96), fmt.Sprint(size), "usdt.bpf.h")
	p, err := obj.Program("on_probe")
	check(t, err)
	_, err = p.Attach()
	wantErr(t, err, libbpf.ErrInvalid)
	_, err = attachProbe(p, 0)
	wantErr(t, err, libbpf.ErrInvalid)
}
