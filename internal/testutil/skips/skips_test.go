package skips

import (
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

func TestPermitted(t *testing.T) {
	const list = "# comment\n6.18.* kprobe CONFIG_KPROBES is off\n5.10.*,5.15.* tcx came with 6.6\n* broken\n* root why\n"
	for _, c := range []struct {
		release, feature string
		want             bool
	}{
		{"6.18.44-fc", "kprobe", true},
		{"6.18.44-fc", "tcx", false},
		{"6.1.0", "kprobe", false},
		{"5.10.1", "tcx", true},
		{"5.15.2", "tcx", true},
		{"6.6.0", "tcx", false},
		{"6.18.44-fc", "comment", false},
		{"6.18.44-fc", "broken", false}, // no reason given
		{"6.18.44-fc", "root", true},
		{"", "root", true},
		{"", "tcx", false},
	} {
		if got := permitted(list, c.release, c.feature); got != c.want {
			t.Errorf("permitted(%q, %q) = %t, want %t", c.release, c.feature, got, c.want)
		}
	}
}

// Notes that several processes write at the same time are all in the file, each test once.
func TestNote(t *testing.T) {
	file := filepath.Join(t.TempDir(), "skipped")
	if tests, err := Read(file); err != nil || tests != nil {
		t.Errorf("%v, %v", tests, err)
	}
	const writers, each = 8, 100
	name := func(i int) string { return strings.Repeat("x", i) + "/a \"quoted\"\nname" }
	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			for i := range each {
				if err := Note(file, Test{"p", name(i), "iter", "operation not permitted"}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	tests, err := Read(file)
	if err != nil || len(tests) != each {
		t.Fatalf("%d tests, %v", len(tests), err)
	}
	for i := range each {
		if !slices.Contains(tests, Test{"p", name(i), "iter", "operation not permitted"}) {
			t.Errorf("test %d is missing", i)
		}
	}
}
