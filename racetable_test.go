package libbpf_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/needs"
	"github.com/libbpf-go/libbpf-go/internal/testutil/races"
)

// shared is what methods get as arguments: it stays open.
type shared struct {
	m       *libbpf.MapHandle
	p       *libbpf.ProgramHandle
	folder  string // a bpf file system
	objects map[string][]byte

	events    *libbpf.Object
	iterators *libbpf.Object // nil before the first one who needs it

	t testing.TB // the whole test
}

// needIterators skips what needs iterators where the kernel refuses them, and nothing else.
func (s *shared) needIterators(t testing.TB) *libbpf.Object {
	t.Helper()
	if s.iterators == nil {
		s.iterators = loadIterators(cleanedUpBy{t, s.t})
	}
	return s.iterators
}

// cleanedUpBy is a test that leaves its clean-up to another one, which ends later.
type cleanedUpBy struct {
	testing.TB
	later testing.TB
}

func (c cleanedUpBy) Cleanup(f func()) { c.later.Cleanup(f) }

// TestRaces runs every method of every type against all others of the type and against Close.
func TestRaces(t *testing.T) {
	testutil.Root(t)
	needs.ToLoadFile(t, testutil.Object(t, "attach"))
	s := &shared{folder: testutil.BPFFS(t), objects: make(map[string][]byte), t: t}
	for _, name := range []string{"attach", "events"} {
		s.objects[name] = readObject(t, name)
	}
	s.events = loadEvents(t, nil)
	s.m = s.createMap(t, libbpf.MapTypeHash, 4, 8, 8)
	s.p = s.loadSocketFilter(t)
	t.Cleanup(func() {
		check(t, s.m.Close())
		check(t, s.p.Close())
	})
	races.Run(t, races.Table{
		Folder: ".",
		Types:  s.types(),
		Values: []reflect.Type{
			reflect.TypeFor[libbpf.AttachFlags](), reflect.TypeFor[libbpf.CallbackPanic](), reflect.TypeFor[libbpf.CgroupIterOrder](),
			reflect.TypeFor[libbpf.Error](), reflect.TypeFor[libbpf.HelperID](), reflect.TypeFor[libbpf.Hook](),
			reflect.TypeFor[libbpf.Instruction](), reflect.TypeFor[libbpf.LibraryVersion](), reflect.TypeFor[libbpf.LineInfo](),
			reflect.TypeFor[libbpf.LinkType](), reflect.TypeFor[libbpf.MapCreateFlags](), reflect.TypeFor[libbpf.MapDefinition](),
			reflect.TypeFor[libbpf.MapFlags](), reflect.TypeFor[libbpf.MapOpenOptions](), reflect.TypeFor[libbpf.MapType](),
			reflect.TypeFor[libbpf.NetfilterFlags](), reflect.TypeFor[libbpf.NetfilterHook](), reflect.TypeFor[libbpf.NetfilterProtocol](),
			reflect.TypeFor[libbpf.ObjectBuilder](), reflect.TypeFor[libbpf.PerfBufferBuilder](), reflect.TypeFor[libbpf.Pin](),
			reflect.TypeFor[libbpf.PinKind](), reflect.TypeFor[libbpf.PinOptions](), reflect.TypeFor[libbpf.PrintLevel](), reflect.TypeFor[libbpf.ProgramAttachType](),
			reflect.TypeFor[libbpf.ProgramInfoParts](), reflect.TypeFor[libbpf.ProgramTag](), reflect.TypeFor[libbpf.ProgramType](),
			reflect.TypeFor[libbpf.RingBufferBuilder](), reflect.TypeFor[libbpf.SourceLine](), reflect.TypeFor[libbpf.TCAttachPoint](),
			reflect.TypeFor[libbpf.TCHook](), reflect.TypeFor[libbpf.TaskFDType](), reflect.TypeFor[libbpf.TestRunFlags](),
			reflect.TypeFor[libbpf.VerifierError](), reflect.TypeFor[libbpf.XDP](), reflect.TypeFor[libbpf.XDPFeatures](),
			reflect.TypeFor[libbpf.XDPFlags](), reflect.TypeFor[libbpf.XDPMode](),
		},
		Args: map[reflect.Type]func() any{
			reflect.TypeFor[libbpf.MapCore]():     func() any { return s.m },
			reflect.TypeFor[libbpf.ProgramCore](): func() any { return s.p },
			reflect.TypeFor[context.Context]():    func() any { return shortContext() },
			reflect.TypeFor[[]byte]():             func() any { return u32(0) },
			reflect.TypeFor[func(int) error]():    func() any { return usesFD },
		},
		Stays: []string{"String", "Name", "Type", "KeySize", "ValueSize", "MaxEntries", "Section", "AttachType",
			"KeyTypeID", "ValueTypeID", "RecordTypeID", "Writable"},
	})
}

