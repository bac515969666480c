package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/libbpf-go/libbpf-go/internal/testutil/skips"
)

// A test counts as run if it passed. It does not if it did not end, was not found, or skipped a subtest.
func TestLeft(t *testing.T) {
	wanted := []skips.Test{
		{Package: "p", Name: "TestLinkConformance/kprobe", Feature: "kprobe"},
		{Package: "p", Name: "TestLinkConformance/tcx", Feature: "tcx"},
		{Package: "p", Name: "TestTrie", Feature: "trie"},
		{Package: "p", Name: "TestToken", Feature: "token"},
		{Package: "p", Name: "Example", Feature: "tp_btf"},
		{Package: "q", Name: "TestTrie", Feature: "trie"},
	}
	names := func(tests []skips.Test) string {
		var all []string
		for _, left := range tests {
			all = append(all, left.Package+" "+left.Name+" "+left.Feature)
		}
		return strings.Join(all, ", ")
	}
	r := newTestReport(t, fmt.Sprintf(output, "PASS", "PASS", fmt.Sprintf(tokenMissing, "PASS")), outcome{})
	want := "p Example tp_btf, q TestTrie trie, p TestLinkConformance/tcx tcx, p TestToken token"
	if got := names(r.left(wanted)); got != want {
		t.Errorf("left %s, want %s", got, want)
	}
	// The host skipped the whole test, and this kernel skipped a subtest.
	whole := []skips.Test{{Package: "p", Name: "TestLinkConformance", Feature: "root"}}
	if got, want := names(r.left(whole)), "p TestLinkConformance/tcx tcx, p TestToken token"; got != want {
		t.Errorf("left %s, want %s", got, want)
	}
	died := newTestReport(t, fmt.Sprintf(output, "PASS", "PASS", "panic: x\n"), outcome{status: 2})
	if got := names(died.left(wanted[3:4])); !strings.Contains(got, "p TestToken token") {
		t.Errorf("left %s", got)
	}
}

// Each package runs the tests that it skipped, and no others.
func TestOnly(t *testing.T) {
	all := suite{
		jobs:  []job{{argv: []string{"a"}}, {argv: []string{"b"}}, {argv: []string{"c", "-test.run="}}},
		names: []string{"a", "b", "c"},
	}
	theirs := all.only([]skips.Test{
		{Package: "c", Name: "TestX/a+b/c"}, {Package: "a", Name: "TestY"}, {Package: "c", Name: "TestZ"},
	})
	if !slices.Equal(theirs.names, []string{"a", "c"}) {
		t.Fatalf("packages %q", theirs.names)
	}
	if got := theirs.jobs[0].argv; !slices.Equal(got, []string{"a", "-test.run=^TestY$"}) {
		t.Errorf("%q", got)
	}
	if got := theirs.jobs[1].argv; !slices.Equal(got, []string{"c", "-test.run=", `-test.run=^TestX$/^a\+b$/^c$|^TestZ$`}) {
		t.Errorf("%q", got)
	}
	if len(all.jobs[2].argv) != 2 {
		t.Errorf("the job for all tests is now %q", all.jobs[2].argv)
	}
	if !regexp.MustCompile(exactly("a|b")).MatchString("a|b") {
		t.Errorf("%q", exactly("a|b"))
	}
}
