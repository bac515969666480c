package perf

import (
	"encoding/binary"
	"errors"
	"math"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/testutil/mutate"
	"github.com/libbpf-go/libbpf-go/internal/wait"
)

// kernel is a buffer in memory of the test's own, and does what the kernel does with one.
type kernel struct {
	t    testing.TB
	data []byte // between two pages that nobody can read
	Buffer
}

func newKernel(t testing.TB, size int) *kernel {
	page := unix.Getpagesize()
	mapping, err := unix.Mmap(-1, 0, 2*page+max(size, page), unix.PROT_NONE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Munmap(mapping) })
	data := mapping[page : len(mapping)-page]
	if err := unix.Mprotect(data, unix.PROT_READ|unix.PROT_WRITE); err != nil {
		t.Fatal(err)
	}
	data = data[len(data)-size:]
	positions := make([]uint64, (dataTail+8)/8)
	return &kernel{t, data, NewBuffer(7, unsafe.Pointer(&positions[0]), data)}
}

// start sets both positions.
func (k *kernel) start(pos uint64) { *k.head, *k.tail = pos, pos }

func (k *kernel) put(pos uint64, bytes []byte) {
	for i, b := range bytes {
		k.data[(pos+uint64(i))&uint64(len(k.data)-1)] = b
	}
}

func (k *kernel) put32(pos uint64, value uint32) {
	k.put(pos, binary.NativeEndian.AppendUint32(nil, value))
}

// event writes an event with what is behind its header, without moving the head.
func (k *kernel) event(pos uint64, kind uint32, size uint64, rest []byte) {
	header := binary.NativeEndian.AppendUint32(nil, kind)
	header = binary.NativeEndian.AppendUint16(header, 0)
	header = binary.NativeEndian.AppendUint16(header, uint16(size))
	k.put(pos, append(header, rest...))
}

// sample writes a sample with a record as the kernel does, which fills it up and cuts the size.
func (k *kernel) sample(record []byte) {
	k.t.Helper()
	length := len(record) + -(len(record)+4)&7
	rest := binary.NativeEndian.AppendUint32(nil, uint32(length))
	rest = append(append(rest, record...), make([]byte, length-len(record))...)
	size := cutSize(uint32(length))
	if *k.head+size-atomic.LoadUint64(k.tail) > uint64(len(k.data)) {
		k.t.Fatal("the buffer is full")
	}
	k.event(*k.head, unix.PERF_RECORD_SAMPLE, size, rest)
	atomic.StoreUint64(k.head, *k.head+size)
}

func (k *kernel) loss(count uint64) {
	rest := binary.NativeEndian.AppendUint64(make([]byte, 8), count)
	k.event(*k.head, unix.PERF_RECORD_LOST, lostSize, rest)
	atomic.StoreUint64(k.head, *k.head+lostSize)
}

// log is what a receiver got.
type log struct {
	samples, events [][]byte
	lost            uint64
}

func (l *log) receiver() *Receiver {
	return &Receiver{
		Sample: func(_ int, record []byte) error { l.samples = append(l.samples, slices.Clone(record)); return nil },
		Lost:   func(_ int, count uint64) { l.lost += count },
	}
}

func (l *log) whole() *Receiver {
	return &Receiver{
		Whole: true,
		Event: func(_ int, event []byte) error { l.events = append(l.events, slices.Clone(event)); return nil },
	}
}

// all reads what is there.
func (k *kernel) all(to *Receiver) (int, error) {
	k.Begin()
	defer k.Publish()
	n, more, err := k.Read(to, math.MaxUint64, new(wait.Flag))
	if more != (k.pos != k.filled) {
		k.t.Errorf("more: %v", more)
	}
	return n, err
}

func isDamage(err error) bool { _, ok := err.(*Damage); return ok }

func pattern(number, length int) []byte {
	record := make([]byte, length)
	for i := range record {
		record[i] = byte(number + 31*i)
	}
	return record
}

