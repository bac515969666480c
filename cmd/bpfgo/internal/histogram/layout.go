package histogram

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/btf/decode"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/view"
)

// Layout is where a map has the counts of histograms.
type Layout struct {
	Scale Scale
	view  *view.View

	slot  *decode.Type // in the key: which slot an element counts, if each element is a slot
	count *decode.Type // in the value, then
	index bool         // the key as a whole is the slot
	slots []*decode.Type
	// What tells histograms of one map apart.
	keyLabels, valueLabels []labelPart
	alone                  bool // there is only one
}

// labelPart is a member whose value tells histograms apart.
type labelPart struct {
	name string // "" for the whole key
	typ  *decode.Type
}

// Convention describes in help texts which maps are histograms.
const Convention = "an array of counters whose name ends in hist, histogram or slots; any map whose values have an array of " +
	"counters that is named in this way, or buckets: a histogram for each key; and any map whose keys have an " +
	"integer member slot or bucket: a histogram for each combination of the other members"

// isName tells whether a map or member of that name has a histogram.
func isName(name string) bool {
	name = strings.ToLower(name)
	for _, end := range []string{"hist", "histogram", "hists", "histograms", "slots", "buckets"} {
		if name == end || strings.HasSuffix(name, "_"+end) {
			return true
		}
	}
	return false
}

// isSlot tells whether a member of a key of that name is a slot.
func isSlot(name string) bool { return name == "slot" || name == "bucket" }

// Find finds the histograms of a map by its name and types, nil if it has none. wanted says that the user wants the map
// to be drawn, whatever its name is; then the error says why it can't be.
func Find(v *view.View, scale Scale, wanted bool) (*Layout, error) {
	l := &Layout{Scale: scale, view: v}
	if v.Value == nil || v.Data() {
		if wanted {
			return nil, errors.New("the type of its values is not known, or they are global variables")
		}
		return nil, nil
	}
	named := isName(v.Name) || wanted
	switch {
	case l.findArray(named):
		l.keyLabels = []labelPart{{typ: v.Key}}
		return l, nil
	case !isCounter(v.Value):
	case l.findSlot():
		return l, nil
	case named && (isCounter(v.Key) || isArray(v.Type) && v.KeySize == 4):
		l.index, l.count, l.alone = true, v.Value, true
		return l, nil
	}
	if wanted {
		return nil, fmt.Errorf("it is no histogram, which is %s", Convention)
	}
	return nil, nil
}

func isArray(t libbpf.MapType) bool {
	return t == libbpf.MapTypeArray || t == libbpf.MapTypePerCPUArray
}

// isCounter tells whether a value is an integer.
func isCounter(t *decode.Type) bool { return t != nil && t.Kind() == decode.KindInt }

// findArray finds the array of counters in the value. named says that the map's name tells that there is one.
func (l *Layout) findArray(named bool) bool {
	if l.takeArray(l.view.Value) {
		return named
	}
	if l.view.Value.Kind() != decode.KindStruct {
		return false
	}
	var arrays []string
	for _, c := range l.view.Value.Columns() {
		member, err := l.view.Value.Field(c.Name)
		if err != nil {
			continue
		}
		if (&Layout{}).takeArray(member) {
			arrays = append(arrays, c.Name)
		} else {
			l.valueLabels = append(l.valueLabels, labelPart{c.Name, member})
		}
	}
	arrays = slices.DeleteFunc(arrays, func(name string) bool { return !isName(name) && (!named || len(arrays) > 1) })
	if len(arrays) != 1 {
		return false
	}
	// Other numbers, such as a sum, change and tell nothing apart: text does.
	l.valueLabels = slices.DeleteFunc(l.valueLabels, func(p labelPart) bool { return p.typ.Kind() != decode.KindString })
	member, err := l.view.Value.Field(arrays[0])
	return err == nil && l.takeArray(member)
}

// takeArray takes the counters of an array.
func (l *Layout) takeArray(t *decode.Type) bool {
	first, err := t.Field("[0]")
	if err != nil || !isCounter(first) {
		return false
	}
	for i := range min(t.Size()/first.Size(), maxSlots) {
		slot, err := t.Field(fmt.Sprintf("[%d]", i))
		if err != nil {
			return false
		}
		l.slots = append(l.slots, slot)
	}
	return len(l.slots) > 1
}

// findSlot finds the slot in the key.
func (l *Layout) findSlot() bool {
	for _, c := range l.view.Key.Columns() {
		member, err := l.view.Key.Field(c.Name)
		if err != nil || c.Name == "" {
			continue
		}
		if l.slot == nil && isSlot(c.Name) && isCounter(member) {
			l.slot = member
			continue
		}
		l.keyLabels = append(l.keyLabels, labelPart{c.Name, member})
	}
	l.count = l.view.Value
	l.alone = len(l.keyLabels) == 0
	return l.slot != nil
}

// Histograms are the histograms in the content of a map, those with the most values first, without those that have
// none.
func (l *Layout) Histograms(content view.Content) []*Histogram {
	// An array with one element has one histogram, whose key tells nothing.
	alone := l.alone || isArray(l.view.Type) && content.Entries == 1 && len(l.valueLabels) == 0
	byLabel := map[string]*Histogram{}
	var all []*Histogram
	for _, r := range content.Rows {
		var label string
		var key []byte
		if !alone {
			label, key = l.label(r)
		}
		h := byLabel[label]
		if h == nil {
			h = &Histogram{Scale: l.Scale, Label: label, Key: key, full: l.slots != nil || isArray(l.view.Type)}
			byLabel[label] = h
			all = append(all, h)
		}
		for i, slot := range l.slots {
			count, _ := slot.Uint(r.Value)
			h.add(i, count)
		}
		if l.count != nil {
			count, _ := l.count.Uint(r.Value)
			h.add(l.slotOf(r.Key), count)
		}
	}
	all = slices.DeleteFunc(all, func(h *Histogram) bool { return h.Total() == 0 })
	slices.SortStableFunc(all, func(a, b *Histogram) int {
		return cmp.Or(cmp.Compare(b.Total(), a.Total()), cmp.Compare(a.Label, b.Label))
	})
	return all
}

// slotOf is the slot that an element counts, or -1.
func (l *Layout) slotOf(key []byte) int {
	typ := l.slot
	if l.index {
		if typ = l.view.Key; typ == nil {
			return int(binary.NativeEndian.Uint32(key))
		}
	}
	n, ok := typ.Int(key)
	if !ok || n < 0 || n > maxSlots {
		return -1
	}
	return int(n)
}

// label tells which histogram a row belongs to, as text and as JSON.
func (l *Layout) label(r view.Row) (string, []byte) {
	var text []string
	var members [][]byte
	if len(l.keyLabels) == 1 && l.keyLabels[0].name == "" {
		text = append(text, l.view.KeyText(r.Key))
		members = append(members, l.view.AppendKeyJSON([]byte(`"key":`), r.Key))
	} else {
		for _, p := range l.keyLabels {
			text = append(text, p.name+"="+p.typ.Text(r.Key))
			members = append(members, p.json(r.Key))
		}
	}
	for _, p := range l.valueLabels {
		text = append(text, p.name+"="+p.typ.Text(r.Value))
		members = append(members, p.json(r.Value))
	}
	return strings.Join(text, " "), append(append([]byte("{"), bytes.Join(members, []byte(","))...), '}')
}

func (p labelPart) json(data []byte) []byte {
	return p.typ.AppendJSON(append(decode.AppendJSONString(nil, p.name), ':'), data)
}
