package ring

import (
	"encoding/binary"
	"errors"
	"math"
	"runtime"
	"sync/atomic"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/testutil/mutate"
	"github.com/libbpf-go/libbpf-go/internal/wait"
)

// kernel is a ring buffer in memory of the test's own, and does what the kernel does with one.
type kernel struct {
	t    testing.TB
	all  []byte // between two pages that nobody can read
	page uintptr
	size uintptr
	Buffer
}

func newKernel(t testing.TB, size int) *kernel {
	page := unix.Getpagesize()
	length, ok := MappingLength(uintptr(page), uintptr(size))
	if !ok {
		t.Fatal("no room")
	}
	mapping, err := unix.Mmap(-1, 0, 2*page+int(length), unix.PROT_NONE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Munmap(mapping) })
	all := mapping[page : page+int(length)]
	if err := unix.Mprotect(all, unix.PROT_READ|unix.PROT_WRITE); err != nil {
		t.Fatal(err)
	}
	buffer := NewBuffer(unsafe.Pointer(&all[0]), uintptr(page), uintptr(size))
	return &kernel{t, all, uintptr(page), uintptr(size), buffer}
}

// start sets both positions.
func (k *kernel) start(pos uintptr) {
	k.consumer.Store(pos)
	k.producer.Store(pos)
}

// put writes bytes at a position, to both copies of the data.
func (k *kernel) put(pos uintptr, data []byte) {
	for i, b := range data {
		at := 2*k.page + (pos+uintptr(i))&k.mask
		k.all[at], k.all[at+k.size] = b, b
	}
}

// setHeader writes the length of a record and its flags.
func (k *kernel) setHeader(pos uintptr, length uint32) {
	at := 2*k.page + pos&k.mask
	atomic.StoreUint32((*uint32)(unsafe.Pointer(&k.all[at+k.size])), length)
	atomic.StoreUint32((*uint32)(unsafe.Pointer(&k.all[at])), length)
}

// reserve reserves a record, and returns where; it is busy. ok is false if there is no room.
func (k *kernel) reserve(length int) (pos uintptr, ok bool) {
	pos = k.producer.Load()
	end := pos + Room(uintptr(length))
	if end-k.consumer.Load() > k.size-1 {
		return 0, false
	}
	k.setHeader(pos, uint32(length)|busy)
	k.producer.Store(end)
	return pos, true
}

// write submits a record.
func (k *kernel) write(record []byte) bool {
	pos, ok := k.reserve(len(record))
	if ok {
		k.put(pos+HeaderSize, record)
		k.setHeader(pos, uint32(len(record)))
	}
	return ok
}

func (k *kernel) mustWrite(record []byte) {
	k.t.Helper()
	if !k.write(record) {
		k.t.Fatal("the ring buffer is full")
	}
}

func (k *kernel) discard(length int) {
	k.t.Helper()
	pos, ok := k.reserve(length)
	if !ok {
		k.t.Fatal("the ring buffer is full")
	}
	k.setHeader(pos, uint32(length)|discarded)
}

// each hands the records that are there to f, in leases of so many bytes at most, and leaves none behind it.
func each(r *Reader, bytes uintptr, f func(record []byte)) error {
	r.Begin()
	defer r.Publish()
	for {
		room, isDiscarded, err := r.Peek()
		if room == 0 {
			return err
		}
		if !r.Granted(room) {
			r.Grant(room, bytes)
		}
		if isDiscarded {
			r.Skip(room)
			continue
		}
		r.Read(new(wait.Flag), func(record []byte) bool {
			f(record)
			return true
		})
	}
}

// pattern is a record that tells whether it is torn.
func pattern(number, length int) []byte {
	record := make([]byte, length)
	for i := range record {
		record[i] = byte(number + 31*i)
	}
	return record
}

