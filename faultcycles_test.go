package libbpf_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/cuser"
	"github.com/libbpf-go/libbpf-go/internal/testutil/needs"
)

// faultCycles are what TestFaults runs.
var faultCycles = []faultCycle{
	{"open from memory", func(t *testing.T) faultRun {
		image := readObject(t, "attach")
		return faultRun{given: &cuser.Given{Image: image}, run: func() error {
			o, err := libbpf.OpenMemory(image)
			return closed(o, err)
		}}
	}},
	{"open a file", func(t *testing.T) faultRun {
		path := testutil.Object(t, "maps")
		return faultRun{given: &cuser.Given{Path: path}, run: func() error {
			o, err := libbpf.OpenFile(path)
			return closed(o, err)
		}}
	}},
	{"load and attach", func(t *testing.T) faultRun {
		image := readObject(t, "attach")
		tgid := selfTGID(t)
		return faultRun{given: &cuser.Given{Image: image}, run: func() error {
			return withLoaded(image, func(o *libbpf.OpenObject) error {
				return o.SetGlobal("target_tgid", tgid)
			}, func(o *libbpf.Object) error {
				_, err := o.Attach()
				return err
			})
		}}
	}},
	{"load maps, pinned", func(t *testing.T) faultRun {
		pins := testutil.BPFFS(t)
		path := testutil.Object(t, "maps")
		inner, err := libbpf.CreateMap(libbpf.MapTypeArray, "inner", 4, 4, 1, libbpf.MapCreateOptions{})
		check(t, err)
		t.Cleanup(func() { check(t, inner.Close()) })
		var missing []string
		if bloomFilters() != nil {
			missing = append(missing, "bloom")
		}
		given := &cuser.Given{Path: path, Folder: pins, MapFD: inner.FD(), Names: missing}
		return faultRun{given: given, run: func() (err error) {
			o, err := libbpf.ObjectBuilder{PinRootPath: pins}.OpenFile(path)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, o.Close()) }()
			outer, err := o.Map("outer")
			if err != nil {
				return err
			}
			if err := outer.SetInnerMap(inner); err != nil {
				return err
			}
			for _, name := range missing {
				m, err := o.Map(name)
				if err != nil {
					return err
				}
				if err := m.SetAutocreate(false); err != nil {
					return err
				}
			}
			loaded, err := o.Load()
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, loaded.Close()) }()
			return loaded.UnpinMaps("")
		}, left: func() []string {
			if found := pinsIn(pins); len(found) != 1 || found[0] != "pin pinned" {
				return found
			}
			return nil // the object's own pin, if it could not be removed
		}}
	}},
	{"load each type of map", func(t *testing.T) faultRun {
		image := readObject(t, "maptypes")
		missing := missingMaps(t, "maptypes")
		given := &cuser.Given{Image: image, Names: slices.Collect(maps.Keys(missing))}
		return faultRun{given: given, run: func() error {
			return withLoaded(image, func(o *libbpf.OpenObject) error {
				for name := range missing {
					m, err := o.Map(name)
					if err != nil {
						return err
					}
					if err := m.SetAutocreate(false); err != nil {
						return err
					}
				}
				return nil
			}, nil)
		}}
	}},
	{"load and attach struct_ops", func(t *testing.T) faultRun {
		loadCongestion(t) // or skip
		image := readObject(t, "struct_ops")
		return faultRun{given: &cuser.Given{Image: image}, run: func() error {
			return withLoaded(image, nil, func(o *libbpf.Object) error {
				_, err := o.Attach()
				return err
			})
		}}
	}},
	{"pin and open pins", func(t *testing.T) faultRun {
		pins := testutil.BPFFS(t)
		image, tgid := readObject(t, "attach"), selfTGID(t)
		prepare := func(o *libbpf.OpenObject) error { return o.SetGlobal("target_tgid", tgid) }
		return faultRun{given: &cuser.Given{Image: image, Folder: pins}, run: func() error {
			return withLoaded(image, prepare, func(o *libbpf.Object) error { return pinAndOpen(o, pins) })
		}, left: func() []string {
			// What could not be unpinned is there, but nothing with a name that the test has not given.
			return slices.DeleteFunc(pinsIn(pins), func(pin string) bool {
				return slices.Contains([]string{"pin map", "pin program", "pin link"}, pin)
			})
		}}
	}},
	{"a hash map", func(t *testing.T) faultRun {
		return faultRun{run: func() error {
			return withMap(libbpf.MapTypeHash, 4, 8, 16, 0, func(m *libbpf.MapHandle) error {
				for i := range uint32(8) {
					if err := m.Update(u32(i), u64(uint64(i)), libbpf.Any); err != nil {
						return err
					}
				}
				if _, err := m.Lookup(u32(1), libbpf.Any); err != nil {
					return err
				}
				if err := m.Delete(u32(1)); err != nil {
					return err
				}
				n := 0
				var err error
				for range m.All(&err) {
					n++
				}
				if err != nil {
					return err
				}
				for range m.Keys(&err) {
					n++
				}
				if err != nil {
					return err
				}
				if n != 14 {
					return fmt.Errorf("%d elements and no error", n)
				}
				keys, values := make([]byte, 4*16), make([]byte, 8*16)
				var cursor libbpf.MapCursor
				if got, err := m.LookupBatch(&cursor, keys, values, libbpf.Any); got != 7 || !errors.Is(err, libbpf.ErrKeyNotExist) {
					return err
				}
				if _, err := m.UpdateBatch(append(u32(20), u32(21)...), make([]byte, 16), libbpf.Any); err != nil {
					return err
				}
				if _, err := m.DeleteBatch(append(u32(20), u32(21)...)); err != nil {
					return err
				}
				if _, err := m.LookupMany(append(u32(3), u32(4)...), make([]byte, 16), make([]bool, 2), libbpf.Any); err != nil {
					return err
				}
				if _, err := m.Info(); err != nil {
					return err
				}
				_, err = m.FDInfo()
				return err
			})
		}}
	}},
	{"a queue", func(t *testing.T) faultRun {
		return faultRun{run: func() error {
			return withMap(libbpf.MapTypeQueue, 0, 8, 16, 0, func(m *libbpf.MapHandle) error {
				if err := m.Update(nil, u64(1), libbpf.Any); err != nil {
					return err
				}
				if _, err := m.Lookup(nil, libbpf.Any); err != nil {
					return err
				}
				_, err := m.LookupAndDelete(nil)
				return err
			})
		}}
	}},
	{"a per-CPU map", func(t *testing.T) faultRun {
		cpus, err := libbpf.PossibleCPUs()
		check(t, err)
		return faultRun{run: func() error {
			return withMap(libbpf.MapTypePerCPUHash, 4, 8, 16, 0, func(m *libbpf.MapHandle) error {
				if err := m.UpdatePerCPUFrom(u32(1), make([]byte, 8*cpus), libbpf.Any); err != nil {
					return err
				}
				if _, err := m.LookupPerCPU(u32(1), libbpf.Any); err != nil {
					return err
				}
				var err error
				for range m.All(&err) {
				}
				return err
			})
		}}
	}},
	{"memory of a map", func(t *testing.T) faultRun {
		return faultRun{run: func() error {
			return withMap(libbpf.MapTypeArray, 4, 8, 16, libbpf.CreateMMapable, func(m *libbpf.MapHandle) error {
				memory, err := m.Memory()
				return closed(memory, err)
			})
		}}
	}},
	{"ring buffer with callbacks", func(t *testing.T) faultRun {
		o := loadStream(t, nil)
		ring := findMap(t, o, "ring")
		return faultRun{given: &cuser.Given{MapFD: ring.FD(), Ask: asking(toRing, 3)}, run: func() error {
			r, err := libbpf.RingBufferBuilder{Sources: []libbpf.RingSource{{Map: ring, Callback: func([]byte) error { return nil }}}}.Build()
			if err != nil {
				return err
			}
			write(toRing, 3)
			_, errPoll := r.Poll(0)
			_, errConsume := r.Consume()
			return errors.Join(errPoll, errConsume, r.Close())
		}}
	}},
	{"ring buffer in place", func(t *testing.T) faultRun {
		o := loadStream(t, nil)
		ring := findMap(t, o, "ring")
		return faultRun{run: func() error {
			r, err := libbpf.NewRingReader(ring)
			if err != nil {
				return err
			}
			return errors.Join(readInPlace(toRing, func() (err error) {
				for range r.Pending(&err) {
				}
				return err
			}, func(ctx context.Context, each func()) (err error) {
				for range r.Records(ctx, &err) {
					each()
				}
				return err
			}), r.Close())
		}}
	}},
	{"perf buffer with callbacks", func(t *testing.T) faultRun {
		perf := findMap(t, loadStream(t, nil), "perf")
		return faultRun{given: &cuser.Given{MapFD: perf.FD(), Ask: asking(toPerf, 3)}, run: func() error {
			p, err := libbpf.PerfBufferBuilder{Pages: 1, Sample: func(int, []byte) error { return nil }}.Build(perf)
			if err != nil {
				return err
			}
			write(toPerf, 3)
			_, errPoll := p.Poll(0)
			_, errConsume := p.Consume()
			return errors.Join(errPoll, errConsume, p.Close())
		}}
	}},
	{"perf buffer in place", func(t *testing.T) faultRun {
		perf := findMap(t, loadStream(t, nil), "perf")
		return faultRun{run: func() error {
			r, err := libbpf.NewPerfReader(perf, libbpf.PerfReaderOptions{Pages: 1})
			if err != nil {
				return err
			}
			return errors.Join(readInPlace(toPerf, func() (err error) {
				for range r.Pending(&err) {
				}
				return err
			}, func(ctx context.Context, each func()) (err error) {
				for range r.Records(ctx, &err) {
					each()
				}
				return err
			}), r.Close())
		}}
	}},
	{"user ring buffer", func(t *testing.T) faultRun {
		user := openUserRing(t)
		check(t, user.Close())
		return faultRun{given: &cuser.Given{MapFD: user.m.FD()}, run: func() error {
			r, err := libbpf.NewUserRingBuffer(user.m)
			if err != nil {
				return err
			}
			sample, err := r.Reserve(8)
			if err == nil {
				sample.Discard()
			}
			return errors.Join(err, r.Close())
		}}
	}},
	{"link objects", func(t *testing.T) faultRun {
		unit, library := readObject(t, "link_main"), readObject(t, "link_library")
		return faultRun{memory: true, run: func() error {
			l, err := libbpf.NewLinkerTo(io.Discard)
			if err != nil {
				return err
			}
			for i, object := range [][]byte{unit, library} {
				if err = l.AddMemory(fmt.Sprintf("unit%d", i), object); err != nil {
					return errors.Join(err, l.Close())
				}
			}
			return errors.Join(l.Link(), l.Close())
		}}
	}},
	{"link objects into a file", func(t *testing.T) faultRun {
		dir := t.TempDir()
		unit, library := testutil.Object(t, "link_main"), testutil.Object(t, "link_library")
		out := filepath.Join(dir, "out.o")
		link := func() error {
			l, err := libbpf.NewLinker(out)
			if err != nil {
				return err
			}
			for _, path := range []string{unit, library} {
				if err = l.AddFile(path); err != nil {
					return errors.Join(err, l.Close())
				}
			}
			return errors.Join(l.Link(), l.Close())
		}
		check(t, link())
		whole, err := os.ReadFile(out)
		check(t, err)
		given := &cuser.Given{Folder: out, Path: unit, Other: library}
		return faultRun{memory: true, given: given, run: link, left: func() []string {
			files, _ := filepath.Glob(filepath.Join(dir, "*"))
			var others []string
			for _, file := range files {
				if content, _ := os.ReadFile(file); file != out || len(content) != len(whole) {
					others = append(others, fmt.Sprintf("%s of %d bytes", filepath.Base(file), len(content)))
				}
				_ = os.Remove(file)
			}
			return others
		}}
	}},
	{"types of the kernel", func(t *testing.T) faultRun {
		return faultRun{noOp: true, run: func() error {
			types, err := btf.LoadKernel()
			if err != nil {
				return err
			}
			_, err = types.TypeByName("task_struct", btf.KindStruct)
			return errors.Join(err, types.Close())
		}}
	}},
	{"types of an object", func(t *testing.T) faultRun {
		path := testutil.Object(t, "attach")
		return faultRun{given: &cuser.Given{Path: path}, noOp: true, run: func() error {
			types, err := btf.Parse(path)
			if err != nil {
				return err
			}
			_, err = types.TypeByName("task_struct", btf.KindStruct)
			if errors.Is(err, btf.ErrNotFound) {
				err = nil
			}
			return errors.Join(err, types.Close())
		}}
	}},
	{"queries", func(t *testing.T) faultRun {
		o := loadAttach(t, nil)
		m, p := findMap(t, o, ".bss"), findProgram(t, o, "on_enter")
		link, err := p.Attach()
		check(t, err)
		t.Cleanup(func() { check(t, link.Close()) })
		given := &cuser.Given{ProgFD: p.FD(), MapFD: m.FD(), LinkFD: link.FD()}
		return faultRun{given: given, run: func() error {
			programInfo, err := p.Info(libbpf.IncludeAll)
			if err != nil {
				return err
			}
			mapInfo, err := m.Info()
			if err != nil {
				return err
			}
			linkInfo, err := link.Info()
			if err != nil {
				return err
			}
			program, err := libbpf.ProgramHandleFromID(programInfo.ID)
			if err := closed(program, err); err != nil {
				return err
			}
			mapHandle, err := libbpf.MapHandleFromID(mapInfo.ID)
			if err := closed(mapHandle, err); err != nil {
				return err
			}
			linkHandle, err := libbpf.LinkFromID(linkInfo.ID)
			if err := closed(linkHandle, err); err != nil {
				return err
			}
			if _, err := p.FDInfo(); err != nil {
				return err
			}
			if _, err := p.SourceLines(); err != nil {
				return err
			}
			types, err := p.BTF()
			return closed(types, err)
		}}
	}},
	{"run a program", func(t *testing.T) faultRun {
		p := findProgram(t, loadTestRun(t, false), "count_packet")
		return faultRun{given: &cuser.Given{ProgFD: p.FD()}, run: func() error {
			_, err := p.TestRun(libbpf.TestRunOptions{Data: make([]byte, 64)})
			return err
		}}
	}},
	{"attach xdp by netlink", func(t *testing.T) faultRun {
		n := testutil.NewNetwork(t)
		_, far := n.Veth()
		p := findProgram(t, load(t, open(t, "xdp")), "pass")
		place := libbpf.XDP{IfIndex: far, Flags: libbpf.XDPSKBMode}
		given := &cuser.Given{IfIndex: far, ProgFD: p.FD()}
		return faultRun{given: given, enter: inNetwork(n), run: func() error {
			if err := place.Attach(p); err != nil {
				return err
			}
			_, errQuery := place.Query()
			err := place.Detach()
			if err != nil {
				err = errors.Join(err, place.Detach()) // the fault is over
			}
			return errors.Join(errQuery, err)
		}, left: func() []string {
			return inNetworkLeft(n, func() string {
				id, err := place.QueryID()
				if id != 0 || err != nil {
					return fmt.Sprintf("XDP program %d, %v", id, err)
				}
				return ""
			})
		}}
	}},
	{"attach tc", func(t *testing.T) faultRun {
		n := testutil.NewNetwork(t)
		_, far := n.Veth()
		p := findProgram(t, load(t, open(t, "tc")), "first")
		place := libbpf.TCHook{IfIndex: far, AttachPoint: libbpf.TCIngress | libbpf.TCEgress}
		in := libbpf.TCHook{IfIndex: far, AttachPoint: libbpf.TCIngress}
		given := &cuser.Given{IfIndex: far, ProgFD: p.FD()}
		return faultRun{given: given, enter: inNetwork(n), run: func() error {
			if err := place.Create(); err != nil {
				return err
			}
			filter, err := in.Attach(p, libbpf.TCOptions{})
			if err == nil {
				_, errQuery := in.Query(filter.Handle, filter.Priority)
				err = errors.Join(errQuery, in.Detach(filter.Handle, filter.Priority))
			}
			errDestroy := place.Destroy()
			if errDestroy != nil {
				errDestroy = errors.Join(errDestroy, place.Destroy())
			}
			return errors.Join(err, errDestroy)
		}, left: func() []string {
			return inNetworkLeft(n, func() string {
				// Creating it tells whether it was there.
				err := place.Create()
				_ = place.Destroy()
				if err != nil {
					return fmt.Sprintf("a qdisc: %v", err)
				}
				return ""
			})
		}}
	}},
	{"load and attach USDT", func(t *testing.T) faultRun {
		loadUSDT(t) // or skip
		image, tgid := readObject(t, "usdt"), selfTGID(t)
		return faultRun{given: &cuser.Given{Image: image}, run: func() error {
			return withLoaded(image, func(o *libbpf.OpenObject) error {
				return o.SetGlobal("target_tgid", tgid)
			}, func(o *libbpf.Object) error {
				_, err := o.Attach()
				return err
			})
		}}
	}},
	{"attach socket filter", func(t *testing.T) faultRun {
		p := findProgram(t, loadMaps(t), "read_globals")
		return faultRun{given: &cuser.Given{ProgFD: p.FD()}, run: func() error {
			fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				return &libbpf.Error{Op: "the test's own", Err: err}
			}
			defer unix.Close(fd)
			if err := libbpf.AttachSocketFilter(fd, p); err != nil {
				return err
			}
			return libbpf.DetachSocketFilter(fd)
		}}
	}},
}

