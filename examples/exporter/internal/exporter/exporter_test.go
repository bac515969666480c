package exporter

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/decoder"
	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/model"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/needs"
)

// key and value are struct shape_key and struct shape_value of testdata/shapes.bpf.c.
type key struct {
	number uint32
	name   [12]byte
	mode   uint32
	bucket uint32
}

type value struct {
	count, sum uint64
	level      int32
	small      uint32
	ratio      float64
	slots      [5]uint64
	withSum    [4]uint64
	example    uint64
	_          [16]byte // the trace id
	deep       uint64
}

func bytesOf[T any](v *T) []byte { return unsafe.Slice((*byte)(unsafe.Pointer(v)), unsafe.Sizeof(*v)) }

func shapes(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs("../../testdata/" + name)
	testutil.Check(t, err)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v: run make bpf", err)
	}
	return path
}

// setup is a configuration that a test writes, and the exporter that runs it.
type setup struct {
	*Exporter
	t    *testing.T
	path string
	log  bytes.Buffer
}

// header begins a configuration of testdata/shapes.bpf.o, which attaches all programs unless more says which. Snapshots
// are those of the test.
func header(t *testing.T, more ...string) string {
	return "interval: 1h\nobjects:\n  - file: " + shapes(t, "shapes.bpf.o") + "\n    name: shapes\n" + strings.Join(more, "")
}

const count = "    attach: [count]\n"

// start runs a configuration until the test ends.
func start(t *testing.T, text string) *setup {
	t.Helper()
	testutil.Root(t)
	needs.ToLoadFile(t, shapes(t, "shapes.bpf.o"))
	s := &setup{t: t, path: filepath.Join(t.TempDir(), "x.yml")}
	s.write(text)
	e, err := Start(s.path, decoder.NewTables(decoder.DefaultPlaces), slog.New(slog.NewTextHandler(&s.log, nil)))
	testutil.Check(t, err)
	t.Cleanup(e.Close)
	s.Exporter = e
	return s
}

func (s *setup) write(text string) {
	s.t.Helper()
	testutil.Check(s.t, os.WriteFile(s.path, []byte(text), 0o600))
}

// m is a map of an object.
func (s *setup) m(name string) *libbpf.Map {
	s.t.Helper()
	for _, o := range s.running.Load().objects {
		for _, target := range o.collector.Loaded.Targets {
			if target.Map == name {
				m, err := o.collector.Loaded.Map(target)
				testutil.Check(s.t, err)
				return m
			}
		}
	}
	s.t.Fatalf("no map %s", name)
	return nil
}

// put writes an element: of a per-CPU map, with the value for each CPU multiplied by its number plus one.
func (s *setup) put(name string, k key, v value) {
	s.t.Helper()
	m := s.m(name)
	if !m.Type().IsPerCPU() {
		testutil.Check(s.t, m.Update(bytesOf(&k), bytesOf(&v), libbpf.Any))
		return
	}
	cpus, err := libbpf.PossibleCPUs()
	testutil.Check(s.t, err)
	var values [][]byte
	for cpu := range cpus {
		each := v
		each.count *= uint64(cpu + 1)
		values = append(values, slices.Clone(bytesOf(&each)))
	}
	testutil.Check(s.t, m.UpdatePerCPU(bytesOf(&k), values, libbpf.Any))
}

func (s *setup) snapshot() {
	for _, o := range s.running.Load().objects {
		o.collector.Snapshot()
	}
}

// series are the series of a metric, by the values of their labels.
func (s *setup) series(name string) map[string]model.Series {
	s.t.Helper()
	all := map[string]model.Series{}
	for _, f := range s.Families() {
		if f.Name != name {
			continue
		}
		for _, series := range f.Series {
			var values []string
			for _, l := range series.Labels {
				values = append(values, l.Value)
			}
			all[strings.Join(values, ",")] = series
		}
	}
	return all
}