// Records of all lengths, and discarded ones between them, go around the end and over the highest position.
func TestReader(t *testing.T) {
	for _, bytes := range []uintptr{0, 100, math.MaxUint32} {
		k := newKernel(t, 4096)
		k.start(math.MaxUint - 20*4096 + 1)
		r := NewReader(k.Buffer)
		next, written := 0, 0
		for k.producer.Load() > 40*4096 || k.producer.Load() < 20*4096 {
			first := written
			for range 3 {
				k.mustWrite(pattern(written, written%600))
				k.discard(written % 50)
				written++
			}
			err := each(&r, bytes, func(record []byte) {
				if want := pattern(next, next%600); string(record) != string(want) || cap(record) != len(want) {
					t.Fatalf("record %d: %d bytes, %v", next, len(record), record)
				}
				next++
			})
			if err != nil || next != written {
				t.Fatalf("%d of %d records, %v", next-first, written-first, err)
			}
			if consumer, producer := k.Positions(); consumer != producer {
				t.Fatalf("consumer at %d, producer at %d", consumer, producer)
			}
		}
	}
}

// A busy record ends the reading, however many are behind it.
func TestBusyRecord(t *testing.T) {
	k := newKernel(t, 4096)
	r := NewReader(k.Buffer)
	k.mustWrite([]byte{1})
	pos, _ := k.reserve(100)
	k.mustWrite([]byte{3})
	var seen []byte
	see := func(record []byte) { seen = append(seen, record[0]) }
	for range 2 {
		if err := each(&r, 1000, see); err != nil || string(seen) != "\x01" {
			t.Fatalf("%v, %v", seen, err)
		}
		if k.Pending() || r.Pending() {
			t.Error("a busy record is pending")
		}
	}
	k.put(pos+HeaderSize, []byte{2})
	k.setHeader(pos, 100)
	if !k.Pending() || !r.Pending() {
		t.Error("nothing is pending")
	}
	if err := each(&r, 1000, see); err != nil || string(seen) != "\x01\x02\x03" {
		t.Errorf("%v, %v", seen, err)
	}
	if k.Pending() || r.Pending() {
		t.Error("a record is pending in an empty ring buffer")
	}
}

// A lease ends where it is told to, and space comes back when it must, not before.
func TestLease(t *testing.T) {
	k := newKernel(t, 4096)
	const start = 5 * 4096
	k.start(start)
	r := NewReader(k.Buffer)
	if r.Lease() != 512 || k.Size() != 4096 {
		t.Fatalf("a lease of %d of %d bytes", r.Lease(), k.Size())
	}
	const room = 64
	for range 16 {
		k.mustWrite(make([]byte, room-HeaderSize))
	}
	take := func() (n int) {
		all := r.Read(new(wait.Flag), func([]byte) bool {
			n++
			return true
		})
		if !all {
			t.Error("nobody has left the loop")
		}
		return n
	}
	published := func(want int) {
		t.Helper()
		if consumer, _ := k.Positions(); consumer != start+uintptr(want)*room {
			t.Fatalf("%d records are published, want %d", (consumer-start)/room, want)
		}
	}
	r.Begin()
	if n := take(); n != 0 || r.Granted(room) {
		t.Fatalf("%d records before the first lease", n)
	}
	for _, step := range []struct {
		bytes           uintptr
		want, published int
	}{
		{0, 1, 0},        // the first record comes in any case
		{3 * room, 3, 0}, // so many bytes
		{3 * room, 3, 0},
		{1000, 1, 0},  // to the end of the longest lease, which began with the first record
		{1000, 8, 8},  // those before are published, and another one fits
		{1000, 0, 16}, // not granted
	} {
		if room, _, err := r.Peek(); err != nil {
			t.Fatal(err)
		} else if room != 0 {
			r.Grant(room, step.bytes)
		} else {
			r.Publish()
		}
		if n := take(); n != step.want {
			t.Fatalf("%d records in %+v", n, step)
		}
		published(step.published)
	}

	// Publish ends a lease.
	k.mustWrite(make([]byte, room-HeaderSize))
	k.mustWrite(make([]byte, room-HeaderSize))
	r.Extend()
	r.Grant(room, 1000)
	if !r.Granted(2 * room) {
		t.Error("no lease of two records")
	}
	r.Publish()
	if n := take(); n != 0 || r.Granted(room) {
		t.Errorf("%d records behind the lease", n)
	}
	r.Grant(room, 1000)
	if n := take(); n != 2 {
		t.Errorf("%d records", n)
	}
	r.Publish()

	// A record that is longer than a lease is one.
	k.mustWrite(make([]byte, 1000))
	k.mustWrite(make([]byte, 1000))
	r.Extend()
	for range 2 {
		room, _, _ := r.Peek()
		r.Grant(room, 0)
		if n := take(); n != 1 {
			t.Errorf("%d records", n)
		}
	}

	// Begin ends a lease.
	r.Publish()
	k.mustWrite(make([]byte, 1000))
	r.Extend()
	r.Grant(Room(1000), 0)
	k.start(start)
	if r.Begin(); r.Granted(HeaderSize) {
		t.Error("the lease goes on after Begin")
	}

	// What is returned comes once more, and is not consumed.
	r.Publish()
	before, _ := k.Positions()
	k.mustWrite([]byte("again"))
	for range 2 {
		r.Begin()
		room, _, _ := r.Peek()
		r.Grant(room, 0)
		var record []byte
		r.Read(new(wait.Flag), func(r []byte) bool {
			record = r
			return true
		})
		if string(record) != "again" {
			t.Fatalf("%q", record)
		}
		r.Return(record)
		r.Publish()
		if consumer, _ := k.Positions(); consumer != before {
			t.Errorf("%d bytes are consumed", consumer-before)
		}
	}
}

