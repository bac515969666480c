package libbpf_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// pinToCPU runs the test on one CPU.
func pinToCPU(t *testing.T, cpu int) {
	t.Helper()
	runtime.LockOSThread()
	t.Cleanup(runtime.UnlockOSThread)
	var old, one unix.CPUSet
	check(t, unix.SchedGetaffinity(0, &old))
	one.Set(cpu)
	check(t, unix.SchedSetaffinity(0, &one))
	t.Cleanup(func() { check(t, unix.SchedSetaffinity(0, &old)) })
}

// lastCPU is one that is online and not the first, if there is such a one.
func lastCPU(t *testing.T) int {
	t.Helper()
	var set unix.CPUSet
	check(t, unix.SchedGetaffinity(0, &set))
	last := 0
	for cpu := range 1024 {
		if set.IsSet(cpu) {
			last = cpu
		}
	}
	return last
}

func openPerf(t *testing.T, o *libbpf.Object, b libbpf.PerfBufferBuilder) *libbpf.PerfBuffer {
	t.Helper()
	p, err := b.Build(findMap(t, o, "perf"))
	check(t, err)
	t.Cleanup(func() { check(t, p.Close()) })
	return p
}

// Each CPU has a buffer of its own, which can be consumed and read alone.
func TestPerfBufferPerCPU(t *testing.T) {
	o := loadStream(t, nil)
	cpu := lastCPU(t)
	pinToCPU(t, cpu)
	var cpus []int
	p := openPerf(t, o, libbpf.PerfBufferBuilder{
		Pages:  8,
		Sample: func(cpu int, _ []byte) error { cpus = append(cpus, cpu); return nil },
	})
	mine := cpu // CPUs are numbered without gaps here, and all have a key
	if p.Buffers() <= mine {
		t.Fatalf("%d buffers", p.Buffers())
	}
	write(toPerf, 3)
	for index := range p.Buffers() {
		fd, err := p.BufferFD(index)
		check(t, err)
		if kind, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd)); err != nil || kind != "anon_inode:[perf_event]" {
			t.Errorf("buffer %d: descriptor of %s, %v", index, kind, err)
		}
		check(t, p.UseBuffer(index, func(memory []byte) error {
			if len(memory) != 9*unix.Getpagesize() {
				t.Errorf("%d bytes of memory", len(memory))
			}
			head := binary.NativeEndian.Uint64(memory[1024:]) // data_head of struct perf_event_mmap_page
			if (head != 0) != (index == mine) {
				t.Errorf("buffer %d has %d bytes", index, head)
			}
			return nil
		}))
	}
	for index := range p.Buffers() {
		want := 0
		if index == mine {
			want = 3
		}
		if n, err := p.ConsumeBuffer(index); n != want || err != nil {
			t.Errorf("buffer %d: %d records, %v", index, n, err)
		}
	}
	if !slices.Equal(cpus, []int{cpu, cpu, cpu}) {
		t.Errorf("records of CPUs %v, want CPU %d's", cpus, cpu)
	}
	stop := errors.New("stop")
	if err := p.UseBuffer(0, func([]byte) error { return stop }); err != stop {
		t.Error(err)
	}
	for _, index := range []int{-1, p.Buffers()} {
		_, err := p.BufferFD(index)
		wantErr(t, err, libbpf.ErrInvalid)
		n, err := p.ConsumeBuffer(index)
		if wantErr(t, err, libbpf.ErrInvalid); n != 0 {
			t.Errorf("%d records of buffer %d", n, index)
		}
		wantErr(t, p.UseBuffer(index, nil), libbpf.ErrInvalid)
	}
	check(t, p.Close())
	var none *libbpf.PerfBuffer
	for _, p := range []*libbpf.PerfBuffer{p, none} {
		if p.Buffers() != 0 {
			t.Errorf("%d buffers after Close", p.Buffers())
		}
		_, err := p.BufferFD(0)
		wantErr(t, err, libbpf.ErrClosed)
		_, err = p.ConsumeBuffer(0)
		wantErr(t, err, libbpf.ErrClosed)
		wantErr(t, p.UseBuffer(0, nil), libbpf.ErrClosed)
		lost, err := p.Lost()
		if wantErr(t, err, libbpf.ErrClosed); lost != 0 {
			t.Errorf("%d lost after Close", lost)
		}
	}
}

