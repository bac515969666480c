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

// The tests of each package run in Main, so that all look for what they leave behind.
func TestEveryPackageHasMain(t *testing.T) {
	const main = "func TestMain(m *testing.M)"
	tested, looks := make(map[string]bool), make(map[string]bool)
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			_, err := os.Stat(filepath.Join(path, "go.mod"))
			if path != root && err == nil || entry.Name() == "upstream" || entry.Name() == "testdata" {
				return filepath.SkipDir // a module of its own, or none of ours
			}
			return nil
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		source, err := os.ReadFile(path)
		folder := filepath.Dir(path)
		tested[folder] = true
		if _, body, ok := strings.Cut(string(source), main); ok && strings.Contains(body, "Main(m") {
			looks[folder] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for folder := range tested {
		// The tests of sanitize lose memory on purpose, and are for AddressSanitizer only.
		if !looks[folder] && filepath.Base(folder) != "sanitize" {
			t.Errorf("%s has tests and no TestMain that calls testutil.Main", folder)
		}
	}
}
