package main

import (
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

const sample = `package sample

func (s *set[T]) add(a, b int) (n int, err error) {
	if a < b && !s.full {
		s.n = a + 1
		s.log()
	}
	for a != b {
		a++
		continue
	}
	select {
	case <-s.done:
	default:
	}
	defer s.close()
	return n, s.err
}

func same(a, b int) bool { return a == b }
`

// mutantsOf returns the mutants of a file.
func mutantsOf(t *testing.T, m *maker, name string, source []byte) []*mutant {
	t.Helper()
	parsed, err := parser.ParseFile(m.files, name, source, parser.SkipObjectResolution)
	testutil.Check(t, err)
	var all []*mutant
	for _, p := range m.placesIn(name, source, parsed) {
		all = append(all, p.mutants...)
	}
	return all
}

func TestMutants(t *testing.T) {
	var got []string
	for _, m := range mutantsOf(t, newMaker("p", token.NewFileSet()), "sample.go", []byte(sample)) {
		got = append(got, strings.Join([]string{m.function, m.operator, m.key.text, m.text}, ": "))
	}
	want := []string{
		"set.add: never: a < b && !s.full: false",
		"set.add: && to ||: a < b && !s.full: (a < b) || (!s.full)",
		"set.add: < to <=: a < b: (a) <= (b)", "set.add: < to >=: a < b: (a) >= (b)", "set.add: drop !: !s.full: s.full",
		"set.add: remove: s.n = a + 1: ", "set.add: + to -: a + 1: (a) - (1)", "set.add: one more: 1: 2", "set.add: remove: s.log(): ",
		"set.add: != to ==: a != b: (a) == (b)", "set.add: ++ to --: a++: a--", "set.add: remove: continue: ",
		"set.add: remove: defer s.close(): ", "set.add: error to nil: return n, s.err: return n, nil",
		"same: opposite: return a == b: !(a == b)", "same: == to !=: a == b: (a) != (b)",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
}

// A key stays when lines move, and tells two equal texts apart.
func TestKeys(t *testing.T) {
	before := mutantsOf(t, newMaker("p", token.NewFileSet()), "f.go", []byte("package p\nfunc f() int { return 1 + 1 }\n"))
	after := mutantsOf(t, newMaker("p", token.NewFileSet()), "f.go",
		[]byte("package p\n\n\nfunc g() {}\n\nfunc f() int {\n\treturn 1 +\n\t\t1\n}\n"))
	seen := make(map[key]bool)
	for i := range before {
		if before[i].key != after[i].key {
			t.Errorf("%s became %s", before[i].key, after[i].key)
		}
		if seen[before[i].key] {
			t.Errorf("%s is there twice", before[i].key)
		}
		seen[before[i].key] = true
	}
}

// What the lists name is there still.
func TestListsAreOfThisCode(t *testing.T) {
	targets, err := parseTargets(targetList)
	testutil.Check(t, err)
	survivors, err := parseSurvivors(survivorList)
	testutil.Check(t, err)
	t.Chdir("../..")
	there := make(map[key]bool)
	for _, target := range targets {
		if len(target.files) == 0 {
			target.files, err = filepath.Glob(filepath.Join(target.dir, "*.go"))
			testutil.Check(t, err)
		}
		m := newMaker(target.dir, token.NewFileSet())
		for _, file := range slices.Sorted(slices.Values(target.files)) {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			source, err := os.ReadFile(filepath.Join(target.dir, filepath.Base(file)))
			testutil.Check(t, err)
			for _, one := range mutantsOf(t, m, file, source) {
				there[one.key] = true
			}
		}
	}
	for k := range survivors {
		if !there[k] {
			t.Errorf("survivors.txt: nothing can be changed so: %s", k)
		}
	}
}

func TestLists(t *testing.T) {
	targets, err := parseTargets("# no\n\n. files=a.go,b.go run=^TestA skip=Slow also=TestB/x,TestC/y later\n")
	if err != nil || len(targets) != 1 || len(targets[0].files) != 2 || targets[0].run != "^TestA" || targets[0].skip != "Slow" || len(targets[0].also) != 2 || !targets[0].later {
		t.Errorf("%+v, %v", targets, err)
	}
	for name, want := range map[string]bool{".": true, "b.go": true, "c.go": false, "": false} {
		if targets[0].named([]string{"p", name}) != want {
			t.Errorf("%q names the target: %v", name, !want)
		}
	}
	for _, text := range []string{"p\tf\t+ to -\ta + b", "p\tf\t+ to -\ta + b\t", "p\tf\tx\ty\twhy\np\tf\tx\ty\twhy"} {
		if _, err := parseSurvivors(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
	if _, err := parseTargets(". what=ever"); err == nil {
		t.Error("an unknown field was taken")
	}
}

// module makes a module of the test's own, with a package m, and goes there.
func module(t *testing.T, code, tests string) {
	t.Helper()
	testutil.Root(t) // for mounts of its own
	if _, err := exec.LookPath("go"); err != nil {
		testutil.Skip(t, "toolchain", err)
	}
	dir := t.TempDir()
	testutil.Check(t, os.Mkdir(filepath.Join(dir, "m"), 0o755))
	for name, text := range map[string]string{"go.mod": "module m\n\ngo 1.25\n", "m/m.go": code, "m/m_test.go": tests} {
		testutil.Check(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	t.Chdir(dir)
}

// Each mutant has its own effect and no other, whatever the form is that chooses it.
func TestForms(t *testing.T) {
	module(t, `package m

import "errors"

type number uint8

var done, sum int

func expression(a, b number) number { return a + b }

func statement() { done = 1 }

func header() int {
	n := 0
	for i := 0; i < 1; n++ {
		i = 2
	}
	return n
}

func returned() error { return errors.New("x") }

func constant(a int) [2]int {
	if a == 0 {
		return [...]int{1: a}
	}
	panic("not 0")
}
`, `package m

import (
	"os"
	"testing"
)

func TestEffects(t *testing.T) {
	statement()
	constant(0)
	for name, is := range map[string]bool{
		"expression": expression(8, 1) == 7,
		"statement": done == 0,
		"header": header() == -1,
		"returned": returned() == nil,
	} {
		if is != (os.Getenv("EFFECT") == name) {
			t.Errorf("%s: %v", name, is)
		}
	}
}
`)
	scratch := t.TempDir()
	b, path, err := build(t.Context(), target{dir: "m"}, scratch)
	testutil.Check(t, err)
	p := &program{path: path, dir: "m", scratch: scratch}
	tests, err := testsOf(t.Context(), p, target{}, len(b.mutants))
	testutil.Check(t, err)
	effects := []string{"expression: + to -", "statement: remove", "header: ++ to --", "returned: error to nil"}
	dropped := []string{"constant: one more: 1", `constant: remove: panic("not 0")`}
	if len(tests) != 1 {
		t.Fatalf("%d tests", len(tests))
	}
	for _, m := range b.mutants {
		if name := m.function + ": " + m.operator + ": " + m.key.text; b.dropped[m] != slices.Contains(dropped, name) {
			t.Errorf("%s was dropped: %v", name, b.dropped[m])
		}
		if !slices.Contains(effects, m.function+": "+m.operator) {
			continue
		}
		if tests[0].reached[m.number] != 1 {
			t.Errorf("%s was not reached", m.key)
		}
		env := []string{"EFFECT=" + m.function, fmt.Sprint("MUTANT=", m.number)}
		if output, _, err := p.run(t.Context(), []string{"TestEffects"}, cost{}.limit(), env...); err != nil {
			t.Errorf("%s: %v\n%s", m.key, err, output)
		}
	}
}

// The tests of a module of the test's own kill some mutants, and know nothing of others. One does not end by itself.
func TestAttack(t *testing.T) {
	module(t, `package m

func Add(a, b int) int {
	return a + b
}

func Less(a, b int) bool { return a < b }

func Count(n int) (sum int) {
	for i := 0; i != n; i++ {
		sum++
	}
	return sum
}

func Never(a int) int { return a + a }
`, `package m

import "testing"

func TestAdd(t *testing.T) {
	if Add(1, 2) != 3 {
		t.Fatal()
	}
}

func TestLess(t *testing.T) {
	if !Less(1, 2) {
		t.Fatal()
	}
}

func TestCount(t *testing.T) {
	if Count(3) != 3 {
		t.Fatal()
	}
}

func TestLeftOut(t *testing.T) {
	t.Run("never", func(t *testing.T) {
		if Never(1) != 2 {
			t.Fatal()
		}
	})
	t.Run("never_more", func(t *testing.T) { t.Fatal() })
}
`)
	c := campaign{scratch: t.TempDir(), known: map[key]string{
		{"m", "Less", "< to <=", "a < b"}: "known",
		{"m", "Add", "+ to -", "a + b"}:   "not true: it is killed",
	}}
	n, err := c.attack(t.Context(), target{dir: "m", skip: "LeftOut"})
	testutil.Check(t, err)
	// Killed: a - b, a >= b, the opposite, four of Count, of which i-- does not end. Only the test that is left out
	// reaches Never.
	want := counts{killed: 7, survived: 1, unreached: 1, stale: 1}
	if n != want {
		t.Errorf("%+v, want %+v", n, want)
	}
	want.killed, want.unreached = want.killed+1, 0
	also := target{dir: "m", skip: "LeftOut", also: []string{"TestLeftOut/never"}}
	if n, err = c.attack(t.Context(), also); err != nil || n != want {
		t.Errorf("%+v, %v, want %+v", n, err, want)
	}
	also.also[0] += "_again"
	if _, err := c.attack(t.Context(), also); err == nil {
		t.Error("a test that there is not was run")
	}
	c.only = survivorsIn("killed     m.go:4 m\tAdd\t+ to -\ta + b\nSURVIVES   m.go:7 m\tLess\t< to <=\ta < b\n")
	if n, err := c.attack(t.Context(), target{dir: "m", skip: "LeftOut"}); err != nil || n != (counts{survived: 1}) {
		t.Errorf("%+v, %v", n, err)
	}
	c.known = nil
	if n, err := c.attack(t.Context(), target{dir: "m", skip: "LeftOut"}); err != nil || n != (counts{survived: 1, unknown: 1}) {
		t.Errorf("%+v, %v", n, err)
	}
}

// What tests leave running ends.
func TestOrphansEnd(t *testing.T) {
	testutil.Check(t, adoptOrphans())
	out, err := exec.Command("sh", "-c", "sleep 1000 >/dev/null 2>&1 & echo $!").Output()
	testutil.Check(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(string(out)))
	testutil.Check(t, err)
	testutil.Check(t, unix.Kill(pid, 0))
	endOrphans()
	testutil.WantErr(t, unix.Kill(pid, 0), unix.ESRCH)
}
