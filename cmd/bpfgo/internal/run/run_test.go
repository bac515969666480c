package run

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/clitest"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/needs"
)

func ignoreSignals() { signal.Ignore(unix.SIGINT, unix.SIGTERM, unix.SIGHUP) }

// getpgidNumber tells an object which system call makes it work.
func getpgidNumber() string { return "getpgid_nr=" + strconv.Itoa(unix.SYS_GETPGID) }

// neededObject is one of the objects in the bpf folder, which the test loads.
func neededObject(t *testing.T, name string) string {
	t.Helper()
	path := testutil.Object(t, name)
	needs.ToLoadFile(t, path)
	return path
}

func syscallsObject(t *testing.T) string {
	t.Helper()
	return neededObject(t, "syscalls")
}

// runShapes is the beginning of a command line that runs bpf/shapes.bpf.c.
func runShapes(t *testing.T) []string {
	t.Helper()
	needs.ToLoadFile(t, shapesObject(t))
	return []string{"run", shapesObject(t), "--pin-root", testutil.BPFFS(t), "--set", getpgidNumber()}
}

// lines are JSON lines.
func lines(t *testing.T, text string) []map[string]any {
	t.Helper()
	var all []map[string]any
	for line := range strings.Lines(text) {
		var object map[string]any
		if err := json.Unmarshal([]byte(line), &object); err != nil {
			t.Fatalf("%v: %q", err, line)
		}
		all = append(all, object)
	}
	return all
}

func TestTracesCommandFromItsFirstInstruction(t *testing.T) {
	testutil.Root(t)
	args := append([]string{"run", syscallsObject(t), "--dump", "stats", "--json"},
		helper(t, calls(0, 13))...)
	stdout, stderr := tool.Must(t, args...)
	clitest.WantLine(t, stderr, "0 lost; "+os.Args[0]+" exited with status 7")
	counts := map[string]any{}
	for _, line := range lines(t, stdout) {
		if line["map"] == "stats" {
			counts[line["key"].(string)] = line["value"]
		}
	}
	got, _ := counts["SYS_getpgid"].(map[string]any)
	if got == nil || got["count"] != 13.0 || got["errors"] != 13.0 {
		t.Errorf("getpgid: %v, want 13 calls and errors", got)
	}
	if total, most := got["total_ns"].(float64), got["max_ns"].(float64); total < most || most <= 0 {
		t.Errorf("getpgid took %v ns, at most %v", total, most)
	}
	// A Go program's first system calls, and what only bpfgo itself does.
	if counts["SYS_arch_prctl"] == nil && counts["SYS_sched_getaffinity"] == nil {
		t.Errorf("the command's first calls are missing: %v", counts)
	}
	if counts["SYS_bpf"] != nil {
		t.Error("bpfgo traced itself")
	}
}

func TestFollowsChildren(t *testing.T) {
	testutil.Root(t)
	for _, follow := range []bool{true, false} {
		t.Setenv(helperVariable, calls(0, 5))
		stdout, _ := tool.Must(t, "run", syscallsObject(t), "--json", "--dump", "stats",
			"--set", fmt.Sprint("follow_children=", follow), "--", "sh", "-c", os.Args[0]+" & wait")
		if got := strings.Contains(stdout, `"key":"SYS_getpgid","value":{"count":5,`); got != follow {
			t.Errorf("follow_children=%v, and the child's calls are there: %v\n%s", follow, got, stdout)
		}
	}
}

func TestTracesNobodyByDefault(t *testing.T) {
	testutil.Root(t)
	stdout, stderr := tool.Must(t, "run", syscallsObject(t), "--dump", "stats", "--duration", "50ms")
	if want := "stats: percpu_hash, 0 entries, values of all CPUs summed\n"; stdout != want {
		t.Errorf("output %q, want %q", stdout, want)
	}
	clitest.WantLine(t, stderr, "0 events, 0 lost")
}

func TestPID(t *testing.T) {
	testutil.Root(t)
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			case <-time.After(10 * time.Millisecond):
				testutil.Getpgid(helperFirst)
			}
		}
	}()
	stdout, _ := tool.Must(t, append(runShapes(t), "--pid", strconv.Itoa(os.Getpid()), "--dump", "per_cpu_calls",
		"--json", "--duration", "150ms")...)
	close(stop)
	<-done
	got := lines(t, stdout)
	if last := got[len(got)-1]; last["value"].(float64) == 0 {
		t.Errorf("no call was seen: %v", last)
	}
}

