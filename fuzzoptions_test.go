package libbpf_test

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/mutate"
)

// Fuzz targets of the options for links, buffers and test runs. What they attach is in a network namespace and a cgroup
// of their own, in a file that nobody runs, or does nothing, and is closed at once.

// FuzzAttach attaches a program to one of the places below, with any options.
func FuzzAttach(f *testing.F) {
	places := fuzzPlaces(f)
	for i := range places {
		f.Add(uint8(i), "", int64(0), []byte{})
		f.Add(uint8(i), "libbpf_go_target_one", int64(1), []byte{1, 1, 1, 2, 1, 3, 1, 4, 1, 5, 1, 6, 1, 7})
	}
	f.Fuzz(mutate.Target(f, 5000, func(t *testing.T, place uint8, name string, number int64, options []byte) {
		link, err := places[int(place)%len(places)](name, number, options)
		mutate.Ended(err)
		if err != nil && link != nil {
			t.Errorf("a link beside the error %v", err)
		}
		if link != nil {
			_, _ = link.Info()
			_ = link.Close()
		}
	}))
}

// attachFuzzed attaches something. It returns no link where the place has none.
type attachFuzzed func(name string, number int64, options []byte) (*libbpf.Link, error)

func fuzzPlaces(f *testing.F) []attachFuzzed {
	testutil.Root(f)
	places := fuzzNetworkPlaces(f)
	places = append(places, fuzzCgroupPlace(f))
	places = append(places, fuzzBinaryPlaces(f)...)
	return append(places, fuzzTracePlaces(f)...)
}

// doesNothing is a program that returns a number. It is nil where the kernel has no such programs.
func doesNothing(
	f *testing.F, typ libbpf.ProgramType, attach libbpf.ProgramAttachType, number int32,
) *libbpf.ProgramHandle {
	p, err := libbpf.LoadProgram(typ, "nothing", "GPL", returns(number), libbpf.ProgramLoadOptions{ExpectedAttachType: attach})
	if err != nil {
		f.Logf("without programs of type %v: %v", typ, err)
		return nil
	}
	f.Cleanup(func() { check(f, p.Close()) })
	return p
}

func fuzzNetworkPlaces(f *testing.F) []attachFuzzed {
	n := testutil.NewNetwork(f)
	device, _ := n.Veth()
	in := func(place attachFuzzed) attachFuzzed {
		return func(name string, number int64, options []byte) (link *libbpf.Link, err error) {
			n.Do(func() { link, err = place(name, number, options) })
			return link, err
		}
	}
	places := []attachFuzzed{}
	if p := doesNothing(f, libbpf.ProgramTypeXDP, 0, 2); p != nil { // XDP_PASS
		places = append(places, in(func(_ string, number int64, options []byte) (*libbpf.Link, error) {
			var o libbpf.XDPLinkOptions
			mutate.Fill(&o, options)
			return p.AttachXDP(device+int(number), o)
		}), in(func(_ string, number int64, options []byte) (*libbpf.Link, error) {
			x := libbpf.XDP{IfIndex: device}
			mutate.Fill(&x, options)
			x.IfIndex = device + int(number)
			err := x.Attach(p)
			if err == nil {
				_, _ = x.Query()
				err = x.Detach()
			}
			return nil, err
		}))
	}
	if p := doesNothing(f, libbpf.ProgramTypeSchedCls, 0, -1); p != nil { // TC_ACT_UNSPEC
		places = append(places, in(func(_ string, number int64, options []byte) (*libbpf.Link, error) {
			var o libbpf.PlacementOptions
			mutate.Fill(&o, options)
			return p.AttachTCX(device+int(number), o)
		}), in(func(_ string, number int64, options []byte) (*libbpf.Link, error) {
			var o struct {
				Hook    libbpf.TCHook
				Options libbpf.TCOptions
			}
			mutate.Fill(&o, options)
			o.Hook.IfIndex = device + int(number)
			created := o.Hook.Create()
			filter, err := o.Hook.Attach(p, o.Options)
			if err == nil {
				err = o.Hook.Detach(filter.Handle, filter.Priority)
			}
			if created == nil {
				_ = o.Hook.Destroy()
			}
			return nil, err
		}), in(func(_ string, number int64, options []byte) (*libbpf.Link, error) {
			var o struct {
				Type   libbpf.ProgramAttachType
				Attach libbpf.HookOptions
				Query  libbpf.HookQueryOptions
				Detach libbpf.HookDetachOptions
			}
			mutate.Fill(&o, options)
			hook := libbpf.Hook{Type: libbpf.AttachTypeTCXIngress + o.Type%2, IfIndex: device + int(number)}
			err := hook.Attach(p, o.Attach)
			_, _ = hook.Query(o.Query)
			_ = hook.Detach(p, o.Detach)
			if err == nil {
				_ = hook.Detach(p, libbpf.HookDetachOptions{})
			}
			return nil, err
		}))
	}
	if p := doesNothing(f, libbpf.ProgramTypeNetfilter, libbpf.AttachTypeNetfilter, 1); p != nil { // NF_ACCEPT
		places = append(places, in(func(_ string, number int64, options []byte) (*libbpf.Link, error) {
			var o struct {
				Protocol libbpf.NetfilterProtocol
				Options  libbpf.NetfilterOptions
			}
			mutate.Fill(&o, options)
			return p.AttachNetfilter(o.Protocol, libbpf.NetfilterHook(number), o.Options)
		}))
	}
	return places
}

