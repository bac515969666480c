package main

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// TestLoad tells what 10,000 series cost: with the CPUs of this machine, and as if it could have 128. There, the exporter
// has room for so many values and adds them up, while the kernel copies those of the CPUs that there are.
// docs/fleet.md has the numbers.
func TestLoad(t *testing.T) {
	for _, cpus := range []string{"", "0-127"} {
		name := "cpus of this machine"
		if cpus != "" {
			name = "128 cpus, simulated"
		}
		t.Run(name, func(t *testing.T) { load(t, cpus) })
	}
}

const (
	loadSeries = 10000
	scrapes    = 40
	interval   = 2 * time.Second
)

func load(t *testing.T, cpus string) {
	e := runExporter(t, fmt.Sprintf(`interval: %v
objects:
  - file: %s
    set: {pid: %d}
    metrics:
      - {name: load_total, help: Load., type: counter, map: load, max_series: %d, labels: [{name: key, key: .}]}
`, interval, object(t, "load.bpf.o"), os.Getpid(), loadSeries), cpus)
	for range loadSeries {
		testutil.Getpgid(0)
	}
	series := regexp.MustCompile(`(?m)^load_total\{key="\d+"\} `)
	within(t, func() bool { return len(series.FindAll(e.scrape(""), -1)) == loadSeries })

	// What snapshots cost while nobody scrapes.
	before, begin := e.cpuTime(), time.Now()
	time.Sleep(5 * interval)
	background := float64(e.cpuTime()-before) / float64(time.Since(begin))
	var times []time.Duration
	var body []byte
	before = e.cpuTime()
	begin = time.Now()
	for range scrapes {
		begin := time.Now()
		body = e.scrape("")
		times = append(times, time.Since(begin))
	}
	each := e.cpuTime() - before - time.Duration(background*float64(time.Since(begin)))
	slices.Sort(times)
	zipped := len(e.scrape("gzip"))
	took := regexp.MustCompile(`bpf_exporter_map_snapshot_duration_seconds\{[^}]*map="load"\} (\S+)`).FindSubmatch(body)
	if took == nil {
		t.Fatal("no time of a snapshot")
	}
	t.Logf("%d series: a scrape takes %v (the fastest of %d) and %v of CPU, and has %d bytes, %d with gzip; a snapshot takes %s s; "+
		"with one every %v, snapshots take %.2f%% of a CPU; memory %d MiB",
		loadSeries, times[0].Round(100*time.Microsecond), scrapes, (each / scrapes).Round(100*time.Microsecond), len(body), zipped,
		took[1], interval, 100*background, e.memory()>>20)
	if bytes.Count(body, []byte("\nload_total{")) != loadSeries {
		t.Error("series are missing")
	}
}

// cpuTime is the CPU time that the exporter has used.
func (e *process) cpuTime() time.Duration {
	e.t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", e.cmd.Process.Pid))
	testutil.Check(e.t, err)
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	ticks := 0
	for _, field := range fields[11:13] { // utime and stime
		n, err := strconv.Atoi(field)
		testutil.Check(e.t, err)
		ticks += n
	}
	return time.Duration(ticks) * time.Second / 100
}

// memory is what the exporter has in memory.
func (e *process) memory() int {
	e.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", e.cmd.Process.Pid))
	testutil.Check(e.t, err)
	match := regexp.MustCompile(`VmRSS:\s+(\d+) kB`).FindSubmatch(status)
	n, err := strconv.Atoi(string(match[1]))
	testutil.Check(e.t, err)
	return n << 10
}
