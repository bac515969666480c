package libbpf_test

import (
	"bytes"
	"errors"
	"os"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/needs"
)

// released gives an object to C and returns its pointer.
func released(t *testing.T, o *libbpf.Object) unsafe.Pointer {
	t.Helper()
	p, err := o.Release()
	check(t, err)
	return p
}

// An object that C gets and gives back is the same. The value that gave it away is closed.
func TestObjectReleaseAndAdopt(t *testing.T) {
	o := loadMaps(t)
	m := findMap(t, o, "hash")
	check(t, m.Update(u32(1), u64(2), libbpf.Any))
	if o.Pointer() == nil || m.Pointer() == nil {
		t.Fatal("no pointers")
	}
	p := released(t, o)
	if o.Pointer() != nil || m.Pointer() != nil {
		t.Error("pointers of what was given away")
	}
	_, err := o.Release()
	wantErr(t, err, libbpf.ErrClosed)
	_, err = o.Map("hash")
	wantErr(t, err, libbpf.ErrClosed)
	wantErr(t, m.UsePointer(func(unsafe.Pointer) error { return nil }), libbpf.ErrClosed)
	testClosedMap(t, m)
	check(t, o.Close()) // closes nothing

	_, err = libbpf.AdoptOpenObject(p)
	wantErr(t, err, libbpf.ErrInvalid)
	borrowed, err := libbpf.BorrowObject(p)
	check(t, err)
	if value, err := findMap(t, borrowed, "hash").Lookup(u32(1), libbpf.Any); err != nil || !bytes.Equal(value, u64(2)) {
		t.Errorf("%x, %v", value, err)
	}
	check(t, borrowed.Close()) // C still owns it
	again, err := libbpf.AdoptObject(p)
	check(t, err)
	defer again.Close()
	if again.Name() != o.Name() || again.Pointer() != p {
		t.Errorf("it is %q at %p, not %q at %p", again.Name(), again.Pointer(), o.Name(), p)
	}
	prog, err := again.Program("read_globals")
	check(t, err)
	if prog.Pointer() == nil {
		t.Error("no pointer of the program")
	}
	if value, err := findMap(t, again, "hash").Lookup(u32(1), libbpf.Any); err != nil || !bytes.Equal(value, u64(2)) {
		t.Errorf("%x, %v", value, err)
	}
}

func TestOpenObjectReleaseAndAdopt(t *testing.T) {
	needs.ToLoadFile(t, testutil.Object(t, "events"))
	_, err := openMaps(t, "").Release() // has an inner map that was set
	wantErr(t, err, unix.EBUSY)
	first := open(t, "events")
	m, err := first.Map("events")
	check(t, err)
	check(t, m.SetMaxEntries(1<<20))
	p, err := first.Release()
	check(t, err)
	wantErr(t, m.SetMaxEntries(1<<21), libbpf.ErrClosed)
	_, err = first.Load()
	wantErr(t, err, libbpf.ErrClosed)
	if first.Pointer() != nil || m.Pointer() != nil {
		t.Error("pointers of what was given away")
	}
	_, err = first.Release()
	wantErr(t, err, libbpf.ErrClosed)

	_, err = libbpf.AdoptObject(p)
	wantErr(t, err, libbpf.ErrInvalid)
	borrowed, err := libbpf.BorrowOpenObject(p)
	check(t, err)
	check(t, borrowed.Close())
	adopted, err := libbpf.AdoptOpenObject(p)
	check(t, err)
	defer adopted.Close()
	o, err := adopted.Load()
	check(t, err)
	defer o.Close()
	if n := findMap(t, o, "events").MaxEntries(); n != 1<<20 {
		t.Errorf("%d bytes, not 1 MiB", n)
	}
	_, err = adopted.Release()
	wantErr(t, err, libbpf.ErrLoaded)
	for _, adopt := range []func(unsafe.Pointer) error{
		func(p unsafe.Pointer) error { return second(libbpf.AdoptObject(p)) },
		func(p unsafe.Pointer) error { return second(libbpf.AdoptOpenObject(p)) },
		func(p unsafe.Pointer) error { return second(libbpf.AdoptLink(p)) },
	} {
		wantErr(t, adopt(nil), libbpf.ErrInvalid)
	}
}

