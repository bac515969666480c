package decode

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// isJSON tells whether a text is a JSON object or array, by the character with which it begins.
func isJSON(text string, begin byte) bool {
	text = strings.TrimSpace(text)
	return text != "" && text[0] == begin
}

// setJSON is Set for a struct or an array that is given as JSON.
func (t *Type) setJSON(data []byte, value string) error {
	text := []byte(value)
	if !json.Valid(text) {
		return fault.Invalidf("the value of %s is not valid JSON", t.declaration())
	}
	set := bytes.Clone(data)
	if err := t.putJSON(set, text); err != nil {
		return err
	}
	copy(data, set)
	return nil
}

// putJSON sets a value of any type to a valid JSON text.
func (t *Type) putJSON(data, text []byte) error {
	text = bytes.TrimSpace(text)
	switch {
	case string(text) == "null": // as for what the data ends before
		return nil
	case text[0] == '{' && t.at.kind == KindStruct:
		return t.putMembers(data, text)
	case text[0] == '[' && t.at.kind == KindArray:
		return t.putElements(data, text)
	case text[0] == '{' || text[0] == '[' || t.at.kind >= KindStruct:
		return fault.Invalidf("%s can't be %s", t.declaration(), text)
	case text[0] == '"':
		var value string
		if err := json.Unmarshal(text, &value); err != nil {
			return fault.Invalidf("%s: %v", t.declaration(), err)
		}
		return t.Set(data, value)
	case t.at.kind == KindString:
		return fault.Invalidf("%s must be a string and not %s", t.declaration(), text)
	}
	return t.Set(data, string(text))
}

func (t *Type) putMembers(data, text []byte) error {
	var values map[string]json.RawMessage
	if err := json.Unmarshal(text, &values); err != nil {
		return fault.Invalidf("%s: %v", t.declaration(), err)
	}
	for i, m := range t.at.members {
		value, ok := values[m.name]
		if !ok {
			continue
		}
		delete(values, m.name)
		member := &Type{types: t.types, id: m.id, path: t.path + "." + m.name, at: t.at.member(i)}
		if err := member.putJSON(data, value); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		return fault.Invalidf("%s has no member %q", t.declaration(), name)
	}
	return nil
}

func (t *Type) putElements(data, text []byte) error {
	var values []json.RawMessage
	if err := json.Unmarshal(text, &values); err != nil {
		return fault.Invalidf("%s: %v", t.declaration(), err)
	}
	if n := t.at.count(data); len(values) > n {
		return fault.Invalidf("%d values do not fit %s", len(values), t.declaration())
	}
	for i, value := range values {
		if err := t.element(i).putJSON(data, value); err != nil {
			return err
		}
	}
	rest := t.at.bytes(data)
	clear(rest[min(len(values)*t.at.elem.size, len(rest)):]) // data may end before an element that is null
	return nil
}
