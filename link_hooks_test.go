package libbpf_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// hook is a way to attach a tracing program. Its programs include seen.h.
type hook struct {
	name            string
	feature         string // that a kernel lacks; "" where it is the name
	object, program string
	kind            string // of the link, as in attachedLink
	hits            uint64 // of one act
	orMore          bool   // hits is the minimum: other events make the program run too
	noCookie        bool   // libbpf takes none
	act             func(t testing.TB)
	attach          func(t testing.TB, p *libbpf.Program, cookie uint64) (*libbpf.Link, error)
	attachAny       func(t testing.TB, p attacher, cookie uint64) (*libbpf.Link, error) // in place of attach, where handles can
	prepare         func(t testing.TB, o *libbpf.OpenObject)                            // before loading; nil for nothing
}

// hooks are all of them. The tests of each hook add theirs.
var hooks []hook

func addHooks(more ...hook) {
	for _, h := range more {
		if h.attachAny != nil {
			h.attach = func(t testing.TB, p *libbpf.Program, cookie uint64) (*libbpf.Link, error) {
				return h.attachAny(t, p, cookie)
			}
		}
		hooks = append(hooks, h)
		linkCases = append(linkCases, linkCase{h.name, h.attachAny != nil, func(t *testing.T, as attachAs) attachedLink {
			if h.attachAny != nil {
				h.attach = func(t testing.TB, p *libbpf.Program, cookie uint64) (*libbpf.Link, error) {
					return h.attachAny(t, as(t, p), cookie)
				}
			}
			o, p := h.load(t, false)
			link := h.mustAttach(t, p, 0)
			return attachedLink{
				link: link,
				act:  func(t *testing.T) { h.act(t) },
				hits: func() uint64 { return seen(t, o).hits },
				kind: h.linkKind(link),

				closeStops: h.feature == "perf_event",
			}
		}})
	}
}

// load loads the hook's program alone.
func (h hook) load(t testing.TB, withCookie bool) (*libbpf.Object, *libbpf.Program) {
	t.Helper()
	o, p, err := h.tryLoad(t, withCookie)
	if err != nil {
		h.skip(t, withCookie, err)
	}
	return o, p
}

func (h hook) tryLoad(t testing.TB, withCookie bool) (*libbpf.Object, *libbpf.Program, error) {
	t.Helper()
	return tryLoadSeen(t, h.object, h.program, func(o *libbpf.OpenObject) {
		check(t, o.SetGlobal("with_cookie", withCookie))
		if h.prepare != nil {
			h.prepare(t, o)
		}
	})
}

func (h hook) mustAttach(t testing.TB, p *libbpf.Program, cookie uint64) *libbpf.Link {
	t.Helper()
	link, err := h.attach(t, p, cookie)
	if err != nil {
		h.skip(t, cookie != 0, err)
	}
	t.Cleanup(func() { check(t, link.Close()) })
	return link
}

// skip skips the test if the kernel lacks the hook, or only the hook's cookies.
func (h hook) skip(t testing.TB, withCookie bool, err error) {
	t.Helper()
	feature := h.feature
	if feature == "" {
		feature = h.name
	}
	if withCookie {
		_, p, errWithout := h.tryLoad(t, false)
		if errWithout == nil {
			_, errWithout = h.attach(t, p, 0)
		}
		if errWithout == nil {
			feature += "-cookie"
		}
	}
	skipMissing(t, feature, err)
}

// linkKind returns the hook's kind of link, or "" where an old kernel attaches to a perf event without a link.
func (h hook) linkKind(link *libbpf.Link) string {
	if target, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", link.FD())); err == nil && strings.Contains(target, "bpf") {
		return h.kind
	}
	return ""
}

// loadSeen loads one program of an object that includes seen.h, and skips the test if the kernel refuses it.
func loadSeen(
	t testing.TB, feature, object, program string, change func(*libbpf.OpenObject),
) (*libbpf.Object, *libbpf.Program) {
	t.Helper()
	o, p, err := tryLoadSeen(t, object, program, change)
	if err != nil {
		skipMissing(t, feature, err)
	}
	return o, p
}

func tryLoadSeen(
	t testing.TB, object, program string, change func(*libbpf.OpenObject),
) (*libbpf.Object, *libbpf.Program, error) {
	t.Helper()
	return tryLoadProgram(t, object, program, func(o *libbpf.OpenObject) {
		if err := o.SetGlobal("getpgid_nr", uint32(unix.SYS_GETPGID)); err != nil {
			wantErr(t, err, libbpf.ErrNotFound) // only where programs see all system calls
		}
		if change != nil {
			change(o)
		}
	})
}

// tryLoadProgram loads one program of an object, for this process.
func tryLoadProgram(
	t testing.TB, object, program string, change func(*libbpf.OpenObject),
) (*libbpf.Object, *libbpf.Program, error) {
	t.Helper()
	testutil.Root(t)
	open := open(t, object)
	check(t, open.SetGlobal("target_tgid", selfTGID(t)))
	for p := range open.Programs() {
		check(t, p.SetAutoload(p.Name() == program))
	}
	if change != nil {
		change(open)
	}
	o, err := open.Load()
	if err != nil {
		return nil, nil, err
	}
	t.Cleanup(func() { check(t, o.Close()) })
	p, err := o.Program(program)
	check(t, err)
	return o, p, nil
}

