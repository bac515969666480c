package libbpf

import (
	"os"
	"runtime/cgo"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/handle"
	"github.com/libbpf-go/libbpf-go/internal/ring"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// loadLarge loads events.bpf.o, whose programs write so many records when emit is called, and behind them a large one.
func loadLarge(t *testing.T, large uint32) (events *Map, emit func(n int)) {
	t.Helper()
	open, err := OpenFile(testutil.Object(t, "events"))
	testutil.Check(t, err)
	t.Cleanup(func() { testutil.Check(t, open.Close()) })
	testutil.Check(t, open.SetGlobal("target_tgid", uint32(unix.Getpid())))
	testutil.Check(t, open.SetGlobal("getpgid_nr", unix.SYS_GETPGID))
	testutil.Check(t, open.SetGlobal("large_size", large))
	m, err := open.Map("events")
	testutil.Check(t, err)
	testutil.Check(t, m.SetMaxEntries(1<<21))
	o, err := open.Load()
	testutil.Check(t, err)
	t.Cleanup(func() { testutil.Check(t, o.Close()) })
	_, err = o.Attach()
	testutil.Check(t, err)
	events, err = o.Map("events")
	testutil.Check(t, err)
	return events, func(n int) { testutil.Getpgid(0x40000000 + n) }
}

// For records that are larger than a batch, the next batches have room for two. A call keeps nothing of its context.
func TestRingBufferBatch(t *testing.T) {
	const large = 300 << 10
	events, emit := loadLarge(t, large)
	seen := 0
	r, err := RingBufferBuilder{Sources: []RingSource{{Map: events, Callback: func([]byte) error { seen++; return nil }}}}.Build()
	testutil.Check(t, err)
	defer r.Close()
	receive := func(want int) {
		t.Helper()
		n, err := r.Consume()
		if err != nil || n != want || seen != want {
			t.Fatalf("%d records, %v, %d were handed over, want %d", n, err, seen, want)
		}
		if seen = 0; r.call.ctx != nil {
			t.Error("the context of the call is kept")
		}
	}
	emit(1)
	receive(2)
	least := 2 * int(ring.Room(large))
	if room := len(r.batch); room < least || room >= least+16 {
		t.Errorf("room for %d bytes, want %d", room, least)
	}
	first := &r.batch[0]
	for range 3 { // the last one does not fit into what the others leave
		emit(1)
	}
	receive(6)
	if first != &r.batch[0] {
		t.Error("new memory of the same size")
	}
}

// Close leaves no mapping of a ring buffer, and no handle.
func TestRingsAreUnmapped(t *testing.T) {
	var maps []MapCore
	for range 2 {
		m, err := CreateMap(MapTypeRingBuf, "unmapped", 0, 0, uint32(os.Getpagesize()), MapCreateOptions{})
		testutil.Check(t, err)
		defer m.Close()
		maps = append(maps, m)
	}
	mappings := func() int {
		text, err := os.ReadFile("/proc/self/maps")
		testutil.Check(t, err)
		return strings.Count(string(text), "bpf-map")
	}
	before := mappings()
	reader, err := NewRingReader(maps[0])
	testutil.Check(t, err)
	rings, err := RingBufferBuilder{Sources: []RingSource{
		{maps[0], func([]byte) error { return nil }}, {maps[1], func([]byte) error { return nil }},
	}}.Build()
	testutil.Check(t, err)
	if mappings() == before {
		t.Fatal("they are not mapped under this name")
	}
	testutil.Check(t, rings.Close())
	testutil.Check(t, reader.Close())
	if after := mappings(); after != before {
		t.Errorf("%d mappings, %d before", after, before)
	}
	if isHandle(rings.handle) {
		t.Error("the handle is still there")
	}
}

func isHandle(h cgo.Handle) (is bool) {
	defer func() { is = recover() == nil }()
	return h.Value() != nil
}

// When a call of Close returns, loops and callbacks end, even if another call of Close is still at it.
func TestSecondCloseInLoop(t *testing.T) {
	for name, buffer := range map[string]func(resource handle.Resource) (isRaised func() bool, close func() error){
		"drain": func(resource handle.Resource) (func() bool, func() error) {
			d := &drain{h: handle.New(resource)}
			return d.file.IsRaised, d.close
		},
		"RingReader": func(resource handle.Resource) (func() bool, func() error) {
			r := &RingReader{h: handle.New(resource)}
			return r.file.IsRaised, r.Close
		},
	} {
		t.Run(name, func(t *testing.T) {
			closing, goOn := make(chan struct{}), make(chan struct{})
			isRaised, closeIt := buffer(handle.Resource{
				Release: func() error { return nil },
				Wake: func() {
					close(closing)
					<-goOn
				},
			})
			first := make(chan error)
			go func() { first <- closeIt() }()
			<-closing
			if isRaised() {
				t.Error("raised by whom?")
			}
			testutil.Check(t, closeIt())
			if !isRaised() {
				t.Error("a loop would go on")
			}
			close(goOn)
			testutil.Check(t, <-first)
		})
	}
}
