//go:build asan || msan

package sanitize

import (
	"os"
	"os/exec"
	"testing"
)

const faultVariable = "LIBBPF_GO_SANITIZE"

// TestMain makes the fault that the environment names.
func TestMain(m *testing.M) {
	if fault := faults[os.Getenv(faultVariable)]; fault != nil {
		fault()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// report makes a fault in a child, and returns what the sanitizer says, or "" for nothing.
func report(t *testing.T, fault string) string {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary)
	cmd.Env = append(os.Environ(), faultVariable+"="+fault)
	out, err := cmd.CombinedOutput()
	if err == nil {
		return ""
	}
	return string(out)
}