// faultLink is what the cycle of a link needs.
type faultLink struct {
	attach func() (*libbpf.Link, error)
	enter  func() error
	leave  func()
	given  *cuser.Given
}

func init() {
	link := func(name string, setup func(t *testing.T) faultLink) {
		faultCycles = append(faultCycles, faultCycle{"attach " + name, func(t *testing.T) faultRun {
			f := setup(t)
			return faultRun{enter: f.enter, leave: f.leave, left: legacyEvents, given: f.given, run: func() error {
				l, err := f.attach()
				if err != nil {
					return err
				}
				_, err = l.Info()
				if errors.Is(err, unix.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
					err = nil // no link of the kernel's
				}
				return errors.Join(err, l.Close())
			}}
		}})
	}
	for _, name := range []string{
		"tracepoint", "tracepoint-section", "raw_tp", "tp_btf", "uprobe", "uprobe-legacy", "uprobe-perf",
		"uprobe-library", "uprobe.multi", "uprobe.multi-pattern", "uprobe-section", "kprobe", "kprobe-legacy",
		"kprobe-perf", "ksyscall", "kprobe.multi", "kprobe.multi-pattern", "kprobe.session",
	} {
		link(name, func(t *testing.T) faultLink {
			h := hookNamed(t, name)
			_, p := h.load(t, false)
			check(t, h.mustAttach(t, p, 0).Close())
			return faultLink{
				attach: func() (*libbpf.Link, error) { return h.attach(t, p, 0) },
				given: &cuser.Given{
					Program: p.Pointer(), Names: []string{"realpath@" + realpathVersion}, Offset: fileOffset(t, targetOne),
				},
			}
		})
	}
	// Some kernels attach such a program only once.
	for _, name := range []string{"fentry", "fexit", "fmod_ret", "lsm", "freplace"} {
		link(name, func(t *testing.T) faultLink {
			h := hookNamed(t, name)
			if name == "freplace" {
				_, target := loadReplaceable(t)
				h.prepare = func(t testing.TB, o *libbpf.OpenObject) { setReplaced(t, o, target) }
			}
			o, p := h.load(t, false)
			check(t, h.mustAttach(t, p, 0).Close())
			given := new(cuser.Given)
			return faultLink{
				attach: func() (*libbpf.Link, error) { return h.attach(t, p, 0) },
				enter: func() (err error) {
					o, p, err = h.tryLoad(t, false)
					given.Program = p.Pointer()
					return err
				},
				leave: func() { check(t, o.Close()) },
				given: given,
			}
		})
	}
	link("perf event", func(t *testing.T) faultLink {
		needs.PerfEvents(t)
		_, p := loadSeen(t, "perf_event", "tracepoint", "on_perf_event", nil)
		return faultLink{given: &cuser.Given{Program: p.Pointer()}, attach: func() (*libbpf.Link, error) {
			fd, err := unix.PerfEventOpen(&unix.PerfEventAttr{
				Type: unix.PERF_TYPE_SOFTWARE, Config: unix.PERF_COUNT_SW_PAGE_FAULTS, Size: unix.PERF_ATTR_SIZE_VER0,
				Sample: 1, Bits: unix.PerfBitDisabled,
			}, 0, -1, -1, unix.PERF_FLAG_FD_CLOEXEC)
			if err != nil {
				return nil, &libbpf.Error{Op: "the test's own", Err: err}
			}
			defer unix.Close(fd) // the link has its own descriptor
			return p.AttachPerfEvent(fd, libbpf.PerfEventOptions{})
		}}
	})
	link("xdp", func(t *testing.T) faultLink {
		n := testutil.NewNetwork(t)
		_, far := n.Veth()
		p := findProgram(t, load(t, open(t, "xdp")), "pass")
		return faultLink{
			attach: func() (*libbpf.Link, error) { return p.AttachXDP(far, libbpf.XDPLinkOptions{}) },
			enter:  inNetwork(n),
			given:  &cuser.Given{Program: p.Pointer(), IfIndex: far},
		}
	})
	link("tcx", func(t *testing.T) faultLink {
		n := testutil.NewNetwork(t)
		_, far := n.Veth()
		p := findProgram(t, loadTC(t, libbpf.AttachTypeTCXIngress, "first"), "first")
		n.Do(func() { check(t, attachTCX(t, p, far, libbpf.PlacementOptions{}).Close()) })
		return faultLink{
			attach: func() (*libbpf.Link, error) { return p.AttachTCX(far, libbpf.PlacementOptions{}) },
			enter:  inNetwork(n),
			given:  &cuser.Given{Program: p.Pointer(), IfIndex: far},
		}
	})
	link("netkit", func(t *testing.T) faultLink {
		w := newNetkit(t)
		p := findProgram(t, loadTC(t, libbpf.AttachTypeNetkitPrimary, "first"), "first")
		return faultLink{
			attach: func() (*libbpf.Link, error) { return p.AttachNetkit(w.near, libbpf.PlacementOptions{}) },
			enter:  inNetwork(w.net),
			given:  &cuser.Given{Program: p.Pointer(), IfIndex: w.near},
		}
	})
	link("netfilter", func(t *testing.T) faultLink {
		p := findProgram(t, loadNetfilter(t), "accept")
		return faultLink{
			attach: func() (*libbpf.Link, error) {
				return p.AttachNetfilter(libbpf.NetfilterIPv4, libbpf.NetfilterLocalIn, libbpf.NetfilterOptions{})
			},
			enter: inNetwork(testutil.NewNetwork(t)),
			given: &cuser.Given{Program: p.Pointer()},
		}
	})
	link("cgroup", func(t *testing.T) faultLink {
		cgroup := testutil.NewCgroup(t)
		p := findProgram(t, load(t, open(t, "cgroup")), "egress")
		return faultLink{attach: func() (*libbpf.Link, error) {
			return p.AttachCgroup(int(cgroup.Fd()), libbpf.PlacementOptions{})
		}}
	})
	link("netns (sk_lookup)", func(t *testing.T) faultLink {
		n := testutil.NewNetwork(t)
		p := findProgram(t, load(t, open(t, "sockets")), "lookup")
		return faultLink{
			attach: func() (*libbpf.Link, error) { return p.AttachNetns(n.FD()) },
			given:  &cuser.Given{Program: p.Pointer(), FD: n.FD()},
		}
	})
	link("sockmap", func(t *testing.T) faultLink {
		o := load(t, open(t, "sockets"))
		p, m := findProgram(t, o, "verdict"), findMap(t, o, "streams")
		check(t, attachSockmap(t, p, m).Close())
		return faultLink{
			attach: func() (*libbpf.Link, error) { return p.AttachSockmap(m) },
			given:  &cuser.Given{Program: p.Pointer(), MapFD: m.FD()},
		}
	})
	link("iter", func(t *testing.T) faultLink {
		o := loadIterators(t)
		p, m := findProgram(t, o, "dump_map"), findMap(t, o, "entries")
		return faultLink{given: &cuser.Given{Program: p.Pointer(), MapFD: m.FD()}, attach: func() (*libbpf.Link, error) {
			l, err := p.AttachIter(libbpf.IterOptions{Map: m})
			if err != nil {
				return nil, err
			}
			it, err := libbpf.NewIter(l)
			if err != nil {
				return nil, errors.Join(err, l.Close())
			}
			_, err = io.Copy(io.Discard, it)
			if err = errors.Join(err, it.Close()); err != nil {
				return nil, errors.Join(err, l.Close())
			}
			return l, nil
		}}
	})
}

