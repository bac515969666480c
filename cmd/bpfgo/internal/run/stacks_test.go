//go:build amd64 || arm64

// Go keeps frame pointers on these.

package run

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/clitest"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// busy is a command that takes long enough for samples, nearly all in one function.
func busy(t *testing.T) []string {
	t.Helper()
	return helper(t, calls(0, 300_000))
}

// A flame graph has the functions of a command that has ended.
func TestFlame(t *testing.T) {
	testutil.Root(t)
	svg := filepath.Join(t.TempDir(), "out.svg")
	args := []string{"run", neededObject(t, "stacks"), "--frequency", "997", "--flame", svg, "--fold", "-"}
	stdout, _ := tool.Must(t, append(args, busy(t)...)...)
	samples := 0
	for line := range strings.Lines(stdout) {
		frames, count, found := strings.Cut(strings.TrimSpace(line), " ")
		if at := strings.LastIndexByte(strings.TrimSpace(line), ' '); found {
			frames, count = line[:at], strings.TrimSpace(line[at:])
		}
		n, err := strconv.Atoi(count)
		if err != nil {
			t.Fatalf("%v: %q", err, line)
		}
		if strings.Contains(frames, ";main.main;") && strings.Contains(frames, "/run.runHelper;") {
			samples += n
		}
	}
	if samples == 0 {
		t.Errorf("the function that the command is in was not seen:\n%s", stdout)
	}

	file, err := os.Open(svg)
	testutil.Check(t, err)
	defer file.Close()
	decoder := xml.NewDecoder(file)
	seen := false
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		testutil.Check(t, err)
		if text, ok := token.(xml.CharData); ok && strings.Contains(string(text), "run.runHelper") {
			seen = true
		}
	}
	if !seen {
		t.Error("the flame graph lacks the function")
	}
}

// Stacks have names in maps and in events: by ids, by build ids, and those that the program copied.
func TestStacks(t *testing.T) {
	testutil.Root(t)
	args := []string{"run", neededObject(t, "stacks"), "--frequency", "997", "--set", "report=true", "--dump", "counts",
		"--stack", "by_build_id=build_ids", "--stack", "inline_stack=user"}
	recording := filepath.Join(t.TempDir(), "run.rec")
	stdout, _ := tool.Must(t, append(append(args, "--json", "--record", recording), busy(t)...)...)
	if again, _ := tool.Must(t, "replay", recording, "--json"); again != stdout {
		t.Errorf("the recording has not the same stacks: %d bytes, and the run has %d", len(again), len(stdout))
	}
	again, _ := tool.Must(t, "replay", recording)
	if !strings.Contains(again, "\n    user_stack_id:\n        ") || !strings.Contains(again, "/run.runHelper+0x") {
		t.Errorf("no stack in the recording:\n%.3000s", again)
	}
	named := map[string]bool{}
	for _, line := range lines(t, stdout) {
		stacks, _ := line["stacks"].([]any)
		for _, s := range stacks {
			s := s.(map[string]any)
			frames, _ := s["frames"].([]any)
			for _, f := range frames {
				if name, _ := f.(map[string]any)["function"].(string); strings.HasSuffix(name, "/run.runHelper") {
					named[line["map"].(string)+" "+s["member"].(string)] = true
				}
			}
		}
	}
	for _, want := range []string{
		"counts user_stack_id", "samples user_stack_id", "samples by_build_id", "samples inline_stack",
	} {
		if !named[want] {
			t.Errorf("%s: the function is not there: %v", want, named)
		}
	}
	stdout, _ = tool.Must(t, append(args, busy(t)...)...)
	if !strings.Contains(stdout, "\n    user_stack_id:\n        ") || !strings.Contains(stdout, "/run.runHelper+0x") {
		t.Errorf("no stack in\n%.3000s", stdout)
	}
}

func TestStackFailures(t *testing.T) {
	testutil.Root(t)
	object := neededObject(t, "stacks")
	for args, want := range map[string]string{
		"--stack nosuch=stacks":       "no record, key or value has such a member",
		"--stack tgid=nosuch":         "no such stack map; it has stacks, build_ids",
		"--stack tgid=user":           "no array of 64-bit integers",
		"--flame /no/such/folder/svg": "--flame: open /no/such/folder/svg",
	} {
		_, stderr, status := tool.Run(append([]string{"run", object, "--duration", "10ms"}, strings.Fields(args)...)...)
		if status != cli.StatusFailed || !strings.Contains(stderr, want) {
			t.Errorf("%s: exit status %d, %q", args, status, stderr)
		}
	}
	_, stderr, _ := tool.Run("run", syscallsObject(t), "--flame", filepath.Join(t.TempDir(), "x.svg"))
	clitest.WantLine(t, stderr, "has no stacks to count")
}
