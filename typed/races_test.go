package typed_test

import (
	"context"
	"errors"
	"io"
	"net"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/needs"
	"github.com/libbpf-go/libbpf-go/internal/testutil/races"
	"github.com/libbpf-go/libbpf-go/typed"
)

// TestRaces runs every method of every type against all others of the type and against Close: for a map, that of the
// handle behind it.
func TestRaces(t *testing.T) {
	testutil.Root(t)
	inner := create(t, libbpf.MapTypeArray, 4, 8, 4)
	program := must[*libbpf.ProgramHandle](t)(libbpf.LoadProgram(libbpf.ProgramTypeSocketFilter, "race", "GPL",
		[]libbpf.Instruction{{Code: 0xb7}, {Code: 0x95}}, libbpf.ProgramLoadOptions{}))
	t.Cleanup(func() { check(t, program.Close()) })
	conn := must[net.PacketConn](t)(net.ListenPacket("udp", "127.0.0.1:0")).(*net.UDPConn)
	t.Cleanup(func() { check(t, conn.Close()) })
	cpus := must[int](t)(libbpf.PossibleCPUs())
	races.Run(t, races.Table{
		Folder: ".",
		Types:  raceTypes(cpus, inner),
		Values: []reflect.Type{reflect.TypeFor[typed.UserRingSample[uint64]]()}, // methods of the sample in it
		Args: map[reflect.Type]func() any{
			reflect.TypeFor[libbpf.MapCore]():         func() any { return inner },
			reflect.TypeFor[libbpf.ProgramCore]():     func() any { return program },
			reflect.TypeFor[syscall.Conn]():           func() any { return conn },
			reflect.TypeFor[*libbpf.MapCursor]():      func() any { return new(libbpf.MapCursor) },
			reflect.TypeFor[*uint64]():                func() any { return new(uint64) },
			reflect.TypeFor[[]uint32]():               func() any { return make([]uint32, 1) },
			reflect.TypeFor[[]uint64]():               func() any { return make([]uint64, 1) },
			reflect.TypeFor[[]bool]():                 func() any { return make([]bool, 1) },
			reflect.TypeFor[[]typed.LPMKey[uint32]](): func() any { return make([]typed.LPMKey[uint32], 1) },
			reflect.TypeFor[context.Context](): func() any {
				ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
				context.AfterFunc(ctx, cancel)
				return ctx
			},
		},
		Stays: []string{"Map", "MaxEntries", "PossibleCPUs", "Depth"},
	})
}

// raceErrors are those of elements that are not there, of full maps, and of what the arguments are not for.
var raceErrors = []error{
	libbpf.ErrKeyNotExist, io.EOF, libbpf.ErrInvalid, errors.ErrUnsupported, unix.EINVAL, unix.EPERM, unix.E2BIG, unix.ENOSPC,
	unix.ENOENT, unix.EBUSY, unix.ENOTSOCK, unix.EOPNOTSUPP, unix.ENODEV, context.DeadlineExceeded,
}

