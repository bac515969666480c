package libbpf_test

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// A function that only getpgid(2) calls, and that system call is rare. The kernel's build can't inline it.
const kernelFunction = "security_task_getpgid"

func init() {
	kprobe := func(name, program string, opts libbpf.KprobeOptions) hook {
		feature := "kprobe"
		if opts.Mode == libbpf.ProbeModeLink {
			feature = name
		}
		return hook{
			name: name, feature: feature, object: "kprobe", program: program, kind: "perf_event", hits: 1, act: getpgid,
			noCookie: opts.Mode == libbpf.ProbeModePerf || opts.Mode == libbpf.ProbeModeLegacy,
			attach: func(t testing.TB, p *libbpf.Program, cookie uint64) (*libbpf.Link, error) {
				opts := opts
				opts.Cookie = cookie
				return p.AttachKprobe(kernelFunction, opts)
			},
		}
	}
	multi := func(name, program string, hits uint64, opts libbpf.KprobeMultiOptions) hook {
		feature := "kprobe.multi"
		if opts.Session {
			feature = name
		}
		return hook{
			name: name, feature: feature, object: "kprobe", program: program, kind: "kprobe_multi", hits: hits, act: getpgid,
			noCookie: opts.Pattern != "",
			attachAny: func(t testing.TB, p attacher, cookie uint64) (*libbpf.Link, error) {
				opts := opts
				if cookie != 0 {
					opts.Cookies = []uint64{cookie}
				}
				if opts.Addresses != nil {
					address, err := kernelAddress(kernelFunction)
					if err != nil {
						return nil, err
					}
					opts.Addresses = []uint64{address}
				}
				return p.AttachKprobeMulti(opts)
			},
		}
	}
	ksyscall := func(name, program string, retprobe bool) hook {
		return hook{
			name: name, feature: "kprobe", object: "kprobe", program: program, kind: "perf_event", hits: 1, act: getpgid,
			attach: func(_ testing.TB, p *libbpf.Program, cookie uint64) (*libbpf.Link, error) {
				return p.AttachKsyscall("getpgid", libbpf.KsyscallOptions{Cookie: cookie, Retprobe: retprobe})
			},
		}
	}
	// The kernel's build decides where an instruction begins, and the kernel allows probes only there.
	offset := kprobe("kprobe-offset", "on_entry", libbpf.KprobeOptions{})
	offset.attach = func(_ testing.TB, p *libbpf.Program, cookie uint64) (link *libbpf.Link, err error) {
		for offset := uint64(1); offset < 16; offset++ {
			link, err = p.AttachKprobe(kernelFunction, libbpf.KprobeOptions{Offset: offset, Cookie: cookie})
			if err == nil {
				break
			}
		}
		return link, err
	}
	// A handle takes no pattern.
	pattern := multi("kprobe.multi-pattern", "on_entries", 1, libbpf.KprobeMultiOptions{})
	pattern.noCookie, pattern.attachAny = true, nil
	pattern.attach = func(_ testing.TB, p *libbpf.Program, _ uint64) (*libbpf.Link, error) {
		return p.AttachKprobeMulti(libbpf.KprobeMultiOptions{Pattern: "security_task_getpg?d*"})
	}
	addHooks(
		offset,
		kprobe("kprobe", "on_entry", libbpf.KprobeOptions{}),
		kprobe("kprobe-legacy", "on_entry", libbpf.KprobeOptions{Mode: libbpf.ProbeModeLegacy}),
		kprobe("kprobe-perf", "on_entry", libbpf.KprobeOptions{Mode: libbpf.ProbeModePerf}),
		kprobe("kprobe-link", "on_entry", libbpf.KprobeOptions{Mode: libbpf.ProbeModeLink}),
		kprobe("kretprobe", "on_return", libbpf.KprobeOptions{Retprobe: true}),
		multi("kprobe.multi", "on_entries", 1, libbpf.KprobeMultiOptions{Symbols: []string{kernelFunction}}),
		multi("kprobe.multi-address", "on_entries", 1, libbpf.KprobeMultiOptions{Addresses: []uint64{0}}),
		pattern,
		multi("kretprobe.multi", "on_entries", 1,
			libbpf.KprobeMultiOptions{Symbols: []string{kernelFunction}, Retprobe: true}),
		multi("kprobe.session", "on_session", 2,
			libbpf.KprobeMultiOptions{Symbols: []string{kernelFunction}, Session: true}),
		ksyscall("ksyscall", "on_syscall", false),
		ksyscall("kretsyscall", "on_syscall_return", true),
		hook{
			name: "kprobe-section", feature: "kprobe", object: "kprobe", program: "on_getpgid", kind: "perf_event",
			hits: 1, act: getpgid, noCookie: true,
			attach: func(_ testing.TB, p *libbpf.Program, _ uint64) (*libbpf.Link, error) { return p.Attach() },
		},
	)
}

