//go:build race

package typed_test

// raceDetector is on: a sync.Pool then forgets things at random.
const raceDetector = true
