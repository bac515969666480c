// Package skips handles tests that are skipped because the kernel refuses what they need. It knows which skips are
// expected on the kernels of the matrix, and writes and reads a file of the tests that were skipped on the host, so
// that they can run elsewhere.
package skips

import (
	_ "embed"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path"
	"slices"
	"strings"
)

// list has a line for each expected skip: patterns for the kernel's release (as for path.Match, separated by commas), a
// feature, and the reason why the kernel lacks the feature.
//
//go:embed skips.txt
var list string

// Permitted reports whether a feature may be missing on a kernel of that release.
func Permitted(release, feature string) bool { return permitted(list, release, feature) }

// Everywhere reports whether a feature is missing for another reason than the kernel, and so is missing on all other
// kernels too.
func Everywhere(feature string) bool { return Permitted("", feature) }

func permitted(list, release, feature string) bool {
	for line := range strings.Lines(list) {
		fields := strings.Fields(line)
		if len(fields) < 3 || strings.HasPrefix(line, "#") || fields[1] != feature {
			continue
		}
		matches := func(pattern string) bool { ok, err := path.Match(pattern, release); return ok && err == nil }
		if slices.ContainsFunc(strings.Split(fields[0], ","), matches) {
			return true
		}
	}
	return false
}

// Test is a test that was skipped, or an example that was left out.
type Test struct {
	Package string // its import path
	Name    string
	Feature string // what it needs
	Cause   string // the kernel's error
}

// Note adds a test to a file. The tests of several packages may write to the file at the same time.
func Note(file string, t Test) error {
	line, err := json.Marshal(t)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(append(line, '\n'))
	return errors.Join(err, f.Close())
}

// Read reads the tests in a file, each once. If the file does not exist, there are none.
func Read(file string) ([]Test, error) {
	f, err := os.Open(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var tests []Test
	for lines := json.NewDecoder(f); ; {
		var t Test
		if err := lines.Decode(&t); err == io.EOF {
			return tests, nil
		} else if err != nil {
			return nil, err
		}
		same := func(other Test) bool { return other.Package == t.Package && other.Name == t.Name }
		if !slices.ContainsFunc(tests, same) {
			tests = append(tests, t)
		}
	}
}
