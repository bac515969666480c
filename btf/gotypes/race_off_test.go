//go:build !race

package gotypes_test

// raceDetector tells whether the race detector is on, which makes tests several times slower.
const raceDetector = false
