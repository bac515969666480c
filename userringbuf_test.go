package libbpf_test

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// page is the size of a user ring buffer, and whole is the size of the sample that fills it. Half is the size of samples
// of which two fit.
var (
	page  = os.Getpagesize()
	whole = page - 8
	half  = page/2 - 48
)

// userRing is a user ring buffer of a page, and the program that drains it.
type userRing struct {
	*libbpf.UserRingBuffer
	t       testing.TB
	m       *libbpf.Map
	drainer *libbpf.Program
	drained *libbpf.MapMemory
	at      int
}

func openUserRing(t testing.TB) *userRing {
	t.Helper()
	testutil.Root(t)
	o, err := open(t, "userring").Load()
	if err != nil && testutil.Refused(err) {
		testutil.Skip(t, "user_ringbuf", err)
	}
	check(t, err)
	t.Cleanup(func() { check(t, o.Close()) })
	r := &userRing{t: t, m: findMap(t, o, "user_ring")}
	r.drainer, err = o.Program("drain")
	check(t, err)
	r.drained, r.at, err = o.GlobalMemory("drained")
	check(t, err)
	t.Cleanup(func() { check(t, r.drained.Close()) })
	r.UserRingBuffer, err = libbpf.NewUserRingBuffer(r.m)
	check(t, err)
	t.Cleanup(func() { check(t, r.Close()) })
	return r
}

