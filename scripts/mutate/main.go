// Command mutate changes the code, one place at a time, and runs the tests: those that do not fail know nothing of that
// place.
//
//	mutate [-j N] [-sample N] [-again FILE] [-v] [package...]
//
// The packages are those of targets.txt, or some of them. Only lines that tests cover are changed. A mutant that no test
// kills must be in survivors.txt, with the reason why none can or need.
package main

import (
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
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
	jobs := flag.Int("j", runtime.NumCPU(), "how many mutants are tested at the same time")
	sample := flag.Int("sample", 1, "test one mutant of so many")
	again := flag.String("again", "", "test only what survives in this `file`, the output of a run before")
	verbose := flag.Bool("v", false, "name each mutant")
	flag.Parse()
	if *jobs < 1 || *sample < 1 {
		return errors.New("-j and -sample must be at least 1")
	}
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
		targets = slices.DeleteFunc(targets, func(t target) bool { return !slices.Contains(flag.Args(), t.dir) })
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
	c := campaign{jobs: *jobs, sample: *sample, verbose: *verbose, scratch: scratch, known: known, only: only}
	var all counts
	for _, t := range targets {
		n, err := c.attack(ctx, t)
		if err != nil {
			return fmt.Errorf("%s: %w", t.dir, err)
		}
		fmt.Printf("%-32s %v\n", t.dir, n)
		all.add(n)
	}
	fmt.Printf("%-32s %v\n", "all", all)
	if all.unknown+all.stale > 0 {
		return fmt.Errorf("%d mutants survive without a reason in survivors.txt, and %d reasons there are for none that survives",
			all.unknown, all.stale)
	}
	return nil
}

// counts is what became of mutants.
type counts struct {
	killed, invalid, survived int // invalid ones do not compile
	unknown, stale            int // survivors without a reason, reasons without a survivor
}

func (n *counts) add(m counts) {
	n.killed, n.invalid, n.survived = n.killed+m.killed, n.invalid+m.invalid, n.survived+m.survived
	n.unknown, n.stale = n.unknown+m.unknown, n.stale+m.stale
}

func (n counts) String() string {
	return fmt.Sprintf("%4d killed, %3d survive (%d without a reason), %3d do not compile",
		n.killed, n.survived, n.unknown, n.invalid)
}

// campaign has the settings, and the reasons that are known.
type campaign struct {
	jobs, sample int
	verbose      bool
	scratch      string
	known        map[key]string
	only         map[string]bool // the keys to test, as text; nil for all
}

// attack tests the mutants of a target.
func (c *campaign) attack(ctx context.Context, t target) (n counts, err error) {
	r, err := newRunner(ctx, t, filepath.Join(c.scratch, strings.ReplaceAll(t.dir, "/", "-")))
	if err != nil {
		return n, err
	}
	mutants, err := r.mutants()
	if err != nil {
		return n, err
	}
	if c.only != nil {
		mutants = slices.DeleteFunc(mutants, func(m mutant) bool { return !c.only[m.key.String()] })
	}
	results := make([]result, len(mutants))
	turns := make(chan int)
	var (
		workers  sync.WaitGroup
		printing sync.Mutex
	)
	for worker := range c.jobs {
		workers.Go(func() {
			for i := range turns {
				results[i] = r.test(ctx, worker, mutants[i])
				printing.Lock()
				if _, known := c.known[mutants[i].key]; c.verbose || results[i] == survives && !known {
					fmt.Printf("%-10s %s:%d %s\n", results[i], mutants[i].file, mutants[i].line, mutants[i].key)
				}
				printing.Unlock()
			}
		})
	}
	for i := 0; i < len(mutants) && ctx.Err() == nil; i += c.sample {
		turns <- i
	}
	close(turns)
	workers.Wait()
	if ctx.Err() != nil {
		return n, context.Cause(ctx)
	}
	survivors := make(map[key]bool)
	for i, result := range results {
		switch result {
		case killed:
			n.killed++
		case invalid:
			n.invalid++
		case survives:
			n.survived++
			survivors[mutants[i].key] = true
			if _, known := c.known[mutants[i].key]; !known {
				n.unknown++
			}
		}
	}
	if c.sample == 1 && c.only == nil {
		for k := range c.known {
			if k.dir == t.dir && !survivors[k] {
				n.stale++
				fmt.Printf("%-10s %s\n", "stale", k)
			}
		}
	}
	return n, nil
}
