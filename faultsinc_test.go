package libbpf_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/cmalloc"
	"github.com/libbpf-go/libbpf-go/internal/testutil/cuser"
)

// faultsInC is set for a process that runs the cycles in C, which may crash.
const faultsInC = "LIBBPF_GO_FAULTS_IN_C"

// faultInC is what came of a fault of a cycle in C. A crash is a badOutcome.
type faultInC struct {
	Key     faultKey
	At      int // of all points of the cycle
	Alloc   bool
	Reached bool // the cycle made the call or allocation, or crashed
	Outcome outcome
	Error   string
	Left    []string
}

// worse are the points where Go has another outcome than C that a user may not want, and why it has it.
var worse = []explanation{
	{unnoticed, "memory of a map", `mmap ".*": EPERM`, "Go maps a map for reading if it can't be written"},
	{asTold, "attach uprobe", `pread64 `, "Go reads the symbols before libbpf reads the file"},
	{unnoticed, "attach uprobe", `pread64 `,
		"libelf skips a table that it can't read, and has the function from another one"},
	{unnoticed, "link objects into a file", `newfstatat "out\.o": `,
		"not libelf's call: package wholefile looks whether a file is there"},
}

// TestFaultsInC lets the cycles fail in C too. At the same point, Go must get by where C does, return the errno where C
// does, and leave nothing behind that C does not.
func TestFaultsInC(t *testing.T) {
	testutil.Root(t)
	if testutil.RaceDetector {
		return // the cycles in C have no races to find
	}
	if !cmalloc.Supported() || !libbpf.Version().Vendored {
		testutil.Skip(t, "cmalloc", errors.ErrUnsupported)
	}
	stride := faultStride()
	libbpf.SetPrint(libbpf.PrintLevel(0), nil)
	for _, c := range faultCycles {
		if cycle := cuser.Cycle(c.name); cycle != nil {
			t.Run(c.name, func(t *testing.T) {
				r := c.setup(t)
				if os.Getenv(faultsInC) != "" {
					r.testInC(t, cycle, stride)
					return
				}
				c.compare(t, r, stride)
			})
		}
	}
}

// compare runs the cycle in Go at each point of the cycle in C.
func (c faultCycle) compare(t *testing.T, r faultRun, stride int) {
	points := make(map[faultKey]faultPoint)
	keys := make(faultKeys)
	for _, point := range r.clean(t).points() {
		if point.alloc && stride > 1 {
			continue // without symbols, nobody knows whose it is
		}
		key := keys.of(t, r, &point)
		points[key] = point
	}
	var kinds [badOutcome + 1]int
	calls, allocs, compared, differ := 0, 0, 0, 0
	for _, there := range c.inC(t) {
		if !there.Reached {
			continue // the cycle made other calls this time
		}
		if there.Alloc {
			allocs++
		} else {
			calls++
		}
		kinds[there.Outcome]++
		if len(there.Left) > 0 {
			kinds[leftBehind]++
		}
		point, ok := points[there.Key]
		if !ok || r.memory && point.alloc {
			if there.Outcome == badOutcome || len(there.Left) > 0 {
				t.Logf("only in C: %v: %s, left %v", there.Key, there.Error, there.Left)
			}
			continue
		}
		point, o, left := r.try(t, point)
		if !o.there {
			continue
		}
		compared++
		here, problem := r.judge(point, o)
		text := fmt.Sprintf("%v:\n\tin C: %s, left %v\n\tin Go: %s, left %v",
			there.Key, cmp.Or(there.Error, "the errno"), there.Left, cmp.Or(problem, "the errno"), left)
		if c.isWorse(there, here, left) {
			t.Error(text)
		} else if here != there.Outcome || len(left) != len(there.Left) {
			differ++
			t.Log(text)
		}
	}
	t.Log("in C: ", faultRow(c.name, calls, allocs, kinds))
	t.Logf("compared %d, %d differ", compared, differ)
	if stride == 1 && compared == 0 {
		t.Error("the cycles in C and in Go have nothing in common")
	}
}

// isWorse tells whether an outcome in Go is worse than that in C, and not explained.
func (c faultCycle) isWorse(there faultInC, here outcome, left []string) bool {
	switch {
	case there.Outcome == badOutcome && here != badOutcome:
		return false
	case len(left) > 0 && len(there.Left) == 0:
		return true
	case here == there.Outcome, here == asTold && there.Outcome == otherErrno:
		return false
	}
	return !slices.ContainsFunc(worse, func(e explanation) bool {
		return e.outcome == here && begins(c.name, e.cycles) && begins(there.Key.What, e.points)
	})
}

