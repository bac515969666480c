// Package histogram draws the histograms that BPF programs count in maps.
package histogram

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// Scale says which values a slot counts.
type Scale struct {
	Kind Kind
	Step float64 // of a linear scale
	Min  float64 // the least value of a linear scale
	Unit string  // of the values, such as "us", or ""
}

// Kind is how the ranges of slots grow.
type Kind string

// The kinds of scales.
const (
	Log2   Kind = "log2"   // [0, 2), [2, 4), [4, 8) ...: the slot is the logarithm of the value
	Bits   Kind = "bits"   // [0, 1), [1, 2), [2, 4) ...: the slot is how many bits the value has
	Linear Kind = "linear" // [min, min+step), [min+step, min+2*step) ...
)

// errScale says what the text of a scale must be.
var errScale = errors.New("must be log2, bits, or linear with :STEP and :MIN, and ,UNIT behind it")

// ParseScale reads "log2", "bits", "linear", "linear:10", "linear:10:-50", each with ",UNIT" behind it.
func ParseScale(text string) (Scale, error) {
	text, unit, _ := strings.Cut(text, ",")
	kind, numbers, given := strings.Cut(text, ":")
	s := Scale{Kind: Kind(kind), Step: 1, Unit: unit}
	switch s.Kind {
	case "":
		s.Kind = Log2
	case Log2, Bits, Linear:
	default:
		return s, errScale
	}
	if !given {
		return s, nil
	}
	if s.Kind != Linear {
		return s, errScale
	}
	step, least, given := strings.Cut(numbers, ":")
	var err error
	if s.Step, err = number(step); err != nil || s.Step <= 0 {
		return s, errors.New("the step must be a number above 0")
	}
	if given {
		if s.Min, err = number(least); err != nil {
			return s, errors.New("the minimum must be a number")
		}
	}
	return s, nil
}

func number(text string) (float64, error) {
	n, err := strconv.ParseFloat(text, 64)
	if err == nil && (math.IsNaN(n) || math.Abs(n) > 1<<53) {
		err = strconv.ErrRange
	}
	return n, err
}

// Range are the values from low up to, but without, high.
type Range struct{ Low, High float64 }

// slots is how many slots the scale can have: no value has more bits.
func (s Scale) slots() int {
	switch s.Kind {
	case Log2:
		return 64
	case Bits:
		return 65
	}
	return math.MaxInt32
}

// at is the range of a slot.
func (s Scale) at(slot int) Range {
	switch s.Kind {
	case Linear:
		return Range{s.Min + float64(slot)*s.Step, s.Min + float64(slot+1)*s.Step}
	case Bits:
		slot--
	}
	r := Range{math.Ldexp(1, slot), math.Ldexp(1, slot+1)}
	switch {
	case slot < 0:
		r = Range{0, 1}
	case slot == 0 && s.Kind == Log2:
		r.Low = 0
	}
	return r
}

// text is a bound as people read it. Powers of two are counted in k = 1024.
func (s Scale) text(bound float64) string {
	if s.Kind == Linear {
		return strconv.FormatFloat(bound, 'f', -1, 64)
	}
	suffix := 0
	for ; bound >= 1024; bound /= 1024 { // 65 bits end at 32E
		suffix++
	}
	return strconv.FormatFloat(bound, 'f', -1, 64) + strings.TrimSpace(" kMGTPE"[suffix:suffix+1])
}