// Records of all lengths go around the end and over the highest position.
func TestRead(t *testing.T) {
	k := newKernel(t, 4096)
	k.start(math.MaxUint64 - 20*4096 + 1)
	next, written := 0, 0
	to := &Receiver{Sample: func(cpu int, record []byte) error {
		want := pattern(next, next%600)
		if cpu != 7 || len(record) < len(want) || string(record[:len(want)]) != string(want) || cap(record) != len(record) {
			t.Fatalf("record %d of CPU %d: %d bytes, %v", next, cpu, len(record), record)
		}
		next++
		return nil
	}}
	for *k.head > 40*4096 || *k.head < 20*4096 {
		for range 4 {
			k.sample(pattern(written, written%600))
			written++
		}
		k.loss(1)
		if n, err := k.all(to); n != 4 || err != nil || next != written || k.Pending() {
			t.Fatalf("%d records, %v, %d of %d", n, err, next, written)
		}
	}
}

// Each kind of receiver gets what is for it.
func TestReceivers(t *testing.T) {
	failed := errors.New("failed")
	for name, test := range map[string]struct {
		receiver func(*log) *Receiver
		want     log // how much there is of it
		n        int
		err      error
	}{
		"Sample": {(*log).receiver, log{samples: make([][]byte, 2), lost: 5}, 2, nil},
		"Whole":  {(*log).whole, log{events: make([][]byte, 3)}, 3, nil},
		"Event": {func(l *log) *Receiver { return &Receiver{Event: l.whole().Event} },
			log{events: make([][]byte, 3)}, 3, nil},
		"Sample alone": {func(l *log) *Receiver { return &Receiver{Sample: l.receiver().Sample} },
			log{samples: make([][]byte, 2)}, 2, nil},
		"Body": {func(l *log) *Receiver {
			r := l.receiver()
			r.Body = func(cpu int, record []byte) bool { return r.Sample(cpu, record) == nil }
			return r
		}, log{samples: make([][]byte, 2), lost: 5}, 2, nil},
		"a body that leaves":    {func(*log) *Receiver { return &Receiver{Body: func(int, []byte) bool { return false }} }, log{}, 1, ErrLeft},
		"a callback that fails": {func(*log) *Receiver { return &Receiver{Sample: func(int, []byte) error { return failed }} }, log{}, 1, failed},
		"an event that fails":   {func(*log) *Receiver { return &Receiver{Event: func(int, []byte) error { return failed }} }, log{}, 1, failed},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKernel(t, 4096)
			k.sample([]byte{1})
			k.loss(5)
			k.sample([]byte{2})
			var got log
			n, err := k.all(test.receiver(&got))
			if n != test.n || err != test.err {
				t.Fatalf("%d records, %v", n, err)
			}
			if len(got.samples) != len(test.want.samples) || len(got.events) != len(test.want.events) || got.lost != test.want.lost {
				t.Errorf("%+v", got)
			}
			if err != nil && *k.tail != sampleSize+4 {
				t.Errorf("%d bytes are consumed", *k.tail)
			}
		})
	}
}

// Read ends where it is told to, and only Publish gives space back.
func TestReadEnds(t *testing.T) {
	k := newKernel(t, 4096)
	const room = 64
	for range 10 {
		k.sample(make([]byte, room-sampleSize))
	}
	var l log
	to := l.receiver()
	stop := new(wait.Flag)
	to.Sample = func(int, []byte) error {
		if l.lost++; l.lost == 8 {
			stop.Raise()
		}
		return nil
	}
	k.Begin()
	for _, test := range []struct {
		bytes uint64
		want  int
	}{
		{0, 0}, {1, 1}, {room, 1}, {room + 1, 2}, {2 * room, 2}, {1000, 2}, {1000, 0},
	} {
		n, more, err := k.Read(to, test.bytes, stop)
		if n != test.want || !more || err != nil {
			t.Errorf("%d records, more: %v, %v, want %+v", n, more, err, test)
		}
	}
	if *k.tail != 0 {
		t.Errorf("%d bytes are consumed", *k.tail)
	}
	k.Publish()
	if *k.tail != 8*room {
		t.Errorf("%d bytes are consumed", *k.tail)
	}
	if n, more, err := k.Read(to, math.MaxUint64, new(wait.Flag)); n != 2 || more || err != nil {
		t.Errorf("%d records, more: %v, %v", n, more, err)
	}
}

