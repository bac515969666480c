// Command mutate changes the code, one place at a time, and runs the tests: those that do not fail know nothing of that
// place.
//
//	mutate [-again FILE] [-v] [package|file...]
//
// The packages are those of targets.txt, or some of them. A file stands for the target that it is listed in. A mutant
// that no test kills must be in survivors.txt, with the reason why none can or need. One that no test reaches is counted
// only.
package main

import (
	"context"
	_ "embed"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

//go:embed targets.txt
var targetList string

//go:embed survivors.txt
var survivorList string

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	again := flag.String("again", "", "test only what survives in this `file`, the output of a run before")
	verbose := flag.Bool("v", false, "name each mutant")
	flag.Parse()
	targets, err := parseTargets(targetList)
	if err != nil {
		return err
	}
	known, err := parseSurvivors(survivorList)
	if err != nil {
		return err
	}
	if flag.NArg() == 0 {
		targets = slices.DeleteFunc(targets, func(t target) bool { return t.later })
	} else {
		targets = slices.DeleteFunc(targets, func(t target) bool { return !t.named(flag.Args()) })
		if len(targets) == 0 {
			return fmt.Errorf("targets.txt has none of %q", flag.Args())
		}
	}
	var only map[string]bool
	if *again != "" {
		output, err := os.ReadFile(*again)
		if err != nil {
			return err
		}
		only = survivorsIn(string(output))
	}
	scratch, err := os.MkdirTemp("", "mutate")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	if err := os.Chmod(scratch, 0o711); err != nil { // some tests run as another user
		return err
	}
	if err := adoptOrphans(); err != nil {
		return err
	}
	c := campaign{verbose: *verbose, scratch: scratch, known: known, only: only}
	var all counts
	for _, t := range targets {
		n, err := c.attack(ctx, t)
		if err != nil {
			return fmt.Errorf("%s: %w", t.dir, err)
		}
		all.add(n)
	}
	fmt.Printf("%-34s %v\n", "all", all)
	if all.unknown+all.stale > 0 {
		return fmt.Errorf("%d mutants survive without a reason in survivors.txt, and %d reasons there are for none that survives",
			all.unknown, all.stale)
	}
	return nil
}

// campaign has the settings, and the reasons that are known.
type campaign struct {
	verbose bool
	scratch string
	known   map[key]string
	only    map[string]bool // the keys to test, as text; nil for all
}

// attack tests the mutants of a target.
func (c *campaign) attack(ctx context.Context, t target) (all counts, err error) {
	scratch := filepath.Join(c.scratch, strings.ReplaceAll(t.dir, "/", "-"))
	if err := os.MkdirAll(scratch, 0o755); err != nil {
		return all, err
	}
	defer os.RemoveAll(scratch) // test binaries are large
	b, path, err := build(ctx, t, scratch)
	if err != nil {
		return all, err
	}
	p := &program{path: path, dir: t.dir, scratch: scratch}
	tests, err := testsOf(ctx, p, t, len(b.mutants))
	if err != nil {
		return all, err
	}
	h := &hunter{program: p, tests: tests}
	files := make(map[string]counts)
	survivors := make(map[key]bool)
	for _, m := range b.mutants {
		if c.only != nil && !c.only[m.key.String()] {
			continue
		}
		became := invalid
		if !b.dropped[m] {
			if became, err = h.hunt(ctx, m); err != nil {
				return all, err
			}
		}
		_, known := c.known[m.key]
		survivors[m.key] = became == survives
		if c.verbose || became == survives && !known {
			fmt.Printf("%-10s %s:%d %s\n", became, m.file, m.line, m.key)
		}
		n := files[m.file]
		n.count(became, known)
		files[m.file] = n
	}
	for _, file := range b.files {
		if len(t.files) > 0 {
			fmt.Printf("%-34s %v\n", filepath.Join(t.dir, file), files[file])
		}
		all.add(files[file])
	}
	for _, m := range b.mutants {
		if _, known := c.known[m.key]; known && !survivors[m.key] && c.only == nil {
			all.stale++
			fmt.Printf("%-10s %s\n", "stale", m.key)
		}
	}
	fmt.Printf("%-34s %v\n", t.dir, all)
	return all, nil
}