// want compares the values of a metric.
func (s *setup) want(name string, want map[string]float64) {
	s.t.Helper()
	got := s.series(name)
	for labels, value := range want {
		if series, ok := got[labels]; !ok || series.Value != value {
			s.t.Errorf("%s{%s} is %v (%t), want %v", name, labels, series.Value, ok, value)
		}
		delete(got, labels)
	}
	for labels := range got {
		s.t.Errorf("%s{%s} should not be", name, labels)
	}
}

func named(number uint32, name string) key {
	k := key{number: number}
	copy(k.name[:], name)
	return k
}

func TestCountersAndGauges(t *testing.T) {
	s := start(t, header(t, count, `
    metrics:
      - name: by_name_total
        type: counter
        map: plain
        value: count
        labels: [{name: name, key: name}]
      - name: by_number_total
        type: counter
        map: plain
        value: inner.deep
        scale: 0.5
        labels: [{name: number, key: number}, {name: mode, key: mode}]
      - {name: level, type: gauge, map: plain, value: level}
      - {name: highest, type: gauge, map: plain, value: ratio, combine: max}
      - {name: small, type: gauge, map: plain, value: small, combine: min}
      - name: with_text_total
        type: counter
        map: plain
        value: count
        skip_zero: true
        labels: [{name: level, value: level}]
      - {name: global_total, type: counter, map: .bss, value: total}
`))
	s.put("plain", named(1, "a"), value{count: 3, deep: 5, level: -4, ratio: 0.5, small: 9})
	s.put("plain", named(2, "a"), value{count: 4, deep: 7, level: 1, ratio: 1.5, small: 8})
	other := named(3, "b\xff")
	other.mode = 1
	s.put("plain", other, value{deep: 1<<64 - 1, ratio: -1})
	s.snapshot()
	s.want("by_name_total", map[string]float64{"a": 7, "b\uFFFD": 0})
	s.want("by_number_total", map[string]float64{"1,SHAPE_IDLE": 2.5, "2,SHAPE_IDLE": 3.5, "3,SHAPE_BUSY": 0.5 * (1<<64 - 1)})
	s.want("level", map[string]float64{"": -3})
	s.want("highest", map[string]float64{"": 1.5})
	s.want("small", map[string]float64{"": 0})
	s.want("with_text_total", map[string]float64{"-4": 3, "1": 4})
	s.want("global_total", map[string]float64{"": 0})
	s.want("bpf_exporter_map_entries", map[string]float64{"shapes,plain": 3, "shapes,.bss": 1})
	s.want("bpf_exporter_map_capacity", map[string]float64{"shapes,plain": 1024})

	// A series ends with its last element; the counter of the others does not go back.
	first := named(1, "a")
	testutil.Check(t, s.m("plain").Delete(bytesOf(&first)))
	s.put("plain", named(2, "a"), value{count: 5})
	s.snapshot()
	s.want("by_name_total", map[string]float64{"a": 8, "b\uFFFD": 0})
	s.want("by_number_total", map[string]float64{"2,SHAPE_IDLE": 3.5, "3,SHAPE_BUSY": 0.5 * (1<<64 - 1)})
}

func TestPerCPU(t *testing.T) {
	s := start(t, header(t, count, `
    metrics:
      - {name: sum_total, type: counter, map: percpu, value: count}
      - {name: each_total, type: counter, map: percpu, value: count, per_cpu: label}
      - {name: highest, type: gauge, map: percpu, value: count, combine: max}
      - name: seconds
        type: histogram
        map: percpu
        per_cpu: label
        buckets: {type: exp2, array: slots, sum: sum}
`))
	cpus, err := libbpf.PossibleCPUs()
	testutil.Check(t, err)
	s.put("percpu", named(1, ""), value{count: 10, sum: 7, slots: [5]uint64{1, 2, 3, 4, 5}})
	s.snapshot()
	each := map[string]float64{}
	sum := 0.0
	for cpu := range cpus {
		each[cpuName(cpu)] = 10 * float64(cpu+1)
		sum += each[cpuName(cpu)]
	}
	s.want("sum_total", map[string]float64{"": sum})
	s.want("each_total", each)
	s.want("highest", map[string]float64{"": 10 * float64(cpus)})
	histograms := s.series("seconds")
	if len(histograms) != cpus {
		t.Fatal(histograms)
	}
	for cpu, h := range histograms {
		if h.Count() != 15 || h.Sum != 7 {
			t.Errorf("cpu %s: %+v", cpu, h)
		}
	}
}