func second[T any](_ T, err error) error { return err }

// C still owns a borrowed object after Go loads it.
func TestBorrowedObjectLoads(t *testing.T) {
	needs.ToLoadFile(t, testutil.Object(t, "events"))
	p, err := open(t, "events").Release()
	check(t, err)
	borrowed, err := libbpf.BorrowOpenObject(p)
	check(t, err)
	o, err := borrowed.Load()
	check(t, err)
	if released(t, o) != p {
		t.Error("another pointer")
	}
	owned, err := libbpf.AdoptObject(p)
	check(t, err)
	check(t, owned.Close())
}

// Release fails while something of the object is in use.
func TestReleaseInUse(t *testing.T) {
	o := loadEvents(t, nil) // attached
	_, err := o.Release()
	wantErr(t, err, unix.EBUSY)
	m := findMap(t, o, "events")
	err = m.UseFD(func(fd int) error {
		if fd != m.FD() {
			t.Errorf("descriptor %d, not %d", fd, m.FD())
		}
		return second(o.Release())
	})
	wantErr(t, err, unix.EBUSY)
	if o.Pointer() == nil {
		t.Error("it was given away all the same")
	}
}

// attachRaw attaches one program of events.bpf.o.
func attachRaw(t *testing.T) (*libbpf.Object, *libbpf.Link) {
	t.Helper()
	open := open(t, "events")
	check(t, open.SetGlobal("target_tgid", selfTGID(t)))
	check(t, open.SetGlobal("getpgid_nr", unix.SYS_GETPGID))
	o := load(t, open)
	p, err := o.Program("on_sys_enter")
	check(t, err)
	link, err := p.Attach()
	check(t, err)
	return o, link
}

// A link that outlives its object keeps working, and must be closed itself.
func TestLinkOutlivesObject(t *testing.T) {
	o, link := attachRaw(t)
	seen := 0
	ring := openRing(t, o, "events", func([]byte) error { seen++; return nil })
	check(t, link.OutliveObject())
	check(t, o.Close())
	emit(3)
	if n, err := ring.Consume(); n != 3 || err != nil {
		t.Errorf("%d records, %v", n, err)
	}
	check(t, link.Close())
	emit(3)
	if n, err := ring.Consume(); n != 0 || err != nil {
		t.Errorf("%d records of a closed link, %v", n, err)
	}
	wantErr(t, link.OutliveObject(), libbpf.ErrClosed)
	wantErr(t, (*libbpf.Link)(nil).OutliveObject(), libbpf.ErrClosed)
}

func TestLinkReleaseAndAdopt(t *testing.T) {
	o, link := attachRaw(t)
	p, err := link.Release()
	check(t, err)
	_, err = link.Release()
	wantErr(t, err, libbpf.ErrClosed)
	check(t, link.Close())
	object, err := libbpf.AdoptObject(released(t, o)) // no link is left on it
	check(t, err)
	defer object.Close()
	borrowed, err := libbpf.BorrowLink(p)
	check(t, err)
	if borrowed.Pointer() != p {
		t.Error("another pointer")
	}
	info, err := borrowed.Info()
	check(t, err)
	check(t, borrowed.Close())
	again, err := libbpf.AdoptLink(p)
	check(t, err)
	defer again.Close()
	if now, err := again.Info(); err != nil || now.ID != info.ID {
		t.Errorf("link %d, not %d, %v", now.ID, info.ID, err)
	}
	check(t, again.Close())
	if _, err := libbpf.LinkFromID(info.ID); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the link is still there: %v", err)
	}
}

func TestLinkFromFD(t *testing.T) {
	_, link := attachRaw(t)
	var second *libbpf.Link
	check(t, link.UseFD(func(fd int) (err error) {
		second, err = libbpf.LinkFromFD(fd)
		return err
	}))
	defer second.Close()
	first, err := link.Info()
	check(t, err)
	if info, err := second.Info(); err != nil || info.ID != first.ID {
		t.Errorf("link %d, not %d, %v", info.ID, first.ID, err)
	}
	_, err = second.Release()
	wantErr(t, err, libbpf.ErrInvalid)
	wantErr(t, second.UsePointer(nil), libbpf.ErrInvalid)
	_, err = libbpf.LinkFromFD(-1)
	wantErr(t, err, unix.EBADF)
	m := findMap(t, loadMaps(t), "hash")
	_, err = libbpf.LinkFromFD(m.FD())
	wantErr(t, err, libbpf.ErrInvalid)
	check(t, second.Close())
	wantErr(t, second.UseFD(nil), libbpf.ErrClosed)
}

