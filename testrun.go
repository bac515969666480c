package libbpf

import (
	"bytes"
	"errors"
	"math"
	"time"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/fault"
	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// TestRunFlags change how TestRun runs a program.
type TestRunFlags uint32

// The flags of test runs.
const (
	TestRunOnCPU               TestRunFlags = 1 << 0 // run a raw tracepoint program on TestRunOptions.CPU (Linux 5.10)
	TestRunXDPLiveFrames       TestRunFlags = 1 << 1 // send real frames, as the XDP program decides (Linux 5.18)
	TestRunSKBChecksumComplete TestRunFlags = 1 << 2 // the packet's checksum is known (Linux 6.15)
)

// String is such as "on_cpu".
func (f TestRunFlags) String() string {
	return flagsText(uint64(f), "on_cpu", "xdp_live_frames", "skb_checksum_complete")
}

// TestRunOptions are the input of a test run, and how often to run (struct bpf_test_run_opts). The program's type
// decides which fields it takes; for others the kernel returns unix.EINVAL. The zero value of a field is its default.
type TestRunOptions struct {
	// Data is the packet, for programs that process packets. It has at least 14 bytes, for the Ethernet header.
	Data []byte
	// DataOut is a buffer for the packet after the run; nil if it is not needed.
	DataOut []byte
	// Context is the program's context, with the layout that the program sees: struct xdp_md, struct __sk_buff, the
	// arguments of a raw tracepoint (8 bytes each), or any bytes for a syscall program. TestRun does not change it.
	Context []byte
	// ContextOut is a buffer for the context after the run; nil if it is not needed. For a syscall program it must be
	// as long as Context.
	ContextOut []byte
	// Repeat is how often to run the program, on the same packet. 0 is once.
	Repeat int
	// CPU is the CPU to run the program on, if Flags has TestRunOnCPU.
	CPU   int
	Flags TestRunFlags
	// BatchSize is the number of frames in flight at the same time, with TestRunXDPLiveFrames. 0 is 64, the kernel's
	// default.
	BatchSize int
}

// TestRunResult is the result of a test run.
type TestRunResult struct {
	// ReturnValue is what the last run of the program returned, such as XDP_PASS.
	ReturnValue uint32
	// Duration is the mean time of one run.
	Duration time.Duration
	// Data is the packet after the run, at the beginning of TestRunOptions.DataOut.
	Data []byte
	// DataSize is the length of the packet after the run, in bytes, even if DataOut is nil or too small.
	DataSize int
	// Context is the context after the run, at the beginning of TestRunOptions.ContextOut.
	Context []byte
}

// check refuses options that C's types can't hold, and some that the kernel would ignore.
func (o *TestRunOptions) check(typ ProgramType) error {
	for _, buffer := range []struct {
		name string
		size int
	}{
		{"Data", len(o.Data)}, {"DataOut", len(o.DataOut)},
		{"Context", len(o.Context)}, {"ContextOut", len(o.ContextOut)},
	} {
		if uint64(buffer.size) > math.MaxUint32 {
			return fault.Invalidf("%s has %d bytes and must have less than 4 GiB", buffer.name, buffer.size)
		}
	}
	for _, number := range []struct {
		name  string
		value int
	}{{"Repeat", o.Repeat}, {"CPU", o.CPU}, {"BatchSize", o.BatchSize}} {
		if err := checkInt32(number.name, number.value); err != nil {
			return err
		}
	}
	if o.CPU != 0 && o.Flags&TestRunOnCPU == 0 {
		return fault.Invalidf("CPU is %d, but Flags lacks TestRunOnCPU", o.CPU)
	}
	if typ == ProgramTypeSyscall && o.ContextOut != nil && len(o.ContextOut) != len(o.Context) {
		return fault.Invalidf("ContextOut has %d bytes and must have %d, as Context, for a syscall program",
			len(o.ContextOut), len(o.Context))
	}
	return nil
}

// TestRun runs the program on the caller's data (bpf_prog_test_run_opts, Linux 4.12). errors.Is(err, unix.ENOSPC) when
// DataOut or ContextOut is too small: the program ran nevertheless, and the result has the sizes.
func (p *programCore) TestRun(o TestRunOptions) (TestRunResult, error) {
	const op = "test run"
	if err := p.acquire(op); err != nil {
		return TestRunResult{}, err
	}
	defer p.h.Drop()
	if err := o.check(p.typ); err != nil {
		return TestRunResult{}, p.fail(op, err)
	}
	if o.Flags&TestRunXDPLiveFrames != 0 && o.BatchSize == 0 {
		// The kernel's default. A kernel without live frames ignores the flag, but refuses a batch size.
		o.BatchSize = 64
	}
	contextIn, contextOut := o.Context, o.ContextOut
	if p.typ == ProgramTypeSyscall {
		// The kernel writes the context of a syscall program back to the buffer that it read.
		if contextIn = contextOut; contextIn == nil {
			contextIn = bytes.Clone(o.Context)
		} else {
			copy(contextIn, o.Context)
		}
		contextOut = nil
	}
	var result TestRunResult
	var contextSize int
	err := call(op, p.String(), func() error {
		var ret cInt
		result, contextSize, ret = testRun(p.fd, &o, contextIn, contextOut)
		err := clib.FromRet(int(ret))
		if errors.Is(err, unix.ENOSPC) {
			return o.noRoom(result.DataSize, contextSize)
		}
		return err
	})
	if err != nil {
		if !errors.Is(err, unix.ENOSPC) {
			result = TestRunResult{} // nothing ran
		}
		return result, err
	}
	// Without a packet, the kernel does not set the size.
	if len(o.Data) == 0 {
		result.DataSize = 0
	}
	if o.DataOut != nil {
		result.Data = o.DataOut[:min(result.DataSize, len(o.DataOut))]
	}
	if o.ContextOut != nil {
		result.Context = o.ContextOut
		if p.typ != ProgramTypeSyscall {
			result.Context = o.ContextOut[:min(contextSize, len(o.ContextOut))]
		}
	}
	return result, nil
}

// noRoom says which buffer was too small. The program ran nevertheless.
func (o *TestRunOptions) noRoom(data, context int) error {
	name, size, room := "DataOut", data, len(o.DataOut)
	if data <= len(o.DataOut) || len(o.DataOut) == 0 {
		name, size, room = "ContextOut", context, len(o.ContextOut)
	}
	return fault.Newf(unix.ENOSPC, "%s has room for %d bytes and needs %d: %s", name, room, size, unix.ENOSPC)
}
