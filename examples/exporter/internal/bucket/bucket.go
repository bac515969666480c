// Package bucket knows the bounds of buckets.
package bucket

import (
	"fmt"
	"math"

	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/config"
	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/model"
)

// Make makes the bounds of n buckets. The last bucket has no bound: programs put there what is too large for the others.
//
//	exp2       bucket i: from 2^i to 2^(i+1)-1, and 0 in the first. This is the logarithm, rounded down.
//	exp2_zero  bucket 0: 0. Bucket i: from 2^(i-1) to 2^i-1. This is the number of bits.
//	linear     bucket i: up to start+(i+1)*width
//	fixed      bucket i: up to the bound i
//
// Prometheus counts a bound to the bucket below it, BPF programs that work with bits to the one above it. For integers,
// the difference is one.
func Make(b *config.Buckets, scale config.Scale, n int) (*model.Buckets, error) {
	most := 65 // bits of 64, and zero
	switch b.Type {
	case config.Fixed:
		if n != len(b.Bounds)+1 {
			return nil, fmt.Errorf("there are %d bounds and %d buckets: there must be one bucket more, for what is larger", len(b.Bounds), n)
		}
		most = n
	case config.Linear:
		most = n
	}
	if n < 2 || n > most {
		return nil, fmt.Errorf("there are %d buckets, and can be 2 to %d", n, most)
	}
	made := &model.Buckets{Native: b.Native, NoSum: b.Sum.Text == "" && b.SumAt < 0, Zero: b.Type == config.Exp2Zero}
	if b.Native {
		made.Exponent = scale.Exponent
		if !made.Zero {
			made.Exponent++
		}
	}
	for i := range n - 1 {
		bound := 0.0
		switch b.Type {
		case config.Exp2:
			bound = math.Ldexp(1, i+1)
		case config.Exp2Zero:
			if i > 0 {
				bound = math.Ldexp(1, i)
			}
		case config.Linear:
			bound = b.Start + float64(i+1)*b.Width
		case config.Fixed:
			bound = b.Bounds[i]
		}
		made.Bounds = append(made.Bounds, bound*scale.Factor)
	}
	return made, nil
}