// written is an integer as programs write it.
func written(n, size int) []byte {
	if size == 4 {
		return binary.NativeEndian.AppendUint32(nil, uint32(n))
	}
	return binary.NativeEndian.AppendUint64(nil, uint64(n))
}

func TestEvents(t *testing.T) {
	testutil.Root(t)
	args := append([]string{"run", neededObject(t, "events"), "--json", "--set", getpgidNumber(),
		"--event", "events=record", "--event", "perf_events=struct record"}, helper(t, calls(100, 4))...)
	stdout, stderr := tool.Must(t, args...)
	clitest.WantLine(t, stderr, "1200 events, 0 lost; ", "exited with status 7")
	next, seen := map[string]int{}, map[float64]bool{}
	for _, line := range lines(t, stdout) {
		name := line["map"].(string)
		n := next[name]
		next[name]++
		if name == "more_events" {
			if _, typed := line["type"]; typed || !strings.HasPrefix(line["data"].(string), fmt.Sprintf("%x", written(n, 8))) {
				t.Fatalf("record %d of unknown type is %v", n, line)
			}
			continue
		}
		data := line["data"].(map[string]any)
		sequence := data["sequence"].(float64)
		if name == "perf_events" {
			// Those of several CPUs come in any order.
			if seen[sequence] || sequence >= 400 {
				t.Fatalf("record %d is %v", n, line)
			}
			seen[sequence] = true
		} else if sequence != float64(n) {
			t.Fatalf("record %d is %v", n, line)
		}
		if line["type"] != "record" || data["size"] != 48.0 ||
			len(data["payload"].([]any)) != 48 {
			t.Fatalf("record %d is %v", n, line)
		}
		if _, hasCPU := line["cpu"]; hasCPU != (name == "perf_events") {
			t.Fatalf("record %d is %v", n, line)
		}
		if extra, ok := line["extra"]; ok {
			t.Fatalf("record %d has %v too much", n, extra)
		}
	}
	if want := map[string]int{"events": 400, "more_events": 400, "perf_events": 400}; !cmp.Equal(next, want) {
		t.Errorf("%v records, want %v", next, want)
	}
}

func TestEventsText(t *testing.T) {
	testutil.Root(t)
	args := append([]string{"run", neededObject(t, "events"), "--set", getpgidNumber(),
		"--event", "events=record", "--event", "perf_events=record"}, helper(t, calls(2, 1))...)
	stdout, _ := tool.Must(t, args...)
	for _, want := range []string{
		"events           sequence      ring      size  payload\n",
		"events                  0         0        48  [0...]\n",
		"events                  1         0        48  [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, " +
			"0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]\n",
		fmt.Sprintf("more_events  %x%x%x00", written(0, 8), written(1, 4), written(48, 4)),
		"perf_events  cpu      sequence      ring      size  payload\n",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("output lacks %q:\n%s", want, stdout)
		}
	}
}

// slowWriter does not take anything until it is told to.
type slowWriter struct {
	clitest.Buffer
	open <-chan time.Time
}

func (w *slowWriter) Write(p []byte) (int, error) {
	<-w.open
	return w.Buffer.Write(p)
}