// shortContext is done soon.
func shortContext() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	context.AfterFunc(ctx, cancel)
	return ctx
}

// usesFD is for UseFD: nobody closes the descriptor meanwhile.
func usesFD(fd int) error {
	_, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	return err
}

func (s *shared) createMap(t testing.TB, typ libbpf.MapType, key, value, entries uint32) *libbpf.MapHandle {
	t.Helper()
	m, err := libbpf.CreateMap(typ, "race", key, value, entries, libbpf.MapCreateOptions{})
	check(t, err)
	return m
}

func (s *shared) loadSocketFilter(t testing.TB) *libbpf.ProgramHandle {
	t.Helper()
	const movImmediate, exit = 0xb7, 0x95
	p, err := libbpf.LoadProgram(libbpf.ProgramTypeSocketFilter, "race", "GPL",
		[]libbpf.Instruction{{Code: movImmediate}, {Code: exit}}, libbpf.ProgramLoadOptions{})
	check(t, err)
	return p
}

func (s *shared) open(t testing.TB, name string) *libbpf.OpenObject {
	t.Helper()
	o, err := libbpf.OpenMemory(s.objects[name])
	check(t, err)
	return o
}

func (s *shared) load(t testing.TB, name string) *libbpf.Object {
	t.Helper()
	o, err := s.open(t, name).Load()
	check(t, err)
	return o
}

// owned is a value that is closed with its owner.
func owned(it any, owner interface{ Close() error }) races.Value {
	return races.Value{It: it, Close: owner.Close}
}

func itself[T interface{ Close() error }](it T) races.Value {
	return races.Value{It: it, Close: it.Close}
}

func args(values ...any) func(any) []any { return func(any) []any { return values } }

// element are methods of maps with keys of 4 and values of 8 bytes.
func elements(value int, allowed ...error) map[string]races.Method {
	m := func(arguments func(any) []any, errs ...error) races.Method {
		return races.Method{Args: arguments, Errors: append(errs, allowed...)}
	}
	missing, end := libbpf.ErrKeyNotExist, io.EOF
	cursor := func() any { return new(libbpf.MapCursor) }
	bytesOf := func(n int) []byte { return make([]byte, n) }
	return map[string]races.Method{
		"All":                  m(nil),
		"Keys":                 m(nil),
		"Delete":               m(nil, missing),
		"DeleteBatch":          m(nil, missing),
		"Lookup":               m(nil, missing),
		"LookupAndDelete":      m(nil, missing),
		"LookupInto":           m(func(any) []any { return []any{u32(0), bytesOf(value), libbpf.Any} }, missing),
		"LookupAndDeleteInto":  m(func(any) []any { return []any{u32(0), bytesOf(value)} }, missing),
		"LookupBatch":          m(func(any) []any { return []any{cursor(), bytesOf(16), bytesOf(4 * value), libbpf.Any} }, missing, end, unix.ENOSPC),
		"LookupAndDeleteBatch": m(func(any) []any { return []any{cursor(), bytesOf(16), bytesOf(4 * value), libbpf.Any} }, missing, end, unix.ENOSPC),
		"LookupMany":           m(func(any) []any { return []any{bytesOf(16), bytesOf(4 * value), make([]bool, 4), libbpf.Any} }),
		"Update":               m(func(any) []any { return []any{u32(0), bytesOf(value), libbpf.Any} }, unix.EPERM),
		"UpdateBatch":          m(func(any) []any { return []any{u32(0), bytesOf(value), libbpf.Any} }, unix.EPERM),
		"UseFD":                m(nil),
	}
}

