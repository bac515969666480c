package cli

import (
	"testing"

	"github.com/libbpf-go/libbpf-go/internal/testutil/mutate"
)

func TestSafe(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "counts": "counts", "Größe 大": "Größe 大", "a b": "a b",
		"a\x1b[31mred": `a\x1b[31mred`, "\r\n\t": `\r\n\t`, "\x00": `\x00`,
		"\u202eevil": `\u202eevil`, // turns the direction of what follows
		"\xff\xfe":   `\xff\xfe`,
		"\u009b31m":  `\u009b31m`, // the control sequence introducer in one character
		"\ufffd":     "\ufffd", `back\slash"`: `back\slash"`,
	} {
		if got := Safe(text); got != want {
			t.Errorf("Safe(%q) = %q, want %q", text, got, want)
		}
	}
}

func FuzzSafe(f *testing.F) {
	f.Add("a\x1b[31mred\u202e\xff")
	f.Fuzz(mutate.Target(f, 1, func(t *testing.T, text string) {
		safe := Safe(text)
		for _, r := range safe {
			if r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x202e {
				t.Errorf("Safe(%q) = %q", text, safe)
			}
		}
		if again := Safe(safe); again != safe {
			t.Errorf("Safe(%q) = %q, which becomes %q", text, safe, again)
		}
	}))
}