func TestLostEventsAreCounted(t *testing.T) {
	testutil.Root(t)
	const produced = 500 * 200 // in each buffer
	args := append([]string{"run", neededObject(t, "events"), "--json", "--dump", ".bss", "--set", getpgidNumber()},
		helper(t, calls(500, 200))...)
	open := make(chan time.Time)
	time.AfterFunc(2*time.Second, func() { close(open) })
	var stderr clitest.Buffer
	stdout := slowWriter{open: open}
	if status := tool.Execute(cli.Quiet(&stdout, &stderr), args...); status != cli.StatusOK {
		t.Fatal(stderr.String())
	}
	counts := map[string]int{}
	all := lines(t, stdout.String())
	for _, line := range all {
		counts[line["map"].(string)]++
	}
	lostByRings := int(all[len(all)-1]["value"].(map[string]any)["lost_events"].(float64))
	if inRings := counts["events"] + counts["more_events"]; lostByRings == 0 || inRings+lostByRings != 2*produced {
		t.Errorf("%d events in rings and %d lost, want %d, and some lost", inRings, lostByRings, 2*produced)
	}
	exact, format := countsLosses(t), "bpfgo: %d events, %d lost by perf buffers, %d counted in lost_events; "
	if !exact {
		format = strings.Replace(format, "%d lost", "at least %d lost", 1)
	}
	var events, byPerfs, counted int
	if _, err := fmt.Sscanf(stderr.String(), format, &events, &byPerfs, &counted); err != nil {
		t.Fatalf("%v: %q", err, stderr.String())
	}
	if events != len(all)-1 || counted != lostByRings {
		t.Errorf("%d events and %d lost are said, of %d lines and %d lost by rings", events, counted, len(all), lostByRings)
	}
	if got := counts["perf_events"]; got == produced || exact && got+byPerfs != produced {
		t.Errorf("%d events in perf buffers and %d lost, want %d, and some lost", got, byPerfs, produced)
	}
}

// countsLosses tells whether the kernel counts what perf buffers lose.
func countsLosses(t *testing.T) bool {
	t.Helper()
	m, err := libbpf.CreateMap(libbpf.MapTypePerfEventArray, "losses", 4, 4, 1, libbpf.MapCreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	perf, err := libbpf.PerfBufferBuilder{Sample: func(int, []byte) error { return nil }}.Build(m)
	if err != nil {
		t.Fatal(err)
	}
	defer perf.Close()
	_, err = perf.Lost()
	if err != nil && !errors.Is(err, errors.ErrUnsupported) {
		t.Fatal(err)
	}
	return err == nil
}

// A record of 64 KiB or more damages a perf buffer, which is told, and is not the end.
func TestRunDamagedPerfBuffer(t *testing.T) {
	testutil.Root(t)
	stdout, stderr := tool.Must(t, append([]string{"run", testutil.Object(t, "bigperf"), "--json", "--set", getpgidNumber()},
		helper(t, calls(70_000, 5))...)...)
	if n := len(lines(t, stdout)); n != 5 {
		t.Errorf("%d events, want 5", n)
	}
	if n := strings.Count(stderr, "bpfgo: note: poll perf buffer: CPU "); n != 5 {
		t.Errorf("%d notes, want 5", n)
	}
	want := "bpfgo: 5 events, 5 lost; "
	if !countsLosses(t) {
		want = "bpfgo: 5 events, at least 5 lost; "
	}
	if !strings.Contains(stderr, want) {
		t.Errorf("%q, want %q", stderr, want)
	}
}

func TestLosses(t *testing.T) {
	const both = "by perf buffers, and an unknown number by ring buffers: the object has no variable lost_events"
	for _, tt := range []struct {
		losses losses
		want   string
	}{
		{losses{perfs: true}, "0 lost"},
		{losses{perfs: true, byPerfs: 5}, "5 lost"},
		{losses{perfs: true, byPerfs: 5, incomplete: true}, "at least 5 lost"},
		{losses{rings: true}, "an unknown number lost: the object has no variable lost_events"},
		{losses{rings: true, hasCounter: true, counted: 7}, "7 lost"},
		{losses{rings: true, perfs: true, byPerfs: 5}, "5 lost " + both},
		{losses{rings: true, perfs: true, byPerfs: 5, incomplete: true}, "at least 5 lost " + both},
		{losses{rings: true, perfs: true, hasCounter: true}, "0 lost"},
		{losses{perfs: true, incomplete: true, hasCounter: true},
			"at least 0 lost by perf buffers, 0 counted in lost_events"},
		{losses{perfs: true, byPerfs: 5, hasCounter: true, counted: 7},
			"5 lost by perf buffers, 7 counted in lost_events"},
	} {
		if got := tt.losses.String(); got != tt.want {
			t.Errorf("%+v: %q, want %q", tt.losses, got, tt.want)
		}
	}
}

func TestShapes(t *testing.T) {
	args := append(runShapes(t), "--dump", "labels", "--dump", "per_cpu_calls", "--dump", "untyped",
		"--event", "ring=labelled")
	stdout, stderr := tool.Must(t, append(args, helper(t, calls(0, 3))...)...)
	clitest.WantLine(t, stderr, "9 events, an unknown number lost: the object has no variable lost_events; ")
	for _, want := range []string{
		"label     mood  at\ncpu       BUSY  {x=0 y=0}\nabc       CALM  {x=0 y=?}  (15 of 16 bytes)\n" +
			"abc       CALM  {x=0 y=0}  +00000000\n",
		"\nlabels: hash, 3 entries\nkey  label      mood  at\n -3  minus      CALM  {x=1 y=-1}\n" +
			"  3  \"a b\\\"\\n\"  5     {x=-7 y=7}\n 20  twenty     BUSY  {x=300 y=-300}\n",
		"\nper_cpu_calls: percpu_array, 1 entry, values of all CPUs summed\nkey  value\n  0      3\n",
		"\nuntyped: array, 2 entries\nkey  value\n  0  000000\n  1  010203\n",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("output lacks %q:\n%s", want, stdout)
		}
	}
}