// An exemplar is that of the CPU which has counted since the last snapshot.
func TestExemplarOfCPUs(t *testing.T) {
	cpus, err := libbpf.PossibleCPUs()
	testutil.Check(t, err)
	s := start(t, header(t, count, `
    metrics:
      - name: a_total
        type: counter
        map: percpu
        value: count
        exemplar: {value: example, labels: [{name: deep, value: inner.deep}]}
`))
	values := make([][]byte, cpus)
	put := func(counts ...uint64) {
		for cpu := range values {
			v := value{}
			if cpu < len(counts) && counts[cpu] > 0 {
				v = value{count: counts[cpu], example: counts[cpu], deep: uint64(cpu)}
			}
			values[cpu] = slices.Clone(bytesOf(&v))
		}
		k := named(1, "")
		testutil.Check(t, s.m("percpu").UpdatePerCPU(bytesOf(&k), values, libbpf.Any))
		s.snapshot()
	}
	put(5, 7)
	put(6, 7) // the second CPU's example is an old one
	e := s.series("a_total")[""].Exemplar
	if e == nil || e.Value != 6 || e.Labels[0].Value != "0" {
		t.Fatalf("%+v", e)
	}
	at := e.Time
	put(6, 7)
	if e := s.series("a_total")[""].Exemplar; e.Value != 6 || !e.Time.Equal(at) {
		t.Errorf("%+v", e)
	}
}

// A narrow number of each CPU begins again at zero by itself.
func TestNarrowCountersOfCPUs(t *testing.T) {
	s := start(t, header(t, count, `
    metrics:
      - {name: a_total, type: counter, map: percpu, value: small}
`))
	cpus, err := libbpf.PossibleCPUs()
	testutil.Check(t, err)
	s.put("percpu", named(1, ""), value{small: 1<<32 - 1})
	s.snapshot()
	s.put("percpu", named(1, ""), value{small: 1})
	s.snapshot()
	s.want("a_total", map[string]float64{"": float64(cpus) * (1<<32 + 1)})
}

// Room for more series comes with a reload, and the counters go on.
func TestReloadOfMaxSeries(t *testing.T) {
	config := func(more string) string {
		return header(t, count, `
    metrics:
      - {name: a_total, type: counter, map: plain, value: count, labels: [{name: n, key: number}], `+more+`}
`)
	}
	s := start(t, config("max_series: 1"))
	s.put("plain", named(1, ""), value{count: 3})
	s.snapshot()
	s.put("plain", named(2, ""), value{count: 4})
	s.snapshot()
	s.want("a_total", map[string]float64{"1": 3, "overflow": 4})
	one := named(1, "")
	testutil.Check(t, s.m("plain").Delete(bytesOf(&one)))
	s.put("plain", named(2, ""), value{count: 1}) // it went back: what it had stays
	s.write(config("max_series: 2, skip_zero: true, help: x"))
	testutil.Check(t, s.Reload())
	s.put("plain", named(3, ""), value{count: 1})
	s.put("plain", named(4, ""), value{count: 1})
	s.snapshot()
	s.want("a_total", map[string]float64{"overflow": 5, "3": 1, "4": 1})
}