// Read ends when the body leaves the loop, and when the flag is raised, with the record in hand as the last one.
func TestReadEnds(t *testing.T) {
	k := newKernel(t, 4096)
	r := NewReader(k.Buffer)
	for i := range 5 {
		k.mustWrite([]byte{byte(i)})
	}
	r.Begin()
	room, _, _ := r.Peek()
	r.Grant(room, 1000)
	stop := new(wait.Flag)
	var seen []byte
	for _, step := range []struct {
		leave, raise byte // behind which record
		all          bool
		want         string
	}{{1, 9, false, "\x00\x01"}, {9, 2, true, "\x00\x01\x02"}, {9, 9, true, "\x00\x01\x02"}} {
		all := r.Read(stop, func(record []byte) bool {
			seen = append(seen, record[0])
			if record[0] == step.raise {
				stop.Raise()
			}
			return record[0] != step.leave
		})
		if all != step.all || string(seen) != step.want {
			t.Fatalf("all: %v, %v, want %+v", all, seen, step)
		}
	}
	r.Read(new(wait.Flag), func([]byte) bool { return true })
	r.Publish()
	if consumer, producer := k.Positions(); consumer != producer {
		t.Errorf("%d bytes remain", producer-consumer)
	}
}

// Positions and lengths that are impossible are an error, and nothing is handed over.
func TestCorrupt(t *testing.T) {
	const size = 4096
	const begin = 10*size - 80
	for name, test := range map[string]struct {
		consumer, producer uintptr
		length             uint32
		fits               bool // the positions alone are possible
	}{
		"consumer uneven":                  {begin + 4, begin + 104, 8, false},
		"consumer ahead":                   {begin + 8, begin, 8, false},
		"consumer far ahead":               {begin + 1<<20, begin, 8, false},
		"more than the size":               {begin - size - 8, begin, 8, false},
		"far behind":                       {0, begin, 8, false},
		"at the highest position":          {math.MaxUint - 7, begin, 8, false},
		"a record that is longer":          {begin, begin + 16, 9, true},
		"a record as long as the ring":     {begin, begin + size, size - 7, true},
		"the longest record":               {begin, begin + size, discarded - 1, true},
		"the longest record, discarded":    {begin, begin + size, 2*discarded - 1, true},
		"a discarded record that's longer": {begin, begin + 16, discarded | 9, true},
		"a header that is cut off":         {begin, begin + 4, 0, true},
		"consumer ahead, and busy":         {begin + 8, begin, busy | 8, false},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKernel(t, size)
			k.consumer.Store(test.consumer)
			k.producer.Store(test.producer)
			if test.consumer%8 == 0 {
				k.setHeader(test.consumer, test.length)
			}
			if err := k.Check(); (err == nil) != test.fits {
				t.Errorf("Check: %v", err)
			}
			if !k.Pending() {
				t.Error("nothing is pending, so nobody would be told")
			}
			r := NewReader(k.Buffer)
			n := 0
			err := each(&r, 1000, func([]byte) { n++ })
			if !errors.Is(err, ErrCorrupt) || n > 0 {
				t.Errorf("%d records, %v", n, err)
			}
		})
	}
}