func TestPerCPUSortTop(t *testing.T) {
	shapes := runShapes(t)
	cpus, err := possibleCPUs()
	if err != nil {
		t.Fatal(err)
	}
	dump := func(args ...string) string {
		t.Helper()
		args = slices.Concat(shapes, args, helper(t, calls(0, 1)))
		stdout, _ := tool.Must(t, args...)
		_, table, _ := strings.Cut(stdout, "\n\n")
		return table
	}
	// Strings can't be summed, so each CPU is shown without being asked for.
	table := dump("--dump", "per_cpu_labels")
	if want := "per_cpu_labels: percpu_array, 2 entries\nkey  cpu  label  mood  at\n"; !strings.HasPrefix(table, want) {
		t.Errorf("output lacks %q:\n%s", want, table)
	}
	if got, want := strings.Count(table, "\n"), 2+2*cpus; got != want {
		t.Errorf("%d lines, want %d:\n%s", got, want, table)
	}
	if table := dump("--dump", "per_cpu_calls", "--per-cpu"); !strings.Contains(table, "key  cpu  value\n") ||
		strings.Contains(table, "summed") || strings.Count(table, "\n") != 2+cpus {
		t.Errorf("each CPU's value is missing:\n%s", table)
	}
	for sort, want := range map[string][]string{
		"label":     {`"a b\"\n"`, "minus", "twenty"},
		"mood:desc": {"twenty", `"a b\"\n"`, "minus"},
		"key:desc":  {"twenty", `"a b\"\n"`, "minus"},
		"key:asc":   {"minus", `"a b\"\n"`, "twenty"},
		"at":        {`"a b\"\n"`, "minus", "twenty"},
	} {
		table := dump("--dump", "labels", "--sort", sort, "--top", "2")
		var got []int
		for _, label := range want {
			got = append(got, strings.Index(table, label))
		}
		if got[0] < 0 || got[1] < got[0] || got[2] >= 0 || !strings.HasSuffix(table, "\n... and 1 more\n") {
			t.Errorf("--sort %s --top 2:\n%s", sort, table)
		}
	}
}

func possibleCPUs() (int, error) {
	text, err := os.ReadFile("/sys/devices/system/cpu/possible")
	if err != nil {
		return 0, err
	}
	_, last, ok := strings.Cut(strings.TrimSpace(string(text)), "-")
	if !ok {
		return 1, nil
	}
	n, err := strconv.Atoi(last)
	return n + 1, err
}

func TestSetGlobals(t *testing.T) {
	stdout, _ := tool.Must(t, append(runShapes(t), "--set", "debug=0xff", "--set", "loud=true", "--set", "mood=BUSY",
		"--set", "title=hello", "--set", "numbers=-1,5", "--set", "numbers[3]=7", "--set", "config.at.y=-9", "--set", "config.limit=0x10", "--json",
		"--dump", ".data", "--dump", ".rodata", "--dump", ".bss", "--duration", "1ms")...)
	for _, want := range []string{
		`"debug":255`, `"loud":true`, `"mood":"BUSY"`, `"title":"hello"`, `"numbers":[-1,5,0,7]`,
		`"config":{"at":{"x":1,"y":-9},"limit":16}`, `{"dump":1,"map":".data","value":{`,
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("output lacks %s:\n%s", want, stdout)
		}
	}
}