// A record that goes beyond the end of its buffer is in one piece. Those that a callback keeps, wrongly, are still
// memory after Close.
func TestPerfBufferInPlace(t *testing.T) {
	o := loadStream(t, func(o *libbpf.OpenObject) { check(t, o.SetGlobal("record_size", uint32(500))) })
	pinToCPU(t, 0)
	next := uint64(0)
	var kept [][]byte
	p := openPerf(t, o, libbpf.PerfBufferBuilder{
		Pages: 1,
		Sample: func(_ int, record []byte) error {
			if len(record) != 500 || cap(record) != 500 || binary.NativeEndian.Uint64(record) != next {
				t.Fatalf("%d bytes, number %d, want %d", len(record), binary.NativeEndian.Uint64(record), next)
			}
			if !bytes.Equal(record[8:], make([]byte, 492)) {
				t.Fatalf("torn: %v", record)
			}
			kept = append(kept, record)
			next++
			return nil
		},
	})
	for range 300 {
		write(toPerf, 3)
		n, err := p.Consume()
		check(t, err)
		if n != 3 {
			t.Fatalf("%d records", n)
		}
	}
	check(t, p.Close())
	sum := 0
	for _, record := range kept {
		sum += int(record[499])
	}
	if sum != 0 {
		t.Errorf("the last bytes' sum is %d", sum)
	}
}

// Lost knows of losses that the kernel has told nobody of yet.
func TestPerfBufferLost(t *testing.T) {
	o := loadStream(t, nil)
	pinToCPU(t, 0)
	var received, told uint64
	p := openPerf(t, o, libbpf.PerfBufferBuilder{
		Pages:  1,
		Sample: func(int, []byte) error { received++; return nil },
		Lost:   func(_ int, n uint64) { told += n },
	})
	for range 3 {
		write(toPerf, 400)
		_, err := p.Consume()
		check(t, err)
		lost, err := p.Lost()
		if errors.Is(err, errors.ErrUnsupported) {
			testutil.Skip(t, "perf_format_lost", err)
		}
		check(t, err)
		counted := streamTotals(t, o, "perf_totals")
		if lost == 0 || lost != counted.lost || received+lost != counted.produced || told >= lost {
			t.Errorf("%d received, %d lost, %d told, and the program counts %+v", received, lost, told, counted)
		}
	}
}

// A buffer on one CPU only, under a given key, with an event that the test opens.
func TestPerfBufferRaw(t *testing.T) {
	o := loadStream(t, nil)
	cpu := lastCPU(t)
	pinToCPU(t, cpu)
	type header struct {
		typ        uint32
		misc, size uint16
	}
	var events []header
	var times []uint64
	p := openPerf(t, o, libbpf.PerfBufferBuilder{
		Pages:   8,
		CPUs:    []int{cpu},
		MapKeys: []int{cpu}, // bpf_perf_event_output wants the CPU's own
		Attr: &unix.PerfEventAttr{
			Type: unix.PERF_TYPE_SOFTWARE, Config: unix.PERF_COUNT_SW_BPF_OUTPUT, Sample: 1, Wakeup: 1,
			Sample_type: unix.PERF_SAMPLE_RAW | unix.PERF_SAMPLE_TIME, Bits: unix.PerfBitUseClockID,
			Clockid: unix.CLOCK_MONOTONIC,
		},
		Event: func(on int, event []byte) error {
			if on != cpu {
				t.Errorf("CPU %d, want %d", on, cpu)
			}
			events = append(events, header{
				binary.NativeEndian.Uint32(event), binary.NativeEndian.Uint16(event[4:]),
				binary.NativeEndian.Uint16(event[6:]),
			})
			if len(event) != int(events[len(events)-1].size) {
				t.Errorf("%d bytes of an event of %d", len(event), events[len(events)-1].size)
			}
			times = append(times, binary.NativeEndian.Uint64(event[8:]))
			if number := binary.NativeEndian.Uint64(event[20:]); number != uint64(len(events)-1) {
				t.Errorf("number %d", number)
			}
			return nil
		},
	})
	var before, after unix.Timespec
	check(t, unix.ClockGettime(unix.CLOCK_MONOTONIC, &before))
	write(toPerf, 2)
	check(t, unix.ClockGettime(unix.CLOCK_MONOTONIC, &after))
	if n, err := p.Consume(); n != 2 || err != nil || p.Buffers() != 1 {
		t.Fatalf("%d events, %v, %d buffers", n, err, p.Buffers())
	}
	for i, e := range events {
		if e.typ != unix.PERF_RECORD_SAMPLE || times[i] < uint64(before.Nano()) || times[i] > uint64(after.Nano()) {
			t.Errorf("%+v at %d, between %d and %d", e, times[i], before.Nano(), after.Nano())
		}
	}
	lost, err := p.Lost()
	if wantErr(t, err, errors.ErrUnsupported); lost != 0 {
		t.Errorf("%d lost", lost)
	}
}

