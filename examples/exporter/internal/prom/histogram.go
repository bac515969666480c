package prom

import (
	"math"
	"sort"

	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/model"
)

// histogram is a histogram with the buckets that it has and, if it can be, as a native histogram too. Prometheus takes
// what it is configured for; the text formats have the buckets only.
func histogram(b *model.Buckets, s *model.Series) *dto.Histogram {
	count, sum := s.Count(), s.Sum
	if b.NoSum {
		sum = math.NaN()
	}
	h := &dto.Histogram{SampleCount: &count, SampleSum: &sum, CreatedTimestamp: timestamppb.New(s.Start)}
	buckets := make([]dto.Bucket, len(b.Bounds)+1)
	h.Bucket = make([]*dto.Bucket, len(buckets))
	below := uint64(0)
	for i := range buckets {
		below += s.Counts[i]
		bound := math.Inf(1)
		if i < len(b.Bounds) {
			bound = b.Bounds[i]
		}
		buckets[i].CumulativeCount, buckets[i].UpperBound = proto.Uint64(below), proto.Float64(bound)
		h.Bucket[i] = &buckets[i]
	}
	if s.Exemplar != nil {
		at := sort.SearchFloat64s(b.Bounds, s.Exemplar.Value)
		h.Bucket[at].Exemplar = exemplar(s.Exemplar)
	}
	if b.Native {
		native(h, b, s)
	}
	return h
}

// native adds a native histogram of schema 0: bucket k is that from 2^(k-1) to 2^k.
func native(h *dto.Histogram, b *model.Buckets, s *model.Series) {
	h.Schema, h.ZeroThreshold, h.ZeroCount = proto.Int32(0), proto.Float64(0), proto.Uint64(0)
	first := 0
	if b.Zero {
		h.ZeroCount, first = proto.Uint64(s.Counts[0]), 1
	}
	last := len(s.Counts)
	for last > first && s.Counts[last-1] == 0 {
		last--
	}
	for first < last && s.Counts[first] == 0 {
		first++
	}
	// Without any bucket, an empty span tells that the histogram is native.
	h.PositiveSpan = []*dto.BucketSpan{{Offset: proto.Int32(int32(b.Exponent + first)), Length: proto.Uint32(uint32(last - first))}}
	before := int64(0)
	for _, n := range s.Counts[first:last] {
		h.PositiveDelta = append(h.PositiveDelta, int64(n)-before)
		before = int64(n)
	}
	if s.Exemplar != nil {
		if e := exemplar(s.Exemplar); e != nil {
			h.Exemplars = []*dto.Exemplar{e}
		}
	}
}
