package wait

import "testing"

// The end of a context raises the flag, but not before a record that is promised. Raise always does.
func TestFlag(t *testing.T) {
	var f Flag
	want := func(what string, raised bool) {
		t.Helper()
		if f.IsRaised() != raised {
			t.Errorf("%s: raised is %v", what, !raised)
		}
	}
	want("at first", false)
	f.raiseUnlessPromised()
	want("the context ended", true)
	f.lower(false)
	want("lowered", false)
	f.raiseUnlessPromised()
	want("the context ended again", true)
	f.lower(true)
	want("promised", false)
	f.raiseUnlessPromised()
	want("the context ended after a promise", false)
	f.lower(false)
	f.raiseUnlessPromised()
	want("the context ended after the promised record", true)
	f.lower(true)
	f.Raise()
	want("closed after a promise", true)
}
