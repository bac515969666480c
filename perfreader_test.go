package libbpf_test

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// openPerfReader reads what stream.bpf.o writes, on the CPU that the test is pinned to.
func openPerfReader(t *testing.T, o *libbpf.Object, options libbpf.PerfReaderOptions) *libbpf.PerfReader {
	t.Helper()
	pinToCPU(t, lastCPU(t))
	r, err := libbpf.NewPerfReader(findMap(t, o, "perf"), options)
	check(t, err)
	t.Cleanup(func() { check(t, r.Close()) })
	return r
}

// Records of which some go beyond the end of the buffer, in loops that end in the middle: each is seen once.
func TestPerfReader(t *testing.T) {
	o := loadStream(t, nil)
	r := openPerfReader(t, o, libbpf.PerfReaderOptions{Pages: 1})
	cpu, next := lastCPU(t), uint64(0)
	see := func(on int, record []byte) {
		t.Helper()
		if on != cpu || len(record) < recordSize || cap(record) != len(record) || binary.NativeEndian.Uint64(record) != next {
			t.Fatalf("CPU %d, %d bytes (room for %d), number %d, want CPU %d and number %d", on, len(record), cap(record),
				binary.NativeEndian.Uint64(record), cpu, next)
		}
		next++
	}
	var err error
	for round := range 100 {
		write(toPerf, 7)
		for on, record := range r.Records(t.Context(), &err) {
			if see(on, record); next%7 == 3 {
				break
			}
		}
		check(t, err)
		func() {
			defer func() { _ = recover() }()
			for on, record := range r.Pending(&err) {
				if see(on, record); next%7 == 5 {
					panic("out")
				}
			}
		}()
		for on, record := range r.Pending(&err) {
			see(on, record)
		}
		check(t, err)
		if want := uint64(round+1) * 7; next != want {
			t.Fatalf("%d records, want %d", next, want)
		}
	}
	write(toPerf, 2)
	var kept [][]byte
	for _, record := range r.Copies(t.Context(), &err) {
		if kept = append(kept, record); len(kept) == 2 {
			break
		}
	}
	check(t, err)
	if len(kept) != 2 {
		t.Errorf("%d copies", len(kept))
	}
	write(toPerf, 30) // over them
	for i, record := range kept {
		if number := binary.NativeEndian.Uint64(record); number != next+uint64(i) {
			t.Errorf("number %d, want %d", number, next+uint64(i))
		}
	}
}

func TestPerfReaderEnds(t *testing.T) {
	o := loadStream(t, nil)
	r := openPerfReader(t, o, libbpf.PerfReaderOptions{})
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(10*time.Millisecond, func() { cancel(cause) })
	var err error
	for range r.Records(ctx, &err) {
		t.Error("a record of nobody's")
	}
	wantErr(t, err, context.Canceled)
	wantErr(t, err, cause)
	// A nil context is an error, not a crash.
	for range r.Records(nil, &err) {
	}
	wantErr(t, err, libbpf.ErrInvalid)

	// It wakes up for a record, and there is one loop at a time.
	time.AfterFunc(10*time.Millisecond, func() { write(toPerf, 1) })
	woken := 0
	for range r.Records(t.Context(), &err) {
		woken++
		var second error
		for range r.Pending(&second) {
			t.Error("a second loop")
		}
		wantErr(t, second, unix.EBUSY)
		break
	}
	check(t, err)
	if woken != 1 {
		t.Errorf("%d records", woken)
	}

	// Close from within, with records behind, and from outside.
	write(toPerf, 3)
	seen := 0
	for range r.Records(t.Context(), &err) {
		seen++
		check(t, r.Close())
	}
	wantErr(t, err, libbpf.ErrClosed)
	if seen != 1 || r.EpollFD() != -1 {
		t.Errorf("%d records, epoll descriptor %d", seen, r.EpollFD())
	}
	other, err := libbpf.NewPerfReader(findMap(t, o, "perf"), libbpf.PerfReaderOptions{})
	check(t, err)
	time.AfterFunc(10*time.Millisecond, func() { _ = other.Close() })
	for range other.Records(t.Context(), &err) {
	}
	wantErr(t, err, libbpf.ErrClosed)
	var none *libbpf.PerfReader
	for _, r := range []*libbpf.PerfReader{none, new(libbpf.PerfReader), other} {
		for range r.Pending(&err) {
		}
		wantErr(t, err, libbpf.ErrClosed)
		for range r.Copies(t.Context(), &err) {
		}
		wantErr(t, err, libbpf.ErrClosed)
		_, err := r.Lost()
		wantErr(t, err, libbpf.ErrClosed)
		check(t, r.Close())
	}
	_, err = libbpf.NewPerfReader(nil, libbpf.PerfReaderOptions{})
	wantErr(t, err, libbpf.ErrClosed)
	for i, options := range []libbpf.PerfReaderOptions{
		{Pages: 3}, {CPUs: []int{}}, {MapKeys: []int{0}}, {Attr: &unix.PerfEventAttr{}, WakeupEvents: 1},
	} {
		if _, err := libbpf.NewPerfReader(findMap(t, o, "perf"), options); !errors.Is(err, libbpf.ErrInvalid) {
			t.Errorf("options %d: %v", i, err)
		}
	}
}

