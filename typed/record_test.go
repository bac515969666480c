package typed_test

import (
	"context"
	"errors"
	"os"
	"runtime"
	"slices"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/needs"
	"github.com/libbpf-go/libbpf-go/typed"
)

// eventRecord is what events.bpf.c writes for getpgid(eventMagic + n): n records.
type eventRecord struct {
	Sequence uint64
	Ring     uint32
	Size     uint32
	Payload  [48]byte
}

const eventMagic = 0x40000000

// eventBuffers are the buffers of events.bpf.c, whose programs are attached: what is written to the one is written to
// the others too.
func eventBuffers(t *testing.T) (events, more, perf *libbpf.Map) {
	t.Helper()
	testutil.Root(t)
	open, err := libbpf.OpenFile(testutil.Object(t, "events"))
	check(t, err)
	defer open.Close()
	check(t, open.SetGlobal("target_tgid", os.Getpid()))
	check(t, open.SetGlobal("getpgid_nr", unix.SYS_GETPGID))
	needs.ToLoad(t, open)
	object, err := open.Load()
	check(t, err)
	t.Cleanup(func() { check(t, object.Close()) })
	get := must[*libbpf.Map](t)
	events, more, perf = get(object.Map("events")), get(object.Map("more_events")), get(object.Map("perf_events"))
	_, err = object.Attach()
	check(t, err)
	return events, more, perf
}

// emit has the program write n records to each buffer.
func emit(n int) { testutil.Getpgid(eventMagic + n) }

func TestRingSource(t *testing.T) {
	events, more, _ := eventBuffers(t)
	var got []uint64
	errStop := errors.New("stop")
	source := must[libbpf.RingSource](t)(typed.NewRingSource(events, func(r eventRecord) error {
		got = append(got, r.Sequence)
		if r.Size != 48 || r.Payload[0] != byte(r.Sequence) || r.Payload[47] != byte(r.Sequence) {
			t.Errorf("record %+v", r)
		}
		if len(got) == 3 {
			return errStop
		}
		return nil
	}))
	builder := libbpf.RingBufferBuilder{Sources: []libbpf.RingSource{source}}
	ring := must[*libbpf.RingBuffer](t)(builder.Build())
	defer ring.Close()
	emit(5)
	wantErr(t, second(ring.Poll(time.Second)), errStop)
	equal(t, "records", must[int](t)(ring.Consume()), 2)
	if !slices.Equal(got, []uint64{0, 1, 2, 3, 4}) {
		t.Errorf("sequence %v", got)
	}

	// The records of another ring, which are of another type, and not of the one that is said.
	other := must[libbpf.RingSource](t)(typed.NewRingSource(more, func(uint64) error { return nil }))
	builder.Sources = append(builder.Sources, other)
	both := must[*libbpf.RingBuffer](t)(builder.Build())
	defer both.Close()
	wantInvalid(t, second(both.Consume()), "64 bytes", "must have 8, as a uint64 has")

	wantInvalid(t, second(typed.NewRingSource[eventRecord](events, nil)), "callback")
	wantInvalid(t, second(typed.NewRingSource(events, func(string) error { return nil })), "string")
	hash := create(t, libbpf.MapTypeHash, 4, 4, 1)
	wantInvalid(t, second(typed.NewRingSource(hash, func(uint64) error { return nil })), "hash", "ringbuf")
}

