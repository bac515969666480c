package source

import (
	"fmt"

	"github.com/libbpf-go/libbpf-go/btf/decode"

	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/bucket"
	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/config"
	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/decoder"
	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/model"
)

// Metric is a metric of a map, with the fields that its numbers and labels are.
type Metric struct {
	Conf     *config.Metric
	Buckets  *model.Buckets
	labels   []label
	numbers  []number
	sum      int // the index of the sum in numbers, -1 for none
	slot     *decode.Type
	exemplar *exemplar
}

// number is a field that is a number.
type number struct {
	field         *decode.Type
	signed, float bool
}

func newNumber(t *decode.Type, path config.Text, what, mapName string) (number, error) {
	f, err := field(t, path, what, mapName)
	if err != nil {
		return number{}, err
	}
	n := number{field: f}
	if f.Kind() == decode.KindInt && f.Size() > 8 {
		return number{}, path.Errorf("%q of map %q is %s: numbers have 8 at most", path.Text, mapName, describe(f))
	}
	switch f.Kind() {
	case decode.KindInt, decode.KindChar:
		n.signed = signed(f, t.Size())
	case decode.KindFloat:
		n.float = true
	case decode.KindBool, decode.KindEnum, decode.KindPtr:
	default:
		return number{}, path.Errorf("%q of map %q is no number, but %s; %s", path.Text, mapName, describe(f), config.Instead("field", members(f)))
	}
	return n, nil
}

// signed tells whether an integer is.
func signed(f *decode.Type, size int) bool {
	switch f.Any(make([]byte, size)).(type) {
	case int8, int16, int32, int64:
		return true
	}
	return false
}

// value is the number as a gauge has it.
func (n number) value(data []byte) float64 {
	switch {
	case n.float:
		f, _ := n.field.Float(data)
		return f
	case n.signed:
		i, _ := n.field.Int(data)
		return float64(i)
	}
	u, _ := n.field.Uint(data)
	return float64(u)
}

// count is the number as a counter has it. One that is less than zero counts nothing.
func (n number) count(data []byte) uint64 {
	u, _ := n.field.Uint(data)
	if n.signed && int64(u) < 0 {
		return 0
	}
	return u
}

// newCount is newNumber for what is counted.
func newCount(t *decode.Type, path config.Text, what, mapName string) (number, error) {
	n, err := newNumber(t, path, what, mapName)
	if err == nil && n.float {
		err = path.Errorf("%q of map %q is a float: only gauges can be", path.Text, mapName)
	}
	return n, err
}

func bindMetric(conf *config.Metric, t *Target, tables *decoder.Tables) (*Metric, error) {
	m := &Metric{Conf: conf, sum: -1}
	var err error
	if conf.Kind == config.Histogram {
		err = m.bindBuckets(t)
	} else {
		read := newNumber
		if conf.Kind == config.Counter {
			read = newCount
		}
		var n number
		n, err = read(t.value, conf.Value, "value", t.Map)
		m.numbers = []number{n}
	}
	if err != nil {
		return nil, err
	}
	for _, l := range conf.Labels {
		bound, err := bindLabel(l, t, tables)
		if err != nil {
			return nil, err
		}
		m.labels = append(m.labels, bound)
	}
	if conf.Exemplar != nil {
		if m.exemplar, err = bindExemplar(conf.Exemplar, t, tables); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// bindBuckets finds the numbers of a histogram: those of the buckets, and the sum.
func (m *Metric) bindBuckets(t *Target) error {
	b := m.Conf.Buckets
	n, at := b.Size, b.Key
	if b.Key.Text != "" {
		slot, err := newCount(t.key, b.Key, "key", t.Map)
		if err != nil {
			return err
		}
		m.slot = slot.field
		count, err := newCount(t.value, b.Value, "value", t.Map)
		if err != nil {
			return err
		}
		m.numbers = []number{count}
		if b.SumAt >= 0 {
			m.sum = b.SumAt
		}
	} else {
		at = b.Array
		array, err := field(t.value, b.Array, "value", t.Map)
		if err != nil {
			return err
		}
		if array.Kind() != decode.KindArray {
			return b.Array.Errorf("%q of map %q is no array, but %s; %s", b.Array.Text, t.Map, describe(array),
				config.Instead("field", members(t.value)))
		}
		for i := 0; ; i++ {
			path := fmt.Sprintf("[%d]", i)
			if _, err := array.Field(path); err != nil {
				break
			}
			count, err := newCount(array, config.Text{Place: b.Array.Place, Text: path}, "value", t.Map)
			if err != nil {
				return err
			}
			m.numbers = append(m.numbers, count)
		}
		n = len(m.numbers)
		if b.SumAt >= 0 {
			if b.SumAt != n-1 {
				return b.At.Errorf("sum_at is %d, and the last of the %d elements of %q is %d", b.SumAt, n, b.Array.Text, n-1)
			}
			n--
			m.sum = n
		}
		if b.Sum.Text != "" {
			sum, err := newCount(t.value, b.Sum, "value", t.Map)
			if err != nil {
				return err
			}
			m.numbers = append(m.numbers, sum)
			m.sum = n
		}
	}
	var err error
	if m.Buckets, err = bucket.Make(b, m.Conf.Scale, n); err != nil {
		return at.Errorf("buckets of metric %q: %v", m.Conf.Name, err)
	}
	return nil
}

// describe says what a field is.
func describe(f *decode.Type) string {
	switch f.Kind() {
	case decode.KindInt, decode.KindChar, decode.KindBool, decode.KindEnum, decode.KindPtr:
		return fmt.Sprintf("an integer of %d bytes", f.Size())
	case decode.KindString:
		return fmt.Sprintf("text of %d bytes", f.Size())
	case decode.KindFloat:
		return "a float"
	case decode.KindArray:
		return fmt.Sprintf("an array of %d bytes", f.Size())
	case decode.KindStruct:
		return fmt.Sprintf("a struct of %d bytes", f.Size())
	}
	return fmt.Sprintf("a value of %d bytes", f.Size())
}