func fuzzCgroupPlace(f *testing.F) attachFuzzed {
	cgroup := testutil.NewCgroup(f)
	p := doesNothing(f, libbpf.ProgramTypeCgroupSKB, libbpf.AttachTypeCgroupInetIngress, 1)
	return func(_ string, _ int64, options []byte) (*libbpf.Link, error) {
		var o libbpf.PlacementOptions
		mutate.Fill(&o, options)
		return p.AttachCgroup(int(cgroup.Fd()), o)
	}
}

// fuzzBinaryPlaces are those of a copy of this program, which nobody runs: a probe within an instruction breaks what
// runs the file.
func fuzzBinaryPlaces(f *testing.F) []attachFuzzed {
	image, err := os.ReadFile("/proc/self/exe")
	check(f, err)
	binary := filepath.Join(f.TempDir(), "binary")
	check(f, os.WriteFile(binary, image, 0o600))
	_, entry, err := tryLoadSeen(f, "uprobe", "on_entry", nil)
	check(f, err)
	places := []attachFuzzed{
		func(name string, number int64, options []byte) (*libbpf.Link, error) {
			var o libbpf.UprobeOptions
			mutate.Fill(&o, options)
			o.Function = name
			return entry.AttachUprobe(libbpf.ThisProcess, binary, uint64(number), o)
		},
	}
	_, multi, err := tryLoadSeen(f, "uprobe", "on_entries", nil)
	if err != nil {
		f.Logf("without uprobe.multi: %v", err)
		return places
	}
	return append(places, func(name string, number int64, options []byte) (*libbpf.Link, error) {
		var o libbpf.UprobeMultiOptions
		mutate.Fill(&o, options)
		if number&1 != 0 {
			o.Symbols = append(o.Symbols, name)
		}
		if number&2 != 0 {
			o.Pattern = name
		}
		return multi.AttachUprobeMulti(libbpf.ThisProcess, binary, o)
	})
}

// fuzzTracePlaces attach to nothing that exists, so that no process but this one is traced.
func fuzzTracePlaces(f *testing.F) []attachFuzzed {
	raw := doesNothing(f, libbpf.ProgramTypeRawTracepoint, 0, 0)
	event := doesNothing(f, libbpf.ProgramTypePerfEvent, 0, 0)
	software := unix.PerfEventAttr{
		Type: unix.PERF_TYPE_SOFTWARE, Config: unix.PERF_COUNT_SW_DUMMY, Size: unix.PERF_ATTR_SIZE_VER0, Bits: unix.PerfBitDisabled,
	}
	fd, err := unix.PerfEventOpen(&software, 0, -1, -1, unix.PERF_FLAG_FD_CLOEXEC)
	check(f, err)
	f.Cleanup(func() { check(f, unix.Close(fd)) })
	places := []attachFuzzed{
		func(name string, _ int64, options []byte) (*libbpf.Link, error) {
			var o libbpf.RawTracepointOptions
			mutate.Fill(&o, options)
			return raw.AttachRawTracepoint("no_such_"+name, o)
		},
		func(_ string, number int64, options []byte) (*libbpf.Link, error) {
			var o libbpf.PerfEventOptions
			mutate.Fill(&o, options)
			o.ForceIoctl = false // the event would keep the program
			return event.AttachPerfEvent(fd+int(number), o)
		},
	}
	open := open(f, "iterators")
	for p := range open.Programs() {
		check(f, p.SetAutoload(p.Name() == "dump_map"))
	}
	object, err := open.Load()
	if err != nil {
		f.Logf("without iterators: %v", err)
		return places
	}
	f.Cleanup(func() { check(f, object.Close()) })
	elements, iter := findMap(f, object, "entries"), findProgram(f, object, "dump_map")
	return append(places, func(_ string, number int64, options []byte) (*libbpf.Link, error) {
		var o libbpf.IterOptions
		mutate.Fill(&o, options)
		if number&1 != 0 {
			o.Map = elements
		}
		return iter.AttachIter(o)
	})
}