// skipMissing skips a test if the error means that the kernel lacks a feature, and fails the test for any other error.
func skipMissing(t testing.TB, feature string, err error) {
	t.Helper()
	var old *libbpf.VersionError
	if errors.As(err, &old) {
		testutil.Skip(t, "libbpf-"+old.Needs, err)
	}
	// An error that Go found is not a missing kernel feature.
	if testutil.Refused(err) && !errors.Is(err, libbpf.ErrInvalid) {
		testutil.Skip(t, feature, err)
	}
	t.Fatalf("%+v", err)
}

type seenValues struct {
	hits, cookie uint64
	value        int64
}

// seen returns what a program that includes seen.h counted.
func seen(t testing.TB, o *libbpf.Object) seenValues {
	t.Helper()
	bss, err := findMap(t, o, ".bss").Lookup(u32(0), libbpf.Any)
	check(t, err)
	return seenValues{
		binary.NativeEndian.Uint64(bss), binary.NativeEndian.Uint64(bss[8:]), int64(binary.NativeEndian.Uint64(bss[16:])),
	}
}

// getpgid makes the system call that the programs in the kernel wait for. Nobody else makes it during a test. It calls
// the security hook that tracing programs attach to.
func getpgid(t testing.TB) { _, _ = unix.Getpgid(os.Getpid()) }

// Each hook's program runs exactly as often as its event happens, and no longer after Close.
func TestTracingHooks(t *testing.T) {
	for _, h := range hooks {
		t.Run(h.name, func(t *testing.T) {
			o, p := h.load(t, false)
			h.act(t)
			if got := seen(t, o); got.hits != 0 {
				t.Errorf("%d hits before attaching", got.hits)
			}
			link := h.mustAttach(t, p, 0)
			for range 3 {
				h.act(t)
			}
			if got := seen(t, o); got.hits != 3*h.hits && !(h.orMore && got.hits > 3*h.hits) {
				t.Errorf("%d hits, want %d", got.hits, 3*h.hits)
			}
			check(t, link.Close())
			before := seen(t, o)
			h.act(t)
			if after := seen(t, o); after != before {
				t.Errorf("%d hits after Close", after.hits-before.hits)
			}
		})
	}
}

// Cookies distinguish two attachments of one program.
func TestTracingCookies(t *testing.T) {
	for _, h := range hooks {
		if h.noCookie {
			continue
		}
		t.Run(h.name, func(t *testing.T) {
			o, p := h.load(t, true)
			want := func(link *libbpf.Link, cookie uint64) {
				h.act(t)
				if got := seen(t, o); got.cookie != cookie {
					t.Errorf("cookie %#x, want %#x", got.cookie, cookie)
				}
				check(t, link.Close())
			}
			for _, cookie := range []uint64{1, 0xfedcba9876543210} {
				want(h.mustAttach(t, p, cookie), cookie)
			}
			if h.attachAny != nil {
				link, err := h.attachAny(t, asHandle(t, p), 3)
				check(t, err)
				want(link, 3)
			}
		})
	}
}