// merge adds to a copy of methods.
func merge(all ...map[string]races.Method) map[string]races.Method {
	merged := make(map[string]races.Method)
	for _, methods := range all {
		for name, method := range methods {
			merged[name] = method
		}
	}
	return merged
}

// refusals are errors of methods that the value is not for: a hash is not per-CPU, a socket filter has no tracepoint.
var refusals = []error{
	libbpf.ErrInvalid, unix.EINVAL, unix.ENOENT, unix.EEXIST, unix.EPERM, unix.EACCES, unix.EBUSY, unix.ENODATA, unix.ESRCH,
	unix.ENODEV, errors.ErrUnsupported,
}

// pinned are the methods that pin: at one path, so that they meet.
func (s *shared) pinned() map[string]races.Method {
	path := filepath.Join(s.folder, "pin")
	remove := func([]any) { _ = os.Remove(path) }
	return map[string]races.Method{
		"Pin":   {Args: args(path), Done: remove},
		"PinIn": {Args: args(unix.AT_FDCWD, path), Done: remove},
	}
}

// releasing is for Release, which gives the value to C: adopt takes it back.
func releasing(adopt func(unsafe.Pointer) (interface{ Close() error }, error)) races.Method {
	return races.Method{Errors: []error{unix.EBUSY}, Done: func(results []any) {
		if pointer, _ := results[0].(unsafe.Pointer); pointer != nil {
			if again, err := adopt(pointer); err == nil {
				_ = again.Close()
			}
		}
	}}
}

func (s *shared) types() []races.Type {
	var types []races.Type
	for _, group := range [][]races.Type{s.objectTypes(), s.mapTypes(), s.programTypes(), s.linkTypes(), s.bufferTypes(), s.otherTypes()} {
		types = append(types, group...)
	}
	return types
}

func (s *shared) objectTypes() []races.Type {
	folder := filepath.Join(s.folder, "object")
	pins := map[string]races.Method{}
	for _, name := range []string{"Pin", "PinMaps", "PinPrograms"} {
		pins[name] = races.Method{Args: args(folder), Done: func([]any) { _ = os.RemoveAll(folder) }}
	}
	for _, name := range []string{"Unpin", "UnpinMaps", "UnpinPrograms"} {
		pins[name] = races.Method{Args: args(folder)}
	}
	finds := map[string]races.Method{
		"Map":            {Args: args(".bss")},
		"Program":        {Args: args("on_exit")},
		"GlobalMemory":   {Args: args("enters")},
		"GlobalVariable": {Args: args("enters")},
		"SectionMemory":  {Args: args(".bss")},
	}
	openMap := func(t testing.TB, o *libbpf.OpenObject, name string) *libbpf.OpenMap {
		m, err := o.Map(name)
		check(t, err)
		return m
	}
	return []races.Type{
		{Name: "Object", Make: func(t testing.TB) races.Value { return itself(s.load(t, "attach")) }, Errors: refusals,
			Methods: merge(pins, finds, map[string]races.Method{"Release": releasing(
				func(p unsafe.Pointer) (interface{ Close() error }, error) { return libbpf.AdoptObject(p) })})},
		{Name: "OpenObject", Make: func(t testing.TB) races.Value { return itself(s.open(t, "attach")) },
			Errors: append([]error{libbpf.ErrLoaded}, refusals...),
			Methods: map[string]races.Method{
				"Map": {Args: args(".bss")}, "Program": {Args: args("on_exit")}, "Global": {Args: args("target_tgid")},
				"SetGlobal": {Args: args("target_tgid", uint32(1))},
				"Release":   releasing(func(p unsafe.Pointer) (interface{ Close() error }, error) { return libbpf.AdoptOpenObject(p) }),
			}},
		{Name: "PreparedObject", Make: func(t testing.TB) races.Value {
			p, err := s.open(t, "attach").Prepare()
			if err != nil && testutil.Refused(err) {
				testutil.Skip(t, "libbpf-1.6", err)
			}
			check(t, err)
			return itself(p)
		}, Errors: append([]error{libbpf.ErrLoaded}, refusals...), Methods: map[string]races.Method{"Map": {Args: args(".bss")}}},
		{Name: "OpenMap", Make: func(t testing.TB) races.Value {
			o := s.open(t, "events")
			return owned(openMap(t, o, "events"), o)
		}, Errors: refusals},
		{Name: "OpenMap/global data", Make: func(t testing.TB) races.Value {
			o := s.open(t, "attach")
			return owned(openMap(t, o, ".bss"), o)
		}, Errors: refusals},
		{Name: "OpenProgram", Make: func(t testing.TB) races.Value {
			o := s.open(t, "attach")
			p, err := o.Program("on_exit")
			check(t, err)
			return owned(p, o)
		}, Errors: refusals},
	}
}

