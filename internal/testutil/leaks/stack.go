package leaks

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
)

// depth is how many functions of a stack are kept: those of the test are behind the library's own.
const depth = 48

// names are the functions of a stack, without those of Go's packages.
func names(stack []uintptr) []string {
	var lines []string
	for frames := runtime.CallersFrames(stack); ; {
		frame, more := frames.Next()
		if line := frameName(frame.Function, frame.File, frame.Line); line != "" {
			lines = append(lines, line)
		}
		if !more {
			return lines
		}
	}
}

// frameName is one line of a stack, or "" for a function that explains nothing.
func frameName(function, file string, line int) string {
	first, _, _ := strings.Cut(function, "/")
	if !strings.Contains(first, ".") || !strings.Contains(function, "/") {
		// A package of Go's, or the main package of a test binary's own.
		if name, _, _ := strings.Cut(function, "."); name != "main" {
			return ""
		}
	}
	return fmt.Sprintf("%s (%s:%d)", function[strings.LastIndex(function, "/")+1:], filepath.Base(file), line)
}
