package libbpf

import (
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// newPerfMap is a map for the events of so many CPUs.
func newPerfMap(t *testing.T, entries uint32) *MapHandle {
	t.Helper()
	m, err := CreateMap(MapTypePerfEventArray, "perf", 4, 4, entries, MapCreateOptions{})
	testutil.Check(t, err)
	t.Cleanup(func() { testutil.Check(t, m.Close()) })
	return m
}

func noSample(int, []byte) error { return nil }

// wantSaying is for ErrInvalid with a text, or for no error if the text is empty.
func wantSaying(t *testing.T, err error, text string) {
	t.Helper()
	if text == "" {
		testutil.Check(t, err)
		return
	}
	if testutil.WantErr(t, err, ErrInvalid); !strings.Contains(err.Error(), text) {
		t.Errorf("%q is not in: %v", text, err)
	}
}

// Each rule for the settings has its own error, and what is at a limit is allowed.
func TestPerfBufferRules(t *testing.T) {
	attr := new(unix.PerfEventAttr)
	whole := uint32(unsafe.Sizeof(*attr))
	lost := func(int, uint64) {}
	for i, test := range []struct {
		builder PerfBufferBuilder
		want    string
	}{
		{PerfBufferBuilder{}, "both are nil"},
		{PerfBufferBuilder{Sample: noSample, Lost: lost}, ""},
		{PerfBufferBuilder{Event: noSample}, ""},
		{PerfBufferBuilder{Event: noSample, Sample: noSample}, "does not go with"},
		{PerfBufferBuilder{Event: noSample, Lost: lost}, "does not go with"},
		{PerfBufferBuilder{Sample: noSample, Attr: attr}, "Attr needs Event"},
		{PerfBufferBuilder{Event: noSample, Attr: attr}, ""},
		{PerfBufferBuilder{Event: noSample, Attr: attr, WakeupEvents: 1}, "WakeupEvents must be 0"},
		{PerfBufferBuilder{Sample: noSample, WakeupEvents: 1}, ""},
		{PerfBufferBuilder{Event: noSample, Attr: &unix.PerfEventAttr{Size: whole}}, ""},
		{PerfBufferBuilder{Event: noSample, Attr: &unix.PerfEventAttr{Size: whole + 1}}, fmt.Sprintf("Attr has %d bytes", whole)},
		{PerfBufferBuilder{Event: noSample, Attr: &unix.PerfEventAttr{Bits: unix.PerfBitWriteBackward}}, "WriteBackward"},
		{PerfBufferBuilder{Event: noSample, Attr: &unix.PerfEventAttr{Bits: unix.PerfBitWatermark}}, ""},
		{PerfBufferBuilder{Sample: noSample, Pages: 1}, ""},
		{PerfBufferBuilder{Sample: noSample, Pages: 3}, "3 pages are not a power of two"},
		{PerfBufferBuilder{Sample: noSample, Pages: math.MinInt}, "not a power of two"},
		{PerfBufferBuilder{Sample: noSample, Pages: 1 << (strconv.IntSize - 2)}, "more than fit into memory"},
		{PerfBufferBuilder{Sample: noSample, CPUs: []int{}}, "the list of CPUs is empty"},
		{PerfBufferBuilder{Sample: noSample, CPUs: []int{7}}, ""},
		{PerfBufferBuilder{Sample: noSample, CPUs: []int{7}, MapKeys: []int{7}}, ""},
		{PerfBufferBuilder{Sample: noSample, CPUs: []int{7}, MapKeys: []int{7, 8}}, "2 keys for 1 CPUs"},
		{PerfBufferBuilder{Sample: noSample, MapKeys: []int{}}, "0 keys for 0 CPUs"},
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) { wantSaying(t, test.builder.check(), test.want) })
	}
}

