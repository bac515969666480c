package exporter

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/needs"
)

const counted = `
    metrics:
      - {name: calls_total, type: counter, map: counted, value: count}
`

// busy makes calls that testdata/shapes.bpf.o counts until the result is called, which returns how many.
func busy() func() uint64 {
	var end atomic.Bool
	made := make(chan uint64)
	go func() {
		n := uint64(0)
		for !end.Load() {
			testutil.Getpgid(0)
			n++
		}
		made <- n
	}()
	return func() uint64 {
		end.Store(true)
		return <-made
	}
}

// counting is the configuration of an object that counts this process.
func counting(t *testing.T, file, more string) string {
	text := header(t, count, "    set: {pid: "+strconv.Itoa(os.Getpid())+more+"}\n", counted)
	return strings.Replace(text, shapes(t, "shapes.bpf.o"), shapes(t, file), 1)
}

// With the same object, a reload touches nothing in the kernel: each call is counted once.
func TestReloadOfMetricsIsExact(t *testing.T) {
	s := start(t, counting(t, "shapes.bpf.o", ""))
	calls := busy()
	for i := range 20 {
		s.write(counting(t, "shapes.bpf.o", "") + "      - {name: another" + strconv.Itoa(i) + "_total, type: counter, map: .bss, value: total}\n")
		testutil.Check(t, s.Reload())
	}
	want := calls()
	s.snapshot()
	s.want("calls_total", map[string]float64{"": float64(want)})
	s.want("another19_total", map[string]float64{"": float64(want)})
	s.want("bpf_exporter_config_reloads_total", map[string]float64{"": 20})
}

// With another object, both are attached for a moment: nothing is lost, and the counter never goes back. So it is with a
// map that the two share, and with one that has another layout.
func TestReloadOfObjectsLosesNothing(t *testing.T) {
	needs.ToLoadFile(t, shapes(t, "other.bpf.o"))
	s := start(t, counting(t, "shapes.bpf.o", ""))
	calls := busy()
	last := 0.0
	for i := range 10 {
		file := "shapes.bpf.o"
		if i%4 == 1 || i%4 == 2 { // share, other layout, share, other layout
			file = "other.bpf.o"
		}
		s.write(counting(t, file, ", unused: "+strconv.Itoa(i)))
		testutil.Check(t, s.Reload())
		now := s.series("calls_total")[""].Value
		if now < last {
			t.Errorf("reload %d: the counter went from %v to %v", i, last, now)
		}
		last = now
	}
	want := float64(calls())
	s.snapshot()
	got := s.series("calls_total")[""].Value
	if got < want {
		t.Errorf("%v of %v calls were counted", got, want)
	}
	t.Logf("%v calls, %v were counted twice", want, got-want)
}

// A program at a cgroup is replaced by the kernel: each packet is counted once.
func TestReloadAtCgroupIsExact(t *testing.T) {
	cgroup := testutil.NewCgroup(t)
	config := func(i int) string {
		return header(t, "    attach: [{program: egress, cgroup: "+cgroup.Name()+"}]\n    set: {unused: "+strconv.Itoa(i)+"}\n", `
    metrics:
      - {name: packets_total, type: counter, map: packets, value: .}
`)
	}
	s := start(t, config(0))
	const packets = 200
	sent := make(chan error)
	go func() {
		sent <- inCgroup(cgroup, packets)
	}()
	for i, sending := 1, true; sending; i++ { // until all packets are sent
		select {
		case err := <-sent:
			testutil.Check(t, err)
			sending = false
		default:
		}
		s.write(config(i))
		testutil.Check(t, s.Reload())
	}
	s.snapshot()
	s.want("packets_total", map[string]float64{"": packets})
}

// A scrape while a reload moves links from one object to the other sees the one or the other.
func TestScrapeWhileReloading(t *testing.T) {
	cgroup := testutil.NewCgroup(t)
	config := func(i int) string {
		return header(t, "    attach: [{program: egress, cgroup: "+cgroup.Name()+"}]\n    set: {unused: "+strconv.Itoa(i%2)+"}\n", `
    metrics:
      - {name: packets_total, type: counter, map: packets, value: .}
`)
	}
	s := start(t, config(0))
	var end atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		for !end.Load() {
			if s.Families(); !s.Status().Ready {
				t.Error("a reload made it unready")
				return
			}
		}
	}()
	for i := range 4 {
		s.write(config(i + 1))
		testutil.Check(t, s.Reload())
	}
	end.Store(true)
	<-done
	s.want("bpf_exporter_program_attached", map[string]float64{"shapes,egress": 1})
}

// While nobody calls, a reload neither loses nor adds a call, whether the map is shared, has another layout, or is that
// of global variables.
func TestIdleReloadOfObjectsIsExact(t *testing.T) {
	config := func(i int) string {
		file := "shapes.bpf.o"
		if i%4 == 1 || i%4 == 2 { // other layout, share, other layout, share
			file = "other.bpf.o"
		}
		return counting(t, file, ", unused: "+strconv.Itoa(i)) + "      - {name: global_total, type: counter, map: .bss, value: total}\n"
	}
	s := start(t, config(0))
	for i := range 5 {
		for range 3 {
			testutil.Getpgid(0)
		}
		s.write(config(i + 1))
		testutil.Check(t, s.Reload())
		want := map[string]float64{"": float64(3 * (i + 1))}
		s.want("calls_total", want)
		s.want("global_total", want)
	}
}