// Buffers of C, which are Go's own here, by their pointers. Poll calls the callbacks that they were made with.
// borrow returns a ring buffer as C code that polls it would have it.
func borrow(t *testing.T, ring *libbpf.RingBuffer) *libbpf.RingBuffer {
	t.Helper()
	borrowed, err := libbpf.BorrowRingBuffer(ring.Pointer())
	var old *libbpf.VersionError
	if errors.As(err, &old) {
		testutil.Skip(t, "libbpf-1.3", err)
	}
	check(t, err)
	t.Cleanup(func() { check(t, borrowed.Close()) })
	return borrowed
}

func TestBorrowedBuffers(t *testing.T) {
	o := loadEvents(t, nil)
	seen := checker{t: t}
	ring := openRing(t, o, "events", seen.record)
	borrowed := borrow(t, ring)
	emit(7)
	if n, err := borrowed.Poll(-1); n != 7 || err != nil || seen.next != 7 {
		t.Errorf("%d records, %v, %d seen", n, err, seen.next)
	}
	emit(2)
	if n, err := borrowed.ConsumeN(1); n != 1 || err != nil {
		t.Errorf("%d records, %v", n, err)
	}
	if stats, err := borrowed.Stats(0); err != nil || stats.Size != 1<<18 {
		t.Errorf("%+v, %v", stats, err)
	}
	if n, err := borrowed.ConsumeN(0); n != 0 || err != nil {
		t.Errorf("%d records, %v", n, err)
	}
	check(t, borrowed.Close())
	if n, err := ring.Consume(); n != 1 || err != nil || seen.next != 9 {
		t.Errorf("%d records, %v, %d seen", n, err, seen.next)
	}
	check(t, ring.Close())
	if ring.Pointer() != nil {
		t.Error("a pointer after Close")
	}

	perf, err := libbpf.PerfBufferBuilder{Pages: 1, Sample: func(int, []byte) error { return nil }}.
		Build(findMap(t, o, "perf_events"))
	check(t, err)
	defer perf.Close()
	lent, err := libbpf.BorrowPerfBuffer(perf.Pointer())
	check(t, err)
	defer lent.Close()
	if lent.Buffers() == 0 || lent.Buffers() != perf.Buffers() {
		t.Errorf("%d buffers, not %d", lent.Buffers(), perf.Buffers())
	}
	_, err = lent.Lost()
	wantErr(t, err, errors.ErrUnsupported)
	check(t, lent.Close())
	check(t, perf.Close())
	for _, adopt := range []func() error{
		func() error { return second(libbpf.AdoptRingBuffer(nil)) },
		func() error { return second(libbpf.AdoptPerfBuffer(nil)) },
		func() error { return second(libbpf.AdoptUserRingBuffer(nil, nil)) },
	} {
		wantErr(t, adopt(), libbpf.ErrInvalid)
	}
}

// Buffers that could not be adopted are still C's: Go does not free them.
func TestFailedAdoptionFreesNothing(t *testing.T) {
	o := loadEvents(t, nil)
	seen := checker{t: t}
	ring := openRing(t, o, "events", seen.record)
	perf := openPerf(t, loadStream(t, nil), libbpf.PerfBufferBuilder{Sample: func(int, []byte) error { return nil }})
	var old unix.Rlimit
	check(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &old))
	check(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 3, Max: old.Max})) // no descriptor is left
	_, ringErr := libbpf.AdoptRingBuffer(ring.Pointer())
	_, perfErr := libbpf.AdoptPerfBuffer(perf.Pointer())
	check(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &old))
	if ringErr == nil || perfErr == nil {
		t.Fatalf("adopted: %v, %v", ringErr, perfErr)
	}
	emit(3)
	if n, err := ring.Consume(); n != 3 || err != nil {
		t.Errorf("%d records, %v", n, err)
	}
	check(t, ring.Close())
	check(t, perf.Close())
}
