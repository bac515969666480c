package config

import (
	"fmt"
	"strings"
)

// Place is where something is written.
type Place struct {
	File string
	Line int
}

// Errorf is an error at a place.
func (p Place) Errorf(format string, args ...any) error {
	return &Error{p, fmt.Sprintf(format, args...)}
}

// Error is what is wrong with a configuration.
type Error struct {
	At   Place
	What string
}

func (e *Error) Error() string { return fmt.Sprintf("%s:%d: %s", e.At.File, e.At.Line, e.What) }

// Text is text with its place, for what is compared with the object later.
type Text struct {
	Place
	Text string
}

// Instead says what there is, for an error about what there is not.
func Instead(what string, there []string) string {
	if len(there) == 0 {
		return "there is no " + what
	}
	return "there is: " + strings.Join(there, ", ")
}