func TestMappingLength(t *testing.T) {
	const page = 4096
	const most = (math.MaxInt - 2*page) / 2
	for size, want := range map[uintptr]uintptr{
		page: 4 * page, 1 << 20: 2*page + 2<<20, most: 2*page + 2*most, most + 1: 0, math.MaxUint: 0,
	} {
		if length, ok := MappingLength(page, size); length != want || ok != (want != 0) {
			t.Errorf("%d bytes: %d, %v", size, length, ok)
		}
	}
}

// A program on another CPU writes all the time. The race detector knows what happens before what.
func TestLive(t *testing.T) {
	k := newKernel(t, 4096)
	const records = 20000
	go func() {
		for i := range records {
			for !k.write(pattern(i, i%100)) {
				runtime.Gosched()
			}
		}
	}()
	r := NewReader(k.Buffer)
	for next := 0; next < records; {
		err := each(&r, 1000, func(record []byte) {
			if string(record) != string(pattern(next, next%100)) {
				t.Fatalf("record %d: %v", next, record)
			}
			next++
		})
		if err != nil {
			t.Fatal(err)
		}
		runtime.Gosched()
	}
}

// FuzzReader reads whatever may be in memory. Around the memory are pages that nobody can read.
func FuzzReader(f *testing.F) {
	const size = 4096
	word := binary.NativeEndian.AppendUint32
	f.Add(uint64(0), uint64(4096), []byte{}, uint16(100))
	f.Add(uint64(4000), uint64(4000+64), word(word(nil, 10), 0), uint16(0))
	f.Add(uint64(8), uint64(7), []byte{}, uint16(1))
	f.Add(uint64(4088), uint64(4088+4096), word(nil, 4096-8), uint16(4096))
	f.Add(uint64(0), uint64(4096), word(word(word(word(nil, 1|discarded), 0), 0), 0), uint16(9))
	f.Add(uint64(math.MaxUint64-7), uint64(100), word(nil, busy), uint16(9))
	k := newKernel(f, size)
	f.Fuzz(mutate.Target(f, 1, func(t *testing.T, consumer, producer uint64, data []byte, bytes uint16) {
		clear(k.all)
		k.put(uintptr(consumer), data[:min(len(data), size)])
		k.consumer.Store(uintptr(consumer))
		k.producer.Store(uintptr(producer))
		from := unsafe.Pointer(unsafe.SliceData(k.all[2*k.page:]))
		until := unsafe.Pointer(unsafe.SliceData(k.all[len(k.all)-1:]))
		pending := k.Pending()
		positions := k.Check()
		r := NewReader(k.Buffer)
		available := uintptr(producer) - uintptr(consumer)
		taken, records := uintptr(0), 0
		sum := byte(0)
		err := each(&r, uintptr(bytes), func(record []byte) {
			records++
			taken += HeaderSize + uintptr(len(record))
			at := uintptr(unsafe.Pointer(unsafe.SliceData(record)))
			if taken > available || at < uintptr(from) || at+uintptr(len(record)) > uintptr(until)+1 {
				t.Fatalf("record %d has %d bytes at %#x, and %d of %d were there", records, len(record), at, taken, available)
			}
			for _, b := range record {
				sum += b
			}
		})
		mutate.Ended(err)
		if positions != nil && (err == nil || records > 0) {
			t.Errorf("%d records in spite of %v, %v", records, positions, err)
		}
		if (err != nil || records > 0) && !pending {
			t.Errorf("%d records, %v, and nothing was pending", records, err)
		}
		if end, _ := k.Positions(); end-uintptr(consumer) > (available+7)&^7 && positions == nil {
			t.Errorf("%d bytes are consumed, of %d", end-uintptr(consumer), available)
		}
	}))
}