// testRun runs a syscall program and returns what it returned.
func testRun(t testing.TB, p *libbpf.Program) int32 {
	t.Helper()
	const progTestRun = 10 // BPF_PROG_TEST_RUN
	attr := struct {
		fd, retval uint32
		_          [72]byte
	}{fd: uint32(p.FD())}
	for {
		_, _, errno := unix.Syscall(unix.SYS_BPF, progTestRun, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
		if errno == unix.EAGAIN || errno == unix.EINTR {
			continue
		}
		if errno != 0 {
			t.Fatalf("test run: %v", errno)
		}
		return int32(attr.retval)
	}
}

// drain makes the program drain the ring, and returns how many samples that were, or a negative error, and the
// numbers of all that it has seen.
func (r *userRing) drain() (int32, []uint64) {
	r.t.Helper()
	n := testRun(r.t, r.drainer)
	state, err := libbpf.MemoryAt[struct {
		samples, wrong uint64
		numbers        [4096]uint64
	}](r.drained, r.at)
	check(r.t, err)
	if state.wrong != 0 {
		r.t.Errorf("%d samples of another length than they say", state.wrong)
	}
	return n, slices.Clone(state.numbers[:min(state.samples, 4096)])
}

// fillSample writes a sample's number, length and end.
func fillSample(sample *libbpf.UserRingSample, number uint64) {
	b := sample.Bytes()
	clear(b)
	if len(b) >= 24 {
		binary.NativeEndian.PutUint64(b[8:], uint64(len(b)))
		binary.NativeEndian.PutUint64(b[len(b)-8:], number)
	}
	if len(b) >= 8 {
		binary.NativeEndian.PutUint64(b, number)
	}
}

// send reserves, fills and submits.
func (r *userRing) send(size int, number uint64) {
	r.t.Helper()
	sample, err := r.Reserve(size)
	check(r.t, err)
	if b := sample.Bytes(); len(b) != size || cap(b) != size {
		r.t.Fatalf("%d bytes with room for %d, want %d", len(b), cap(b), size)
	}
	fillSample(sample, number)
	check(r.t, sample.Submit())
}

func (r *userRing) want(numbers ...uint64) {
	r.t.Helper()
	_, got := r.drain()
	if !slices.Equal(got, numbers) {
		r.t.Fatalf("drained %v, want %v", got, numbers)
	}
}

func TestUserRingBuffer(t *testing.T) {
	r := openUserRing(t)
	r.want()
	r.send(24, 1)
	r.send(1000, 2)
	r.send(8, 3)
	r.send(33, 4)
	r.send(0, 5) // an empty sample has no number
	const none = ^uint64(0)
	r.want(1, 2, 3, 4, none)
	// The whole ring, and one sample after the other around its end.
	want := []uint64{1, 2, 3, 4, none}
	for i := range uint64(200) {
		size := whole
		if i%3 != 0 {
			size = 1000 + int(i)*8
		}
		r.send(size, i)
		want = append(want, i)
		r.want(want...)
	}
}

// What is not submitted is not seen, whatever else is; what is behind an open sample waits for it.
func TestUserRingDiscard(t *testing.T) {
	r := openUserRing(t)
	for round := range page / 200 { // more than the ring holds, if the discarded ones stayed
		first, err := r.Reserve(400)
		check(t, err)
		second, err := r.Reserve(400)
		check(t, err)
		fillSample(second, uint64(round))
		check(t, second.Submit())
		if n, seen := r.drain(); n > 0 || len(seen) != round {
			t.Fatalf("drained %d, %v, behind an open sample", n, seen)
		}
		first.Discard()
		first.Discard()
		wantErr(t, first.Submit(), libbpf.ErrClosed)
		wantErr(t, second.Submit(), libbpf.ErrClosed)
		second.Discard()
		if first.Bytes() != nil || second.Bytes() != nil {
			t.Error("bytes of a sample that is done")
		}
		if _, seen := r.drain(); len(seen) != round+1 || seen[round] != uint64(round) {
			t.Fatalf("drained %v", seen)
		}
	}
}

// Full and never are different errors.
func TestUserRingFull(t *testing.T) {
	r := openUserRing(t)
	for _, size := range []int{whole + 1, 1 << 29, 1 << 30, math.MaxInt32, max(math.MaxInt32, beyondInt32/2),
		max(math.MaxInt32, beyondInt32+8)} {
		_, err := r.Reserve(size)
		wantErr(t, err, unix.E2BIG)
		_, err = r.ReserveContext(context.Background(), size)
		wantErr(t, err, unix.E2BIG)
		if errors.Is(err, unix.ENOSPC) {
			t.Errorf("%v is also ENOSPC", err)
		}
	}
	_, err := r.Reserve(-1)
	wantErr(t, err, libbpf.ErrInvalid)
	r.send(whole, 1)
	_, err = r.Reserve(0)
	wantErr(t, err, unix.ENOSPC)
	if errors.Is(err, unix.E2BIG) {
		t.Errorf("%v is also E2BIG", err)
	}
	r.want(1)
	r.send(whole, 2)
}

func TestUserRingReserveContext(t *testing.T) {
	r := openUserRing(t)
	sample, err := r.ReserveContext(context.Background(), whole)
	check(t, err)
	fillSample(sample, 1)
	check(t, sample.Submit())
	// Who waits is woken by the program, also who comes behind others, and all get their turn.
	var wg sync.WaitGroup
	const waiters, each = 4, 50
	for i := range waiters {
		wg.Go(func() {
			for j := range each {
				sample, err := r.ReserveContext(context.Background(), half)
				if err != nil {
					t.Error(err)
					return
				}
				fillSample(sample, uint64(i*each+j))
				if err := sample.Submit(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	var seen []uint64
	for len(seen) < 1+waiters*each {
		_, seen = r.drain()
		runtime.Gosched()
	}
	wg.Wait()
	slices.Sort(seen)
	if len(slices.Compact(seen)) != waiters*each {
		t.Errorf("drained %v", seen)
	}

	r.send(whole, 0)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Millisecond)
	defer cancel()
	_, err = r.ReserveContext(ctx, 8)
	wantErr(t, err, context.DeadlineExceeded, unix.ENOSPC)
	_, err = r.ReserveContext(ctx, 8)
	wantErr(t, err, context.DeadlineExceeded, unix.ENOSPC)
	// Who waits behind another is woken as well.
	long, stop := context.WithCancel(context.Background())
	first := make(chan error)
	go func() {
		_, err := r.ReserveContext(long, 8)
		first <- err
	}()
	time.Sleep(5 * time.Millisecond)
	short, cancelShort := context.WithCancelCause(context.Background())
	cause := errors.New("the cause")
	time.AfterFunc(5*time.Millisecond, func() { cancelShort(cause) })
	_, err = r.ReserveContext(short, 8)
	wantErr(t, err, context.Canceled, cause, unix.ENOSPC)
	stop()
	wantErr(t, <-first, context.Canceled)
	// A context that is done must not spoil the next wait.
	drained := make(chan struct{})
	time.AfterFunc(5*time.Millisecond, func() {
		r.drain()
		close(drained)
	})
	sample, err = r.ReserveContext(context.Background(), 8)
	check(t, err)
	sample.Discard()
	<-drained
}

func TestUserRingClose(t *testing.T) {
	r := openUserRing(t)
	open, err := r.Reserve(half)
	check(t, err)
	other, err := r.Reserve(half)
	check(t, err)
	const waiters = 4
	errs := make(chan error, waiters)
	for range waiters {
		go func() {
			_, err := r.ReserveContext(context.Background(), half)
			errs <- err
		}()
	}
	time.Sleep(5 * time.Millisecond)
	check(t, r.Close())
	for range waiters {
		wantErr(t, <-errs, libbpf.ErrClosed, os.ErrClosed)
	}
	_, err = r.Reserve(8)
	wantErr(t, err, libbpf.ErrClosed)
	_, err = r.ReserveContext(context.Background(), 8)
	wantErr(t, err, libbpf.ErrClosed)
	// What was reserved before can still be filled and submitted.
	fillSample(open, 7)
	check(t, open.Submit())
	other.Discard()
	r.want(7)
	// The next one goes on behind it.
	r.UserRingBuffer, err = libbpf.NewUserRingBuffer(r.m)
	check(t, err)
	defer r.Close()
	r.send(24, 8)
	r.want(7, 8)
}

// Goroutines reserve and submit at the same time, each sample its own bytes, while the ring is closed.
func TestUserRingConcurrently(t *testing.T) {
	r := openUserRing(t)
	var wg sync.WaitGroup
	const workers, each = 8, 300
	for i := range workers {
		wg.Go(func() {
			for j := range each {
				size := 24 + (i*each+j)%200
				sample, err := r.ReserveContext(context.Background(), size)
				if err != nil {
					t.Error(err)
					return
				}
				fillSample(sample, uint64(i*each+j))
				if j%5 == 0 {
					sample.Discard()
				} else if err := sample.Submit(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() {
		wg.Wait()
		close(done)
	}()
	for finished := false; !finished; {
		select {
		case <-done:
			finished = true
		default:
		}
		r.drain()
	}
	_, seen := r.drain()
	slices.Sort(seen)
	if n := len(slices.Compact(seen)); n != workers*each*4/5 {
		t.Errorf("%d samples", n)
	}
	for range workers {
		wg.Go(func() {
			for {
				sample, err := r.Reserve(100)
				if errors.Is(err, libbpf.ErrClosed) {
					return
				}
				if err != nil && !errors.Is(err, unix.ENOSPC) {
					t.Error(err)
				}
				if err == nil {
					fillSample(sample, 0)
					sample.Discard()
				}
			}
		})
	}
	time.Sleep(5 * time.Millisecond)
	check(t, r.Close())
	wg.Wait()
}

// Each byte of a ring is reserved once, by whoever.
func TestUserRingReservesOnce(t *testing.T) {
	testutil.Root(t)
	const size = 1 << 21
	m, err := libbpf.CreateMap(libbpf.MapTypeUserRingBuf, "ring", 0, 0, size, libbpf.MapCreateOptions{})
	if errors.Is(err, unix.EINVAL) {
		testutil.Skip(t, "user_ringbuf", err)
	}
	check(t, err)
	defer m.Close()
	r, err := libbpf.NewUserRingBuffer(m)
	check(t, err)
	defer r.Close()
	var wg sync.WaitGroup
	samples := make([][]*libbpf.UserRingSample, 4)
	for i := range samples {
		wg.Go(func() {
			for {
				sample, err := r.Reserve(8)
				if err != nil {
					if !errors.Is(err, unix.ENOSPC) {
						t.Error(err)
					}
					return
				}
				samples[i] = append(samples[i], sample)
			}
		})
	}
	wg.Wait()
	reserved := make(map[*byte]bool)
	for _, sample := range slices.Concat(samples...) {
		reserved[&sample.Bytes()[0]] = true
		sample.Discard()
	}
	if n := len(slices.Concat(samples...)); n != size/16 || len(reserved) != n {
		t.Errorf("%d samples at %d places in a ring for %d", n, len(reserved), size/16)
	}
}

func TestUserRingErrors(t *testing.T) {
	ring, err := libbpf.CreateMap(libbpf.MapTypeRingBuf, "ring", 0, 0, uint32(page), libbpf.MapCreateOptions{})
	if err != nil && testutil.Refused(err) {
		testutil.Skip(t, "ringbuf", err)
	}
	check(t, err)
	defer ring.Close()
	_, err = libbpf.NewUserRingBuffer(ring)
	wantErrSaying(t, err, libbpf.ErrInvalid, `open user ring buffer of map "ring": `, "but of type ringbuf")
	_, err = libbpf.NewUserRingBuffer(nil)
	wantErrSaying(t, err, libbpf.ErrClosed, "open user ring buffer of map: ")
	_, err = libbpf.NewUserRingBuffer(new(libbpf.Map))
	wantErrSaying(t, err, libbpf.ErrClosed, "open user ring buffer of map")
	var none *libbpf.UserRingBuffer
	_, err = none.Reserve(8)
	wantErrSaying(t, err, libbpf.ErrClosed, "reserve in user ring buffer: ")
	_, err = none.ReserveContext(context.Background(), 8)
	wantErr(t, err, libbpf.ErrClosed)
	check(t, none.Close())
	if text := none.String(); text != "user ring buffer" {
		t.Error(text)
	}
	var sample *libbpf.UserRingSample
	wantErr(t, sample.Submit(), libbpf.ErrClosed)
	sample.Discard()
	if sample.Bytes() != nil {
		t.Error("bytes of nothing")
	}
}

func TestUserRingNilContext(t *testing.T) {
	user, err := libbpf.CreateMap(libbpf.MapTypeUserRingBuf, "user", 0, 0, uint32(page), libbpf.MapCreateOptions{})
	if err != nil {
		testutil.Skip(t, "user_ringbuf", err)
	}
	defer user.Close()
	ring, err := libbpf.NewUserRingBuffer(user)
	check(t, err)
	defer ring.Close()
	_, err = ring.ReserveContext(nil, 8)
	wantErrSaying(t, err, libbpf.ErrInvalid, `reserve in map "user": the context is nil`)
	_, err = ring.ReserveContext(nil, -1)
	wantErrSaying(t, err, libbpf.ErrInvalid, `reserve in map "user": the size is -1`)
	if text := ring.String(); text != `map "user"` {
		t.Error(text)
	}
}
