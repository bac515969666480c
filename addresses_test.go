package libbpf_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// addressSpace returns how many KB of addresses and of page tables the process uses.
func addressSpace(t *testing.T) (size, tables int) {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	check(t, err)
	for line := range strings.Lines(string(status)) {
		fields := strings.Fields(line)
		if len(fields) == 3 && (fields[0] == "VmSize:" || fields[0] == "VmPTE:") {
			kb, err := strconv.Atoi(fields[1])
			check(t, err)
			if fields[0] == "VmSize:" {
				size = kb
			} else {
				tables = kb
			}
		}
	}
	return size, tables
}

// mappings are the kinds of mappings whose bytes are handed out. Each makes a map, opens the mapping, and closes it.
var mappings = map[string]struct {
	create func(t *testing.T) *libbpf.MapHandle
	cycle  func(t *testing.T, m libbpf.MapCore)
}{
	"array": {mappedArray, func(t *testing.T, m libbpf.MapCore) { writeMemory(t, m) }},
	"frozen array": {
		func(t *testing.T) *libbpf.MapHandle {
			m := mappedArray(t)
			check(t, m.Freeze())
			return m
		},
		func(t *testing.T, m libbpf.MapCore) {
			memory, err := m.Memory()
			check(t, err)
			if memory.Writable() {
				t.Fatal("writable")
			}
			check(t, memory.Close())
		},
	},
	"arena": {
		func(t *testing.T) *libbpf.MapHandle {
			m, err := libbpf.CreateMap(libbpf.MapTypeArena, "again", 0, 0, 64, libbpf.MapCreateOptions{Flags: libbpf.CreateMMapable})
			if err != nil && testutil.Refused(err) {
				testutil.Skip(t, "arena", err)
			}
			check(t, err)
			return m
		},
		func(t *testing.T, m libbpf.MapCore) { writeMemory(t, m) },
	},
	"RingReader": {mapOf(libbpf.MapTypeRingBuf, 0, 0, 128<<10, 0), func(t *testing.T, m libbpf.MapCore) {
		r, err := libbpf.NewRingReader(m)
		check(t, err)
		check(t, r.Close())
	}},
	"RingBuffer": {mapOf(libbpf.MapTypeRingBuf, 0, 0, 128<<10, 0), func(t *testing.T, m libbpf.MapCore) {
		check(t, openRings(t, libbpf.RingSource{Map: m, Callback: func([]byte) error { return nil }}).Close())
	}},
	"UserRingBuffer": {
		func(t *testing.T) *libbpf.MapHandle {
			m, err := libbpf.CreateMap(libbpf.MapTypeUserRingBuf, "again", 0, 0, 128<<10, libbpf.MapCreateOptions{})
			if errors.Is(err, unix.EINVAL) {
				testutil.Skip(t, "user_ringbuf", err)
			}
			check(t, err)
			return m
		},
		func(t *testing.T, m libbpf.MapCore) {
			r, err := libbpf.NewUserRingBuffer(m)
			check(t, err)
			sample, err := r.Reserve(8)
			check(t, err)
			sample.Bytes()[0] = 1
			sample.Discard()
			check(t, r.Close())
		},
	},
	"PerfBuffer": {mapOf(libbpf.MapTypePerfEventArray, 4, 4, 1, 0), func(t *testing.T, m libbpf.MapCore) {
		p := perfOfFirstCPU(t, m)
		check(t, p.UseBuffer(0, func(memory []byte) error { _ = memory[0]; return nil }))
		check(t, p.Close())
	}},
}

var mappedArray = mapOf(libbpf.MapTypeArray, 4, 256<<10, 1, libbpf.CreateMMapable)

func mapOf(
	typ libbpf.MapType, keySize, valueSize, entries uint32, flags libbpf.MapCreateFlags,
) func(t *testing.T) *libbpf.MapHandle {
	return func(t *testing.T) *libbpf.MapHandle {
		t.Helper()
		m, err := libbpf.CreateMap(typ, "again", keySize, valueSize, entries, libbpf.MapCreateOptions{Flags: flags})
		check(t, err)
		return m
	}
}

func writeMemory(t *testing.T, m libbpf.MapCore) {
	t.Helper()
	memory, err := m.Memory()
	check(t, err)
	memory.Bytes()[4096] = 1
	check(t, memory.Close())
}

