//go:build asan

package sanitize

import (
	"regexp"
	"strings"
	"testing"
)

const size = 100

var kept = allocate(size)

var faults = map[string]func(){
	"leak": func() {
		for range 100 { // the last ones may still be in registers or on a stack
			allocate(2 * size)
		}
	},
	"kept":      func() {},
	"beyond":    func() { readBeyond(kept, size) },
	"undefined": overflow,
}

// Memory that nobody can free any more is found at the end of a test binary. What Go's memory points to is not lost.
func TestLeaks(t *testing.T) {
	if out := report(t, "leak"); !regexp.MustCompile(`LeakSanitizer: (?s:.*) in (9\d|100) object`).MatchString(out) {
		t.Errorf("a leak: %s", out)
	}
	if out := report(t, "kept"); out != "" {
		t.Errorf("no leak: %s", out)
	}
}

func TestReadBeyond(t *testing.T) {
	if out := report(t, "beyond"); !strings.Contains(out, "heap-buffer-overflow") {
		t.Errorf("a read beyond memory: %s", out)
	}
}

// UndefinedBehaviorSanitizer needs flags that "go test -asan" does not give the C compiler.
func TestUndefined(t *testing.T) {
	if out := report(t, "undefined"); !strings.Contains(out, "signed integer overflow") {
		t.Errorf("an overflow: %s; use the flags of \"make test-sanitizers\"", out)
	}
}