func hookNamed(t *testing.T, name string) hook {
	t.Helper()
	at := slices.IndexFunc(hooks, func(h hook) bool { return h.name == name })
	if at < 0 {
		t.Fatalf("no hook %s", name)
	}
	return hooks[at]
}

// pinAndOpen pins a map, a program and a link of the object, opens the pins, and removes them.
func pinAndOpen(o *libbpf.Object, pins string) error {
	path := func(name string) string { return filepath.Join(pins, name) }
	m, err := o.Map(".bss")
	if err != nil {
		return err
	}
	if err := m.Pin(path("map")); err != nil {
		return err
	}
	opened, err := libbpf.MapHandleFromPinnedPath(path("map"))
	if err := errors.Join(closed(opened, err), m.Unpin(path("map"))); err != nil {
		return err
	}
	if err := pinAndLose(m, path("map")); err != nil {
		return err
	}
	p, err := o.Program("on_enter")
	if err != nil {
		return err
	}
	if err := p.Pin(path("program")); err != nil {
		return err
	}
	program, err := libbpf.ProgramHandleFromPinnedPath(path("program"))
	if err := errors.Join(closed(program, err), p.Unpin(path("program"))); err != nil {
		return err
	}
	link, err := p.Attach()
	if err != nil {
		return err
	}
	if err := link.Pin(path("link")); err != nil {
		return errors.Join(err, link.Close())
	}
	again, err := libbpf.LinkFromPinnedPath(path("link"))
	err = closed(again, err)
	_, errPin := libbpf.PinOptions{}.At(path("link"))
	var errPins error
	for range libbpf.Pins(pins, &errPins) {
	}
	return errors.Join(err, errPin, errPins, link.Unpin(), link.Close())
}