// kernelAddress returns a function's address.
func kernelAddress(function string) (uint64, error) {
	f, err := os.Open("/proc/kallsyms")
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var address uint64
		var kind, name string
		if _, err := fmt.Sscanf(lines.Text(), "%x %s %s", &address, &kind, &name); err == nil && name == function {
			return address, nil
		}
	}
	return 0, unix.ENOENT
}

// attachOrSkip attaches a program of kprobe.bpf.o or another object that includes seen.h.
func attachOrSkip(t *testing.T, feature, object, program string, f func(*libbpf.Program) (*libbpf.Link, error)) *libbpf.Object {
	t.Helper()
	o, p := loadSeen(t, feature, object, program, nil)
	link, err := f(p)
	if err != nil {
		skipMissing(t, feature, err)
	}
	t.Cleanup(func() { check(t, link.Close()) })
	return o
}

// The programs see the right arguments and results.
func TestKprobeValues(t *testing.T) {
	for _, c := range []struct {
		name, program string
		want          int64
		attach        func(*libbpf.Program) (*libbpf.Link, error)
	}{
		{"ksyscall", "on_syscall", int64(os.Getpid()), func(p *libbpf.Program) (*libbpf.Link, error) {
			return p.AttachKsyscall("getpgid", libbpf.KsyscallOptions{})
		}},
		{"kretsyscall", "on_syscall_return", int64(unix.Getpgrp()), func(p *libbpf.Program) (*libbpf.Link, error) {
			return p.AttachKsyscall("getpgid", libbpf.KsyscallOptions{Retprobe: true})
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := attachOrSkip(t, "kprobe", "kprobe", c.program, c.attach)
			getpgid(t)
			if got := seen(t, o); got.value != c.want {
				t.Errorf("saw %d, want %d", got.value, c.want)
			}
		})
	}
}

// Each of several functions has its own cookie, in the order in which they were given.
func TestKprobeMultiCookies(t *testing.T) {
	const feature = "kprobe.multi"
	o, p := loadSeen(t, feature, "kprobe", "on_entries", func(o *libbpf.OpenObject) {
		check(t, o.SetGlobal("with_cookie", true))
	})
	// Neither in alphabetical order, nor in the order of the addresses in either direction.
	opts := libbpf.KprobeMultiOptions{
		Symbols: []string{"security_task_getsid", "security_task_getpgid", "security_task_getscheduler"},
		Cookies: []uint64{11, 22, 33},
	}
	link, err := p.AttachKprobeMulti(opts)
	if err != nil {
		skipMissing(t, feature, err)
	}
	defer link.Close()
	for _, c := range []struct {
		act  func() error
		want uint64
	}{
		{func() error { _, err := unix.Getpgid(os.Getpid()); return err }, 22},
		{func() error { _, err := unix.Getsid(os.Getpid()); return err }, 11},
		{func() error { _, err := unix.SchedGetAttr(os.Getpid(), 0); return err }, 33},
	} {
		check(t, c.act())
		if got := seen(t, o); got.cookie != c.want {
			t.Errorf("cookie %d, want %d", got.cookie, c.want)
		}
	}
}

func TestKprobeMultiUniqueMatch(t *testing.T) {
	const feature = "kprobe.multi"
	_, p := loadSeen(t, feature, "kprobe", "on_entries", nil)
	attach := func(pattern string) error {
		link, err := p.AttachKprobeMulti(libbpf.KprobeMultiOptions{Pattern: pattern, UniqueMatch: true})
		if err == nil {
			err = link.Close()
		}
		return err
	}
	if err := attach(kernelFunction); err != nil {
		skipMissing(t, feature, err)
	}
	wantErr(t, attach("security_task_get*"), unix.EINVAL)
	wantErr(t, attach("no_such_function*"), os.ErrNotExist)
}

