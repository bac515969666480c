package inspect

import (
	"encoding/json"
	"slices"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/btf/decode"
)

// variable is a global variable of an object.
type variable struct {
	Section string          `json:"section"`
	Name    string          `json:"name"`
	Type    string          `json:"type"`
	Size    uint32          `json:"size"`            // bytes
	Value   json.RawMessage `json:"value,omitempty"` // the initial one
	Raw     string          `json:"raw,omitempty"`   // the same in hexadecimal, where it was asked for

	text string
	data []byte
}

func (r *reader) readVariables() error {
	if r.types == nil {
		return nil
	}
	var err error
	for t := range r.types.Types(&err) {
		section, ok := t.(*btf.Datasec)
		if !ok || !isData(section.Name()) {
			continue
		}
		data := r.sectionData(section.Name())
		for _, v := range section.Vars {
			r.object.Variables = append(r.object.Variables, r.readVariable(section.Name(), v, data))
		}
	}
	return err
}

// sectionData is the initial content of a section, nil if it is not known.
func (r *reader) sectionData(section string) []byte {
	if m, err := r.open.Map(section); err == nil {
		if data, err := m.InitialValue(); err == nil && data != nil {
			return data
		}
	}
	if s, _ := r.file.Find(section); s != nil {
		if data, err := s.Data(); err == nil {
			return data
		}
	}
	return nil
}

func (r *reader) readVariable(section string, v btf.DatasecVar, data []byte) variable {
	one := variable{Section: section, Size: v.Size, Type: r.typeName(v.Type)}
	if t, err := r.types.TypeByID(v.Type); err == nil {
		one.Name = t.Name()
	}
	typ, err := r.values.Type(v.Type)
	if err != nil {
		typ = nil // shows it in hexadecimal
	}
	if end := uint64(v.Offset) + uint64(v.Size); end <= uint64(len(data)) {
		one.data = data[v.Offset:end]
		one.text = typ.Text(one.data)
		one.Value = slices.Clone(typ.AppendJSON(nil, one.data))
		one.Raw = decode.Hex(one.data)
	}
	return one
}
