//go:build race

package libbpf_test

// raceDetector is on: it allocates itself.
const raceDetector = true