func TestKprobeErrors(t *testing.T) {
	_, p := loadSeen(t, "kprobe", "kprobe", "on_entry", nil)
	for function, want := range map[string]error{
		"":                 libbpf.ErrInvalid,
		"a\x00b":           libbpf.ErrInvalid,
		"no_such_function": os.ErrNotExist,
	} {
		_, err := p.AttachKprobe(function, libbpf.KprobeOptions{})
		wantErr(t, err, want)
		_, err = p.AttachKsyscall(function, libbpf.KsyscallOptions{})
		wantErr(t, err, want)
	}
	_, err := p.AttachKsyscall(strings.Repeat("a", 200), libbpf.KsyscallOptions{})
	wantErr(t, err, libbpf.ErrInvalid)
	for _, opts := range []libbpf.KprobeOptions{
		{Offset: 1 << 31},
		{Offset: 1 << 63},
		{Mode: -1},
		{Mode: libbpf.ProbeModeLink + 1},
		{Mode: libbpf.ProbeModePerf, Cookie: 1},
		{Mode: libbpf.ProbeModeLegacy, Cookie: 1},
	} {
		_, err := p.AttachKprobe(kernelFunction, opts)
		wantErr(t, err, libbpf.ErrInvalid)
	}
	_, err = p.AttachKprobeMulti(libbpf.KprobeMultiOptions{Symbols: []string{kernelFunction}})
	wantErr(t, err, libbpf.ErrInvalid) // a kprobe, not a kprobe.multi
}

func TestKprobeMultiErrors(t *testing.T) {
	testutil.Root(t)
	_, p := loadSeen(t, "kprobe.multi", "kprobe", "on_entries", nil)
	two := []string{"vfs_read", "vfs_write"}
	for _, opts := range []libbpf.KprobeMultiOptions{
		{},
		{Pattern: "vfs_*", Symbols: two},
		{Pattern: "vfs_*", Addresses: []uint64{1}},
		{Symbols: two, Addresses: []uint64{1, 2}},
		{Symbols: two, Cookies: []uint64{1}},
		{Symbols: two, Cookies: []uint64{1, 2, 3}},
		{Addresses: []uint64{1}, Cookies: []uint64{1, 2}},
		{Pattern: "vfs_*", Cookies: []uint64{1}},
		{Cookies: []uint64{1}},
		{Symbols: []string{"vfs_read", ""}},
		{Symbols: []string{"vfs_read\x00", "vfs_write"}},
		{Pattern: "vfs_\x00"},
		{Symbols: two, UniqueMatch: true},
		{Symbols: two, Session: true}, // of another section
	} {
		_, err := p.AttachKprobeMulti(opts)
		wantErr(t, err, libbpf.ErrInvalid)
	}
	if _, err := p.AttachKprobeMulti(libbpf.KprobeMultiOptions{Symbols: []string{"no_such_function"}}); err == nil {
		t.Error("attached to nothing")
	}
}

func TestKprobeSessionErrors(t *testing.T) {
	_, p := loadSeen(t, "kprobe.session", "kprobe", "on_session", nil)
	_, err := p.AttachKprobeMulti(libbpf.KprobeMultiOptions{Symbols: []string{"vfs_read"}, Session: true, Retprobe: true})
	wantErr(t, err, libbpf.ErrInvalid)
	_, err = p.AttachKprobeMulti(libbpf.KprobeMultiOptions{Symbols: []string{"vfs_read"}})
	wantErr(t, err, libbpf.ErrInvalid)
}

// A probe at an address in the kernel, which is larger than any offset in a function.
func TestKprobeAddress(t *testing.T) {
	const feature = "kprobe"
	o, p := loadSeen(t, feature, "kprobe", "on_entry", nil)
	address, err := kernelAddress(kernelFunction)
	check(t, err)
	link, err := p.AttachKprobe("", libbpf.KprobeOptions{Offset: address})
	if err != nil {
		skipMissing(t, feature, err)
	}
	getpgid(t)
	if hits := seen(t, o).hits; hits != 1 {
		t.Errorf("%d hits", hits)
	}
	check(t, link.Close())
	if _, err := p.AttachKprobe("", libbpf.KprobeOptions{Offset: 1 << 63}); err == nil { // no code is there
		t.Error("attached to nothing")
	}
}
