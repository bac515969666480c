package testutil

import "testing"

// FewRounds tells whether a test that does the same thing again and again should do so a few times only: with -short, and
// under the race detector, which is slow, and sees what it can see in the first rounds.
func FewRounds() bool { return testing.Short() || RaceDetector }
