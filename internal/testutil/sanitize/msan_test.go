//go:build msan

package sanitize

import (
	"strings"
	"testing"
)

var faults = map[string]func(){"reads": readUnwritten, "tells the kernel": tellKernelUnwritten}

func TestUnwritten(t *testing.T) {
	for fault := range faults {
		if out := report(t, fault); !strings.Contains(out, "use-of-uninitialized-value") {
			t.Errorf("%s: %q", fault, out)
		}
	}
}
