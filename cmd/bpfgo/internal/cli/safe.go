package cli

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Safe is a text that a terminal shows as it is. What is not printable becomes an escape as in Go, such as \x1b or
// \u202e. The names of maps, programs, processes and files come from others, and may be anything.
func Safe(text string) string {
	if !strings.ContainsFunc(text, func(r rune) bool { return r == utf8.RuneError || !strconv.IsPrint(r) }) {
		return text
	}
	var safe []byte
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		if strconv.IsPrint(r) && (r != utf8.RuneError || size > 1) {
			safe = append(safe, text[:size]...)
		} else {
			quoted := strconv.Quote(text[:size])
			safe = append(safe, quoted[1:len(quoted)-1]...)
		}
		text = text[size:]
	}
	return string(safe)
}