func TestKconfig(t *testing.T) {
	stdout, _ := tool.Must(t, "run", testutil.Object(t, "globals"), "--kconfig", "CONFIG_HZ=123", "--kconfig",
		"CONFIG_NOT_THERE=y", "--json", "--dump", ".kconfig", "--duration", "1ms")
	for _, want := range []string{`"CONFIG_HZ":123`, `"CONFIG_NOT_THERE":true`} {
		if !strings.Contains(stdout, want) {
			t.Errorf("output lacks %s:\n%s", want, stdout)
		}
	}
}

func TestInterval(t *testing.T) {
	shapes := append(runShapes(t), "--dump", "untyped", "--interval", "20ms")
	stdout, _ := tool.Must(t, append(shapes, "--duration", "200ms", "--json")...)
	all := lines(t, stdout)
	if last := all[len(all)-1]["dump"].(float64); last < 3 || len(all) != 2*int(last) {
		t.Errorf("%v times shown, %d lines", last, len(all))
	}
	stdout, _ = tool.Must(t, append(shapes, "--duration", "50ms")...)
	if n := strings.Count(stdout, " untyped: array, 2 entries\n"); n < 2 || stdout[2] != ':' {
		t.Errorf("no times of the day:\n%s", stdout)
	}
}

func TestFailures(t *testing.T) {
	testutil.Root(t)
	dir := t.TempDir()
	good, err := os.ReadFile(syscallsObject(t))
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	syscalls, noBTF := syscallsObject(t), testutil.Object(t, "nobtf")
	tests := []struct {
		args []string
		want []string
	}{
		{[]string{filepath.Join(dir, "missing.o")}, []string{"missing.o", "no such file or directory"}},
		{[]string{dir}, []string{dir, "is a directory"}},
		{[]string{write("empty.o", nil)}, []string{"empty.o"}},
		{[]string{write("text.o", []byte("hello"))}, []string{"text.o"}},
		{[]string{write("short.o", good[:len(good)/2])}, []string{"short.o"}},
		{[]string{testutil.Object(t, "rejected")}, []string{`load program "`, "denied"}},
		{[]string{syscalls, "--set", "nosuch=1"}, []string{"--set nosuch=1: ", "no such global variable; it has ",
			"slow_ns"}},
		{[]string{syscalls, "--set", "target_tgid=-1"}, []string{"value -1 does not fit __u32 target_tgid (0..4294967295)"}},
		{[]string{syscalls, "--set", "slow_ns=fast"}, []string{`value "fast" for __u64 slow_ns is no integer`}},
		{[]string{syscalls, "--set", "slow_ns.x=1"}, []string{"__u64 slow_ns is not a struct and has no member x"}},
		{[]string{syscalls, "--set", "all_processes=2"}, []string{`"2" does not fit`, "all_processes (true or false)"}},
		{[]string{testutil.Object(t, "globals"), "--set", "CONFIG_HZ=7"}, []string{"--set CONFIG_HZ=7: ", "--kconfig"}},
		{[]string{noBTF, "--set", "x=1"}, []string{"no BTF (compile it with -g)"}},
		{[]string{syscalls, "--dump", "nosuch"}, []string{"--dump nosuch: ", "no map nosuch; it has stats, "}},
		{[]string{syscalls, "--dump", "events"}, []string{"--dump events: a map of type ringbuf can't be read key by key"}},
		{[]string{syscalls, "--dump", "threads"}, []string{"a map of type task_storage can't be read key by key"}},
		{[]string{syscalls, "--dump", "stats", "--sort", "x"}, []string{"--sort x: no such column; the columns are key, count, "}},
		{[]string{syscalls, "--event", "nosuch=int"}, []string{"--event nosuch=int: ", "no map nosuch; it has stats, "}},
		{[]string{syscalls, "--event", "stats=int"}, []string{"the map is neither a ring buffer nor a perf buffer"}},
		{[]string{syscalls, "--event", "events=nosuch"}, []string{"--event events=nosuch: ", "has no type with this name"}},
		{[]string{syscalls, "--pid", "4194999"}, []string{"--pid 4194999: no such process"}},
		{[]string{syscalls, "--", "/no/such/command"}, []string{"start /no/such/command: no such file or directory"}},
		{[]string{syscalls, "--", dir}, []string{"permission denied"}},
		{[]string{syscalls, "--", "no-such-command"}, []string{"start no-such-command: executable file not found"}},
	}
	for _, tt := range tests {
		stdout, stderr, status := tool.Run(append([]string{"run"}, tt.args...)...)
		if status == cli.StatusOK || status == cli.StatusUsage || stdout != "" {
			t.Errorf("bpfgo run %s: exit status %d, output %q", strings.Join(tt.args, " "), status, stdout)
		}
		clitest.WantLine(t, stderr, tt.want...)
	}
}

