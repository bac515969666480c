//go:build asan

package sanitize

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/libbpf-go/libbpf-go/internal/testutil/cmalloc/calls"
)

var kept = calls.Makers["malloc"](100)

func TestMain(m *testing.M) {
	switch os.Getenv("LIBBPF_GO_SANITIZE") {
	case "leak":
		for range 100 { // the last ones may still be in registers or on a stack
			calls.Makers["malloc"](200)
		}
		os.Exit(0)
	case "kept":
		os.Exit(0)
	case "overflow":
		calls.ReadBeyond(kept, 100)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func run(t *testing.T, what string) string {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary)
	cmd.Env = append(os.Environ(), "LIBBPF_GO_SANITIZE="+what)
	out, err := cmd.CombinedOutput()
	if err == nil {
		return ""
	}
	return string(out)
}

// Memory that nobody can free any more is found at the end of a test binary. What Go's memory points to is not lost.
func TestLeaks(t *testing.T) {
	if out := run(t, "leak"); !strings.Contains(out, "LeakSanitizer") || !strings.Contains(out, "in 9") {
		t.Errorf("a leak: %s", out)
	}
	if out := run(t, "kept"); out != "" {
		t.Errorf("no leak: %s", out)
	}
}

func TestOverflow(t *testing.T) {
	if out := run(t, "overflow"); !strings.Contains(out, "heap-buffer-overflow") {
		t.Errorf("an overflow: %s", out)
	}
}
