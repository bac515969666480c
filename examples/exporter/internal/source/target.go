package source

import (
	"slices"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/btf/decode"

	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/config"
)

// Target is a map that metrics are read from.
type Target struct {
	Map        string
	Definition libbpf.MapDefinition
	Metrics    []*Metric
	key, value *decode.Type
	layout     string
}

// readable are the types of maps that can be read element by element.
var readable = []libbpf.MapType{
	libbpf.MapTypeHash, libbpf.MapTypeArray, libbpf.MapTypePerCPUHash, libbpf.MapTypePerCPUArray, libbpf.MapTypeLRUHash,
	libbpf.MapTypeLRUPerCPUHash, libbpf.MapTypeLPMTrie,
}

// Capacity is how many elements the map has room for, and 0 if it is never full: an array has all its elements always,
// and an LRU map makes room.
func (t *Target) Capacity() int {
	switch t.Definition.Type {
	case libbpf.MapTypeHash, libbpf.MapTypePerCPUHash, libbpf.MapTypeLPMTrie:
		return int(t.Definition.MaxEntries)
	}
	return 0
}

func newTarget(m *libbpf.OpenMap, types *decode.Types, at config.Text) (*Target, error) {
	definition, err := m.Definition()
	if err != nil {
		return nil, at.Errorf("map %q: %v", at.Text, err)
	}
	if !slices.Contains(readable, definition.Type) {
		return nil, at.Errorf("map %q is a %s, which has no elements to export; there is: %v", at.Text, definition.Type, readable)
	}
	t := &Target{Map: at.Text, Definition: definition}
	valueID, err := m.ValueTypeID()
	if err == nil && valueID == 0 {
		return nil, at.Errorf("map %q: its definition does not tell the types; write __type(key, ...) and __type(value, ...) instead of sizes", at.Text)
	}
	if err == nil {
		t.value, err = types.Type(valueID)
	}
	if err != nil {
		return nil, at.Errorf("map %q: the type of its values: %v", at.Text, err)
	}
	keyID, err := m.KeyTypeID()
	if err == nil && keyID != 0 { // global data has no type of keys
		t.key, err = types.Type(keyID)
	}
	if err != nil {
		return nil, at.Errorf("map %q: the type of its keys: %v", at.Text, err)
	}
	t.layout = layout(t.key, int(definition.KeySize)) + "\n" + layout(t.value, int(definition.ValueSize))
	return t, nil
}

// layout is text that differs for types with other members, or the same ones at other places: what both make of bytes
// of which each differs from its neighbours.
func layout(t *decode.Type, size int) string {
	data := make([]byte, size)
	for i := range data {
		data[i] = byte(1 + i%251)
	}
	return string(t.AppendJSON(nil, data))
}

// same tells whether two targets can share a map.
func (t *Target) same(other *Target) bool { return t.layout == other.layout }

// accepts checks that the map can be what the metric shall be.
func (t *Target) accepts(conf *config.Metric) error {
	if lru := t.Definition.Type == libbpf.MapTypeLRUHash || t.Definition.Type == libbpf.MapTypeLRUPerCPUHash; lru &&
		conf.Kind != config.Gauge && !conf.AllowLRU {
		return conf.Map.Errorf("map %q is a %s: the kernel removes elements with their counts, so metric %q would lose some; "+
			"use a hash, or accept it with allow_lru: true", t.Map, t.Definition.Type, conf.Name)
	}
	if conf.PerCPU && !t.Definition.Type.IsPerCPU() {
		return conf.Map.Errorf("map %q is a %s, which has no values for each CPU: metric %q can't have the CPU as a label",
			t.Map, t.Definition.Type, conf.Name)
	}
	return nil
}

// field finds a field of a type. what is "key" or "value".
func field(t *decode.Type, path config.Text, what, mapName string) (*decode.Type, error) {
	if t == nil {
		return nil, path.Errorf("map %q has no %s of a known type", mapName, what)
	}
	if path.Text == "." {
		return t, nil
	}
	f, err := t.Field(path.Text)
	if err != nil {
		return nil, path.Errorf("the %ss of map %q have no %q; %s", what, mapName, path.Text, config.Instead("field", members(t)))
	}
	return f, nil
}

// members are the names of a type's members.
func members(t *decode.Type) (names []string) {
	for _, c := range t.Columns() {
		if c.Name == "" {
			return []string{". (it has no members)"}
		}
		names = append(names, c.Name)
	}
	return names
}
