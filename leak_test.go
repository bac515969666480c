package libbpf_test

import (
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/leaks"
)

// residentKB is the process's memory that is in use, C's included.
func residentKB(t *testing.T) int {
	t.Helper()
	debug.FreeOSMemory()
	status, err := os.ReadFile("/proc/self/status")
	check(t, err)
	for _, line := range strings.Split(string(status), "\n") {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == "VmRSS:" {
			kb, err := strconv.Atoi(fields[1])
			check(t, err)
			return kb
		}
	}
	t.Fatal("no VmRSS")
	return 0
}

// A thousand times of everything end with the descriptors and the memory that they began with.
func TestNothingLeaks(t *testing.T) {
	testutil.Root(t)
	attach, rejected := readObject(t, "attach"), readObject(t, "rejected")
	unit, library := readObject(t, "link_main"), readObject(t, "link_library")
	for name, cycle := range map[string]func(){
		"open, load, attach, close": func() {
			o, err := libbpf.OpenMemory(attach)
			check(t, err)
			check(t, o.SetGlobal("target_tgid", selfTGID(t)))
			loaded, err := o.Load()
			check(t, err)
			_, err = loaded.Attach()
			check(t, err)
			check(t, loaded.Close())
		},
		"open, close": func() {
			o, err := libbpf.ObjectBuilder{Name: "x", KernelLogSize: 4096, Kconfig: "CONFIG_HZ=1\n"}.OpenMemory(attach)
			check(t, err)
			check(t, o.Close())
		},
		"fail to open": func() {
			if _, err := libbpf.OpenMemory(attach[:len(attach)/2]); err == nil {
				t.Fatal("opened a half")
			}
			if _, err := libbpf.OpenFile("/nonexistent"); err == nil {
				t.Fatal("opened nothing")
			}
		},
		"fail to load": func() {
			o, err := libbpf.OpenMemory(rejected)
			check(t, err)
			if _, err := o.Load(); err == nil {
				t.Fatal("loaded")
			}
		},
		"fail to attach": func() {
			o, err := libbpf.OpenMemory(attach)
			check(t, err)
			p, err := o.Program("nowhere")
			check(t, err)
			check(t, p.SetAutoload(true))
			loaded, err := o.Load()
			check(t, err)
			if _, err := loaded.Attach(); err == nil {
				t.Fatal("attached")
			}
			check(t, loaded.Close())
		},
		"link": func() {
			_, err := link(t, unit, library)
			check(t, err)
		},
		"fail to link": func() {
			if _, err := link(t, library, library); err == nil {
				t.Fatal("linked one unit twice")
			}
		},
		"maps": func() {
			m, err := libbpf.CreateMap(libbpf.MapTypeRingBuf, "ring", 0, 0, uint32(os.Getpagesize()), libbpf.MapCreateOptions{})
			check(t, err)
			other, err := libbpf.MapHandleFrom(m)
			check(t, err)
			callback := func([]byte) error { return nil }
			rings, err := libbpf.RingBufferBuilder{Sources: []libbpf.RingSource{{m, callback}, {other, callback}}}.Build()
			check(t, err)
			check(t, rings.Close())
			reader, err := libbpf.NewRingReader(m)
			check(t, err)
			check(t, reader.Close())
			check(t, other.Close())
			check(t, m.Close())
		},
	} {
		t.Run(name, func(t *testing.T) {
			fill := 50
			if testutil.FewRounds() {
				fill = 5
			}
			for range fill {
				cycle() // allocators fill
			}
			files := len(leaks.Descriptors())
			// A leak grows in every round, allocators and collectors in one or the other.
			const rounds, perCycle = 8, 1024 // bytes: less than any of the objects takes
			cycles := 1000 / rounds
			if testutil.FewRounds() {
				cycles = 4
			}
			if name == "fail to attach" {
				cycles /= 4 // each waits for the kernel, for 20 ms
			}
			var grown []int
			for range rounds {
				before := residentKB(t)
				for range cycles {
					cycle()
				}
				grown = append(grown, residentKB(t)-before)
			}
			if after := len(leaks.Descriptors()); after != files {
				t.Errorf("%d descriptors, %d before", after, files)
			}
			const noise = 64 // KB: a thread's stack, or an arena of the allocator
			// Sanitizers keep what is freed. LeakSanitizer looks at the end.
			if slices.Min(grown) > max(noise, cycles*perCycle/1024) && !testutil.Sanitized {
				t.Errorf("memory grew by %d KB", grown)
			}
		})
	}
}
