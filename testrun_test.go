package libbpf_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"runtime/pprof"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// loadTestRun loads testrun.bpf.o, and its syscall program if it is wanted.
func loadTestRun(t testing.TB, syscall bool) *libbpf.Object {
	t.Helper()
	testutil.Root(t)
	o := open(t, "testrun")
	if syscall {
		p, err := o.Program("add_fields")
		check(t, err)
		check(t, p.SetAutoload(true))
	}
	return load(t, o)
}

// bothProgramCores runs a test with a program of an object, and with a handle of it.
func bothProgramCores(t *testing.T, p *libbpf.Program, test func(t *testing.T, p libbpf.ProgramCore)) {
	t.Helper()
	t.Run("Program", func(t *testing.T) { test(t, p) })
	t.Run("ProgramHandle", func(t *testing.T) {
		handle, err := libbpf.ProgramHandleFrom(p)
		check(t, err)
		defer handle.Close()
		test(t, handle)
	})
}

// runs is how often the programs that see packets ran.
func runs(t testing.TB, o *libbpf.Object) uint64 {
	t.Helper()
	bss, err := findMap(t, o, ".bss").Lookup(u32(0), libbpf.Any)
	check(t, err)
	return binary.NativeEndian.Uint64(bss)
}

func TestTestRunXDP(t *testing.T) {
	o := loadTestRun(t, false)
	packet := bytes.Repeat([]byte("x"), 64)
	want := append([]byte("grow"), packet...)
	bothProgramCores(t, findProgram(t, o, "grow_packet"), func(t *testing.T, p libbpf.ProgramCore) {
		before := runs(t, o)
		got, err := p.TestRun(libbpf.TestRunOptions{Data: packet, DataOut: make([]byte, 100)})
		check(t, err)
		if got.ReturnValue != 3 || !bytes.Equal(got.Data, want) || got.DataSize != len(want) || got.Context != nil {
			t.Errorf("got %+v", got)
		}
		got, err = p.TestRun(libbpf.TestRunOptions{Data: packet})
		check(t, err)
		if got.ReturnValue != 3 || got.Data != nil || got.DataSize != len(want) {
			t.Errorf("without DataOut: %+v", got)
		}
		got, err = p.TestRun(libbpf.TestRunOptions{Data: packet, DataOut: make([]byte, len(want)-1)})
		wantErr(t, err, unix.ENOSPC)
		if got.DataSize != len(want) || got.Data != nil || got.ReturnValue != 3 {
			t.Errorf("without room: %+v", got)
		}
		if text := err.Error(); text != `test run program "grow_packet": DataOut has room for 67 bytes and needs 68: `+
			unix.ENOSPC.Error() {
			t.Errorf("error %q", text)
		}
		got, err = p.TestRun(libbpf.TestRunOptions{Data: packet, DataOut: []byte{}})
		check(t, err) // no room is none asked for
		if len(got.Data) != 0 || got.DataSize != len(want) {
			t.Errorf("with an empty DataOut: %+v", got)
		}
		if n := runs(t, o) - before; n != 4 {
			t.Errorf("%d runs", n)
		}
		if !bytes.Equal(packet, bytes.Repeat([]byte("x"), 64)) {
			t.Error("Data was changed")
		}
	})
}

func TestTestRunRepeat(t *testing.T) {
	o := loadTestRun(t, false)
	p := findProgram(t, o, "count_packet")
	before := runs(t, o)
	got, err := p.TestRun(libbpf.TestRunOptions{Data: make([]byte, 64), Repeat: 1000})
	check(t, err)
	if n := runs(t, o) - before; n != 1000 || got.ReturnValue != 1 {
		t.Errorf("%d runs, %+v", n, got)
	}
	if got.Duration <= 0 {
		t.Errorf("duration %v", got.Duration)
	}
}

// The kernel ends a test run when a signal is pending, and a profiler sends one every 10 ms.
func TestTestRunUnderProfile(t *testing.T) {
	o := loadTestRun(t, false)
	p := findProgram(t, o, "count_packet")
	check(t, pprof.StartCPUProfile(io.Discard))
	defer pprof.StopCPUProfile()
	const repeat = 10_000_000
	before := runs(t, o)
	_, err := p.TestRun(libbpf.TestRunOptions{Data: make([]byte, 64), Repeat: repeat})
	check(t, err)
	if n := runs(t, o) - before; n != repeat {
		t.Errorf("%d runs", n)
	}
}

// skBuff is the beginning of struct __sk_buff.
func skBuff(mark uint32) []byte {
	context := make([]byte, 192)
	binary.NativeEndian.PutUint32(context[8:], mark)
	return context
}

func TestTestRunTC(t *testing.T) {
	o := loadTestRun(t, false)
	bothProgramCores(t, findProgram(t, o, "change_mark"), func(t *testing.T, p libbpf.ProgramCore) {
		context := skBuff(7)
		got, err := p.TestRun(libbpf.TestRunOptions{
			Data: make([]byte, 100), DataOut: make([]byte, 200), Context: context, ContextOut: make([]byte, 192),
		})
		check(t, err)
		if got.ReturnValue != 1234 || len(got.Data) != 100 || len(got.Context) < 100 {
			t.Fatalf("got %+v", got)
		}
		mark, cb := binary.NativeEndian.Uint32(got.Context[8:]), binary.NativeEndian.Uint32(got.Context[48:])
		if mark != 8 || cb != 100 {
			t.Errorf("mark %d, cb[0] %d", mark, cb)
		}
		if !bytes.Equal(context, skBuff(7)) {
			t.Error("Context was changed")
		}
		_, err = p.TestRun(libbpf.TestRunOptions{
			Data: make([]byte, 100), Context: context, ContextOut: make([]byte, 12),
		})
		wantErr(t, err, unix.ENOSPC)
		if text := err.Error(); !bytes.Contains([]byte(text), []byte("ContextOut has room for 12 bytes and needs ")) {
			t.Errorf("error %q", text)
		}
	})
}

