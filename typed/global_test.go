package typed_test

import (
	"encoding/binary"
	"math"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/ctypes"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/typed"
)

func openGlobals(t testing.TB) *libbpf.OpenObject {
	t.Helper()
	testutil.Root(t)
	o := must[*libbpf.OpenObject](t)(libbpf.ObjectBuilder{Kconfig: "CONFIG_HZ=123\n"}.OpenFile(
		testutil.Object(t, "globals")))
	t.Cleanup(func() { check(t, o.Close()) })
	return o
}

func loadGlobals(t testing.TB, open *libbpf.OpenObject) *libbpf.Object {
	t.Helper()
	o := must[*libbpf.Object](t)(open.Load())
	t.Cleanup(func() { check(t, o.Close()) })
	return o
}

// count runs the program that counts.
func count(t testing.TB, o *libbpf.Object) {
	t.Helper()
	p := must[*libbpf.Program](t)(o.Program("count"))
	must[libbpf.TestRunResult](t)(p.TestRun(libbpf.TestRunOptions{Data: make([]byte, 64)}))
}

func global[T any](t testing.TB, o *libbpf.Object, name string) *typed.Global[T] {
	t.Helper()
	g := must[*typed.Global[T]](t)(typed.NewGlobal[T](o, name))
	t.Cleanup(func() { check(t, g.Close()) })
	return g
}

func wantValue[T comparable](t testing.TB, g *typed.Global[T], want T) {
	t.Helper()
	if got := must[T](t)(g.Get()); got != want {
		t.Errorf("it is %v, want %v", got, want)
	}
}

var bigEndian = binary.NativeEndian.Uint16([]byte{0, 1}) == 1

type point struct{ X, Y int32 }

// config is the object's struct config, with one field for its bit fields and one of the two in its union.
type config struct {
	Mode      uint32
	Bits      uint8
	_         [3]byte // the union is of a __u32 too
	Low, High uint16
	Corners   [2]point
	Name      [8]byte
	_         [4]byte
	Address   uint64
	Ratio     float64
	On        bool
	_         [7]byte
}

func TestGlobal(t *testing.T) {
	o := loadGlobals(t, openGlobals(t))
	counter := global[int32](t, o, "counter")
	count(t, o)
	count(t, o)
	wantValue(t, counter, 2)
	check(t, counter.Set(-5))
	count(t, o)
	wantValue(t, counter, -4)
	wantValue(t, global[int32](t, o, "connections"), 3)
	wantValue(t, global[int32](t, o, "count.calls"), 3)

	// What a program wrote to a part is in the whole, and the other way round.
	whole := global[config](t, o, "config")
	value := must[config](t)(whole.Get())
	want := config{Mode: 3, Low: 2, High: 1, Corners: [2]point{{}, {0, -4}}}
	if bigEndian {
		want.Low, want.High = 1, 2
	}
	if value != want {
		t.Errorf("%+v, want %+v", value, want)
	}
	value.Ratio, value.On, value.Corners[0].X = 2.5, true, 7
	check(t, whole.Set(value))
	wantValue(t, whole, value)
	wantValue(t, global[float64](t, o, "config.ratio"), 2.5)
	wantValue(t, global[bool](t, o, "config.on"), true)
	wantValue(t, global[point](t, o, "config.corners[0]"), point{7, 0})
	wantValue(t, global[[2]point](t, o, "config.corners"), value.Corners)
	wantValue(t, global[uint32](t, o, "config.whole"), 0x10002)
	wantValue(t, global[uint64](t, o, "config.address"), 0)
	wantValue(t, global[[8]byte](t, o, "config.name"), [8]byte{})
	wantValue(t, global[[2][3]uint16](t, o, "matrix"), [2][3]uint16{})
	wantValue(t, global[[8]byte](t, o, "points[0]"), [8]byte(binary.NativeEndian.AppendUint32(
		binary.NativeEndian.AppendUint32(nil, 1), 2)))

	// A bool that is neither 0 nor 1 is true.
	check(t, global[[1]byte](t, o, "config.on").Set([1]byte{4}))
	wantValue(t, global[bool](t, o, "config.on"), true)

	// Constants can be read.
	limit := global[uint64](t, o, "limit")
	wantValue(t, limit, 7)
	wantErr(t, limit.Set(8), unix.EPERM)
	hz := global[int32](t, o, "CONFIG_HZ")
	wantValue(t, hz, 123)
	wantErr(t, hz.Set(8), unix.EPERM)
}