// pinAndLose pins a map twice, and removes the pin as others would.
func pinAndLose(m *libbpf.Map, path string) error {
	for range 2 {
		if err := m.Pin(path); err != nil {
			return err
		}
		_ = os.Remove(path)
	}
	if err := m.Unpin(path); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// readInPlace reads what is there, waits for a record and for one that does not come. Contexts that end are no errors.
func readInPlace(kind int, pending func() error, records func(ctx context.Context, each func()) error) error {
	write(kind, 3)
	err := pending()
	ctx, cancel := context.WithCancel(context.Background())
	write(kind, 1)
	errWait := records(ctx, cancel)
	cancel()
	if errors.Is(errWait, context.Canceled) {
		errWait = nil
	}
	ctx, cancel = context.WithTimeout(context.Background(), time.Millisecond)
	errIdle := records(ctx, func() {})
	cancel()
	if errors.Is(errIdle, context.DeadlineExceeded) {
		errIdle = nil
	}
	return errors.Join(err, errWait, errIdle)
}

// closed closes what an operation returned, if it did.
func closed(c io.Closer, err error) error {
	if err != nil {
		return err
	}
	return c.Close()
}

// withLoaded opens, prepares, loads, uses and closes an object.
func withLoaded(image []byte, prepare func(*libbpf.OpenObject) error, use func(*libbpf.Object) error) (err error) {
	o, err := libbpf.OpenMemory(image)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, o.Close()) }()
	if prepare != nil {
		if err := prepare(o); err != nil {
			return err
		}
	}
	loaded, err := o.Load()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, loaded.Close()) }()
	if use != nil {
		return use(loaded)
	}
	return nil
}