// Where the count of losses is depends on what else the event's numbers are.
func TestPerfBufferLostFormats(t *testing.T) {
	o := loadStream(t, nil)
	for format := uint64(0); format < unix.PERF_FORMAT_LOST; format++ {
		t.Run(fmt.Sprint(format), func(t *testing.T) {
			pinToCPU(t, 0)
			p := openPerf(t, o, libbpf.PerfBufferBuilder{
				Pages: 1,
				CPUs:  []int{0},
				Event: func(int, []byte) error { return nil },
				Attr: &unix.PerfEventAttr{
					Type: unix.PERF_TYPE_SOFTWARE, Config: unix.PERF_COUNT_SW_BPF_OUTPUT, Sample: 1, Wakeup: 1,
					Sample_type: unix.PERF_SAMPLE_RAW, Read_format: format | unix.PERF_FORMAT_LOST,
				},
			})
			before := streamTotals(t, o, "perf_totals").lost
			write(toPerf, 400)
			want := streamTotals(t, o, "perf_totals").lost - before
			if lost, err := p.Lost(); want == 0 || lost != want || err != nil {
				t.Errorf("%d records, %v, and the program counts %d", lost, err, want)
			}
		})
	}
}

// A position that a user of the memory has damaged is an error, once.
func TestPerfBufferDamaged(t *testing.T) {
	o := loadStream(t, nil)
	for name, damage := range map[string]uint64{
		"ahead":     1 << 20,
		"far back":  1<<64 - 1<<20,
		"uneven":    4092, // a header there goes beyond the end of the memory
		"no header": 16,
	} {
		t.Run(name, func(t *testing.T) {
			pinToCPU(t, 0)
			p := openPerf(t, o, libbpf.PerfBufferBuilder{
				Pages:  1,
				CPUs:   []int{0},
				Sample: func(int, []byte) error { return nil },
				Lost:   func(int, uint64) {},
			})
			write(toPerf, 1)
			check(t, p.UseBuffer(0, func(memory []byte) error {
				*(*uint64)(unsafe.Pointer(&memory[1032])) += damage // data_tail of struct perf_event_mmap_page
				return nil
			}))
			n, err := p.Consume()
			if wantErr(t, err, unix.EBADMSG); n != 0 {
				t.Errorf("%d records", n)
			}
			if n, err := p.Consume(); n != 0 || err != nil {
				t.Errorf("once more: %d records, %v", n, err)
			}
			write(toPerf, 1)
			if n, err := p.Consume(); n != 1 || err != nil {
				t.Errorf("then %d records, %v", n, err)
			}
		})
	}
}

func TestPerfBufferOptions(t *testing.T) {
	o := loadStream(t, nil)
	m := findMap(t, o, "perf")
	sample := func(int, []byte) error { return nil }
	attr := &unix.PerfEventAttr{Type: unix.PERF_TYPE_SOFTWARE, Config: unix.PERF_COUNT_SW_BPF_OUTPUT}
	for i, b := range []libbpf.PerfBufferBuilder{
		{},
		{Sample: sample, Event: sample},
		{Event: sample, Lost: func(int, uint64) {}},
		{Sample: sample, Attr: attr},
		{Event: sample, Attr: attr, WakeupEvents: 1},
		{Event: sample, Attr: &unix.PerfEventAttr{Size: 4096}},
		{Sample: sample, CPUs: []int{}},
		{Sample: sample, CPUs: []int{-1}},
		{Sample: sample, CPUs: []int{0}, MapKeys: []int{-1}},
		{Sample: sample, CPUs: []int{0}, MapKeys: []int{int(m.MaxEntries())}},
		{Sample: sample, CPUs: []int{0}, MapKeys: []int{1, 2}},
		{Sample: sample, CPUs: []int{0, 0}},
		{Sample: sample, MapKeys: []int{0}},
		{Sample: sample, MapKeys: []int{}},
		{Sample: sample, Pages: 3},
		{Sample: sample, Pages: -4},
		{Sample: sample, Pages: 1 << (strconv.IntSize - 2)}, // so many that the bytes are none
		{Event: sample, Attr: &unix.PerfEventAttr{
			Type: unix.PERF_TYPE_SOFTWARE, Config: unix.PERF_COUNT_SW_BPF_OUTPUT, Bits: unix.PerfBitWriteBackward,
		}},
	} {
		if p, err := b.Build(m); !errors.Is(err, libbpf.ErrInvalid) {
			t.Errorf("options %d: %v, %v", i, p, err)
		}
	}
	// What only the kernel knows to be wrong.
	_, err := libbpf.PerfBufferBuilder{Sample: sample, CPUs: []int{100_000}, MapKeys: []int{0}}.Build(m)
	if err == nil || errors.Is(err, libbpf.ErrInvalid) && !errors.Is(err, unix.EINVAL) {
		t.Errorf("a buffer on CPU 100,000: %v", err)
	}
}
