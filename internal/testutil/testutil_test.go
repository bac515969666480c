package testutil

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestPermitted(t *testing.T) {
	const list = "# comment\n6.18.* kprobe CONFIG_KPROBES is off\n5.10.*,5.15.* tcx came with 6.6\n* broken\n"
	for _, c := range []struct {
		release, feature string
		want             bool
	}{
		{"6.18.44-fc", "kprobe", true},
		{"6.18.44-fc", "tcx", false},
		{"6.1.0", "kprobe", false},
		{"5.10.1", "tcx", true},
		{"5.15.2", "tcx", true},
		{"6.6.0", "tcx", false},
		{"6.18.44-fc", "comment", false},
		{"6.18.44-fc", "broken", false}, // no reason given
	} {
		if got := permitted(list, c.release, c.feature); got != c.want {
			t.Errorf("permitted(%q, %q) = %t, want %t", c.release, c.feature, got, c.want)
		}
	}
}

// A test that skips by itself could hide a break: all must go through Skip.
func TestNobodySkipsUnseen(t *testing.T) {
	skip := regexp.MustCompile(`\b[tbf]b?\.(Skip|Skipf|SkipNow)\(`)
	err := filepath.WalkDir("../..", func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (entry.Name() == "upstream" || strings.HasPrefix(entry.Name(), ".") && len(entry.Name()) > 2) {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for i, line := range strings.Split(string(source), "\n") {
			if skip.MatchString(line) {
				t.Errorf("%s:%d skips without testutil.Skip", path, i+1)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