// What a cgroup that is gone has counted stays in the series of others, and its element is deleted if that is wanted.
func TestCgroupsThatGo(t *testing.T) {
	s := start(t, header(t, count, `
    metrics:
      - name: by_cgroup_total
        type: counter
        map: plain
        value: count
        labels: [{name: cgroup, key: number, decoders: [{cgroup: {drop: true}}]}]
      - {name: all_total, type: counter, map: plain, value: count}
      - name: deleting_total
        type: counter
        map: percpu
        value: count
        labels: [{name: cgroup, key: number, decoders: [{cgroup: {delete: true}}]}]
`))
	stays := testutil.NewCgroup(t)
	goes := stays.Name() + "/goes"
	testutil.Check(t, os.Mkdir(goes, 0o700))
	info, err := os.Stat(goes)
	testutil.Check(t, err)
	for _, id := range []uint64{stays.ID(), info.Sys().(*syscall.Stat_t).Ino} {
		s.put("plain", named(uint32(id), ""), value{count: 2})
		s.put("percpu", named(uint32(id), ""), value{count: 2})
	}
	s.snapshot()
	before := s.series("by_cgroup_total")
	testutil.Check(t, os.Remove(goes))
	if len(before) != 2 {
		t.Errorf("%+v", before)
	}
	s.snapshot()
	if got := s.series("by_cgroup_total"); len(got) != 1 {
		t.Errorf("%+v", got)
	}
	s.want("all_total", map[string]float64{"": 4})
	s.snapshot()
	s.want("bpf_exporter_map_entries", map[string]float64{"shapes,plain": 2, "shapes,percpu": 1})
	if got := s.series("deleting_total"); len(got) != 1 {
		t.Errorf("%+v", got)
	}
}

func TestHistograms(t *testing.T) {
	s := start(t, header(t, count, `
    metrics:
      - {name: array, type: histogram, map: plain, scale: 2^-2, buckets: {type: exp2_zero, array: slots, sum: sum}}
      - {name: sum_at, type: histogram, map: plain, buckets: {type: linear, width: 10, array: with_sum, sum_at: 3}}
      - name: by_key
        type: histogram
        map: plain
        labels: [{name: number, key: number}]
        buckets: {type: fixed, bounds: [1, 5], key: bucket, value: count, sum_at: 9}
      - {name: no_sum, type: histogram, map: plain, buckets: {type: exp2, array: slots, sum: none}}
`))
	for bucket, n := range map[uint32]uint64{0: 1, 1: 2, 2: 3, 7: 4, 9: 100} {
		s.put("plain", key{number: 1, bucket: bucket}, value{count: n})
	}
	s.put("plain", named(2, ""), value{sum: 40, slots: [5]uint64{1, 0, 2, 0, 3}, withSum: [4]uint64{5, 6, 7, 88}})
	s.snapshot()
	for _, c := range []struct {
		name, labels string
		counts       []uint64
		sum          float64
		bounds       []float64
	}{
		{"array", "", []uint64{1, 0, 2, 0, 3}, 10, []float64{0, 0.5, 1, 2}},
		{"sum_at", "", []uint64{5, 6, 7}, 88, []float64{10, 20}},
		{"by_key", "1", []uint64{1, 2, 7}, 100, []float64{1, 5}},
		{"by_key", "2", []uint64{0, 0, 0}, 0, []float64{1, 5}},
		{"no_sum", "", []uint64{1, 0, 2, 0, 3}, 0, []float64{2, 4, 8, 16}},
	} {
		h := s.series(c.name)[c.labels]
		if !slices.Equal(h.Counts, c.counts) || h.Sum != c.sum {
			t.Errorf("%s{%s}: %v, %v; want %v, %v", c.name, c.labels, h.Counts, h.Sum, c.counts, c.sum)
		}
		for _, f := range s.Families() {
			if f.Name == c.name && !slices.Equal(f.Buckets.Bounds, c.bounds) {
				t.Errorf("%s: %v, want %v", c.name, f.Buckets.Bounds, c.bounds)
			}
		}
	}
}