// FuzzBuffers opens perf buffers and reads from them, with any options.
func FuzzBuffers(f *testing.F) {
	testutil.Root(f)
	events, err := libbpf.CreateMap(libbpf.MapTypePerfEventArray, "events", 4, 4, 16, libbpf.MapCreateOptions{})
	check(f, err)
	f.Cleanup(func() { check(f, events.Close()) })
	f.Add([]byte{}, []byte{}, false)
	f.Add([]byte{1, 8, 1, 1, 2, 1, 0, 1, 1, 2, 1, 3, 1, 2}, []byte{1, 1}, true)
	f.Fuzz(mutate.Target(f, 1000, func(t *testing.T, options, attr []byte, own bool) {
		var o libbpf.PerfReaderOptions
		mutate.Fill(&o, options)
		const mostPages = 256
		if o.Pages > mostPages {
			o.Pages %= mostPages
		}
		if own {
			o.Attr = new(unix.PerfEventAttr)
			mutate.Fill(o.Attr, attr)
			// Other events can watch the machine, or use up its time.
			o.Attr.Type, o.Attr.Config = unix.PERF_TYPE_SOFTWARE, unix.PERF_COUNT_SW_BPF_OUTPUT
		}
		reader, err := libbpf.NewPerfReader(events, o)
		mutate.Ended(err)
		if (reader == nil) != (err != nil) {
			t.Errorf("%v, %v", reader, err)
		}
		if err != nil {
			return
		}
		for range reader.Pending(&err) {
			break
		}
		_, _ = reader.Lost()
		check(t, reader.Close())
	}))
}

// FuzzTestRun runs programs with any options.
func FuzzTestRun(f *testing.F) {
	testutil.Root(f)
	n := testutil.NewNetwork(f) // frames may be sent
	var programs []*libbpf.ProgramHandle
	for _, typ := range []libbpf.ProgramType{
		libbpf.ProgramTypeSocketFilter, libbpf.ProgramTypeSchedCls, libbpf.ProgramTypeXDP, libbpf.ProgramTypeRawTracepoint,
		libbpf.ProgramTypeFlowDissector, libbpf.ProgramTypeSKLookup,
	} {
		attach := libbpf.ProgramAttachType(0)
		switch typ {
		case libbpf.ProgramTypeFlowDissector:
			attach = libbpf.AttachTypeFlowDissector
		case libbpf.ProgramTypeSKLookup:
			attach = libbpf.AttachTypeSKLookup
		}
		if p := doesNothing(f, typ, attach, 1); p != nil {
			programs = append(programs, p)
		}
	}
	for i := range programs {
		f.Add(uint8(i), []byte{})
		f.Add(uint8(i), []byte{1, 7, 1, 2, 1, 3, 1, 4, 1, 5, 1, 6, 1, 7, 1, 8, 1, 9, 1, 1})
	}
	f.Fuzz(mutate.Target(f, 200, func(t *testing.T, which uint8, options []byte) {
		var o libbpf.TestRunOptions
		mutate.Fill(&o, options)
		o.Repeat = min(o.Repeat, 4)
		if o.Flags&libbpf.TestRunXDPLiveFrames != 0 {
			o.BatchSize = min(o.BatchSize, 64)
		}
		// Buffers of fields have a few bytes; packets have more.
		if len(o.Data) > 0 {
			o.Data = append(o.Data, make([]byte, 64)...)
		}
		data, context := len(o.DataOut), len(o.ContextOut)
		n.Do(func() {
			result, err := programs[int(which)%len(programs)].TestRun(o)
			mutate.Ended(err)
			if len(result.Data) > data || len(result.Context) > context {
				t.Errorf("%d bytes of %d, %d of %d", len(result.Data), data, len(result.Context), context)
			}
		})
	}))
}