func (s *shared) mapTypes() []races.Type {
	hash := func(t testing.TB) *libbpf.MapHandle {
		m := s.createMap(t, libbpf.MapTypeHash, 4, 8, 8)
		check(t, m.Update(u32(0), u64(1), libbpf.Any))
		return m
	}
	perCPU := []string{"LookupPerCPU", "LookupPerCPUInto", "LookupAndDeletePerCPU", "LookupAndDeletePerCPUInto", "UpdatePerCPU",
		"UpdatePerCPUFrom", "Close"}
	cpus, _ := libbpf.PossibleCPUs()
	missing := []error{libbpf.ErrKeyNotExist}
	values := func() []byte { return make([]byte, 8*cpus) }
	memory := func(t testing.TB) (*libbpf.MapHandle, *libbpf.MapMemory) {
		m, err := libbpf.CreateMap(libbpf.MapTypeArray, "race", 4, 8, 8, libbpf.MapCreateOptions{Flags: libbpf.CreateMMapable})
		check(t, err)
		memory, err := m.Memory()
		check(t, err)
		return m, memory
	}
	return []races.Type{
		{Name: "MapHandle", Make: func(t testing.TB) races.Value { return itself(hash(t)) },
			Methods: merge(elements(8), s.pinned()), Errors: refusals},
		{Name: "MapHandle/per CPU", Only: perCPU, Make: func(t testing.TB) races.Value {
			return itself(s.createMap(t, libbpf.MapTypePerCPUHash, 4, 8, 8))
		}, Methods: map[string]races.Method{
			"LookupPerCPU": {Errors: missing}, "LookupAndDeletePerCPU": {Errors: missing},
			"LookupPerCPUInto":          {Errors: missing, Args: func(any) []any { return []any{u32(0), values(), libbpf.Any} }},
			"LookupAndDeletePerCPUInto": {Errors: missing, Args: func(any) []any { return []any{u32(0), values()} }},
			"UpdatePerCPU": {Args: func(any) []any {
				all := make([][]byte, cpus)
				for i := range all {
					all[i] = u64(1)
				}
				return []any{u32(0), all, libbpf.Any}
			}},
			"UpdatePerCPUFrom": {Args: func(any) []any { return []any{u32(0), values(), libbpf.Any} }},
		}},
		{Name: "MapHandle/array", Only: []string{"Memory", "LookupInto", "Update", "Freeze", "Close"}, Make: func(t testing.TB) races.Value {
			m, memory := memory(t)
			check(t, memory.Close())
			return itself(m)
		}, Errors: refusals, Methods: map[string]races.Method{
			"LookupInto": elements(8)["LookupInto"], "Update": elements(8)["Update"],
		}},
		{Name: "Map", Make: func(t testing.TB) races.Value {
			o := s.load(t, "attach")
			return owned(findMap(t, o, ".bss"), o)
		}, Methods: merge(elements(16), s.pinned(), map[string]races.Method{"Unpin": {Args: args(filepath.Join(s.folder, "pin"))}}),
			Errors: refusals},
		{Name: "MapMemory", Make: func(t testing.TB) races.Value {
			m, memory := memory(t)
			return races.Value{It: memory, Close: memory.Close, End: func() { _ = m.Close() }}
		}, Methods: map[string]races.Method{
			"Bytes": {Done: func(results []any) {
				for i := range results[0].([]byte) {
					_ = results[0].([]byte)[i] // memory that was handed out stays readable
				}
			}},
			"ReadAt":  {Args: func(any) []any { return []any{make([]byte, 8), int64(8)} }},
			"WriteAt": {Args: func(any) []any { return []any{make([]byte, 8), int64(8)} }},
		}},
	}
}

