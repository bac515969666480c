package run

import (
	"strings"
	"testing"

	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

func TestWatch(t *testing.T) {
	testutil.Root(t)
	args := append(slowCalls(t), "--watch", "--top", "100")
	stdout, _ := tool.Must(t, append(append(args, "--json"), helper(t, calls(0, 13))...)...)
	all := lines(t, stdout)
	var rates, getpgid map[string]any
	for _, line := range all {
		if line["watch"] != nil {
			rates = line
		}
		if line["key"] == "SYS_getpgid" {
			getpgid = line["value"].(map[string]any)
		}
		if line["data"] != nil {
			t.Errorf("an event is shown: %v", line)
		}
	}
	buffers, _ := rates["buffers"].([]any)
	if len(buffers) != 1 || buffers[0].(map[string]any)["events"].(float64) < 13 {
		t.Errorf("buffers %v", buffers)
	}
	programs, _ := rates["programs"].([]any)
	if len(programs) == 0 || programs[0].(map[string]any)["runs_per_second"].(float64) == 0 {
		t.Errorf("programs %v", programs)
	}
	if getpgid["count"] != 13.0 {
		t.Errorf("the map has %v", getpgid)
	}

	stdout, _ = tool.Must(t, append(args, helper(t, calls(0, 13))...)...)
	for _, want := range []string{"\nprogram ", "\non_sys_enter ", "\nbuffer ", "\nstats: percpu_hash, ", "\nSYS_getpgid "} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q is not in\n%s", want, stdout)
		}
	}
}
