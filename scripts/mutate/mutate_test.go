package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

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
	defer s.close()
	return n, s.err
}

func same(a, b int) bool { return a == b }
`

func TestMutants(t *testing.T) {
	all, err := mutantsOf("p", "sample.go", []byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range all {
		got = append(got, strings.Join([]string{m.function, m.operator, m.key.text}, ": "))
		changed := string(m.apply([]byte(sample)))
		if changed == sample {
			t.Errorf("%s changes nothing", m.key)
		}
		if _, err := mutantsOf("p", "sample.go", []byte(changed)); err != nil {
			t.Errorf("%s: %v", m.key, err)
		}
	}
	want := []string{
		"set.add: never: a < b && !s.full",
		"set.add: && to ||: a < b && !s.full", "set.add: < to <=: a < b", "set.add: < to >=: a < b", "set.add: drop !: !s.full",
		"set.add: remove: s.n = a + 1", "set.add: + to -: a + 1", "set.add: one more: 1", "set.add: remove: s.log()",
		"set.add: != to ==: a != b", "set.add: ++ to --: a++", "set.add: remove: continue",
		"set.add: remove: defer s.close()", "set.add: error to nil: return n, s.err",
		"same: opposite: return a == b", "same: == to !=: a == b",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
}

// A key stays when lines move, and tells two equal texts apart.
func TestKeys(t *testing.T) {
	before, err := mutantsOf("p", "f.go", []byte("package p\nfunc f() int { return 1 + 1 }\n"))
	if err != nil {
		t.Fatal(err)
	}
	after, err := mutantsOf("p", "f.go", []byte("package p\n\n\nfunc g() {}\n\nfunc f() int {\n\treturn 1 +\n\t\t1\n}\n"))
	if err != nil {
		t.Fatal(err)
	}
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
		files, err := target.sources()
		testutil.Check(t, err)
		for file, source := range files {
			all, err := mutantsOf(target.dir, file, source)
			testutil.Check(t, err)
			for _, m := range all {
				there[m.key] = true
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
	targets, err := parseTargets("# no\n\n. files=a.go,b.go run=^TestA skip=Slow later\n")
	if err != nil || len(targets) != 1 || len(targets[0].files) != 2 || targets[0].run != "^TestA" || targets[0].skip != "Slow" || !targets[0].later {
		t.Errorf("%+v, %v", targets, err)
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

// The tests of a module of the test's own kill one mutant, and know nothing of others.
func TestAttack(t *testing.T) {
	testutil.Root(t) // for mounts of its own
	if _, err := exec.LookPath("go"); err != nil {
		testutil.Skip(t, "toolchain", err)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":      "module m\n\ngo 1.25\n",
		"m/m.go":      "package m\n\nfunc Add(a, b int) int {\n\treturn a + b\n}\n\nfunc Less(a, b int) bool { return a < b }\n\nfunc Never(a int) int { return a + a }\n",
		"m/m_test.go": "package m\n\nimport \"testing\"\n\nfunc TestAll(t *testing.T) {\n\tif Add(1, 2) != 3 || !Less(1, 2) {\n\t\tt.Fatal()\n\t}\n}\n",
	} {
		if err := os.MkdirAll(filepath.Join(dir, "m"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	c := campaign{jobs: 2, sample: 1, scratch: t.TempDir(), known: map[key]string{
		{"m", "Less", "< to <=", "a < b"}: "known",
		{"m", "Add", "+ to -", "a + b"}:   "not true: it is killed",
	}}
	n, err := c.attack(t.Context(), target{dir: "m"})
	if err != nil {
		t.Fatal(err)
	}
	// Killed: a - b, a >= b and the opposite. Never is not covered.
	if n.killed != 3 || n.survived != 1 || n.unknown != 0 || n.stale != 1 {
		t.Errorf("%+v", n)
	}
	c.only = survivorsIn("killed     m.go:4 m\tAdd\t+ to -\ta + b\nSURVIVES   m.go:7 m\tLess\t< to <=\ta < b\n")
	if n, err := c.attack(t.Context(), target{dir: "m"}); err != nil || n != (counts{survived: 1}) {
		t.Errorf("%+v, %v", n, err)
	}
	c.known, c.only = nil, nil
	if n, err := c.attack(t.Context(), target{dir: "m"}); err != nil || n.unknown != 1 || n.stale != 0 {
		t.Errorf("%+v, %v", n, err)
	}
}