func TestRingReader(t *testing.T) {
	events, more, _ := eventBuffers(t)
	ring, err := typed.NewRingReader[eventRecord](events)
	check(t, err)
	defer ring.Close()
	emit(5)
	stats, err := ring.Stats()
	check(t, err)
	equal(t, "available", stats.Available, 5*(8+64))
	var got []uint64
	for r := range ring.Records(t.Context(), &err) {
		got = append(got, r.Sequence)
		if r.Size != 48 || r.Payload[0] != byte(r.Sequence) || r.Payload[47] != byte(r.Sequence) {
			t.Errorf("record %+v", r)
		}
		if len(got) == 3 {
			break
		}
	}
	check(t, err)
	for r := range ring.Pending(&err) {
		got = append(got, r.Sequence)
	}
	check(t, err)
	if !slices.Equal(got, []uint64{0, 1, 2, 3, 4}) {
		t.Errorf("sequence %v", got)
	}

	// Copies stay what they are when programs write over the place.
	emit(3)
	var kept []eventRecord
	for r := range ring.Copies(t.Context(), &err) {
		if kept = append(kept, r); len(kept) == 3 {
			break
		}
	}
	check(t, err)
	for range 20 {
		emit(500)
		for range ring.Pending(&err) {
		}
	}
	for i, r := range kept {
		if r.Sequence != kept[0].Sequence+uint64(i) || r.Payload[47] != byte(r.Sequence) {
			t.Errorf("copy %+v", r)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	for range ring.Records(ctx, &err) {
	}
	wantErr(t, err, context.DeadlineExceeded)
	check(t, ring.Close())
	for range ring.Pending(&err) {
		t.Error("a record after Close")
	}
	wantErr(t, err, libbpf.ErrClosed)

	// A record of another length counts as handled.
	short, err := typed.NewRingReader[uint64](more)
	check(t, err)
	defer short.Close()
	before, err := short.Stats()
	check(t, err)
	for range short.Pending(&err) {
		t.Error("a record of another length")
	}
	wantInvalid(t, err, "64 bytes", "must have 8, as a uint64 has")
	after, err := short.Stats()
	check(t, err)
	equal(t, "consumed", after.ConsumerPos-before.ConsumerPos, 8+64)

	// The first byte of the payload, which counts, is more than a bool can be.
	type flagged struct {
		_     [16]byte
		Truth bool
		_     [47]byte
	}
	emit(400)
	flags, err := typed.NewRingReader[flagged](more)
	check(t, err)
	defer flags.Close()
	truths := 0
	for f := range flags.Pending(&err) {
		if *(*byte)(unsafe.Pointer(&f.Truth)) > 1 {
			t.Fatal("a bool that is neither true nor false")
		}
		if f.Truth {
			truths++
		}
	}
	check(t, err)
	if truths < 300 {
		t.Errorf("%d true", truths)
	}
	wantInvalid(t, second(typed.NewRingReader[string](events)), "string")
	wantInvalid(t, second(typed.NewRingReader[uint64](create(t, libbpf.MapTypeHash, 4, 4, 1))), "hash", "ringbuf")
}

// It is a test of its own because it holds only if the loop is inlined, which code with mutants is not.
func TestRingReaderAllocations(t *testing.T) {
	events, _, _ := eventBuffers(t)
	ring, err := typed.NewRingReader[eventRecord](events)
	check(t, err)
	defer ring.Close()
	emit(200)
	seen := 0
	noAllocs(t, map[string]func(){"pending": func() {
		for range ring.Pending(nil) {
			if seen++; seen%2 == 0 {
				break
			}
		}
	}})
	if seen < 100 {
		t.Errorf("%d records", seen)
	}
}

// onOneCPU keeps the test on the CPU whose number it returns.
func onOneCPU(t *testing.T) int {
	t.Helper()
	var allowed unix.CPUSet
	check(t, unix.SchedGetaffinity(0, &allowed))
	cpu := 0
	for !allowed.IsSet(cpu) {
		cpu++
	}
	runtime.LockOSThread()
	t.Cleanup(runtime.UnlockOSThread)
	var one unix.CPUSet
	one.Set(cpu)
	check(t, unix.SchedSetaffinity(0, &one))
	t.Cleanup(func() { check(t, unix.SchedSetaffinity(0, &allowed)) })
	return cpu
}

// words is an eventRecord that 4 bytes are enough for to be aligned.
type words struct {
	Sequence [2]uint32
	Ring     uint32
	Size     uint32
	Payload  [48]byte
}

func TestPerfReader(t *testing.T) {
	_, _, perf := eventBuffers(t)
	cpu := onOneCPU(t)
	events := must[*typed.PerfReader[eventRecord]](t)(
		typed.NewPerfReader[eventRecord](perf, libbpf.PerfReaderOptions{Pages: 32 << 10 / os.Getpagesize()}))
	defer events.Close()
	emit(5)
	var err error
	var got []uint64
	see := func(on int, r *eventRecord) {
		t.Helper()
		got = append(got, r.Sequence)
		if on != cpu || r.Ring != 2 || r.Size != 48 || r.Payload[0] != byte(r.Sequence) || r.Payload[47] != byte(r.Sequence) {
			t.Errorf("CPU %d, record %+v", on, r)
		}
	}
	for on, r := range events.Records(t.Context(), &err) {
		if see(on, r); len(got) == 3 {
			break
		}
	}
	check(t, err)
	for on, r := range events.Pending(&err) {
		see(on, r)
	}
	check(t, err)
	if !slices.Equal(got, []uint64{0, 1, 2, 3, 4}) {
		t.Errorf("sequence %v", got)
	}
	emit(3)
	var kept []eventRecord
	for on, r := range events.Copies(t.Context(), &err) {
		if see(on, &r); len(kept) == 2 {
			break
		}
		kept = append(kept, r)
	}
	check(t, err)
	equal(t, "first copy", kept[0].Sequence, 5)
	equal(t, "second copy", kept[1].Sequence, 6)
	if events.EpollFD() < 0 {
		t.Error("no epoll descriptor")
	}
	emit(500) // more than 32 KiB have room for
	if must[uint64](t)(events.Lost()) == 0 {
		t.Error("no record was lost")
	}
	check(t, events.Close())
	for range events.Pending(&err) {
		t.Error("a record after Close")
	}
	wantErr(t, err, libbpf.ErrClosed)

	wantInvalid(t, second(typed.NewPerfReader[string](perf, libbpf.PerfReaderOptions{})), "string")
	wantInvalid(t, second(typed.NewPerfReader[uint64](create(t, libbpf.MapTypeHash, 4, 4, 1), libbpf.PerfReaderOptions{})),
		"hash", "perf_event_array")
}

// What fits where the kernel puts it is read there; what needs another address, or has bools, is copied.
func TestPerfReaderInPlace(t *testing.T) {
	_, _, perf := eventBuffers(t)
	onOneCPU(t)
	inPlace := must[*typed.PerfReader[words]](t)(typed.NewPerfReader[words](perf, libbpf.PerfReaderOptions{}))
	defer inPlace.Close()
	emit(3)
	var err error
	var last *words
	n := uint32(0)
	for _, r := range inPlace.Pending(&err) {
		low := 0
		if bigEndian {
			low = 1
		}
		equal(t, "sequence", r.Sequence[low], n)
		equal(t, "last byte", r.Payload[47], byte(n))
		if r == last {
			t.Error("two records in one place")
		}
		last, n = r, n+1
	}
	check(t, err)
	equal(t, "records", n, 3)
	check(t, inPlace.Close())

	copied := must[*typed.PerfReader[eventRecord]](t)(typed.NewPerfReader[eventRecord](perf, libbpf.PerfReaderOptions{}))
	defer copied.Close()
	emit(3)
	for _, r := range copied.Pending(&err) {
		if address := uintptr(unsafe.Pointer(r)); address%unsafe.Alignof(*r) != 0 {
			t.Errorf("a record at %#x", address)
		}
	}
	check(t, err)
	check(t, copied.Close())

	// The first byte of the payload, which counts, is more than a bool can be.
	type flagged struct {
		_     [16]byte
		Truth bool
		_     [47]byte
	}
	flags := must[*typed.PerfReader[flagged]](t)(typed.NewPerfReader[flagged](perf, libbpf.PerfReaderOptions{}))
	defer flags.Close()
	emit(400)
	truths := 0
	for _, f := range flags.Pending(&err) {
		if *(*byte)(unsafe.Pointer(&f.Truth)) > 1 {
			t.Fatal("a bool that is neither true nor false")
		}
		if f.Truth {
			truths++
		}
	}
	check(t, err)
	if truths < 300 {
		t.Errorf("%d true", truths)
	}
	check(t, flags.Close())

	// A record of another length counts as handled, and the next loop sees the one behind it.
	short := must[*typed.PerfReader[uint64]](t)(typed.NewPerfReader[uint64](perf, libbpf.PerfReaderOptions{}))
	defer short.Close()
	emit(2)
	for range 2 {
		for range short.Pending(&err) {
			t.Error("a record of another length")
		}
		wantInvalid(t, err, "68 bytes", "must have 12, as a uint64 has")
	}
	for range short.Pending(&err) {
		t.Error("a record that was handled")
	}
	check(t, err)
}

// command is what userring.bpf.c reads: its last eight bytes repeat the number. It has padding behind Flag.
type command struct {
	Number, Length uint64
	Flag           uint8
	Last           uint64
}

// drainedState is what userring.bpf.c saw.
type drainedState struct {
	Samples, Wrong uint64
	Numbers        [4096]uint64
}

func TestUserRingBuf(t *testing.T) {
	testutil.Root(t)
	open := must[*libbpf.OpenObject](t)(libbpf.OpenFile(testutil.Object(t, "userring")))
	defer open.Close()
	object, err := open.Load()
	if err != nil && testutil.Refused(err) {
		testutil.Skip(t, "user_ringbuf", err)
	}
	check(t, err)
	defer object.Close()
	m := must[*libbpf.Map](t)(object.Map("user_ring"))
	drainer := must[*libbpf.Program](t)(object.Program("drain"))
	state := must[*typed.Global[drainedState]](t)(typed.NewGlobal[drainedState](object, "drained"))
	defer state.Close()
	drain := func() {
		t.Helper()
		must[libbpf.TestRunResult](t)(drainer.TestRun(libbpf.TestRunOptions{}))
	}

	ring := must[*typed.UserRingBuf[command]](t)(typed.NewUserRingBuf[command](m))
	defer ring.Close()
	const size = unsafe.Sizeof(command{})
	dirty := slices.Repeat([]byte{0xee}, int(size))
	var want []uint64
	for i := range uint64(os.Getpagesize() / 120 * 10) { // several times around
		sample := must[typed.UserRingSample[command]](t)(ring.Reserve())
		value := sample.Value()
		memory := (*[size]byte)(unsafe.Pointer(value))
		if *memory != [size]byte{} {
			t.Fatalf("sample %d begins as %v", i, *memory)
		}
		copy(memory[:], dirty) // as Go may leave padding
		value.Number, value.Length, value.Flag, value.Last = i, uint64(size), 1, i
		if i%3 == 0 {
			sample.Discard()
			wantErr(t, sample.Submit(), libbpf.ErrClosed)
		} else {
			want = append(want, i)
			check(t, sample.Submit())
			sample.Discard()
			for _, padding := range memory[17:unsafe.Offsetof(value.Last)] {
				if padding != 0 {
					t.Fatalf("%v", *memory)
				}
			}
		}
		if sample.Value() != nil {
			t.Fatal("a value behind the end")
		}
		if i%10 == 9 {
			drain()
		}
	}
	got := must[drainedState](t)(state.Get())
	if got.Wrong != 0 || !slices.Equal(got.Numbers[:got.Samples], want) {
		t.Errorf("%d samples, %d of them wrong, %v", got.Samples, got.Wrong, got.Numbers[:got.Samples])
	}

	full := false
	for !full {
		sample, err := ring.Reserve()
		if full = errors.Is(err, unix.ENOSPC); !full {
			check(t, err)
			check(t, sample.Submit())
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	wantErr(t, second(ring.ReserveContext(ctx)), unix.ENOSPC, context.DeadlineExceeded)
	drain()
	must[typed.UserRingSample[command]](t)(ring.ReserveContext(t.Context())).Discard()
	check(t, ring.Close())
	wantErr(t, second(ring.Reserve()), libbpf.ErrClosed)

	large := must[*typed.UserRingBuf[[64 << 10]byte]](t)(typed.NewUserRingBuf[[64 << 10]byte](m))
	defer large.Close()
	wantErr(t, second(large.Reserve()), unix.E2BIG)
	wantInvalid(t, second(typed.NewUserRingBuf[string](m)), "string")
	wantInvalid(t, second(typed.NewUserRingBuf[uint64](create(t, libbpf.MapTypeHash, 4, 4, 1))), "hash", "user_ringbuf")
}
