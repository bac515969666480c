//go:build !race

package libbpf_test

const raceDetector = false