// A struct's padding, and what it has no names for, is nobody's to change.
func TestGlobalKeepsTheRest(t *testing.T) {
	o := loadGlobals(t, openGlobals(t))
	points := global[[4]point](t, o, "points")
	check(t, points.Set([4]point{{1, 2}, {3, 4}, {5, 6}, {7, 8}}))
	type ys struct {
		_ int32
		Y int32
		_ [4]byte
		Z int32
		_ [16]byte
	}
	rest := global[ys](t, o, "points")
	check(t, rest.Set(ys{Y: 20, Z: 40}))
	wantValue(t, points, [4]point{{1, 20}, {3, 40}, {5, 6}, {7, 8}})
}

// generatedConfig is config as package gotypes declares it: the bytes of bit fields and unions are for its methods.
type generatedConfig struct {
	Mode    uint32
	bits4   [1]byte
	_       [3]byte
	_       [0]uint32
	union8  [4]byte
	Corners [2]point
	Name    [8]byte
	_       [4]byte
	Address uint64
	Ratio   float64
	On      ctypes.Bool
	_       [7]byte
}

func TestGlobalOfGeneratedType(t *testing.T) {
	o := loadGlobals(t, openGlobals(t))
	config := global[generatedConfig](t, o, "config")
	c := must[generatedConfig](t)(config.Get())
	if whole := ctypes.Load[uint32](c.union8[:]); whole != 0x10002 {
		t.Errorf("the union is %#x", whole)
	}
	c.bits4[0] = 0x7f
	ctypes.Store(c.union8[:], uint32(5))
	check(t, config.Set(c))
	wantValue(t, config, c)
}

func TestGlobalOfAnotherType(t *testing.T) {
	o := loadGlobals(t, openGlobals(t))
	fails := func(name string, err error, texts ...string) {
		t.Helper()
		wantInvalid(t, err, append(texts, name)...)
	}
	newFails := func(name string, make func(string) error, texts ...string) {
		t.Helper()
		fails(name, make(name), texts...)
	}
	newFails("counter", errorOf[int64](o), "int64 has 8 bytes and must have 4, as int counter has")
	newFails("counter", errorOf[uint32](o), "uint32 is of type uint32, and int counter has no such thing at byte 0")
	newFails("counter", errorOf[float32](o), "no such thing")
	newFails("counter", errorOf[[2]int16](o), "int16")
	newFails("counter", errorOf[int](o), "depends on the machine")
	newFails("counter", errorOf[*int32](o), "no pointers")
	newFails("limit", errorOf[float64](o), "no such thing")
	newFails("limit", errorOf[int64](o), "no such thing")
	newFails("config.ratio", errorOf[uint64](o), "no such thing")
	newFails("config.on", errorOf[int16](o), "2 bytes")
	newFails("config.address", errorOf[int64](o), "no such thing")
	newFails("config.level", errorOf[uint8](o), "bit field")
	newFails("points[0]", errorOf[struct{ X, Y uint32 }](o), ".X is of type uint32")
	newFails("points[0]", errorOf[struct {
		X int32
		Y float32
	}](o), ".Y is of type float32", "at byte 4")
	newFails("points", errorOf[[4]struct{ X, Y float32 }](o), "[].X is of type float32")
	newFails("config", errorOf[struct {
		Mode      uint32
		Bits      uint8
		Low, High uint16 // not where the union is
		_         [52]byte
	}](o), ".Low is of type uint16", "at byte 6")
	newFails("matrix", errorOf[[3]uint32](o), "[] is of type uint32")
	wantErr(t, errorOf[int32](o)("nope"), libbpf.ErrNotFound)
}

func errorOf[T any](o *libbpf.Object) func(name string) error {
	return func(name string) error {
		_, err := typed.NewGlobal[T](o, name)
		return err
	}
}

