package config

import (
	"math"
	"strconv"
	"strings"
)

// Scale is the factor between the numbers of the map and those of the metric.
type Scale struct {
	Factor float64
	// Exponent is that of a power of two, as native histograms need it.
	Exponent   int
	PowerOfTwo bool
}

// parseScale reads "1e-9", "1000" or "2^-20".
func parseScale(text string) (Scale, bool) {
	if exponent, ok := strings.CutPrefix(text, "2^"); ok {
		n, err := strconv.Atoi(exponent)
		if err != nil || n < -100 || n > 100 {
			return Scale{}, false
		}
		return Scale{math.Ldexp(1, n), n, true}, true
	}
	factor, err := strconv.ParseFloat(text, 64)
	if err != nil || factor <= 0 || math.IsInf(factor, 0) || math.IsNaN(factor) {
		return Scale{}, false
	}
	fraction, exponent := math.Frexp(factor)
	return Scale{factor, exponent - 1, fraction == 0.5}, true
}
