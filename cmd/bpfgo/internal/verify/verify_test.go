package verify

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/clitest"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/reject"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

func TestMain(m *testing.M) {
	libbpf.SetPrint(libbpf.PrintWarn, nil) // as in bpfgo
	os.Exit(testutil.Main(m))
}

var tool = clitest.Tool{Command}

func pointer(n uint64) *uint64 { return &n }

// verify runs the command with --json.
func verify(t *testing.T, status int, args ...string) []result {
	t.Helper()
	testutil.Root(t)
	stdout, stderr, got := tool.Run(append([]string{"verify", "--json"}, args...)...)
	if got != status {
		t.Fatalf("exit status %d, want %d\n%s%s", got, status, stdout, stderr)
	}
	var d struct {
		Programs []result `json:"programs"`
	}
	if err := json.Unmarshal([]byte(stdout), &d); err != nil {
		t.Fatal(err)
	}
	return d.Programs
}

func TestStatistics(t *testing.T) {
	for name, tt := range map[string]struct {
		log  string
		want statistics
	}{
		"5.10 to 6.17": {
			"func#0 @0\nverification time 53 usec\nstack depth 16+8\n" +
				"processed 9 insns (limit 1000000) max_states_per_insn 2 total_states 3 peak_states 4 mark_read 5\n",
			statistics{pointer(9), pointer(3), pointer(4), pointer(2), pointer(5), pointer(24), pointer(53)},
		},
		"with something new": {
			"verification time 7 usec\nstack depth 8+0 max 8\n" +
				"processed 1 insns (limit 1000000) max_states_per_insn 0 total_states 1 peak_states 1 other 8\n",
			statistics{pointer(1), pointer(1), pointer(1), pointer(0), nil, pointer(8), pointer(7)},
		},
		"7.2": {
			"44: safe\nverification time 7 usec\nstack depth 8+16 max 24\ninsns processed 126+3\n" +
				"processed 129 insns (limit 1000000) max_states_per_insn 0 total_states 9 peak_states 9 mark_read 0\n",
			statistics{pointer(129), pointer(9), pointer(9), pointer(0), pointer(0), pointer(24), pointer(7)},
		},
		"nothing":            {"", statistics{}},
		"the last line only": {"processed 1 insns (x\nprocessed 2 insns (x\n", statistics{Instructions: pointer(2)}},
	} {
		if got := readStatistics(tt.log); !sameJSON(got, tt.want) {
			t.Errorf("%s: %s", name, asJSON(got))
		}
	}
}

func asJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func sameJSON(a, b any) bool { return asJSON(a) == asJSON(b) }

func TestRejected(t *testing.T) {
	all := verify(t, cli.StatusRejected, testutil.Object(t, "rejected"))
	if len(all) != 2 || all[0].Verdict != accepted || all[1].Verdict != rejected {
		t.Fatal(asJSON(all))
	}
	good, bad := all[0], all[1]
	if good.Instructions == nil || *good.Instructions != 2 || good.Xlated == nil || *good.Xlated == 0 || good.Stack == nil ||
		good.Rejection != nil || good.Log != "" {
		t.Error(asJSON(good))
	}
	if bad.Errno != "EACCES" || bad.Rejection == nil || bad.Rejection.Source == nil ||
		!strings.Contains(bad.Rejection.Source.Text, "bpf_get_prandom_u32") || bad.Rejection.Explanation == "" ||
		!strings.Contains(bad.Reason, "invalid mem access") {
		t.Error(asJSON(bad))
	}
	stdout, stderr, _ := tool.Run("verify", testutil.Object(t, "rejected"))
	for _, want := range []string{
		"\nrejected  rejected ", "return *(volatile int *)(long)bpf_get_prandom_u32();\n", "\n  meaning: ",
		"\n2 programs: 1 accepted, 1 rejected; ",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q is not in\n%s", want, stdout)
		}
	}
	if stderr != "" {
		t.Error(stderr)
	}
}