func (s *shared) programTypes() []races.Type {
	programs := map[string]races.Method{
		"AttachRawTracepoint": {Args: args("sys_exit", libbpf.RawTracepointOptions{})},
		"TestRun":             {Args: func(any) []any { return []any{libbpf.TestRunOptions{Data: make([]byte, 64)}} }},
		"Stdout":              {Stays: true}, "Stderr": {Stays: true}, // whose Read fails
		// These get 0 for a descriptor, which is not of what they need.
		"AttachCgroup": {Errors: []error{unix.EBADF}}, "AttachNetns": {Errors: []error{unix.EBADF}},
		"AttachPerfEvent": {Errors: []error{unix.EBADF}},
	}
	return []races.Type{
		{Name: "ProgramHandle", Make: func(t testing.TB) races.Value { return itself(s.loadSocketFilter(t)) },
			Methods: merge(programs, s.pinned()), Errors: append([]error{btf.ErrNoBTF}, refusals...)},
		{Name: "Program", Make: func(t testing.TB) races.Value {
			o := s.load(t, "attach")
			return owned(findProgram(t, o, "on_exit"), o)
		}, Methods: merge(programs, s.pinned()), Errors: refusals},
	}
}

func (s *shared) linkTypes() []races.Type {
	attach := func(t testing.TB) (*libbpf.Object, *libbpf.Link) {
		o := s.load(t, "attach")
		l, err := findProgram(t, o, "on_exit").Attach()
		check(t, err)
		return o, l
	}
	methods := merge(s.pinned(), map[string]races.Method{
		"Release": releasing(func(p unsafe.Pointer) (interface{ Close() error }, error) { return libbpf.AdoptLink(p) }),
		// It leaves the descriptor open, for good.
		"Disconnect": {Alone: "leaves a descriptor that nobody closes", Stays: true},
		"Program":    {Stays: true},
		"Map":        {Stays: true},
	})
	iterate := func(t testing.TB) (*libbpf.Object, *libbpf.Link) {
		o := s.needIterators(t)
		l, err := findProgram(t, o, "dump_map").AttachIter(libbpf.IterOptions{Map: findMap(t, o, "entries")})
		check(t, err)
		return o, l
	}
	return []races.Type{
		{Name: "Link", Make: func(t testing.TB) races.Value {
			o, l := attach(t)
			return races.Value{It: l, Close: l.Close, End: func() { check(t, o.Close()) }}
		}, Methods: methods, Errors: refusals},
		{Name: "Link/of an object", Make: func(t testing.TB) races.Value {
			o, l := attach(t)
			return races.Value{It: l, Close: o.Close, End: func() { check(t, l.Close()) }} // it may outlive the object
		}, Methods: methods, Errors: refusals},
		{Name: "Iter", Make: func(t testing.TB) races.Value {
			_, l := iterate(t)
			it, err := libbpf.NewIter(l)
			check(t, err)
			return races.Value{It: it, Close: it.Close, End: func() { check(t, l.Close()) }}
		}, Methods: map[string]races.Method{"Read": {Args: func(any) []any { return []any{make([]byte, 64)} }, Errors: []error{io.EOF}}}},
	}
}