// An event that can be none is an error once, and the others come.
func TestDamaged(t *testing.T) {
	const (
		room      = 4096
		eventSize = sampleSize + 68
		begin     = 5*room - eventSize - 4*8 // the damaged event goes beyond the end of the buffer
	)
	for name, test := range map[string]struct {
		at    uint64 // in the event
		value uint32
		whole bool // with events of the user's own, too
	}{
		"empty":                         {4, 0, true},
		"without a whole header":        {4, 4 << 16, true},
		"uneven":                        {4, (eventSize - 4) << 16, true},
		"behind the end":                {4, (2*eventSize + lostSize + 8) << 16, true},
		"far behind the end":            {4, 0xfff8 << 16, true},
		"shorter than its record":       {4, (eventSize - 8) << 16, false},
		"longer than its record":        {4, (eventSize + lostSize) << 16, false},
		"of another type":               {0, 77, false},
		"of no type":                    {0, 0, false},
		"a loss that is short or long":  {0, unix.PERF_RECORD_LOST, false},
		"no record":                     {8, 0, false},
		"a record that is a byte short": {8, 67, false},
		"a record that is a byte long":  {8, 69, false},
		"a record of 64 KiB more":       {8, 68 + 1<<16, false},
		"a huge record":                 {8, 1<<32 - 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			for _, whole := range []bool{false, true} {
				if whole && !test.whole {
					continue
				}
				k := newKernel(t, room)
				k.start(begin)
				var l log
				to, want := l.receiver(), 2
				if whole {
					to, want = l.whole(), 1 // where the next event begins is not known
				}
				record := make([]byte, 68)
				k.sample(record)
				damaged := *k.head
				k.sample(record)
				// In its record is what looks like samples: one that leads nowhere, one that leads behind the end, and
				// one that is uneven. Two others lead to the next event, but are of no type that there is.
				k.event(damaged+16, unix.PERF_RECORD_SAMPLE, 16, binary.NativeEndian.AppendUint32(nil, 4))
				k.event(damaged+32, unix.PERF_RECORD_SAMPLE, 4096, binary.NativeEndian.AppendUint32(nil, 4096-sampleSize))
				const second = eventSize - 48 - sampleSize
				k.event(damaged+48, 77, eventSize-48, binary.NativeEndian.AppendUint32(nil, second))
				k.event(damaged+56, second, lostSize, nil)
				k.event(*k.head-16, unix.PERF_RECORD_SAMPLE, 20, binary.NativeEndian.AppendUint32(nil, 8))
				k.loss(7)
				k.sample(record)
				k.put32(damaged+test.at, test.value)

				n, err := k.all(to)
				if n != 1 || !isDamage(err) || len(l.samples)+len(l.events) != 1 {
					t.Fatalf("%d records, %+v, %v", n, l, err)
				}
				n, err = k.all(to)
				if n != want-1 || err != nil || len(l.samples)+len(l.events) != want || !whole && l.lost != 7 || k.Pending() {
					t.Errorf("%d records more, %+v, %v", n, l, err)
				}
			}
		})
	}
}

// A buffer that is full to its last byte is as good as any other, also with damage in it.
func TestFull(t *testing.T) {
	for _, damaged := range []bool{false, true} {
		k := newKernel(t, 4096)
		for range 4096 / 64 {
			k.sample(make([]byte, 64-sampleSize))
		}
		var l log
		if damaged {
			k.put32(0, 77)
			if n, err := k.all(l.receiver()); n != 0 || !isDamage(err) {
				t.Errorf("%d records, %v", n, err)
			}
		}
		want := 4096/64 - map[bool]int{true: 1}[damaged]
		if n, err := k.all(l.receiver()); n != want || err != nil {
			t.Errorf("%d records, want %d, %v", n, want, err)
		}
	}
}

