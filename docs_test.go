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
