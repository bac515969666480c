package libbpf_test

import (
	"strings"
	"testing"

	"github.com/libbpf-go/libbpf-go"
)

// Buffers whose definitions have the types of their records are created without, and tell them.
func TestRecordTypes(t *testing.T) {
	o := open(t, "records")
	types, err := o.BTF()
	check(t, err)
	defer types.Close()
	obj := load(t, o)
	for name, size := range map[string]uint32{"events": 0, "perf": 4} {
		m := findMap(t, obj, name)
		typ, err := types.Resolve(m.RecordTypeID())
		check(t, err)
		if typ.Name() != "event" || m.ValueSize() != size || m.KeySize() != size || m.ValueTypeID() != 0 {
			t.Errorf("map %s has values of %d bytes and type %d, and records of type %q", name, m.ValueSize(), m.ValueTypeID(), typ.Name())
		}
	}
	if m := findMap(t, obj, "plain"); m.RecordTypeID() != 0 || m.ValueSize() != 4 {
		t.Errorf("a plain perf buffer has values of %d bytes, and records of type %d", m.ValueSize(), m.RecordTypeID())
	}
	if m := findMap(t, obj, "hash"); m.RecordTypeID() != 0 || m.ValueTypeID() == 0 {
		t.Errorf("a hash table has values of type %d, and records of type %d", m.ValueTypeID(), m.RecordTypeID())
	}
}

// No warning of libbpf's is printed while they are created.
func TestRecordTypesQuietly(t *testing.T) {
	var said []string
	o, err := libbpf.ObjectBuilder{Print: func(level libbpf.PrintLevel, message string) {
		if level == libbpf.PrintWarn {
			said = append(said, message)
		}
	}}.OpenMemory(readObject(t, "records"))
	check(t, err)
	check(t, load(t, o).Close())
	for _, text := range said {
		// A system's libbpf keeps the types, and tries again without.
		if !strings.Contains(text, "Retrying without BTF") || libbpf.Version().Vendored {
			t.Errorf("libbpf said %q", text)
		}
	}
}