func TestTestRunRawTracepoint(t *testing.T) {
	o := loadTestRun(t, false)
	p := findProgram(t, o, "add_arguments")
	arguments := append(u64(30), u64(12)...)
	for cpu := range 2 {
		got, err := p.TestRun(libbpf.TestRunOptions{Context: arguments, CPU: cpu, Flags: libbpf.TestRunOnCPU})
		if errors.Is(err, unix.ENXIO) {
			continue // a machine with one CPU
		}
		check(t, err)
		bss, err := findMap(t, o, ".bss").Lookup(u32(0), libbpf.Any)
		check(t, err)
		if on := binary.NativeEndian.Uint32(bss[8:]); got.ReturnValue != 42 || on != uint32(cpu) {
			t.Errorf("on CPU %d: %+v on %d", cpu, got, on)
		}
	}
	_, err := p.TestRun(libbpf.TestRunOptions{Context: arguments, CPU: 1 << 20, Flags: libbpf.TestRunOnCPU})
	wantErr(t, err, unix.ENXIO)
	_, err = p.TestRun(libbpf.TestRunOptions{Context: arguments, Data: make([]byte, 64)})
	wantErr(t, err, unix.EINVAL)
}

func TestTestRunSyscall(t *testing.T) {
	o := loadTestRun(t, true)
	context := slices.Concat(u64(40), u64(2), u64(0))
	before := bytes.Clone(context)
	bothProgramCores(t, findProgram(t, o, "add_fields"), func(t *testing.T, p libbpf.ProgramCore) {
		got, err := p.TestRun(libbpf.TestRunOptions{Context: context, ContextOut: make([]byte, len(context))})
		check(t, err)
		if got.ReturnValue != 42 || !bytes.Equal(got.Context, slices.Concat(u64(40), u64(2), u64(42))) {
			t.Errorf("got %+v", got)
		}
		got, err = p.TestRun(libbpf.TestRunOptions{Context: context})
		check(t, err)
		if got.ReturnValue != 42 || got.Context != nil || !bytes.Equal(context, before) {
			t.Errorf("without ContextOut: %+v, and Context is %v", got, context)
		}
		_, err = p.TestRun(libbpf.TestRunOptions{Context: context, ContextOut: make([]byte, 8)})
		wantErr(t, err, libbpf.ErrInvalid)
		_, err = p.TestRun(libbpf.TestRunOptions{Context: make([]byte, 16)})
		wantErr(t, err, unix.EINVAL) // the verifier saw it read 24
	})
}

// A callback of a struct_ops is run on its arguments, of which the first is a pointer to the state, or nil.
func TestTestRunStructOps(t *testing.T) {
	testutil.Root(t)
	if ok := kernelHasStruct(t, "bpf_dummy_ops"); !ok {
		testutil.Skip(t, "dummy-ops", os.ErrNotExist)
	}
	o := load(t, open(t, "dummy_ops"))
	state := make([]byte, 4)
	arguments := slices.Concat(u64(address(t, state)), u64(1), u64(20), u64(3), u64(400))
	got, err := findProgram(t, o, "sum").TestRun(libbpf.TestRunOptions{Context: arguments})
	check(t, err)
	if got.ReturnValue != 424 {
		t.Errorf("got %+v", got)
	}
}

func TestTestRunXDPLiveFrames(t *testing.T) {
	o := loadTestRun(t, false)
	p := findProgram(t, o, "count_packet")
	before := runs(t, o)
	_, err := p.TestRun(libbpf.TestRunOptions{
		Data: make([]byte, 64), Repeat: 100, Flags: libbpf.TestRunXDPLiveFrames,
	})
	if errors.Is(err, unix.EINVAL) {
		testutil.Skip(t, "xdp-live-frames", err)
	}
	check(t, err)
	if n := runs(t, o) - before; n != 100 {
		t.Errorf("%d runs", n)
	}
}

func TestTestRunRefusals(t *testing.T) {
	o := loadTestRun(t, false)
	p := findProgram(t, o, "count_packet")
	packet := make([]byte, 64)
	for name, options := range map[string]libbpf.TestRunOptions{
		"repeat":      {Data: packet, Repeat: -1},
		"repeat 2^32": {Data: packet, Repeat: beyondInt32},
		"cpu":         {Data: packet, CPU: -1, Flags: libbpf.TestRunOnCPU},
		"no flag":     {Data: packet, CPU: 1},
		"batch size":  {Data: packet, BatchSize: -1},
	} {
		_, err := p.TestRun(options)
		if !errors.Is(err, libbpf.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := new(libbpf.Program).TestRun(libbpf.TestRunOptions{})
	wantErr(t, err, libbpf.ErrClosed)
	_, err = new(libbpf.ProgramHandle).TestRun(libbpf.TestRunOptions{})
	wantErr(t, err, libbpf.ErrClosed)
	check(t, o.Close())
	_, err = p.TestRun(libbpf.TestRunOptions{Data: packet})
	wantErr(t, err, libbpf.ErrClosed)
}