// noChildren checks that this process has no child that was not reaped.
func noChildren(t *testing.T) {
	t.Helper()
	if _, err := unix.Wait4(-1, nil, unix.WNOHANG, nil); err != unix.ECHILD {
		t.Errorf("there are children left: %v", err)
	}
}

func TestVerbose(t *testing.T) {
	testutil.Root(t)
	_, stderr, status := tool.Run("run", "--verbose", testutil.Object(t, "rejected"))
	if status != cli.StatusRejected || !strings.Contains(stderr, "libbpf: ") || !strings.Contains(stderr, "\nprocessed ") {
		t.Errorf("exit status %d, and messages or the verifier's log are missing:\n%s", status, stderr)
	}
	last := stderr[strings.LastIndex(strings.TrimSpace(stderr), "\n")+1:]
	if !strings.HasPrefix(last, "bpfgo: load program") {
		t.Errorf("the last line is %q", last)
	}
	// Warnings that are part of the error, too.
	if !strings.Contains(stderr, "libbpf: prog 'rejected': BPF program load failed") {
		t.Errorf("the warnings are missing:\n%s", stderr)
	}
}

// unprivileged is bpfgo as a process of another user with these capabilities, and objects that this user may read.
func unprivileged(t *testing.T, objects []string, capabilities ...uintptr) func(args ...string) *exec.Cmd {
	t.Helper()
	testutil.Root(t)
	dir := filepath.Join(scratch, "public") // where everybody may read and write
	binary := filepath.Join(dir, "bpfgo")
	failures := []error{os.Chmod(scratch, 0o755), os.MkdirAll(dir, 0o755), os.Chmod(dir, 0o777),
		exec.Command("cp", "-f", os.Args[0], binary).Run()}
	for _, object := range objects {
		failures = append(failures, exec.Command("cp", "-f", object, dir).Run())
	}
	if err := errors.Join(failures...); err != nil {
		t.Fatal(err)
	}
	return func(args ...string) *exec.Cmd {
		cmd := program(t, args...)
		cmd.Path, cmd.Dir = binary, dir
		cmd.Env = append(cmd.Env, "GOCOVERDIR="+dir) // where coverage is counted, this user must be able to write it
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Credential: &syscall.Credential{Uid: 65534, Gid: 65534}, AmbientCaps: capabilities,
		}
		return cmd
	}
}

func TestNoPrivileges(t *testing.T) {
	needs.ToLoadFile(t, testutil.Object(t, "xdp"))
	for _, tt := range []struct {
		args []string
		have []uintptr
		want string
	}{
		{[]string{"run", "syscalls.bpf.o"}, nil, "operation not permitted: the process lacks CAP_PERFMON and CAP_BPF"},
		{[]string{"run", "syscalls.bpf.o", "--", "sleep", "100"}, nil, "the process lacks CAP_PERFMON and CAP_BPF"},
		{[]string{"run", "xdp.bpf.o"}, []uintptr{unix.CAP_BPF, unix.CAP_PERFMON}, "the process lacks CAP_NET_ADMIN"},
		{[]string{"run", "syscalls.bpf.o"}, []uintptr{unix.CAP_BPF}, "the process lacks CAP_PERFMON"},
	} {
		var stdout, stderr bytes.Buffer
		cmd := unprivileged(t, []string{syscallsObject(t), testutil.Object(t, "xdp")}, tt.have...)(tt.args...)
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		err := cmd.Run()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != cli.StatusPermission || stdout.Len() > 0 {
			t.Errorf("%v, output %q", err, &stdout)
		}
		clitest.WantLine(t, stderr.String(), tt.want)
	}
}

// started is bpfgo as a process of its own.
type started struct {
	*exec.Cmd
	out    *bufio.Reader
	stderr *clitest.Buffer
}

func start(t *testing.T, args ...string) *started {
	t.Helper()
	return startCommand(t, program(t, args...))
}