func raceTypes(cpus int, inner libbpf.MapCore) []races.Type {
	values := func() []uint64 { return make([]uint64, cpus) }
	keys := func() []uint32 { return make([]uint32, 1) }
	perCPU := map[string]races.Method{
		"LookupInto":          {Args: func(any) []any { return []any{uint32(0), values(), libbpf.Any} }},
		"LookupAndDeleteInto": {Args: func(any) []any { return []any{uint32(0), values()} }},
		"LookupMany":          {Args: func(any) []any { return []any{keys(), values(), make([]bool, 1), libbpf.Any} }},
		"LookupBatch":         {Args: func(any) []any { return []any{new(libbpf.MapCursor), keys(), values(), libbpf.Any} }},
		"LookupAndDeleteBatch": {Args: func(any) []any {
			return []any{new(libbpf.MapCursor), keys(), values(), libbpf.Any}
		}},
		"Update":      {Args: func(any) []any { return []any{uint32(0), values(), libbpf.Any} }},
		"UpdateBatch": {Args: func(any) []any { return []any{keys(), values(), libbpf.Any} }},
	}
	without := func(methods map[string]races.Method, names ...string) map[string]races.Method {
		rest := make(map[string]races.Method)
		for name, method := range methods {
			rest[name] = method
		}
		for _, name := range names {
			delete(rest, name)
		}
		return rest
	}
	cgroupPerCPU := without(perCPU, "LookupAndDeleteInto", "LookupAndDeleteBatch")
	ids := func() []uint64 { return make([]uint64, 1) }
	cgroupPerCPU["LookupInto"] = races.Method{Args: func(any) []any { return []any{uint64(0), values(), libbpf.Any} }}
	cgroupPerCPU["LookupMany"] = races.Method{Args: func(any) []any { return []any{ids(), values(), make([]bool, 1), libbpf.Any} }}
	cgroupPerCPU["LookupBatch"] = races.Method{Args: func(any) []any { return []any{new(libbpf.MapCursor), ids(), values(), libbpf.Any} }}
	cgroupPerCPU["Update"] = races.Method{Args: func(any) []any { return []any{uint64(0), values(), libbpf.Any} }}
	cgroupPerCPU["UpdateBatch"] = races.Method{Args: func(any) []any { return []any{ids(), values(), libbpf.Any} }}
	// A descriptor of 0 is not of what they need.
	foreign := map[string]races.Method{"Update": {Errors: []error{unix.EBADF}}}
	storage := map[string]races.Method{}
	for _, name := range []string{"Lookup", "LookupInto", "Update", "Delete"} {
		storage[name] = races.Method{Errors: []error{unix.EBADF}}
	}
	types := []races.Type{
		typedMap(typed.NewArray[uint64], libbpf.MapTypeArray, 4, 8, nil),
		typedMap(typed.NewHash[uint32, uint64], libbpf.MapTypeHash, 4, 8, nil),
		typedMap(typed.NewPerCPUArray[uint64], libbpf.MapTypePerCPUArray, 4, 8,
			without(perCPU, "LookupAndDeleteInto", "LookupAndDeleteBatch")),
		typedMap(typed.NewPerCPUHash[uint32, uint64], libbpf.MapTypePerCPUHash, 4, 8, perCPU),
		typedMap(typed.NewLPMTrie[uint32, uint64], libbpf.MapTypeLPMTrie, 8, 8, nil),
		typedMap(typed.NewBloomFilter[uint64], libbpf.MapTypeBloomFilter, 0, 8, nil),
		typedMap(typed.NewQueue[uint64], libbpf.MapTypeQueue, 0, 8, nil),
		typedMap(typed.NewStack[uint64], libbpf.MapTypeStack, 0, 8, nil),
		typedMap(typed.NewStackTrace, libbpf.MapTypeStackTrace, 4, 80, map[string]races.Method{
			"LookupInto": {Args: func(any) []any { return []any{uint32(0), make([]uint64, 10), libbpf.Any} }},
		}),
		typedMap(typed.NewProgArray, libbpf.MapTypeProgArray, 4, 4, map[string]races.Method{"UpdateFD": {Errors: []error{unix.EBADF}}}),
		typedMap(typed.NewCgroupArray, libbpf.MapTypeCgroupArray, 4, 4, foreign),
		typedMap(typed.NewCPUMap, libbpf.MapTypeCPUMap, 4, 8, nil),
		typedMap(typed.NewDevMap, libbpf.MapTypeDevMap, 4, 8, nil),
		typedMap(typed.NewDevMapHash, libbpf.MapTypeDevMapHash, 4, 8, nil),
		typedMap(typed.NewXSKMap, libbpf.MapTypeXSKMap, 4, 4, nil),
		typedMap(typed.NewSockMap, libbpf.MapTypeSockMap, 4, 8, nil),
		typedMap(typed.NewSockHash[uint32], libbpf.MapTypeSockHash, 4, 8, nil),
		typedMap(typed.NewReuseportSockArray, libbpf.MapTypeReuseportSockArray, 4, 8, nil),
		viewOf(typed.NewArrayOfMaps, outer(libbpf.MapTypeArrayOfMaps, inner), nil),
		viewOf(typed.NewHashOfMaps[uint32], outer(libbpf.MapTypeHashOfMaps, inner), nil),
		viewOf(typed.NewCgroupStorage[uint64, uint64], ofCgroups(libbpf.MapTypeCgroupStorage), nil),
		viewOf(typed.NewPerCPUCgroupStorage[uint64, uint64], ofCgroups(libbpf.MapTypePerCPUCgroupStorage), cgroupPerCPU),
		viewOf(typed.NewSKStorage[uint64], ofObjects, storage),
		reading(typed.NewRingReader[uint64], libbpf.MapTypeRingBuf, 0, uint32(unix.Getpagesize()), nil),
		reading(func(m libbpf.MapCore) (*typed.PerfReader[uint64], error) {
			return typed.NewPerfReader[uint64](m, libbpf.PerfReaderOptions{Pages: 1})
		}, libbpf.MapTypePerfEventArray, 4, uint32(cpus), nil),
		reading(typed.NewUserRingBuf[uint64], libbpf.MapTypeUserRingBuf, 0, uint32(unix.Getpagesize()), map[string]races.Method{
			"Reserve": {Done: submit}, "ReserveContext": {Done: submit},
		}),
		{Name: "Global", Errors: raceErrors, Make: globalOf},
	}
	return types
}

