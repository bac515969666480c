package testutil

import "testing"

// AllocsPerRun is testing.AllocsPerRun in a program that is built as users build it. Otherwise it only runs f, and
// returns 0: the race detector, sanitizers and the counters of coverage make functions too large to be inlined,
// and what is handed to a function that is not may escape.
func AllocsPerRun(runs int, f func()) float64 {
	n := testing.AllocsPerRun(runs, f)
	if RaceDetector || Sanitized || testing.CoverMode() != "" {
		return 0
	}
	return n
}
