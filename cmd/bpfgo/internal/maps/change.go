package maps

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/libbpf-go/libbpf-go/btf/decode"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/view"
)

// change is how an element changed, or the value of one CPU in it.
type change struct {
	key           []byte
	cpu           int    // -1 for none
	before, after []byte // nil for what is not there
}

// changes tells apart the rows of an element, before and after.
func changes(v *view.View, key, before, after []byte) []change {
	var all []change
	collect := func(image []byte, add func(i int, r view.Row)) {
		if image == nil {
			return
		}
		i := 0
		_ = v.Element(key, image, func(r view.Row) error {
			add(i, r)
			i++
			return nil
		})
	}
	collect(before, func(_ int, r view.Row) {
		all = append(all, change{bytes.Clone(key), r.CPU, bytes.Clone(r.Value), nil})
	})
	collect(after, func(i int, r view.Row) {
		if i == len(all) {
			all = append(all, change{bytes.Clone(key), r.CPU, nil, nil})
		}
		all[i].after = bytes.Clone(r.Value)
	})
	return all
}

// same tells whether nothing changed.
func (c change) same() bool {
	return c.before != nil && c.after != nil && bytes.Equal(c.before, c.after)
}

// kind is the name of what happened.
func (c change) kind() string {
	switch {
	case c.before == nil:
		return "added"
	case c.after == nil:
		return "removed"
	case c.same():
		return "unchanged"
	}
	return "changed"
}

// text is the change as a line.
func (c change) text(v *view.View) string {
	where := v.Name
	if !v.Data() {
		where += "[" + v.KeyText(c.key) + "]"
	}
	if c.cpu >= 0 {
		where += " on CPU " + strconv.Itoa(c.cpu)
	}
	switch c.kind() {
	case "added", "removed":
		return cli.Safe(fmt.Sprintf("%s: %s %s", where, c.kind(), v.ValueText(c.value())))
	case "unchanged":
		return cli.Safe(where + ": nothing changed")
	}
	var parts []string
	for _, p := range v.Differences(c.before, c.after) {
		parts = append(parts, strings.TrimSpace(fmt.Sprintf("%s %s -> %s", p.Name, p.Before, p.After)))
	}
	return cli.Safe(where + ": " + strings.Join(parts, ", "))
}

// value is the value that is there, or was.
func (c change) value() []byte {
	if c.after != nil {
		return c.after
	}
	return c.before
}

// appendJSON appends the members of the change as JSON, without braces.
func (c change) appendJSON(dst []byte, v *view.View, raw bool) []byte {
	dst = decode.AppendJSONString(append(dst, `"change":`...), c.kind())
	if !v.Data() {
		dst = v.AppendKeyJSON(append(dst, `,"key":`...), c.key)
	}
	if c.cpu >= 0 {
		dst = strconv.AppendInt(append(dst, `,"cpu":`...), int64(c.cpu), 10)
	}
	for _, side := range []struct {
		name  string
		value []byte
	}{{"before", c.before}, {"after", c.after}} {
		if side.value != nil {
			dst = append(decode.AppendJSONString(append(dst, ','), side.name), ':')
			dst = v.AppendValueJSON(dst, side.value)
			if raw {
				dst = append(hex.AppendEncode(append(dst, `,"raw_`+side.name+`":"`...), side.value), '"')
			}
		}
	}
	if raw && !v.Data() {
		dst = append(hex.AppendEncode(append(dst, `,"raw_key":"`...), c.key), '"')
	}
	return dst
}
