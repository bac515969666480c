package symbol

import (
	"fmt"
	"testing"
)

// A filter lets pass what was added, and hardly anything else.
func TestFilter(t *testing.T) {
	var f filter
	name := func(i int) []byte { return fmt.Appendf(nil, "%.*s%d", i%12, "runtime.main", i) }
	const added = 1000
	for i := range added {
		f.add(name(i))
	}
	passed := 0
	for i := range 10 * added {
		switch has := f.has(name(i)); {
		case i < added && !has:
			t.Errorf("%s does not pass", name(i))
		case i >= added && has:
			passed++
		}
	}
	if passed > added {
		t.Errorf("%d of %d others pass", passed, 9*added)
	}
	if empty := (&filter{}); empty.has(nil) {
		t.Error("an empty filter lets a name pass")
	}
}