func perfOfFirstCPU(t *testing.T, m libbpf.MapCore) *libbpf.PerfBuffer {
	t.Helper()
	p, err := libbpf.PerfBufferBuilder{CPUs: []int{0}, Sample: func(int, []byte) error { return nil }}.Build(m)
	check(t, err)
	return p
}

// Opening and closing again and again uses up neither addresses nor memory for page tables.
func TestAddressesAreReused(t *testing.T) {
	testutil.Root(t)
	filling, rounds := 150, 2000 // some addresses stay unused for a while
	if testutil.FewRounds() {
		rounds = 200
	}
	for name, mapping := range mappings {
		for _, same := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, the same map %t", name, same), func(t *testing.T) {
				m := mapping.create(t)
				defer func() { check(t, m.Close()) }()
				var size, tables int
				for i := range filling + rounds {
					if i == filling {
						size, tables = addressSpace(t)
					}
					if !same {
						check(t, m.Close())
						m = mapping.create(t)
					}
					mapping.cycle(t, m)
				}
				sizeAfter, tablesAfter := addressSpace(t)
				// All rounds use at least 500,000 KB. The heaps of Go and C may grow, and threads may start, for each
				// of which C reserves 64 MB.
				if grown := sizeAfter - size; grown > 400<<10 {
					t.Errorf("%d KB more of addresses", grown)
				}
				if grown := tablesAfter - tables; grown > 700 {
					t.Errorf("%d KB more of page tables", grown)
				}
			})
		}
	}
}

// Writing to bytes that were kept by mistake is safe, and reaches nobody else's memory.
func TestKeptBytes(t *testing.T) {
	testutil.Root(t)
	keep := map[string]func(t *testing.T, m libbpf.MapCore) []byte{
		"UserRingBuffer": func(t *testing.T, m libbpf.MapCore) []byte {
			r, err := libbpf.NewUserRingBuffer(m)
			check(t, err)
			sample, err := r.Reserve(64 << 10)
			check(t, err)
			kept := sample.Bytes()
			check(t, r.Close())
			kept[0] = 1
			check(t, sample.Submit())
			return kept
		},
		"PerfBuffer": func(t *testing.T, m libbpf.MapCore) (kept []byte) {
			p := perfOfFirstCPU(t, m)
			check(t, p.UseBuffer(0, func(memory []byte) error { kept = memory; return nil }))
			check(t, p.Close())
			return kept
		},
		"array": keepMemory,
		"arena": keepMemory,
	}
	for name, keep := range keep {
		t.Run(name, func(t *testing.T) {
			m := mappings[name].create(t)
			defer func() { check(t, m.Close()) }()
			kept := keep(t, m)
			kept[0]++
			for range 10 { // likely to reuse memory that was unmapped
				other, err := unix.Mmap(-1, 0, len(kept), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
				check(t, err)
				defer func() { check(t, unix.Munmap(other)) }()
				kept[len(kept)-1]++
				if !bytes.Equal(other, make([]byte, len(other))) {
					t.Fatal("wrote into somebody else's memory")
				}
			}
		})
	}
}

func keepMemory(t *testing.T, m libbpf.MapCore) []byte {
	t.Helper()
	memory, err := m.Memory()
	check(t, err)
	kept := memory.Bytes()
	check(t, memory.Close())
	return kept
}

// Writing to a map's former memory does not change another map, only the same map.
func TestKeptMemory(t *testing.T) {
	testutil.Root(t)
	for _, kind := range []string{"array", "arena"} {
		t.Run(kind, func(t *testing.T) {
			create := mappings[kind].create
			m := create(t)
			defer func() { check(t, m.Close()) }()
			kept := keepMemory(t, m)
			for range 64 { // the quarantine
				other := create(t)
				memory, err := other.Memory()
				check(t, err)
				kept[1]++
				if memory.Bytes()[1] != 0 {
					t.Fatal("wrote into another map")
				}
				check(t, memory.Close())
				check(t, other.Close())
			}
			memory, err := m.Memory()
			check(t, err)
			memory.Bytes()[1] = 77
			if kept[1] != 77 {
				t.Error("the same map has another address")
			}
			check(t, memory.Close())
		})
	}
}
