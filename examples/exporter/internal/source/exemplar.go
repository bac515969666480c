package source

import (
	"hash/maphash"
	"time"

	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/config"
	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/decoder"
	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/model"
)

// exemplar is where programs leave an example of what they counted.
type exemplar struct {
	value  number
	labels []label
}

func bindExemplar(conf *config.Exemplar, t *Target, tables *decoder.Tables) (*exemplar, error) {
	value, err := newNumber(t.value, conf.Value, "value", t.Map)
	if err != nil {
		return nil, err
	}
	e := &exemplar{value: value}
	for _, l := range conf.Labels {
		bound, err := bindLabel(l, t, tables)
		if err != nil {
			return nil, err
		}
		e.labels = append(e.labels, bound)
	}
	return e, nil
}

var seed = maphash.MakeSeed()

// ExampleHash is a hash of the example that is in a value. It differs for examples that differ.
func (m *Metric) ExampleHash(value []byte) uint64 {
	var hash maphash.Hash
	hash.SetSeed(seed)
	_, _ = hash.Write(m.exemplar.value.field.Whole(value))
	for i := range m.exemplar.labels {
		_, _ = hash.Write(m.exemplar.labels[i].field.Whole(value))
	}
	return hash.Sum64()
}

// Exemplar is the example that is in a value, or nil. A value of zero is none.
func (m *Metric) Exemplar(value []byte, now time.Time) *model.Exemplar {
	if m.exemplar == nil {
		return nil
	}
	example := m.exemplar.value.value(value)
	if example == 0 {
		return nil
	}
	labels, known := texts(m.exemplar.labels, nil, value)
	if known != decoder.Known {
		return nil
	}
	return &model.Exemplar{Labels: labels, Value: example * m.Conf.Scale.Factor, Time: now}
}
