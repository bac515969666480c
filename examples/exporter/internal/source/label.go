package source

import (
	"github.com/libbpf-go/libbpf-go/btf/decode"

	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/config"
	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/decoder"
	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/model"
)

// label is a label, and the field that it is made of.
type label struct {
	name      string
	field     *decode.Type
	fromValue bool
	numeric   bool
	signed    bool
	chain     *decoder.Chain
}

func bindLabel(conf config.Label, t *Target, tables *decoder.Tables) (label, error) {
	of, path, what := t.key, conf.Key, "key"
	if conf.Value.Text != "" {
		of, path, what = t.value, conf.Value, "value"
	}
	f, err := field(of, path, what, t.Map)
	if err != nil {
		return label{}, err
	}
	l := label{name: conf.Name, field: f, fromValue: what == "value"}
	switch f.Kind() {
	case decode.KindInt, decode.KindChar, decode.KindBool, decode.KindEnum, decode.KindPtr:
		l.numeric, l.signed = true, signed(f, of.Size())
	}
	l.chain, err = decoder.New(conf.Decoders, decoder.Shape{Numeric: l.numeric, Size: f.Size(), What: describe(f)}, tables)
	return l, err
}

// read reads the field.
func (l *label) read(data []byte) decoder.Field {
	f := decoder.Field{Numeric: l.numeric, Bytes: l.field.Whole(data)}
	if l.numeric {
		f.Number, _ = l.field.Uint(data)
		f.Negative = l.signed && int64(f.Number) < 0
	}
	if l.field.Kind() == decode.KindString {
		f.Text = string(l.field.Bytes(data)) // without quotes
	} else {
		f.Text = l.field.Text(data)
	}
	return f
}

// Labels are the labels of an element. They are good if the answer is Known.
func (m *Metric) Labels(key, value []byte) ([]model.Label, decoder.Answer) {
	return texts(m.labels, key, value)
}

func texts(labels []label, key, value []byte) ([]model.Label, decoder.Answer) {
	made := make([]model.Label, 0, len(labels)+1) // and one for the CPU
	for i := range labels {
		data := key
		if labels[i].fromValue {
			data = value
		}
		text, known := labels[i].chain.Text(labels[i].read(data))
		if known != decoder.Known {
			return nil, known
		}
		made = append(made, model.Label{Name: labels[i].name, Value: text})
	}
	return made, decoder.Known
}

// Mortal tells whether Alive can become false.
func (m *Metric) Mortal() bool {
	for i := range m.labels {
		if m.labels[i].chain.Mortal() {
			return true
		}
	}
	return false
}

// Dead tells whether an element shall be deleted from its map, because what a label names is gone.
func (m *Metric) Dead(key, value []byte) bool {
	for i := range m.labels {
		l := &m.labels[i]
		if l.fromValue {
			continue
		}
		if l.chain.Dead(l.read(key)) {
			return true
		}
	}
	return false
}

// Alive tells whether what the labels of an element name is still there.
func (m *Metric) Alive(key, value []byte) bool {
	for i := range m.labels {
		l := &m.labels[i]
		data := key
		if l.fromValue {
			data = value
		}
		if l.chain.Mortal() && !l.chain.Alive(l.read(data)) {
			return false
		}
	}
	return true
}
