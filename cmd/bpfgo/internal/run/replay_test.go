package run

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/clitest"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// slowCalls is the beginning of a command line that shows all system calls.
func slowCalls(t *testing.T) []string {
	t.Helper()
	return []string{"run", syscallsObject(t), "--event", "events=slow_call", "--set", "slow_ns=0"}
}

// A recording shows what the run showed, to anybody.
func TestReplay(t *testing.T) {
	testutil.Root(t)
	for _, format := range []string{"--json=false", "--json"} {
		recording := filepath.Join(t.TempDir(), "run.rec")
		args := append(slowCalls(t), "--dump", "stats", "--dump", ".rodata", "--record", recording, format)
		want, stderr := tool.Must(t, append(args, helper(t, calls(0, 13))...)...)
		got, again := tool.Must(t, "replay", recording, format)
		if format == "--json=false" {
			// A map has the time when it was read.
			want, got = withoutClock(want), withoutClock(got)
		}
		if got != want {
			t.Errorf("%s: the run showed\n%s\nand the recording\n%s", format, want, got)
		}
		clitest.WantLine(t, again, strings.TrimSpace(strings.TrimPrefix(stderr, "bpfgo: ")))

		calls, _ := tool.Must(t, "replay", recording, format, "--filter", "syscall=SYS_getpgid")
		if n := strings.Count(calls, "SYS_getpgid"); n != 13+1 { // and in stats
			t.Errorf("%s: %d lines of 13 calls:\n%s", format, n, calls)
		}
		early, _ := tool.Must(t, "replay", recording, format, "--until", "0s")
		late, _ := tool.Must(t, "replay", recording, format, "--since", "1h")
		if early+late != "" {
			t.Errorf("%s: before the beginning or after the end there is %q%q", format, early, late)
		}
	}
}

func withoutClock(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		if len(line) > 9 && line[2] == ':' && line[5] == ':' {
			line = line[9:]
		}
		out.WriteString(line)
	}
	return out.String()
}

// What was recorded before bpfgo was killed is there.
func TestReplayOfKilledRun(t *testing.T) {
	recording := filepath.Join(t.TempDir(), "run.rec")
	t.Setenv(helperVariable, "")
	s := start(t, append(slowCalls(t), "--record", recording, "--", "sh", "-c",
		"echo ready; while :; do sleep 0.01; done")...)
	s.line(t, "clock_nanosleep")
	if err := s.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = s.Wait()
	stdout, stderr := tool.Must(t, "replay", recording)
	if !strings.Contains(stdout, "nanosleep") {
		t.Errorf("the events are not there:\n%s", stdout)
	}
	clitest.WantLine(t, stderr, "the recording ends early")
}

func TestReplayFailures(t *testing.T) {
	testutil.Root(t)
	recording := filepath.Join(t.TempDir(), "run.rec")
	tool.Must(t, append(slowCalls(t), "--record", recording, "--duration", "10ms")...)
	_, stderr, status := tool.Run("replay", recording, "--event", "nosuch=int")
	if status != cli.StatusFailed {
		t.Errorf("exit status %d", status)
	}
	clitest.WantLine(t, stderr, "--event nosuch=int: the recording has no such buffer")
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		text: "not a recording", testutil.Object(t, "syscalls"): "not a recording", "/no/such/file": "no such file",
	} {
		stdout, stderr, status := tool.Run("replay", path)
		if status != cli.StatusFailed || stdout != "" {
			t.Errorf("exit status %d, output %q", status, stdout)
		}
		clitest.WantLine(t, stderr, path, want)
	}
}

func TestFilter(t *testing.T) {
	testutil.Root(t)
	stdout, stderr := tool.Must(t, append(append(slowCalls(t), "--json", "--filter", "syscall=SYS_getpgid", "--filter",
		"ret<0"), helper(t, calls(0, 13))...)...)
	if n := strings.Count(stdout, "\n"); n != 13 || strings.Count(stdout, `"SYS_getpgid"`) != 13 {
		t.Errorf("%d lines for 13 calls:\n%s", n, stdout)
	}
	clitest.WantLine(t, stderr, " events, 13 of them shown, ")
	for filter, want := range map[string]string{
		"nosuch=1":       "no record has a member nosuch; they have tgid, ",
		"syscall=NOSUCH": `value "NOSUCH"`,
	} {
		_, stderr, status := tool.Run(append(slowCalls(t), "--filter", filter)...)
		if status != cli.StatusFailed {
			t.Errorf("exit status %d", status)
		}
		clitest.WantLine(t, stderr, "--filter "+filter, want)
	}
	_, stderr, _ = tool.Run("run", syscallsObject(t), "--filter", "tgid=1")
	clitest.WantLine(t, stderr, "--event can tell it")
}