func TestLog(t *testing.T) {
	object := testutil.Object(t, "rejected")
	for _, one := range verify(t, cli.StatusRejected, "--log", object) {
		if !strings.Contains(one.Log, "0: R1=ctx") && !strings.Contains(one.Log, "0: (") {
			t.Errorf("no log of decisions: %s", asJSON(one))
		}
	}
	one := verify(t, cli.StatusOK, "--log", "--log-level", "2", "--program", "acc*", object)
	if len(one) != 1 || !strings.Contains(one[0].Log, "0: (b") {
		t.Error(asJSON(one))
	}
}

func TestFilters(t *testing.T) {
	object, other := testutil.Object(t, "rejected"), testutil.Object(t, "attach")
	for args, want := range map[string]string{
		"--program acc*":                         "accepted",
		"--verdict rejected":                     "rejected",
		"--file rej* --verdict accepted":         "accepted",
		"--sort instructions:desc --top 1":       "rejected",
		"--sort program:asc --file rej* --top 1": "accepted",
	} {
		stdout, _, _ := tool.Run(append([]string{"verify", "--csv", "--columns", "program", object}, strings.Fields(args)...)...)
		if stdout != "program\n"+want+"\n" {
			t.Errorf("%s: %q", args, stdout)
		}
	}
	stdout, _, _ := tool.Run("verify", "--csv", object, other)
	rows, err := csv.NewReader(strings.NewReader(stdout)).ReadAll()
	if err != nil || len(rows) != 7 || len(rows[0]) != len(columns) {
		t.Errorf("%v, %v", rows, err)
	}
	stdout, _ = tool.Must(t, "verify", "--program", "on_enter", object, other)
	if !strings.HasPrefix(stdout, "program   verdict ") {
		t.Errorf("a table about one object has its name:\n%s", stdout)
	}
}

// A value of a constant decides which code the verifier sees.
func TestSet(t *testing.T) {
	object := testutil.Object(t, "attach")
	one := verify(t, cli.StatusOK, "--program", "on_enter", "--set", "target_tgid=1", object)
	if len(one) != 1 || one[0].Verdict != accepted {
		t.Error(asJSON(one))
	}
	_, stderr, status := tool.Run("verify", "--set", "nosuch=1", object)
	if status != cli.StatusFailed {
		t.Errorf("exit status %d", status)
	}
	clitest.WantLine(t, stderr, "--set nosuch=1: no object has this variable")
	stdout, _, _ := tool.Run("verify", "--set", "target_tgid=-1", object)
	if !strings.Contains(stdout, "--set target_tgid=-1: value -1 does not fit") {
		t.Error(stdout)
	}
}

func TestRepeat(t *testing.T) {
	one := verify(t, cli.StatusOK, "--program", "accepted", "--repeat", "3", testutil.Object(t, "rejected"))
	if len(one) != 1 || one[0].Time == nil {
		t.Error(asJSON(one))
	}
}

// An object's other programs, even rejected ones, do not matter; neither do objects that can't be read.
func TestFailures(t *testing.T) {
	testutil.Root(t)
	object := testutil.Object(t, "rejected")
	_, stderr, status := tool.Run("verify", "/no/such/file")
	if status != cli.StatusFailed {
		t.Errorf("exit status %d", status)
	}
	clitest.WantLine(t, stderr, "/no/such/file", "no such file")
	stdout, stderr, status := tool.Run("verify", "--program", "accepted", "/no/such/file", object)
	if status != cli.StatusFailed || !strings.Contains(stdout, "1 program: 1 accepted") || !strings.Contains(stderr, "/no/such/file") {
		t.Errorf("exit status %d\n%s%s", status, stdout, stderr)
	}
	for args, want := range map[string]string{
		"":                           "give an object",
		"a --sort nosuch":            "no column",
		"a --columns program,nosuch": "no column",
		"a --verdict good":           "must be accepted",
		"a --threshold x":            "percentage",
		"a --program [":              "pattern",
		"a --log-level 2":            "needs --log",
		"a --json --csv":             "csv",
	} {
		_, stderr, status := tool.Run(append([]string{"verify"}, strings.Fields(args)...)...)
		if status != cli.StatusUsage {
			t.Errorf("%s: exit status %d", args, status)
		}
		clitest.WantLine(t, stderr, want)
	}
}

