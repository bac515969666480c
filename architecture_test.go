package libbpf_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// The picture in docs/architecture.md shows each package, and no package imports one of its own or of a higher floor.
func TestArchitecture(t *testing.T) {
	floors := pictured(t)
	const module = "github.com/libbpf-go/libbpf-go"
	seen := make(map[string]bool)
	check(t, filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			// These are no part of the library: tools, tests and modules of their own.
			if entry.Name() == "testdata" {
				return filepath.SkipDir
			}
			switch path {
			case ".git", "bench", "bin", "cmd/bpfgo/mkdocs", "examples", "scripts", "selftests", "internal/testutil", "libbpf/upstream":
				return filepath.SkipDir
			}
			return nil
		case !strings.HasSuffix(path, ".go"), strings.HasSuffix(path, "_test.go"):
			return nil
		}
		folder := filepath.Dir(path)
		floor, ok := floors[folder]
		if !ok {
			t.Errorf("%s is not in the picture", folder)
			return nil
		}
		seen[folder] = true
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range file.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			name, ours := strings.CutPrefix(name, module)
			if !ours {
				continue
			}
			name = filepath.Clean("./" + name)
			if at, ok := floors[name]; !ok || at <= floor {
				t.Errorf("%s imports %s, which is not below it", path, name)
			}
		}
		return nil
	}))
	for folder := range floors {
		if !seen[folder] {
			t.Errorf("%s is in the picture, and is no package", folder)
		}
	}
}

// pictured is the floor of each package in the picture, counted from above.
func pictured(t *testing.T) map[string]int {
	page, err := os.ReadFile("docs/architecture.md")
	check(t, err)
	_, picture, _ := strings.Cut(string(page), "```\n")
	picture, _, _ = strings.Cut(picture, "```")
	floors := make(map[string]int)
	const name, folder = 2, 21 // where the columns begin
	floor := 0
	for line := range strings.Lines(picture) {
		if line[name] != ' ' {
			floor++
		}
		floors[strings.Fields(line[folder:])[0]] = floor
	}
	if len(floors) < 10 {
		t.Fatalf("only %d packages in the picture", len(floors))
	}
	return floors
}
