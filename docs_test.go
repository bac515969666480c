package libbpf_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The code of docs/interop.md is in the programs that are tested, as it is on the page.
func TestInteropPageShowsWhatIsTested(t *testing.T) {
	var tested strings.Builder
	for _, pattern := range []string{"selftests/interop/*.go", "selftests/interop/*.c", "examples/cgo/*/*.go", "examples/cgo/*/*.c"} {
		paths, err := filepath.Glob(pattern)
		check(t, err)
		for _, path := range paths {
			source, err := os.ReadFile(path)
			check(t, err)
			tested.Write(source)
		}
	}
	page, err := os.ReadFile("docs/interop.md")
	check(t, err)
	blocks := regexp.MustCompile("(?s)\n```(?:go|c)\n(.*?)```\n").FindAllSubmatch(page, -1)
	if len(blocks) == 0 {
		t.Error("no code")
	}
	for _, block := range blocks {
		if !strings.Contains(tested.String(), string(block[1])) {
			t.Errorf("not in what is tested:\n%s", block[1])
		}
	}
}

// The README shows examples/count as it is.
func TestREADMEShowsTheTool(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	check(t, err)
	program, err := os.ReadFile("examples/count/count.bpf.c")
	check(t, err)
	if !strings.Contains(string(readme), string(program)) {
		t.Error("README.md does not show count.bpf.c as it is")
	}
	source, err := os.ReadFile("examples/count/main.go")
	check(t, err)
	block := regexp.MustCompile("(?s)```go\n(//go:generate.*?)```\n").FindSubmatch(readme)
	if block == nil || !strings.Contains(string(source), string(block[1])) {
		t.Error("README.md does not show main.go as it is")
	}
}