func TestTarget(t *testing.T) {
	testutil.Root(t)
	object := testutil.Object(t, "freplace")
	replacement := func(status int, args ...string) result {
		t.Helper()
		all := verify(t, status, append(args, "--program", "replacement", object)...)
		if len(all) != 1 {
			t.Fatal(asJSON(all))
		}
		return all[0]
	}
	if one := replacement(cli.StatusOK); one.Verdict != skipped || !strings.Contains(one.Reason, "--target") {
		t.Error(asJSON(one))
	}
	stdout, stderr, status := tool.Run("verify", "--target", object+":replaced", "--program", "replacement", object)
	if status != cli.StatusOK && !strings.Contains(stdout, "1 program: 1 rejected") {
		testutil.Skip(t, "freplace", errors.New(stdout+stderr))
	}
	if status != cli.StatusOK {
		t.Errorf("exit status %d\n%s", status, stdout)
	}
	_, stderr, status = tool.Run("verify", "--target", object, object)
	if status != cli.StatusFailed {
		t.Errorf("exit status %d", status)
	}
	clitest.WantLine(t, stderr, "must be OBJ:PROGRAM")
}

func TestCompare(t *testing.T) {
	testutil.Root(t)
	object := testutil.Object(t, "rejected")
	baseline := filepath.Join(t.TempDir(), "baseline.json")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(baseline, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	stdout, _, _ := tool.Run("verify", "--json", object)
	write(stdout)
	same, _ := tool.Must(t, "verify", "--compare", baseline, object)
	if !strings.Contains(same, "\n2 same\n") {
		t.Error(same)
	}
	write(strings.Replace(stdout, `"verdict": "rejected"`, `"verdict": "accepted"`, 1))
	worse, _, status := tool.Run("verify", "--compare", baseline, object)
	if status != cli.StatusRejected || !strings.Contains(worse, "accepted -> rejected") || !strings.Contains(worse, "meaning: ") {
		t.Errorf("exit status %d\n%s", status, worse)
	}
	write(strings.Replace(stdout, `"instructions": 2,`, `"instructions": 1,`, 1))
	if out, _, status := tool.Run("verify", "--compare", baseline, object); status != cli.StatusRejected ||
		!strings.Contains(out, "1 -> 2 (+100.0%)") {
		t.Errorf("exit status %d\n%s", status, out)
	}
	if out, _, status := tool.Run("verify", "--compare", baseline, "--threshold", "100", object); status != cli.StatusOK {
		t.Errorf("exit status %d\n%s", status, out)
	}
	for _, flag := range []string{"--csv", "--columns=time", "--sort=time", "--top=1", "--verdict=failed"} {
		if _, stderr, status := tool.Run("verify", "--compare", baseline, flag, object); status != cli.StatusUsage {
			t.Errorf("%s: exit status %d, %s", flag, status, stderr)
		}
	}
	for _, bad := range []string{"", "{}", "[]", `{"schema_version":1}`, `{"schema_version":99,"programs":[]}`} {
		write(bad)
		_, stderr, status := tool.Run("verify", "--compare", baseline, object)
		if status != cli.StatusFailed {
			t.Errorf("%q: exit status %d", bad, status)
		}
		clitest.WantLine(t, stderr, baseline)
	}
}

// Programs are matched by name, however many there are on each side.
func TestDifferences(t *testing.T) {
	one := func(file, program string, v verdict, instructions uint64) result {
		return result{File: file, Program: program, Verdict: v, statistics: statistics{Instructions: pointer(instructions)}}
	}
	baseline := []result{
		one("old/a.o", "same", accepted, 100), one("old/a.o", "more", accepted, 100), one("old/a.o", "slightly", accepted, 100),
		one("old/a.o", "less", accepted, 100), one("old/a.o", "fixed", rejected, 5), one("old/a.o", "gone", accepted, 7),
		one("x/b.o", "twin", accepted, 1), one("y/b.o", "twin", accepted, 2), one("old/a.o", "denied", accepted, 1),
		one("old/a.o", "bad", rejected, 1),
	}
	now := []result{
		one("new/a.o", "bad", rejected, 90), one("new/a.o", "denied", failed, 0), one("y/b.o", "twin", accepted, 2),
		one("z/b.o", "twin", accepted, 1), one("new/a.o", "added", rejected, 3), one("new/a.o", "more", accepted, 106),
		one("new/a.o", "same", accepted, 100), one("new/a.o", "slightly", accepted, 105), one("new/a.o", "less", accepted, 50),
		one("new/a.o", "fixed", accepted, 50),
	}
	got := make(map[string]string)
	for _, d := range differences(&options{threshold: 5}, baseline, now, true) {
		got[d.File+" "+d.Program] = d.Result
	}
	want := map[string]string{
		"new/a.o bad": "same", "new/a.o denied": "worse", "y/b.o twin": "same", "z/b.o twin": "same", "new/a.o added": "new",
		"new/a.o more": "worse", "new/a.o same": "same", "new/a.o slightly": "changed", "new/a.o less": "better",
		"new/a.o fixed": "better", "old/a.o gone": "gone",
	}
	if !sameJSON(got, want) {
		t.Errorf("%s\nwant\n%s", asJSON(got), asJSON(want))
	}
	if got := differences(&options{programs: []string{"no*"}}, baseline, nil, true); len(got) != 0 {
		t.Errorf("programs that the filter leaves out are %s", asJSON(got))
	}
	if got := differences(&options{}, baseline, nil, false); len(got) != 0 {
		t.Errorf("programs that were not tried are %s", asJSON(got))
	}
}

func TestText(t *testing.T) {
	results := []result{
		{File: "a.o", Program: "good", Type: "xdp", Verdict: accepted, Size: pointer(4), Xlated: pointer(32), JITed: pointer(50),
			statistics: statistics{pointer(10), pointer(2), pointer(1), pointer(1), pointer(0), pointer(8), pointer(1234)}},
		{File: "a.o", Program: "bad\x1b[2J", Type: "xdp", Verdict: rejected, Errno: "EACCES", Reason: "R0 !read_ok",
			statistics: statistics{Instructions: pointer(3)},
			Rejection: &reject.Rejection{Source: &reject.Source{File: "a.c", Line: 7, Text: "return x\x07;"},
				End: []string{"2: (95) exit", "R0 !read_ok\x1b[0m"}, Explanation: "it means this"}},
		{File: "b.o", Program: "absent", Type: "kprobe", Verdict: failed, Errno: "ENOENT", Reason: "no such function"},
		{File: "b.o", Program: "other", Type: "ext", Verdict: skipped, Reason: "it replaces a function"},
	}
	env, opts := newEnv(), &options{json: &cli.JSON{}, threshold: 5}
	if err := show(env.Env, opts, results, nil); err != nil {
		t.Fatal(err)
	}
	clitest.Golden(t, "text.golden", env.out.String())
	env = newEnv()
	old := slices.Clone(results)
	old[0].Instructions, old[1].Verdict, old[3].Program = pointer(5), accepted, "former"
	if err := compare(env.Env, opts, old, results, nil); cli.Status(err) != cli.StatusRejected {
		t.Error(err)
	}
	clitest.Golden(t, "compare.golden", env.out.String())
}

type testEnv struct {
	*cli.Env
	out clitest.Buffer
}

func newEnv() *testEnv {
	e := &testEnv{}
	e.Env = cli.Quiet(&e.out, &e.out)
	return e
}

func TestColumnsOfNarrowTerminals(t *testing.T) {
	results := []result{{File: "a.o", Program: "p"}}
	few, all := (&options{}).table(results, 80), (&options{}).table(results, 120)
	if len(few.Columns) != len(fewDefaults)-1 || len(all.Columns) != len(defaults)-1 { // without the one file
		t.Errorf("%d and %d columns", len(few.Columns), len(all.Columns))
	}
}