// Which CPUs get a buffer, and under which keys.
func TestPerfBufferPlaces(t *testing.T) {
	tooMany := math.MaxInt32
	tooMany++
	for i, test := range []struct {
		given      PerfBufferBuilder
		entries    uint32
		cpus, keys []cInt
		want       string
	}{
		{PerfBufferBuilder{}, 1, []cInt{0}, []cInt{0}, ""}, // CPU 0 is online
		{PerfBufferBuilder{}, 0, nil, nil, "no entry for a CPU that is online"},
		{PerfBufferBuilder{CPUs: []int{3, 0}}, 4, []cInt{3, 0}, []cInt{3, 0}, ""},
		{PerfBufferBuilder{CPUs: []int{3, 0}}, 3, nil, nil, "CPU 3 has key 3, and the map's keys are from 0 to 2"},
		{PerfBufferBuilder{CPUs: []int{3, 0}, MapKeys: []int{0, 2}}, 3, []cInt{3, 0}, []cInt{0, 2}, ""},
		{PerfBufferBuilder{CPUs: []int{3}, MapKeys: []int{-1}}, 3, nil, nil, "CPU 3 has key -1"},
		{PerfBufferBuilder{CPUs: []int{3, 0}, MapKeys: []int{1, 1}}, 3, nil, nil, "key 1 is there twice"},
		{PerfBufferBuilder{CPUs: []int{-1}, MapKeys: []int{0}}, 3, nil, nil, "CPUs are numbered from 0"},
		{PerfBufferBuilder{CPUs: []int{math.MaxInt32}, MapKeys: []int{0}}, 1, []cInt{math.MaxInt32}, []cInt{0}, ""},
		{PerfBufferBuilder{CPUs: []int{tooMany}, MapKeys: []int{0}}, 1, nil, nil, "CPUs are numbered from 0"},
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			cpus, keys, err := test.given.places(test.entries)
			if wantSaying(t, err, test.want); !slices.Equal(cpus, test.cpus) || !slices.Equal(keys, test.keys) {
				t.Errorf("CPUs %d, keys %d, want %d and %d", cpus, keys, test.cpus, test.keys)
			}
		})
	}
}

// What the kernel refuses of an event of the user's own is not changed into what it takes.
func TestPerfBufferKeepsAttr(t *testing.T) {
	_, err := PerfBufferBuilder{Event: noSample, CPUs: []int{0}, Attr: &unix.PerfEventAttr{
		Type: unix.PERF_TYPE_SOFTWARE, Config: unix.PERF_COUNT_SW_BPF_OUTPUT, Read_format: 1 << 40,
	}}.Build(newPerfMap(t, 1))
	testutil.WantErr(t, err, unix.EINVAL)
}

// The memory for UseBuffer is mapped once, and is nobody else's later. If it can't be mapped, that is the error.
func TestPerfBufferShown(t *testing.T) {
	m := newPerfMap(t, 1)
	seen := make(map[*byte]bool)
	for range 3 {
		p, err := PerfBufferBuilder{Pages: 1, Sample: noSample}.Build(m)
		testutil.Check(t, err)
		defer p.Close()
		length := &p.rings[0].memory.Length
		*length *= 3 // which the kernel does not map
		testutil.WantErr(t, p.UseBuffer(0, func([]byte) error { t.Error("there is no memory"); return nil }), unix.EINVAL)
		*length /= 3
		var first *byte
		for range 2 {
			testutil.Check(t, p.UseBuffer(0, func(memory []byte) error {
				if first != nil && first != &memory[0] {
					t.Error("it was mapped again")
				}
				first = &memory[0]
				memory[2000] = 1 // behind the positions
				return nil
			}))
		}
		if seen[first] {
			t.Error("who kept the memory can write to that of another buffer")
		}
		seen[first] = true
		if n := perfMappings(t); n != 3 { // libbpf's, ours for reading, and that for UseBuffer
			t.Errorf("%d mappings", n)
		}
		testutil.Check(t, p.Close())
	}
	if n := perfMappings(t); n != 0 {
		t.Errorf("%d mappings are left", n)
	}
}

// perfMappings is how many mappings of perf events there are.
func perfMappings(t *testing.T) int {
	t.Helper()
	maps, err := os.ReadFile("/proc/self/maps")
	testutil.Check(t, err)
	return strings.Count(string(maps), "perf_event")
}

// A count of losses that is not as long as it should be is none.
func TestPerfBufferLostFails(t *testing.T) {
	m := newPerfMap(t, 1)
	p, err := PerfBufferBuilder{Pages: 1, Sample: noSample}.Build(m)
	testutil.Check(t, err)
	defer p.Close()
	lost := p.attr.Read_format
	if lost == 0 {
		testutil.Skip(t, "perf_format_lost", unix.EINVAL)
	}
	p.attr.Read_format = lost | unix.PERF_FORMAT_ID
	n, err := p.Lost()
	if testutil.WantErr(t, err, io.ErrUnexpectedEOF); n != 0 {
		t.Errorf("%d lost", n)
	}
	p.attr.Read_format = lost
	n, err = p.Lost()
	if testutil.Check(t, err); n != 0 {
		t.Errorf("%d lost", n)
	}

	longer, err := PerfBufferBuilder{Pages: 1, Event: noSample, Attr: &unix.PerfEventAttr{
		Type: unix.PERF_TYPE_SOFTWARE, Config: unix.PERF_COUNT_SW_BPF_OUTPUT, Read_format: lost | unix.PERF_FORMAT_ID,
	}}.Build(m)
	testutil.Check(t, err)
	defer longer.Close()
	longer.attr.Read_format = lost
	_, err = longer.Lost()
	testutil.WantErr(t, err, unix.ENOSPC)
}