func startCommand(t *testing.T, cmd *exec.Cmd) *started {
	t.Helper()
	s := &started{Cmd: cmd, stderr: &clitest.Buffer{}}
	s.Stderr = s.stderr
	pipe, err := s.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	s.out = bufio.NewReader(pipe)
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if s.ProcessState == nil {
			_ = s.Process.Kill()
			_ = s.Wait()
		}
	})
	return s
}

// line waits for a line of output that has this in it.
func (s *started) line(t *testing.T, part string) string {
	t.Helper()
	for {
		line, err := s.out.ReadString('\n')
		if strings.Contains(line, part) {
			return line
		}
		if err != nil {
			t.Fatalf("%v, and no line with %q\n%s", err, part, s.stderr)
		}
	}
}

// child is the process id of the command that it runs, which is the child of its guard.
func (s *started) child(t *testing.T) int {
	t.Helper()
	guards := children(strconv.Itoa(s.Process.Pid))
	if len(guards) != 1 {
		t.Fatalf("it has the children %v", guards)
	}
	commands := children(strconv.Itoa(guards[0]))
	if len(commands) != 1 {
		t.Fatalf("its guard has the children %v", commands)
	}
	return commands[0]
}

// until waits for something to become true.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 1000 {
		if ok() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("not after ten seconds: %s", what)
}

// gone waits until a process has ended, if not all of them are reaped where the tests run.
func gone(t *testing.T, pid int) {
	t.Helper()
	until(t, fmt.Sprintf("process %d has ended", pid), func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		_, state, _ := bytes.Cut(stat, []byte(") "))
		return err != nil || bytes.HasPrefix(state, []byte("Z"))
	})
}

func TestSignals(t *testing.T) {
	for _, number := range []unix.Signal{unix.SIGINT, unix.SIGTERM, unix.SIGHUP} {
		if signal.Ignored(number) {
			continue // the tests run under nohup, which bpfgo heeds: see TestIgnoredSignals
		}
		s := start(t, "run", syscallsObject(t), "--dump", "stats", "--json", "--",
			"sh", "-c", "echo ready; exec sleep 100")
		s.line(t, "ready")
		child := s.child(t)
		if err := s.Process.Signal(number); err != nil {
			t.Fatal(err)
		}
		s.line(t, `"key":"SYS_write"`)
		if _, err := io.Copy(io.Discard, s.out); err != nil {
			t.Error(err)
		}
		if err := s.Wait(); err != nil {
			t.Errorf("%v: %v", number, err)
		}
		clitest.WantLine(t, s.stderr.String(), "sh was ended by signal 15 (terminated)")
		gone(t, child)
	}
}

// A terminal sends ^C to the command too, which may take its time, and ends with a status of its own.
func TestInterruptOfBoth(t *testing.T) {
	s := start(t, "run", syscallsObject(t), "--", "sh", "-c",
		`trap 'kill $!; exit 5' INT; sleep 100 & echo ready; wait`)
	s.line(t, "ready")
	child := s.child(t)
	for _, pid := range []int{s.Process.Pid, child} {
		if err := unix.Kill(pid, unix.SIGINT); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := io.Copy(io.Discard, s.out); err != nil {
		t.Error(err)
	}
	if err := s.Wait(); err != nil {
		t.Error(err)
	}
	clitest.WantLine(t, s.stderr.String(), "sh exited with status 5")
}

func TestStubbornCommand(t *testing.T) {
	t.Setenv(helperVariable, helperStubborn)
	for _, signals := range []int{1, 2} {
		if signals == 2 {
			t.Setenv(patientVariable, "1") // so that only the second signal can end it
		}
		p := start(t, "run", syscallsObject(t), "--", os.Args[0])
		p.line(t, "ready")
		child := p.child(t)
		for range signals {
			if err := p.Process.Signal(unix.SIGINT); err != nil {
				t.Fatal(err)
			}
			time.Sleep(100 * time.Millisecond)
		}
		if _, err := io.Copy(io.Discard, p.out); err != nil {
			t.Error(err)
		}
		if err := p.Wait(); err != nil {
			t.Error(err)
		}
		clitest.WantLine(t, p.stderr.String(), "was ended by signal 9 (killed)")
		gone(t, child)
	}
}

// As in "bpfgo run ... | head".
func TestClosedOutput(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var stderr clitest.Buffer
	cmd := program(t, "run", syscallsObject(t), "--set", "slow_ns=0",
		"--event", "events=slow_call", "--", "sh", "-c", "while :; do /bin/true; done >/dev/null")
	cmd.Stdout, cmd.Stderr = w, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	if line, err := bufio.NewReader(r).ReadString('\n'); err != nil || !strings.Contains(line, "duration_ns") {
		t.Errorf("first line %q, %v", line, err)
	}
	r.Close()
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v: %s", err, &stderr)
	}
	clitest.WantLine(t, stderr.String(), "events", "sh was ended by signal 15")
}

