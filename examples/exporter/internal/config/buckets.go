package config

import (
	"slices"

	"go.yaml.in/yaml/v3"
)

// The types of buckets.
const (
	Exp2     = "exp2"
	Exp2Zero = "exp2_zero"
	Linear   = "linear"
	Fixed    = "fixed"
)

func (r *reader) buckets(n *yaml.Node) *Buckets {
	b := &Buckets{At: r.at(n), SumAt: -1}
	var sum Text
	r.mapping(n, "buckets", settings{
		"type":   r.oneOf(&b.Type, "type", Exp2, Exp2Zero, Linear, Fixed),
		"array":  r.place(&b.Array, "array"),
		"key":    r.place(&b.Key, "key"),
		"value":  r.place(&b.Value, "value"),
		"size":   r.number(&b.Size, "size", 2),
		"sum":    r.place(&sum, "sum"),
		"sum_at": r.number(&b.SumAt, "sum_at", 0),
		"start":  r.float(&b.Start, "start"),
		"width":  r.float(&b.Width, "width"),
		"bounds": r.list("bounds", func(n *yaml.Node) {
			var bound float64
			r.float(&bound, "a bound")(n)
			b.Bounds = append(b.Bounds, bound)
		}),
		"native": r.boolean(&b.Native, "native"),
	})
	if n.Kind != yaml.MappingNode {
		return b
	}
	if sum.Text != "none" {
		b.Sum = sum
	}
	switch {
	case b.Type == "":
		r.errorf(n, "buckets need a type: exp2, exp2_zero, linear or fixed")
	case (b.Array.Text == "") == (b.Key.Text == ""):
		r.errorf(n, "buckets need one of array, the field of the value that has the counts, and key, the field of the key that has the bucket's number")
	case b.Key.Text != "" && b.Size == 0 && b.Type != Fixed:
		r.errorf(n, "buckets by key need a size: how many there are")
	case b.Key.Text == "" && (b.Size != 0 || b.Value.Text != ""):
		r.errorf(n, "size and value are for buckets by key")
	case b.Key.Text != "" && b.SumAt >= 0 && b.SumAt < b.Size:
		r.errorf(n, "sum_at is %d, which is one of the %d buckets: the sum must be behind them", b.SumAt, b.Size)
	case b.Key.Text != "" && b.Type == Fixed && b.SumAt >= 0 && b.SumAt <= len(b.Bounds):
		r.errorf(n, "sum_at is %d, which is one of the %d buckets: the sum must be behind them", b.SumAt, len(b.Bounds)+1)
	case b.Key.Text != "" && b.Sum.Text != "":
		r.errorf(n, "buckets by key have a sum_at: the number of the bucket that has the sum")
	case (sum.Text == "") == (b.SumAt < 0):
		r.errorf(n, "buckets need one of sum, the field of the value that has the sum or none, and sum_at, the number of the bucket that has it")
	case b.Type == Linear && b.Width <= 0:
		r.errorf(n, "linear buckets need a width")
	case b.Type != Linear && (b.Width != 0 || b.Start != 0):
		r.errorf(n, "start and width are for linear buckets")
	case b.Type == Fixed && len(b.Bounds) == 0:
		r.errorf(n, "fixed buckets need bounds")
	case b.Type != Fixed && len(b.Bounds) != 0:
		r.errorf(n, "bounds are for fixed buckets")
	case !slices.IsSorted(b.Bounds) || len(slices.Compact(slices.Clone(b.Bounds))) != len(b.Bounds):
		r.errorf(n, "bounds must ascend")
	case b.Native && b.Type != Exp2 && b.Type != Exp2Zero:
		r.errorf(n, "native histograms have buckets of powers of two: exp2 or exp2_zero")
	}
	if b.Type == Fixed && b.Key.Text != "" && b.Size == 0 {
		b.Size = len(b.Bounds) + 1
	}
	if b.Key.Text != "" && b.Value.Text == "" {
		b.Value = Text{b.At, "."}
	}
	return b
}
