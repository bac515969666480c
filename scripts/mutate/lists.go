package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// target is a package to mutate, and the tests for it.
type target struct {
	dir   string
	files []string // nil for all
	// Patterns of the tests to run, and of those to leave out.
	run, skip string
	also      []string // tests in tests, such as TestA/some
	later     bool     // its survivors are not known yet: it is mutated if it is named
}

// named reports whether one of the names is the target's folder, or a file that it lists.
func (t target) named(names []string) bool {
	return slices.Contains(names, t.dir) || slices.ContainsFunc(t.files, func(file string) bool {
		return slices.Contains(names, filepath.Join(t.dir, file))
	})
}

// parseTargets parses lines such as "internal/ring", or ". files=map.go,pin.go run=^TestPin skip=Slow".
func parseTargets(text string) ([]target, error) {
	var all []target
	for line := range lines(text) {
		fields := strings.Fields(line)
		t := target{dir: fields[0]}
		for _, field := range fields[1:] {
			switch name, value, _ := strings.Cut(field, "="); name {
			case "files":
				t.files = strings.Split(value, ",")
			case "run":
				t.run = value
			case "skip":
				t.skip = value
			case "also":
				t.also = strings.Split(value, ",")
			case "later":
				t.later = true
			default:
				return nil, fmt.Errorf("targets.txt: %q: what is %s?", line, name)
			}
		}
		all = append(all, t)
	}
	return all, nil
}

// parseSurvivors parses lines of a package, a function, an operator, a text and a reason, with tabs between.
func parseSurvivors(text string) (map[key]string, error) {
	all := make(map[key]string)
	for line := range lines(text) {
		fields := strings.Split(line, "\t")
		if len(fields) != 5 || fields[4] == "" {
			return nil, fmt.Errorf("survivors.txt: %q has %d fields, not five", line, len(fields))
		}
		k := key{fields[0], fields[1], fields[2], fields[3]}
		if _, twice := all[k]; twice {
			return nil, fmt.Errorf("survivors.txt: %q is there twice", line)
		}
		all[k] = fields[4]
	}
	return all, nil
}

// survivorsIn returns the keys of the survivors that a run has printed.
func survivorsIn(output string) map[string]bool {
	all := make(map[string]bool)
	for line := range strings.Lines(output) {
		if rest, ok := strings.CutPrefix(line, string(survives)); ok {
			_, k, _ := strings.Cut(strings.TrimLeft(rest, " "), " ") // behind the place
			all[strings.TrimRight(k, "\n")] = true
		}
	}
	return all
}

// lines are the lines of a text that are not empty and no comments.
func lines(text string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for line := range strings.Lines(text) {
			line = strings.TrimRight(line, "\n")
			if line != "" && !strings.HasPrefix(line, "#") && !yield(line) {
				return
			}
		}
	}
}