// Positions that are impossible are an error once.
func TestImpossiblePositions(t *testing.T) {
	for name, test := range map[string]struct{ tail, head uint64 }{
		"uneven tail":         {4, 16},
		"what looks like one": {4, 32},
		"uneven head":         {0, 12},
		"more than the size":  {0, 4096 + 8},
		"tail ahead":          {16, 8},
		"tail far ahead":      {math.MaxUint64 - 7, 8},
		"uneven, and further": {3, 8192},
	} {
		for _, whole := range []bool{false, true} {
			k := newKernel(t, 4096)
			*k.tail, *k.head = test.tail, test.head
			k.event(12, unix.PERF_RECORD_SAMPLE, 16, binary.NativeEndian.AppendUint32(nil, 4))
			to := new(log).receiver()
			if whole {
				to = new(log).whole()
			}
			if n, err := k.all(to); n != 0 || !isDamage(err) {
				t.Errorf("%s: %d records, %v", name, n, err)
			}
			if n, err := k.all(to); n != 0 || err != nil || k.Pending() {
				t.Errorf("%s: %d records, %v", name, n, err)
			}
		}
	}
}

// Of an event above 64 KiB, the header alone may be left, at the very end of the buffer.
func TestHeaderOnly(t *testing.T) {
	k := newKernel(t, unix.Getpagesize())
	k.start(uint64(len(k.data)) - headerSize)
	k.event(*k.head, unix.PERF_RECORD_SAMPLE, headerSize, nil)
	*k.head += headerSize
	k.sample(make([]byte, 4))
	var l log
	if n, err := k.all(l.receiver()); n != 0 || !isDamage(err) {
		t.Errorf("%d records, %v", n, err)
	}
	if n, err := k.all(l.receiver()); n != 1 || err != nil {
		t.Errorf("%d records, %v", n, err)
	}

	// With an Attr, there are events that are no more.
	k.event(*k.head, 77, headerSize, nil)
	*k.head += headerSize
	if n, err := k.all(l.whole()); n != 1 || err != nil || len(l.events) != 1 || len(l.events[0]) != headerSize {
		t.Errorf("%d events, %v, %v", n, l.events, err)
	}
}

// The first and the last eight bytes behind damage can be where events go on.
func TestResumeAtOnce(t *testing.T) {
	for _, want := range []int{0, 1} { // the number of records behind it
		k := newKernel(t, 4096)
		k.event(*k.head, 77, headerSize, nil)
		*k.head += headerSize
		if want > 0 {
			k.sample([]byte{1})
		}
		k.event(*k.head, unix.PERF_RECORD_SAMPLE, headerSize, nil)
		*k.head += headerSize
		var l log
		if n, err := k.all(l.receiver()); n != 0 || !isDamage(err) || *k.tail != headerSize {
			t.Errorf("%d records, %v, %d bytes consumed", n, err, *k.tail)
		}
		if n, err := k.all(l.receiver()); n != want || !isDamage(err) {
			t.Errorf("%d records, want %d, %v", n, want, err)
		}
	}

	// An event ends eight bytes behind the end.
	k := newKernel(t, 4096)
	k.event(*k.head, 77, 16, nil)
	k.event(*k.head+16, unix.PERF_RECORD_SAMPLE, 16, binary.NativeEndian.AppendUint32(nil, 4))
	*k.head += 24
	if n, err := k.all(new(log).receiver()); n != 0 || !isDamage(err) || k.Pending() {
		t.Errorf("%d records, %v", n, err)
	}
}

// What is left of an event above 64 KiB is an event: those before it are found behind damage.
func TestResumeBeforeHeaderOnly(t *testing.T) {
	k := newKernel(t, 4096)
	k.event(*k.head, 77, 16, nil)
	*k.head += 16
	k.sample([]byte{1})
	k.event(*k.head, unix.PERF_RECORD_SAMPLE, headerSize, nil)
	*k.head += headerSize
	k.sample([]byte{2})
	var l log
	for _, want := range []struct {
		n       int
		damaged bool
	}{{0, true}, {1, true}, {1, false}} {
		if n, err := k.all(l.receiver()); n != want.n || isDamage(err) != want.damaged {
			t.Errorf("%d records, %v, want %+v", n, err, want)
		}
	}
}