// What was produced was received or is counted as lost, on every kernel: before Linux 6.0 once the CPU has written
// again.
func TestPerfReaderLost(t *testing.T) {
	o := loadStream(t, nil)
	r := openPerfReader(t, o, libbpf.PerfReaderOptions{Pages: 1})
	received := uint64(0)
	for range 3 {
		write(toPerf, 400)
		for range r.Pending(nil) {
			received++
		}
	}
	write(toPerf, 1)
	for range r.Pending(nil) {
		received++
	}
	lost, err := r.Lost()
	check(t, err)
	counted := streamTotals(t, o, "perf_totals")
	if lost == 0 || lost != counted.lost || received+lost != counted.produced {
		t.Errorf("%d received, %d lost, and the program counts %+v", received, lost, counted)
	}
}

// With an event that the user describes, a record is the event.
func TestPerfReaderEvents(t *testing.T) {
	o := loadStream(t, nil)
	cpu := lastCPU(t)
	r := openPerfReader(t, o, libbpf.PerfReaderOptions{
		CPUs: []int{cpu},
		Attr: &unix.PerfEventAttr{
			Type: unix.PERF_TYPE_SOFTWARE, Config: unix.PERF_COUNT_SW_BPF_OUTPUT, Sample: 1, Wakeup: 1,
			Sample_type: unix.PERF_SAMPLE_RAW | unix.PERF_SAMPLE_TIME,
		},
	})
	write(toPerf, 3)
	var err error
	var numbers []uint64
	for on, event := range r.Pending(&err) {
		if on != cpu || binary.NativeEndian.Uint32(event) != unix.PERF_RECORD_SAMPLE ||
			int(binary.NativeEndian.Uint16(event[6:])) != len(event) {
			t.Errorf("CPU %d, event %v", on, event)
		}
		numbers = append(numbers, binary.NativeEndian.Uint64(event[20:]))
	}
	check(t, err)
	if !slices.Equal(numbers, []uint64{0, 1, 2}) {
		t.Errorf("numbers %d", numbers)
	}
	write(toPerf, 3)
	for range 3 { // a loop that is left
		for range r.Records(t.Context(), &err) {
			break
		}
		check(t, err)
	}
	for range r.Pending(&err) {
		t.Error("an event twice")
	}
	check(t, err)
	_, err = r.Lost()
	wantErr(t, err, errors.ErrUnsupported)
}

func TestPerfReaderDoesNotAllocate(t *testing.T) {
	o := loadStream(t, nil)
	r := openPerfReader(t, o, libbpf.PerfReaderOptions{})
	seen := 0
	allocs := testutil.AllocsPerRun(20, func() {
		write(toPerf, 100)
		var err error
		for range r.Pending(&err) {
			seen++
		}
		check(t, err)
	})
	if allocs > 5 || seen < 2000 {
		t.Errorf("%v allocations for 100 records; %d in all", allocs, seen)
	}
}