func (s *shared) bufferTypes() []races.Type {
	busy := []error{unix.EBUSY, context.DeadlineExceeded}
	ringReader := func(t testing.TB) *libbpf.RingReader {
		r, err := libbpf.NewRingReader(findMap(t, s.events, "events"))
		check(t, err)
		emit(3)
		return r
	}
	userRing := func(t testing.TB) (*libbpf.MapHandle, *libbpf.UserRingBuffer) {
		m := s.createMap(t, libbpf.MapTypeUserRingBuf, 0, 0, uint32(os.Getpagesize()))
		r, err := libbpf.NewUserRingBuffer(m)
		check(t, err)
		return m, r
	}
	discard := func(results []any) {
		if sample, _ := results[0].(*libbpf.UserRingSample); sample != nil {
			sample.Bytes()[0] = 1
			_ = sample.Submit()
		}
	}
	return []races.Type{
		{Name: "RingBuffer", Make: func(t testing.TB) races.Value {
			r := openRing(t, s.events, "events", func([]byte) error { return nil })
			emit(3)
			return itself(r)
		}, Errors: busy},
		{Name: "RingReader", Make: func(t testing.TB) races.Value { return itself(ringReader(t)) }, Errors: busy},
		{Name: "RingChannel", Make: func(t testing.TB) races.Value {
			r := ringReader(t)
			return races.Value{It: libbpf.NewRingChannel(r, make(chan []byte, 1), libbpf.RingChannelOptions{}), Close: r.Close}
		}, Errors: busy, Methods: map[string]races.Method{"Sent": {Stays: true}, "Dropped": {Stays: true}, "Blocked": {Stays: true}}},
		{Name: "PerfBuffer", Make: func(t testing.TB) races.Value {
			p, err := libbpf.PerfBufferBuilder{Pages: 1, Sample: func(int, []byte) error { return nil }}.Build(findMap(t, s.events, "perf_events"))
			check(t, err)
			emit(3)
			return itself(p)
		}, Errors: busy},
		{Name: "PerfReader", Make: func(t testing.TB) races.Value {
			p, err := libbpf.NewPerfReader(findMap(t, s.events, "perf_events"), libbpf.PerfReaderOptions{Pages: 1})
			check(t, err)
			emit(3)
			return itself(p)
		}, Errors: busy},
		{Name: "UserRingBuffer", Make: func(t testing.TB) races.Value {
			m, r := userRing(t)
			return races.Value{It: r, Close: r.Close, End: func() { check(t, m.Close()) }}
		}, Errors: append([]error{unix.ENOSPC}, busy...), Methods: map[string]races.Method{
			"Reserve":        {Args: args(64), Done: discard},
			"ReserveContext": {Args: func(any) []any { return []any{shortContext(), 64} }, Done: discard},
		}},
		{Name: "UserRingSample", Make: func(t testing.TB) races.Value {
			m, r := userRing(t)
			sample, err := r.Reserve(64)
			check(t, err)
			return races.Value{It: sample, Close: r.Close, End: func() {
				sample.Discard() // until then, it keeps the memory
				check(t, m.Close())
			}}
		}, Errors: []error{unix.EINVAL}, Methods: map[string]races.Method{"Bytes": {Stays: true}}},
	}
}

func (s *shared) otherTypes() []races.Type {
	return []races.Type{
		{Name: "Linker", Make: func(t testing.TB) races.Value {
			l, err := libbpf.NewLinkerTo(new(bytes.Buffer))
			check(t, err)
			return itself(l)
		}, Errors: refusals, Methods: map[string]races.Method{
			"AddFD":     {Errors: []error{unix.EBADF}},
			"AddMemory": {Args: func(any) []any { return []any{"attach", s.objects["attach"]} }},
		}},
		{Name: "RunTimeStats", Make: func(t testing.TB) races.Value {
			stats, err := libbpf.EnableRunTimeStats()
			check(t, err)
			return itself(stats)
		}},
		{Name: "SampleCallback", Make: func(t testing.TB) races.Value {
			return itself(libbpf.NewSampleCallback(func(int, []byte) error { return nil }, func(int, uint64) {}))
		}, Methods: map[string]races.Method{
			"RingSample": {Stays: true}, "PerfSample": {Stays: true}, "PerfLost": {Stays: true}, "PerfEvent": {Stays: true},
			"Context": {Stays: true}, "Err": {Closed: []error{nil}},
		}},
		// A token needs a user namespace: see TestToken. This one is a closed one.
		{Name: "Token", Make: func(testing.TB) races.Value { return itself(new(libbpf.Token)) }},
	}
}