// typedMap is a typed view of a map.
func typedMap[T any](
	view func(libbpf.MapCore) (*T, error), typ libbpf.MapType, key, value uint32, methods map[string]races.Method,
) races.Type {
	return viewOf(view, func(t testing.TB) *libbpf.MapHandle {
		options := libbpf.MapCreateOptions{}
		if typ == libbpf.MapTypeLPMTrie {
			options.Flags = libbpf.CreateNoPrealloc
		}
		m, err := libbpf.CreateMap(typ, "race", key, value, 4, options)
		if err != nil && testutil.Refused(err) {
			testutil.Skip(t, typ.String(), err)
		}
		check(t, err)
		return m
	}, methods)
}

func viewOf[T any](
	view func(libbpf.MapCore) (*T, error), make func(t testing.TB) *libbpf.MapHandle, methods map[string]races.Method,
) races.Type {
	return races.Type{
		Name: typeName[T](), Errors: raceErrors, Methods: methods, Make: func(t testing.TB) races.Value {
			m := make(t)
			return races.Value{It: must[*T](t)(view(m)), Close: m.Close}
		},
	}
}

// typeName is the name of a type, without its parameters.
func typeName[T any]() string {
	name, _, _ := strings.Cut(reflect.TypeFor[T]().Name(), "[")
	return name
}

// outer makes maps of maps.
func outer(typ libbpf.MapType, inner libbpf.MapCore) func(t testing.TB) *libbpf.MapHandle {
	return func(t testing.TB) *libbpf.MapHandle {
		return must[*libbpf.MapHandle](t)(libbpf.CreateMap(typ, "race", 4, 4, 4, libbpf.MapCreateOptions{InnerMap: inner}))
	}
}

// ofCgroups makes maps that have no elements before programs are attached to cgroups.
func ofCgroups(typ libbpf.MapType) func(t testing.TB) *libbpf.MapHandle {
	return func(t testing.TB) *libbpf.MapHandle {
		return must[*libbpf.MapHandle](t)(libbpf.CreateMap(typ, "race", 8, 8, 0, libbpf.MapCreateOptions{}))
	}
}

// ofObjects makes storages, whose values need types.
func ofObjects(t testing.TB) *libbpf.MapHandle {
	b := btf.NewBuilder()
	defer b.Close()
	key, value := b.AddInt("key", 4, btf.IntSigned), b.AddInt("value", 8, 0)
	types := must[*btf.BTF](t)(b.BTF())
	defer types.Close()
	check(t, types.LoadIntoKernel(btf.LoadOptions{}))
	m, err := libbpf.CreateMap(libbpf.MapTypeSKStorage, "race", 4, 8, 0, libbpf.MapCreateOptions{
		Flags: libbpf.CreateNoPrealloc, BTFFD: types.FD(), BTFKeyTypeID: key, BTFValueTypeID: value,
	})
	if err != nil && testutil.Refused(err) {
		testutil.Skip(t, "sk_storage", err)
	}
	check(t, err)
	return m
}

// reading is a reader with descriptors of its own.
func reading[T any](open func(libbpf.MapCore) (*T, error), typ libbpf.MapType, size, entries uint32, methods map[string]races.Method) races.Type {
	return races.Type{Name: typeName[T](), Errors: raceErrors, Methods: methods, Make: func(t testing.TB) races.Value {
		m, err := libbpf.CreateMap(typ, "race", size, size, entries, libbpf.MapCreateOptions{})
		if err != nil && testutil.Refused(err) {
			testutil.Skip(t, typ.String(), err)
		}
		check(t, err)
		reader := must[*T](t)(open(m))
		return races.Value{It: reader, Close: any(reader).(io.Closer).Close, End: func() { check(t, m.Close()) }}
	}}
}

// submit gives a reserved sample to the ring buffer, which stays open until then.
func submit(results []any) {
	if sample := results[0].(typed.UserRingSample[uint64]); sample.Value() != nil {
		_ = sample.Submit()
	}
}

func globalOf(t testing.TB) races.Value {
	needs.ToLoadFile(t, testutil.Object(t, "attach"))
	o := must[*libbpf.OpenObject](t)(libbpf.OpenFile(testutil.Object(t, "attach")))
	loaded := must[*libbpf.Object](t)(o.Load())
	g := must[*typed.Global[uint64]](t)(typed.NewGlobal[uint64](loaded, "enters"))
	return races.Value{It: g, Close: g.Close, End: func() { check(t, loaded.Close()) }}
}
