package testutil

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// CheckInstructions compiles the package in the current folder for arm64, and compares the atomic instructions of
// functions, in their order: loads that acquire, stores that release, exclusive ones and barriers.
func CheckInstructions(t *testing.T, want map[string]string) {
	t.Helper()
	if testing.Short() {
		t.Skip("compiles Go's packages for arm64")
	}
	build := exec.Command("go", "build", "-gcflags=-S", ".")
	build.Env = append(os.Environ(), "GOOS=linux", "GOARCH=arm64", "CGO_ENABLED=0", "GOARM64=v8.0", "GOFLAGS=-buildvcs=false")
	text, err := build.CombinedOutput()
	if err != nil {
		t.Fatalf("go build: %v\n%s", err, text)
	}
	got := make(map[string][]string)
	function := ""
	for line := range strings.Lines(string(text)) {
		if name, _, found := strings.Cut(line, " STEXT "); found {
			_, function, _ = strings.Cut(name[strings.LastIndex(name, "/")+1:], ".")
			got[function] = nil
		}
		fields := strings.Split(line, "\t")
		if len(fields) < 3 || function == "" {
			continue
		}
		for _, prefix := range []string{"LDA", "STL", "LDX", "STX", "SWP", "CAS", "DMB"} {
			if strings.HasPrefix(fields[2], prefix) {
				got[function] = append(got[function], strings.TrimSpace(fields[2]))
			}
		}
	}
	for function, instructions := range want {
		if found := strings.Join(got[function], " "); found != instructions {
			t.Errorf("%s has %q and must have %q", function, found, instructions)
		}
	}
}
