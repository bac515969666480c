package decode

import (
	"encoding/hex"
	"math"
	"strconv"
	"unicode/utf8"
)

// Fit says how data and type went together.
type Fit struct {
	Truncated bool   // the data ends within the value
	Extra     []byte // what follows the value
}

// Fit compares the data with the type's size. A flexible array at the end takes all elements that are there. An unknown
// type fits everything.
func (t *Type) Fit(data []byte) Fit {
	if t == nil {
		return Fit{}
	}
	end := t.at.bit/8 + t.at.size
	if flexible, ok := t.at.flexibleEnd(); ok {
		end = flexible.bit/8 + flexible.width(data)
	}
	if len(data) < end {
		return Fit{Truncated: true}
	}
	return Fit{Extra: data[end:]}
}

// AppendJSON appends a value as JSON to dst. Structs become objects, char arrays strings, enums the name or, where the
// value has none, the number; pointers and numbers beyond 64 bits become hexadecimal strings, and so do values of
// unknown type. What the data ends before is left out, or null.
func (t *Type) AppendJSON(dst, data []byte) []byte {
	if t == nil {
		return AppendJSONString(dst, hex.EncodeToString(data))
	}
	return t.at.appendJSON(dst, data)
}

func (f field) appendJSON(dst, data []byte) []byte {
	switch f.kind {
	case KindString:
		text := f.text(data)
		return AppendJSONString(dst, string(text))
	case KindBig:
		raw := f.bytes(data)
		if len(raw) < f.size {
			return append(dst, "null"...)
		}
		return append(f.appendBig(append(dst, '"'), raw), '"')
	case KindStruct:
		dst = append(dst, '{')
		first := true
		for i, m := range f.members {
			at := f.member(i)
			if at.absent(data) {
				continue
			}
			if !first {
				dst = append(dst, ',')
			}
			first = false
			dst = append(AppendJSONString(dst, m.name), ':')
			dst = at.appendJSON(dst, data)
		}
		return append(dst, '}')
	case KindArray:
		dst = append(dst, '[')
		for i := range f.begun(data) {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = f.index(i).appendJSON(dst, data)
		}
		return append(dst, ']')
	}
	value, ok := f.load(data)
	if !ok {
		return append(dst, "null"...)
	}
	switch {
	case f.kind == KindBool && value <= 1:
		return strconv.AppendBool(dst, value == 1)
	case f.kind == KindPtr:
		return append(strconv.AppendUint(append(dst, `"0x`...), value, 16), '"')
	case f.kind == KindFloat:
		number := f.float(value)
		text := strconv.FormatFloat(number, 'g', -1, 8*f.size)
		if math.IsNaN(number) || math.IsInf(number, 0) {
			return AppendJSONString(dst, text)
		}
		return append(dst, text...)
	case f.kind == KindEnum:
		if name := f.enumName(value); name != "" {
			return AppendJSONString(dst, name)
		}
	}
	return f.appendNumber(dst, value)
}

// AppendJSONString appends a JSON string. Bytes that are not UTF-8 become U+FFFD.
func AppendJSONString(dst []byte, s string) []byte {
	const digits = "0123456789abcdef"
	dst = append(dst, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r < ' ' || 0x7f <= r && r < 0xa0: // controls, also those that terminals take in UTF-8
			dst = append(dst, '\\', 'u', '0', '0', digits[r>>4], digits[r&15])
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return append(dst, '"')
}