// inC runs the cycle in C, in as many processes as crash, and returns what came of each point.
func (c faultCycle) inC(t *testing.T) []faultInC {
	t.Helper()
	results, err := os.OpenFile(filepath.Join(t.TempDir(), "results"), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	check(t, err)
	defer results.Close()
	binary, err := os.Executable()
	check(t, err)
	crashes := make(map[int]string)
	for {
		// With mounts and temporary files of its own, nothing stays of one that crashes.
		cmd := exec.CommandContext(t.Context(), binary, "-test.run=^TestFaultsInC$/^"+regexp.QuoteMeta(c.name)+"$")
		if testing.Short() {
			cmd.Args = append(cmd.Args, "-test.short")
		}
		cmd.Env = append(os.Environ(), faultsInC+"=1", "TMPDIR="+t.TempDir(), "GOTRACEBACK=none")
		cmd.ExtraFiles = []*os.File{results}
		cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS, Pdeathsig: unix.SIGKILL}
		out, errRun := cmd.CombinedOutput()
		removeLegacyEvents(cmd.Process.Pid)
		all, ended := readFaultsInC(t, results)
		if ended {
			for i := range all {
				if text, ok := crashes[all[i].At]; ok {
					all[i].Error = text
				}
			}
			return all
		}
		last := len(all) - 1
		if last < 0 || all[last].Outcome != badOutcome || crashes[all[last].At] != "" {
			t.Fatalf("in C: %v\n%s", errRun, out)
		}
		crashes[all[last].At], _, _ = strings.Cut(string(out), "\n")
	}
}

// readFaultsInC reads what testInC has written, and whether it came to its end. Each point is there before the run, as
// a crash, and after it.
func readFaultsInC(t *testing.T, results *os.File) (all []faultInC, ended bool) {
	t.Helper()
	text, err := io.ReadAll(io.NewSectionReader(results, 0, math.MaxInt64))
	check(t, err)
	for line := range bytes.Lines(text) {
		if string(line) == endOfFaults {
			return all, true
		}
		var result faultInC
		check(t, json.Unmarshal(line, &result))
		if n := len(all); n > 0 && all[n-1].At == result.At {
			all = all[:n-1]
		}
		all = append(all, result)
	}
	return all, false
}

const endOfFaults = "end\n"

// testInC runs the cycle in C, once for each point that is not in the file of results yet, and writes to this file what
// comes of it.
func (r faultRun) testInC(t *testing.T, cycle func(cuser.Given) unix.Errno, stride int) {
	results := os.NewFile(3, "results")
	report := func(result faultInC) {
		line, err := json.Marshal(result)
		check(t, err)
		_, err = results.Write(append(line, '\n'))
		check(t, err)
	}
	r.noOp = true
	if r.given == nil {
		r.given = new(cuser.Given)
	}
	r.run = func() error {
		if errno := cycle(*r.given); errno != 0 {
			return errno
		}
		return nil
	}
	first, keys := 0, make(faultKeys)
	before, _ := readFaultsInC(t, results)
	for _, result := range before {
		first = result.At + 1
		keys[result.Key.What] = result.Key.Number
	}
	for i, point := range r.clean(t).points() {
		if i < first || point.alloc && stride > 1 {
			continue
		}
		key := keys.of(t, r, &point)
		if i%stride != 0 {
			continue
		}
		result := faultInC{Key: key, At: i, Alloc: point.alloc, Reached: true, Outcome: badOutcome}
		report(result)
		point, o, left := r.try(t, point)
		result.Reached = o.there
		result.Outcome, result.Error = r.judge(point, o)
		result.Left = left
		report(result)
	}
	_, err := results.WriteString(endOfFaults)
	check(t, err)
}

// faultKey names a point so that the same one has the same name in C and in Go: by what fails, and how many such ones
// there were before.
type faultKey struct {
	What   string
	Number int
}

// faultKeys counts the points by what fails.
type faultKeys map[string]int

func (k faultKeys) of(t *testing.T, r faultRun, point *faultPoint) faultKey {
	t.Helper()
	if point.alloc {
		point.from = r.whoAsks(t, point.nth)
	}
	what := point.anywhere()
	if at := bindings.FindStringIndex(what); point.alloc && at != nil {
		what = what[:at[0]]
	}
	k[what]++
	return faultKey{what, k[what]}
}

// bindings are the functions that call libbpf.
var bindings = regexp.MustCompile(` < (_cgo_|lbg_|cuser_).*`)

// whoAsks returns who asks for the n-th allocation of the cycle, without a fault.
func (r faultRun) whoAsks(t *testing.T, n int) string {
	t.Helper()
	o := r.inject(t, faultPoint{nth: n, alloc: true, watch: true})
	if o.err != nil {
		t.Errorf("without a fault: %v", o.err)
	}
	return o.chosen
}