// Elements of a hash with another layout come back one by one: their counters go on, and do not begin anew.
func TestReloadKeepsCountersOfNewMaps(t *testing.T) {
	config := func(file string) string {
		text := header(t, count, `
    metrics:
      - {name: a_total, type: counter, map: changing, value: count, labels: [{name: n, key: .}]}
      - {name: level, type: gauge, map: changing, value: count, labels: [{name: n, key: .}]}
`)
		return strings.Replace(text, shapes(t, "shapes.bpf.o"), shapes(t, file), 1)
	}
	s := start(t, config("shapes.bpf.o"))
	set := func(n uint32, value ...uint64) {
		testutil.Check(t, s.m("changing").Update(bytesOf(&n), unsafe.Slice((*byte)(unsafe.Pointer(&value[0])), 8*len(value)), libbpf.Any))
	}
	set(1, 5)
	set(2, 6)
	s.snapshot()
	s.write(config("other.bpf.o"))
	testutil.Check(t, s.Reload())
	s.want("a_total", map[string]float64{"1": 5, "2": 6})
	s.want("level", map[string]float64{})
	s.want("bpf_exporter_map_entries", map[string]float64{"shapes,changing": 0})
	set(1, 0, 3) // another member comes first
	s.snapshot()
	s.want("a_total", map[string]float64{"1": 8, "2": 6})
	s.want("level", map[string]float64{"1": 3})
	for range 100 {
		s.snapshot()
	}
	s.want("a_total", map[string]float64{"1": 8})
}

// An object that gets another name takes over the programs of the old one, at an interface, too, where there is room for
// one program only.
func TestReloadOfNames(t *testing.T) {
	config := func(name, program string) string {
		text := header(t, "    attach: [{program: "+program+", interface: lo}]\n", `
    metrics:
      - {name: packets_total, type: counter, map: packets, value: .}
`)
		return strings.Replace(text, "name: shapes", "name: "+name, 1)
	}
	testutil.NewNetwork(t).Do(func() {
		s := start(t, config("a", "pass"))
		s.write(config("b", "pass"))
		testutil.Check(t, s.Reload())
		s.want("bpf_exporter_program_attached", map[string]float64{"b,pass": 1})
		s.want("bpf_exporter_object_loaded", map[string]float64{"b": 1})
	})
}

// A reload with an object that can't be attached fails, also if the object is new.
func TestReloadOfNewObjectThatIsBad(t *testing.T) {
	good := header(t, count)
	s := start(t, good)
	s.write(good + "  - file: " + shapes(t, "shapes.bpf.o") + "\n    name: bad\n    attach: [{program: egress, cgroup: /nonexistent}]\n")
	if err := s.Reload(); err == nil || !strings.Contains(err.Error(), "/nonexistent") {
		t.Error(err)
	}
	s.want("bpf_exporter_object_loaded", map[string]float64{"shapes": 1})
}

// inCgroup sends packets from a process in a cgroup.
func inCgroup(cgroup *testutil.Cgroup, packets int) error {
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestSend$")
	cmd.Env = append(os.Environ(), sendVariable+"="+strconv.Itoa(packets)+","+cgroup.Name())
	out, err := cmd.CombinedOutput()
	if err != nil {
		return &sendError{string(out), err}
	}
	return nil
}

// What is wrong with a new configuration does not disturb the old one.
func TestBadReloadKeepsTheOld(t *testing.T) {
	good := counting(t, "shapes.bpf.o", "")
	s := start(t, good)
	for _, c := range []struct{ text, want string }{
		{"interval: soon", "x.yml:1: interval must be a time"},
		{strings.Replace(good, "value: count", "value: cuont", 1), `the values of map "counted" have no "cuont"`},
		{strings.Replace(good, "attach: [count]", "attach: [count, {program: egress, cgroup: /nonexistent}]", 1), "/nonexistent"},
		{strings.Replace(good, "shapes.bpf.o", "none.bpf.o", 1), "no such file"},
	} {
		s.write(c.text)
		if err := s.Reload(); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "the configuration stays as it was") {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
	before := s.series("calls_total")[""].Value
	testutil.Getpgid(0)
	s.snapshot()
	s.want("calls_total", map[string]float64{"": before + 1})
	s.want("bpf_exporter_config_last_reload_successful", map[string]float64{"": 0})
	s.want("bpf_exporter_config_reload_failures_total", map[string]float64{"": 4})
	s.write(good)
	testutil.Check(t, s.Reload())
	s.want("bpf_exporter_config_last_reload_successful", map[string]float64{"": 1})
	s.Close()
	if err := s.Reload(); err == nil {
		t.Error("it reloads after Close")
	}
}

// The end has the last numbers.
func TestFinish(t *testing.T) {
	s := start(t, counting(t, "shapes.bpf.o", ""))
	testutil.Getpgid(0)
	s.Finish()
	s.want("calls_total", map[string]float64{"": 1})
	if err := s.Reload(); err == nil {
		t.Error("it reloads at the end")
	}
}

// Pinned maps outlive the exporter, and another one goes on with them.
func TestPins(t *testing.T) {
	folder := testutil.BPFFS(t) + "/pins"
	text := counting(t, "shapes.bpf.o", "")
	text = strings.Replace(text, count, count+"    pin: "+folder+"\n", 1)
	first := start(t, text)
	for range 5 {
		testutil.Getpgid(0)
	}
	first.Close()
	second := start(t, text)
	second.want("calls_total", map[string]float64{"": 5})
}