// A record of 64 KiB or more takes what its size lacks from its neighbours. What is whole is read.
func TestCutSize(t *testing.T) {
	for length, want := range map[int]int{
		1<<16 - sampleSize: 0, // nothing is left of the size: the next event takes its place
		1<<16 - 4:          1,
		1<<16 + 100:        1,
		1<<16 + 1<<15 + 4:  1,
		3<<16 + 4:          1,
	} {
		k := newKernel(t, 1<<19)
		k.sample([]byte{1})
		k.sample(make([]byte, length))
		for i := range 3 {
			k.sample(pattern(i, 60))
		}
		var l log
		damages := 0
		for {
			n, err := k.all(l.receiver())
			if isDamage(err) {
				damages++
			} else if n == 0 && err == nil {
				break
			}
		}
		if damages != want || len(l.samples) != 4 || string(l.samples[3]) != string(pattern(2, 60)) {
			t.Errorf("%d bytes: damaged %d times, %d records", length, damages, len(l.samples))
		}
	}
}

// A program on another CPU writes all the time. The race detector knows what happens before what.
func TestLive(t *testing.T) {
	k := newKernel(t, 4096)
	const records = 20000
	go func() {
		for i := range records {
			for atomic.LoadUint64(k.head)-atomic.LoadUint64(k.tail) > 2000 {
				runtime.Gosched()
			}
			k.sample(pattern(i, i%100))
		}
	}()
	next := 0
	to := &Receiver{Body: func(_ int, record []byte) bool {
		if string(record[:next%100]) != string(pattern(next, next%100)) {
			t.Fatalf("record %d: %v", next, record)
		}
		next++
		return true
	}}
	for next < records {
		if _, err := k.all(to); err != nil {
			t.Fatal(err)
		}
		runtime.Gosched()
	}
}

// FuzzRead reads whatever may be in memory. Around the memory are pages that nobody can read.
func FuzzRead(f *testing.F) {
	const size = 1024
	example := func(fill func(k *kernel)) []byte {
		k := newKernel(f, size)
		fill(k)
		return slices.Clone(k.data[:*k.head])
	}
	valid := example(func(k *kernel) {
		k.sample(make([]byte, 20))
		k.loss(5)
		k.sample(make([]byte, 100))
	})
	f.Add(uint64(0), uint64(len(valid)), valid, false, uint16(1000))
	f.Add(uint64(size-16), uint64(size-16+len(valid)), valid, true, uint16(1000))
	f.Add(uint64(0), uint64(size), []byte{9, 0, 0, 0, 0, 0, 8}, false, uint16(3))
	f.Add(uint64(8), uint64(8+len(valid)), append(make([]byte, 8), valid[8:]...), false, uint16(0))
	f.Add(uint64(math.MaxUint64), uint64(7), valid, false, uint16(1))
	k := newKernel(f, size)
	f.Fuzz(mutate.Target(f, 1, func(t *testing.T, tail, head uint64, data []byte, whole bool, bytes uint16) {
		clear(k.data)
		k.put(tail, data[:min(len(data), size)])
		*k.tail, *k.head = tail, head
		available := head - tail
		taken := uint64(0)
		sum := byte(0)
		n := 0
		see := func(bytes []byte, header uint64) error {
			n++
			if taken += uint64(len(bytes)) + header; taken > available {
				t.Fatalf("%d bytes, and %d were there", taken, available)
			}
			for _, b := range bytes {
				sum += b
			}
			return nil
		}
		to := &Receiver{Whole: whole, Event: func(_ int, event []byte) error { return see(event, 0) }}
		if !whole {
			to = &Receiver{
				Sample: func(_ int, record []byte) error { return see(record, sampleSize) },
				Lost:   func(int, uint64) { taken += lostSize },
			}
		}
		k.Begin()
		// Each Read takes an event, or ends with an error behind one; none is shorter than eight bytes.
		for reads := 0; ; reads++ {
			if reads > size/headerSize+1 {
				t.Fatalf("%d reads", reads)
			}
			counted := n
			before := k.pos
			got, more, err := k.Read(to, uint64(bytes)+1, new(wait.Flag))
			mutate.Ended(err)
			if got != n-counted {
				t.Errorf("%d records, not %d", got, n-counted)
			}
			if err != nil && !isDamage(err) {
				t.Fatal(err)
			}
			if more && k.pos-before < headerSize {
				t.Fatalf("at %d as before, %v", k.pos, err)
			}
			if !more {
				break
			}
		}
		k.Publish()
		if k.Pending() {
			t.Errorf("at %d, not at %d", *k.tail, head)
		}
	}))
}
