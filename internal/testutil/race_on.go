//go:build race

package testutil

// RaceDetector tells whether the race detector is on. It makes tests several times slower, allocates, and lets a
// sync.Pool forget things at random.
const RaceDetector = true
