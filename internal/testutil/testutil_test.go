package testutil

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A test that skips by itself could hide a failure: all tests must use Skip.
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