// What comes between two snapshots has begun at the first of them, and not at the second, when it has counted already.
func TestSeriesBeginBeforeTheyCount(t *testing.T) {
	s := start(t, header(t, count, `
    metrics:
      - {name: a_total, type: counter, map: plain, value: count, labels: [{name: n, key: number}]}
`))
	between := time.Now()
	s.put("plain", named(1, ""), value{count: 3})
	s.snapshot()
	if begin := s.series("a_total")["1"].Start; begin.IsZero() || begin.After(between) {
		t.Errorf("it has begun at %v, and came after %v", begin, between)
	}
}

func TestMaxSeries(t *testing.T) {
	s := start(t, header(t, count, `
    metrics:
      - {name: a_total, type: counter, map: plain, value: count, max_series: 2, labels: [{name: n, key: number}]}
`))
	for n := range uint32(5) {
		s.put("plain", named(n, ""), value{count: 1})
	}
	s.snapshot()
	if series := s.series("a_total"); len(series) != 3 || series["overflow"].Value != 3 {
		t.Errorf("%+v", series)
	}
	s.want("bpf_exporter_metric_overflowed_elements", map[string]float64{"shapes,a_total": 3})
}

// A snapshot that fails keeps the last good numbers, and says so.
func TestDeadline(t *testing.T) {
	s := start(t, strings.Replace(header(t, count, `
    metrics:
      - {name: a_total, type: counter, map: plain, value: count}
`), "interval: 1h", "interval: 1h\ndeadline: 1ns", 1))
	s.put("plain", named(0, ""), value{count: 1})
	s.snapshot() // one element takes no time
	for n := range uint32(600) {
		s.put("plain", named(n+1, ""), value{count: 1})
	}
	s.snapshot()
	s.want("a_total", map[string]float64{"": 1})
	s.want("bpf_exporter_map_snapshot_failures_total", map[string]float64{"shapes,plain": 1})
	failed := func() {
		t.Helper()
		s.want("a_total", map[string]float64{"": 1})
		if status := s.Status(); !status.Ready || !strings.Contains(status.Objects[0].Maps[0].Error, "the deadline has passed") {
			t.Errorf("%+v", status)
		}
	}
	failed()
	testutil.Check(t, s.Reload())
	failed()
}

func TestCheck(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.yml")
	tables := decoder.NewTables(decoder.DefaultPlaces)
	testutil.Check(t, os.WriteFile(path, []byte(header(t)), 0o600))
	testutil.Check(t, Check(path, tables))
	testutil.Check(t, os.WriteFile(path, []byte(header(t, "    set: {a: 1, b: 2}\n")), 0o600))
	if err := Check(path, tables); err == nil || strings.Count(err.Error(), "x.yml:5: set") != 2 {
		t.Error(err)
	}
}

// An object that this kernel can't load is left out, with the reason; if the configuration is strict, nothing starts.
func TestUnloadable(t *testing.T) {
	testutil.Root(t)
	text := header(t, count) + "  - file: " + shapes(t, "shapes.bpf.o") + "\n    name: bad\n    attach: [{program: egress, cgroup: /nonexistent}]\n"
	s := start(t, text)
	s.want("bpf_exporter_object_loaded", map[string]float64{"shapes": 1, "bad": 0})
	if status := s.Status(); !status.Ready || !strings.Contains(status.Objects[1].Error, "/nonexistent") {
		t.Errorf("%+v", status)
	}
	s.write("strict: true\n" + text)
	if err := s.Reload(); err == nil || !strings.Contains(err.Error(), "x.yml:9: program \"egress\" can't be attached") {
		t.Error(err)
	}
	if _, err := Start(s.path, s.tables, slog.Default()); err == nil {
		t.Error("a strict configuration starts without an object")
	}
}

func cpuName(cpu int) string { return strconv.Itoa(cpu) }
