package run

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// Histograms are drawn that are ones by convention, and those that the user asks for.
func TestHistograms(t *testing.T) {
	testutil.Root(t)
	args := []string{"run", neededObject(t, "histograms"), "--set", getpgidNumber(), "--dump", "number_hist", "--dump",
		"labelled", "--hist", "tens=linear:10"}
	// The number is 5, 13 times.
	stdout, _ := tool.Must(t, append(args, helper(t, calls(5, 13))...)...)
	for _, want := range []string{"[4, 8)", "13", "odd=1", "[0, 10)"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q is not in\n%s", want, stdout)
		}
	}
	recording := filepath.Join(t.TempDir(), "run.rec")
	stdout, _ = tool.Must(t, append(append(args, "--json", "--record", recording), helper(t, calls(5, 13))...)...)
	drawn := map[string]bool{}
	for _, line := range lines(t, stdout) {
		if line["histogram"] != nil {
			drawn[line["map"].(string)] = true
		}
	}
	for _, want := range []string{"number_hist", "labelled", "tens"} {
		if !drawn[want] {
			t.Errorf("no histogram of %s:\n%s", want, stdout)
		}
	}
	again, _ := tool.Must(t, "replay", recording, "--json", "--hist", "tens=linear:10")
	if again != stdout {
		t.Errorf("the recording shows\n%s\nand the run\n%s", again, stdout)
	}
	stdout, _ = tool.Must(t, append(append(args, "--hist", "number_hist=off"), helper(t, calls(5, 13))...)...)
	if strings.Contains(stdout, "[4, 8)") && !strings.Contains(stdout, "odd=1") {
		t.Errorf("the map is drawn:\n%s", stdout)
	}
}