// A section that is not mapped can be read, and is not written as a whole for the sake of one variable.
func TestGlobalInSectionOfStatics(t *testing.T) {
	o := loadGlobals(t, openGlobals(t))
	hidden := global[int32](t, o, "hidden")
	beside := global[int32](t, o, "beside")
	count(t, o)
	wantValue(t, hidden, 6)
	wantValue(t, beside, 7)
	wantInvalid(t, hidden.Set(1), "CreateMMapable", "hidden")
	wantValue(t, hidden, 6)
	check(t, beside.Close())
	_, err := beside.Get()
	wantErr(t, err, libbpf.ErrClosed)
	wantErr(t, beside.Set(1), libbpf.ErrClosed)
	check(t, o.Close())
	_, err = hidden.Get()
	wantErr(t, err, libbpf.ErrClosed)
	wantErr(t, hidden.Set(1), libbpf.ErrClosed)

	open := openGlobals(t)
	section := must[*libbpf.OpenMap](t)(open.Map(".data.hidden"))
	check(t, section.SetFlags(must[libbpf.MapCreateFlags](t)(section.Flags())|libbpf.CreateMMapable))
	o = loadGlobals(t, open)
	hidden = global[int32](t, o, "hidden")
	check(t, hidden.Set(100))
	count(t, o)
	wantValue(t, hidden, 101)
}

func TestGlobalClosed(t *testing.T) {
	o := loadGlobals(t, openGlobals(t))
	counter := global[int32](t, o, "counter")
	count(t, o)
	check(t, o.Close())
	wantValue(t, counter, 1) // the view is not the object's
	check(t, counter.Close())
	check(t, counter.Close())
	for _, g := range []*typed.Global[int32]{counter, new(typed.Global[int32])} {
		_, err := g.Get()
		wantErr(t, err, libbpf.ErrClosed)
		wantErr(t, g.Set(1), libbpf.ErrClosed)
		wantErr(t, g.GetInto(new(int32)), libbpf.ErrClosed)
		check(t, g.Close())
	}
	_, err := typed.NewGlobal[int32](o, "counter")
	wantErr(t, err, libbpf.ErrClosed)
	_, err = typed.NewGlobal[int32](nil, "counter")
	wantErr(t, err, libbpf.ErrClosed)
}

// Two halves of a value of eight bytes are never of different writes, and Close in the middle of it all is no fault.
func TestGlobalIsInOnePiece(t *testing.T) {
	o := loadGlobals(t, openGlobals(t))
	whole := global[point](t, o, "points[1]")
	var wg sync.WaitGroup
	for i := range int32(3) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for n := int32(0); whole.Set(point{n + i, n + i}) == nil; n++ {
				if n == math.MaxInt32/2 {
					n = 0
				}
			}
		}()
	}
	for range 20000 {
		if p := must[point](t)(whole.Get()); p.X != p.Y {
			t.Errorf("halves of different writes: %v", p)
			break
		}
	}
	check(t, whole.Close())
	wg.Wait()
	if err := whole.Set(point{}); err == nil {
		t.Error("set after Close")
	}
}

func TestGlobalDoesNotAllocate(t *testing.T) {
	o := loadGlobals(t, openGlobals(t))
	counter := global[int32](t, o, "counter")
	whole := global[config](t, o, "config")
	noAllocs(t, map[string]func(){"get and set": func() {
		value, err := counter.Get()
		check(t, err)
		check(t, counter.Set(value+1))
		all, err := whole.Get()
		check(t, err)
		check(t, whole.Set(all))
	}})
}

func BenchmarkGlobal(b *testing.B) {
	o := loadGlobals(b, openGlobals(b))
	eight, large := global[point](b, o, "points[1]"), global[config](b, o, "config")
	byElement := global[int32](b, o, "hidden")
	b.Run("get 8 bytes", func(b *testing.B) {
		for b.Loop() {
			_, _ = eight.Get()
		}
	})
	b.Run("set 8 bytes", func(b *testing.B) {
		for b.Loop() {
			_ = eight.Set(point{1, 2})
		}
	})
	b.Run("get 64 bytes", func(b *testing.B) {
		for b.Loop() {
			_, _ = large.Get()
		}
	})
	b.Run("get by element", func(b *testing.B) {
		for b.Loop() {
			_, _ = byElement.Get()
		}
	})
	b.Run("bare", func(b *testing.B) {
		memory, offset, err := o.GlobalMemory("points[1]")
		check(b, err)
		defer memory.Close()
		p, err := libbpf.MemoryAt[uint64](memory, offset)
		check(b, err)
		for b.Loop() {
			atomic.LoadUint64(p)
		}
	})
}