func TestPins(t *testing.T) {
	shapes := runShapes(t)
	pin := filepath.Join(shapes[3], "bpfgo_test_pinned")
	pinned := func() bool {
		_, err := os.Lstat(pin)
		return err == nil
	}
	tool.Must(t, append(shapes, "--duration", "1ms")...)
	if pinned() {
		t.Error("the map is still pinned")
	}
	for _, bad := range [][]string{{"--set", "debug=300"}, {"--", "no-such-command"}} {
		if _, _, status := tool.Run(append(shapes, bad...)...); status != cli.StatusFailed || pinned() {
			t.Errorf("%v: exit status %d; pinned: %v", bad, status, pinned())
		}
	}

	// One that was pinned before stays.
	open, err := libbpf.ObjectBuilder{PinRootPath: shapes[3]}.OpenFile(shapes[1])
	if err != nil {
		t.Fatal(err)
	}
	obj, err := open.Load()
	if err != nil {
		t.Fatal(err)
	}
	defer obj.Close()
	tool.Must(t, append(shapes, "--duration", "1ms")...)
	if !pinned() {
		t.Error("a map that others had pinned was unpinned")
	}
}

// Where nobody reads the output, ^C leaves nothing behind all the same, and another one ends bpfgo.
func TestInterruptOfBlockedOutput(t *testing.T) {
	shapes := runShapes(t)
	s := start(t, append(shapes, helper(t, calls(0, 1<<30))...)...)
	until(t, "bpfgo waits to write", func() bool {
		blocked := fmt.Sprintf("%d 0x1 ", unix.SYS_WRITE)
		tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/syscall", s.Process.Pid))
		return slices.ContainsFunc(tasks, func(task string) bool {
			text, _ := os.ReadFile(task)
			return strings.HasPrefix(string(text), blocked)
		})
	})
	pin := filepath.Join(shapes[3], "bpfgo_test_pinned")
	if _, err := os.Lstat(pin); err != nil {
		t.Fatal(err)
	}
	if err := s.Process.Signal(unix.SIGINT); err != nil {
		t.Fatal(err)
	}
	until(t, "the pin is gone", func() bool {
		_, err := os.Lstat(pin)
		return errors.Is(err, os.ErrNotExist)
	})
	until(t, "another signal ends it", func() bool {
		if err := s.Process.Signal(unix.SIGINT); err != nil {
			t.Fatal(err)
		}
		pid, err := unix.Wait4(s.Process.Pid, nil, unix.WNOHANG, nil)
		if err != nil {
			t.Fatal(err)
		}
		return pid == s.Process.Pid
	})
	_ = s.Process.Release()
}

// Damaged objects give errors, one line each, and nothing worse. They are not loaded: who knows what they do.
func TestDamagedObjects(t *testing.T) {
	good, err := os.ReadFile(shapesObject(t))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "damaged.bpf.o")
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 400 {
		damaged := bytes.Clone(good)
		for range 1 + i%3 {
			damaged[random.IntN(len(damaged))] ^= 1 << random.IntN(8)
		}
		if i%8 == 0 {
			damaged = damaged[:random.IntN(len(damaged))]
		}
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, stderr, status := tool.Run("btf", "dump", "--file", path); status != cli.StatusOK {
			clitest.WantLine(t, stderr, path)
		}
		_, stderr, status := tool.Run("run", path, "--dump", "labels", "--event", "ring=labelled", "--set", "debug=2",
			"--set", "no-such-variable=1")
		if status != cli.StatusFailed && status != cli.StatusUnsupported { // as of an object for another machine
			t.Errorf("exit status %d", status)
		}
		clitest.WantLine(t, stderr)
	}
}