// withMap creates, uses and closes a map.
func withMap(
	typ libbpf.MapType, key, value, entries uint32, flags libbpf.MapCreateFlags, use func(*libbpf.MapHandle) error,
) (err error) {
	m, err := libbpf.CreateMap(typ, "faulty", key, value, entries, libbpf.MapCreateOptions{Flags: flags})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	return use(m)
}

func pinsIn(folder string) []string {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return []string{err.Error()}
	}
	var pins []string
	for _, entry := range entries {
		if strings.HasSuffix(entry.Name(), ".debug") {
			continue // the kernel's own
		}
		pins = append(pins, "pin "+entry.Name())
		_ = os.Remove(filepath.Join(folder, entry.Name()))
	}
	return pins
}

// inNetwork enters a network namespace with a thread that ends with the run.
func inNetwork(n *testutil.Network) func() error {
	return func() error { return unix.Setns(n.FD(), unix.CLONE_NEWNET) }
}

func inNetworkLeft(n *testutil.Network, left func() string) []string {
	var found []string
	n.Do(func() {
		if what := left(); what != "" {
			found = append(found, what)
		}
	})
	return found
}

func removeLegacyEvent(kind, name string) {
	file, err := os.OpenFile("/sys/kernel/tracing/"+kind+"_events", os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return
	}
	defer file.Close()
	_, _ = file.WriteString("-:" + name)
}

// legacyEvents returns this process's probes in tracefs, and removes them.
func legacyEvents() []string { return removeLegacyEvents(unix.Getpid()) }

// removeLegacyEvents removes a process's probes from tracefs, and returns them.
func removeLegacyEvents(process int) []string {
	var events []string
	for _, kind := range []string{"kprobe", "uprobe"} {
		text, _ := os.ReadFile("/sys/kernel/tracing/" + kind + "_events")
		for line := range strings.Lines(string(text)) {
			if strings.Contains(line, fmt.Sprintf("libbpf_%d_", process)) {
				events = append(events, strings.TrimSpace(line))
				name, _, _ := strings.Cut(strings.TrimSpace(line), " ")
				_, name, _ = strings.Cut(name, ":")
				removeLegacyEvent(kind, name)
			}
		}
	}
	return events
}