// Arguments that no hook accepts, for any program.
func TestHooksRefuse(t *testing.T) {
	testutil.Root(t)
	o := loadAttach(t, nil)
	bss := findMap(t, o, ".bss")
	attachAll := func(a attacher) map[string]func() (*libbpf.Link, error) {
		all := map[string]func() (*libbpf.Link, error){
			"raw tracepoint": func() (*libbpf.Link, error) { return a.AttachRawTracepoint("a", libbpf.RawTracepointOptions{}) },
			"trace":          func() (*libbpf.Link, error) { return a.AttachTrace(libbpf.TraceOptions{}) },
			"LSM":            func() (*libbpf.Link, error) { return a.AttachLSM(libbpf.TraceOptions{}) },
			"freplace":       func() (*libbpf.Link, error) { return a.AttachFreplace(nil, "") },
			"perf event":     func() (*libbpf.Link, error) { return a.AttachPerfEvent(0, libbpf.PerfEventOptions{}) },
			"kprobe.multi": func() (*libbpf.Link, error) {
				return a.AttachKprobeMulti(libbpf.KprobeMultiOptions{Symbols: []string{"vfs_read"}})
			},
			"uprobe.multi": func() (*libbpf.Link, error) {
				return a.AttachUprobeMulti(libbpf.ThisProcess, "/proc/self/exe", libbpf.UprobeMultiOptions{Pattern: "x"})
			},
			// If the program is closed and an argument is wrong, ErrClosed comes first.
			"XDP":       func() (*libbpf.Link, error) { return a.AttachXDP(0, libbpf.XDPLinkOptions{}) },
			"tcx":       func() (*libbpf.Link, error) { return a.AttachTCX(0, libbpf.PlacementOptions{}) },
			"netkit":    func() (*libbpf.Link, error) { return a.AttachNetkit(0, libbpf.PlacementOptions{}) },
			"netfilter": func() (*libbpf.Link, error) { return a.AttachNetfilter(0, 0, libbpf.NetfilterOptions{}) },
			"cgroup":    func() (*libbpf.Link, error) { return a.AttachCgroup(-1, libbpf.PlacementOptions{}) },
			"netns":     func() (*libbpf.Link, error) { return a.AttachNetns(-1) },
			"sockmap":   func() (*libbpf.Link, error) { return a.AttachSockmap(bss) },
			"iterator":  func() (*libbpf.Link, error) { return a.AttachIter(libbpf.IterOptions{TID: -1}) },
			"iterator over a map": func() (*libbpf.Link, error) {
				return a.AttachIter(libbpf.IterOptions{Map: bss, TID: -1})
			},
		}
		if p, ok := a.(*libbpf.Program); ok {
			maps.Copy(all, map[string]func() (*libbpf.Link, error){
				"kprobe":     func() (*libbpf.Link, error) { return p.AttachKprobe("vfs_read", libbpf.KprobeOptions{}) },
				"ksyscall":   func() (*libbpf.Link, error) { return p.AttachKsyscall("read", libbpf.KsyscallOptions{}) },
				"tracepoint": func() (*libbpf.Link, error) { return p.AttachTracepoint("a", "b", libbpf.TracepointOptions{}) },
				"uprobe": func() (*libbpf.Link, error) {
					return p.AttachUprobe(libbpf.ThisProcess, "/proc/self/exe", 1, libbpf.UprobeOptions{})
				},
				"USDT": func() (*libbpf.Link, error) {
					return p.AttachUSDT(libbpf.ThisProcess, "/proc/self/exe", "a", "b", libbpf.USDTOptions{})
				},
			})
		}
		return all
	}
	wrong, err := o.Program("anywhere") // an XDP program
	check(t, err)
	closedHandle := asHandle(t, wrong).(*libbpf.ProgramHandle)
	check(t, closedHandle.Close())
	closedObject := loadAttach(t, nil)
	closed, err := closedObject.Program("on_enter")
	check(t, err)
	check(t, closedObject.Close())
	_, err = wrong.AttachFreplace(closed, "")
	wantErr(t, err, libbpf.ErrClosed)
	wantErr(t, libbpf.XDP{}.Attach(closed), libbpf.ErrClosed)
	_, err = libbpf.TCHook{}.Attach(closed, libbpf.TCOptions{})
	wantErr(t, err, libbpf.ErrClosed)
	for _, c := range []struct {
		name    string
		program attacher
		want    error
	}{
		{"zero handle", &libbpf.ProgramHandle{}, libbpf.ErrClosed},
		{"closed handle", closedHandle, libbpf.ErrClosed},
		{"XDP handle", asHandle(t, wrong), libbpf.ErrInvalid},
		{"zero", new(libbpf.Program), libbpf.ErrClosed},
		{"zero", &libbpf.Program{}, libbpf.ErrClosed},
		{"closed", closed, libbpf.ErrClosed},
		{"XDP", wrong, libbpf.ErrInvalid},
	} {
		for hook, attach := range attachAll(c.program) {
			t.Run(c.name+" "+hook, func(t *testing.T) {
				link, err := attach()
				wantErr(t, err, c.want)
				if link != nil {
					t.Errorf("a link beside error %v", err)
				}
				var failed *libbpf.Error
				if !errors.As(err, &failed) || failed.Op != "attach" || !strings.HasPrefix(failed.Object, "program") {
					t.Errorf("error %#v", err)
				}
			})
		}
	}
}

// Attaching while the object is closed succeeds or returns ErrClosed, and leaves nothing attached.
func TestTracingAttachRacesWithClose(t *testing.T) {
	for _, h := range hooks {
		if !slices.Contains([]string{"uprobe", "uprobe.multi", "raw_tp", "tp_btf", "kprobe.multi", "fentry"}, h.name) {
			continue
		}
		t.Run(h.name, func(t *testing.T) {
			for range 5 {
				o, p := h.load(t, false)
				check(t, h.mustAttach(t, p, 0).Close())
				var wg sync.WaitGroup
				for range 2 {
					wg.Go(func() {
						for {
							link, err := h.attach(t, p, 0)
							if errors.Is(err, libbpf.ErrClosed) {
								return
							}
							// A trampoline's program can be attached to a function only once. Linux 5.10 returns ENOENT
							// while it restores the function.
							if err != nil && !errors.Is(err, unix.EBUSY) && !errors.Is(err, unix.ENOENT) {
								t.Error(err)
								return
							}
							runtime.Gosched()
							if err := link.Close(); err != nil {
								t.Error(err)
							}
						}
					})
				}
				wg.Go(func() { _ = o.Close() })
				wg.Wait()
				if _, err := h.attach(t, p, 0); !errors.Is(err, libbpf.ErrClosed) {
					t.Errorf("after Close: %v", err)
				}
			}
		})
	}
}
