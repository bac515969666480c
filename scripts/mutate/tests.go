package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// test is a test, and what it takes and reaches without a mutant.
type test struct {
	name string
	cost
	reached []byte // 1 for each number of a mutant that it comes by
}

// testsOf runs each test of a target alone. They must pass. The quickest is first.
func testsOf(ctx context.Context, p *program, t target, mutants int) ([]*test, error) {
	list := exec.CommandContext(ctx, p.path, "-test.list=.")
	list.Dir, list.Stderr = p.dir, os.Stderr
	out, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("list the tests: %w", err)
	}
	run, err := regexp.Compile(t.run)
	if err != nil {
		return nil, err
	}
	skip, err := regexp.Compile(t.skip)
	if err != nil {
		return nil, err
	}
	reached := filepath.Join(p.scratch, "reached")
	names := slices.DeleteFunc(strings.Fields(string(out)), func(name string) bool {
		return strings.HasPrefix(name, "Benchmark") || !run.MatchString(name) || t.skip != "" && skip.MatchString(name)
	})
	var all []*test
	for _, name := range append(names, t.also...) {
		if err := os.WriteFile(reached, make([]byte, mutants+1), 0o644); err != nil {
			return nil, err
		}
		if err := os.Chmod(reached, 0o666); err != nil { // for tests that run as another user
			return nil, err
		}
		output, cost, err := p.run(ctx, []string{name}, noLimit, "MUTANTS_REACHED="+reached)
		if err != nil {
			return nil, fmt.Errorf("%s fails as it is: %w\n%s", name, err, output)
		}
		one := &test{name: name, cost: cost}
		if one.reached, err = os.ReadFile(reached); err != nil {
			return nil, err
		}
		if slices.Contains(t.also, name) && !slices.Contains(one.reached, 1) {
			return nil, fmt.Errorf("there is no %s, or it reaches nothing", name)
		}
		all = append(all, one)
	}
	slices.SortFunc(all, func(a, b *test) int { return int(a.wall - b.wall) })
	return all, nil
}

// hunter runs tests against mutants, one after the other.
type hunter struct {
	*program
	tests  []*test // the quickest first
	recent []*test // those that killed others, the last one first
}

// outcome is what becomes of a mutant.
type outcome string

const (
	killed    outcome = "killed"
	survives  outcome = "SURVIVES"
	invalid   outcome = "invalid"
	unreached outcome = "unreached"
)

// hunt runs the tests that reach a mutant until one fails. At first those that have killed its neighbours, then more
// and more at once, because a process takes its time to begin.
func (h *hunter) hunt(ctx context.Context, m *mutant) (outcome, error) {
	reach := func(t *test) bool { return t.reached[m.number] == 1 }
	tests := slices.DeleteFunc(slices.Clone(h.recent), func(t *test) bool { return !reach(t) })
	tests = tests[:min(len(tests), 4)]
	first := max(1, len(tests))
	for _, t := range h.tests {
		if reach(t) && !slices.Contains(tests, t) {
			tests = append(tests, t)
		}
	}
	if len(tests) == 0 {
		return unreached, nil
	}
	for at, n := 0, first; at < len(tests); at, n = at+n, 2*n {
		batch := tests[at:min(at+n, len(tests))]
		var names []string
		var sum cost
		for _, t := range batch {
			names, sum = append(names, t.name), sum.plus(t.cost)
		}
		output, _, err := h.run(ctx, names, sum.limit(), fmt.Sprint("MUTANT=", m.number))
		if ctx.Err() != nil {
			return "", context.Cause(ctx)
		}
		if err != nil {
			h.remember(failedIn(output), batch)
			return killed, nil
		}
	}
	return survives, nil
}

// remember puts a test first that has killed a mutant, unless it is slow.
func (h *hunter) remember(name string, batch []*test) {
	i := slices.IndexFunc(batch, func(t *test) bool { return t.name == name })
	if len(batch) == 1 {
		i = 0
	}
	if i < 0 || batch[i].wall > 10*h.tests[0].wall {
		return // a crash names none
	}
	h.recent = slices.DeleteFunc(h.recent, func(t *test) bool { return t == batch[i] })
	h.recent = slices.Insert(h.recent, 0, batch[i])
}
