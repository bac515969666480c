package cli

import "testing"

func TestOneLine(t *testing.T) {
	for text, want := range map[string]string{"a": "a", "a\n": "a", " a \n\n b\n": "a; b", "": ""} {
		if got := OneLine(text); got != want {
			t.Errorf("OneLine(%q) = %q, want %q", text, got, want)
		}
	}
}
