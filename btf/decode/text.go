package decode

import (
	"encoding/hex"
	"strconv"
	"unicode"
	"unicode/utf8"
)

// Column is a part of a value that a table shows on its own: a member of a struct, or all of any other type.
type Column struct {
	Name  string // of the member; empty where the column is the value as a whole
	Width int    // that most values fit into
	Right bool   // numbers are aligned to the right
}

// Columns are the columns of values of the type.
func (t *Type) Columns() []Column {
	if t == nil {
		return []Column{{}}
	}
	f := t.at
	if len(f.members) == 0 {
		return []Column{f.column("")}
	}
	columns := make([]Column, len(f.members))
	for i, m := range f.members {
		columns[i] = f.member(i).column(m.name)
	}
	return columns
}

func (f field) column(name string) Column {
	c := Column{Name: name}
	switch f.kind {
	case KindInt, KindBool, KindChar, KindFloat:
		c.Width, c.Right = numberWidth(f.size), true
	case KindEnum:
		for _, v := range f.values {
			c.Width = max(c.Width, len(v.Name))
		}
		c.Width = min(c.Width, 16)
	case KindPtr:
		c.Width = 18
	case KindBig:
		c.Width, c.Right = 18, true
	case KindString:
		c.Width = min(f.size, 16)
	}
	return c
}

// numberWidth is how many characters most numbers of so many bytes take.
func numberWidth(size int) int {
	switch size {
	case 1:
		return 4
	case 2:
		return 6
	case 4:
		return 8
	}
	return 12
}

// Cells are the texts of a value's columns.
func (t *Type) Cells(data []byte) []string {
	if t == nil {
		return []string{Hex(data)}
	}
	f := t.at
	if len(f.members) == 0 {
		return []string{f.cell(data)}
	}
	cells := make([]string, len(f.members))
	for i := range f.members {
		cells[i] = f.member(i).cell(data)
	}
	return cells
}

// CompareColumn orders two values by one of their columns.
func (t *Type) CompareColumn(column int, a, b []byte) int {
	if t == nil || len(t.at.members) == 0 {
		return t.Compare(a, b)
	}
	return t.at.member(column).compare(a, b)
}

// Text is a value as text. A string that stands alone has quotes only if it needs them.
func (t *Type) Text(data []byte) string {
	if t == nil {
		return Hex(data)
	}
	return t.at.cell(data)
}

// AppendText appends a value as text to dst. A string has quotes.
func (t *Type) AppendText(dst, data []byte) []byte {
	if t == nil {
		return append(dst, Hex(data)...)
	}
	return t.at.appendText(dst, data)
}

// maxHex is how many bytes of unknown type are shown; the rest is counted.
const maxHex = 64

// Hex is how bytes of unknown type are shown as text.
func Hex(data []byte) string {
	if len(data) > maxHex {
		return hex.EncodeToString(data[:maxHex]) + "... (" + strconv.Itoa(len(data)) + " bytes)"
	}
	return hex.EncodeToString(data)
}

// missing stands for what the data ends before.
const missing = "?"

// cell is the text of a value that stands alone.
func (f field) cell(data []byte) string {
	if f.kind == KindString {
		text := f.text(data)
		if plain(text) {
			return string(text)
		}
	}
	return string(f.appendText(nil, data))
}

// plain tells whether a string can stand in a table without quotes.
func plain(text []byte) bool {
	if len(text) == 0 || text[0] == ' ' || text[0] == '"' || text[len(text)-1] == ' ' {
		return false
	}
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if r == utf8.RuneError && size == 1 || !unicode.IsPrint(r) {
			return false
		}
		text = text[size:]
	}
	return true
}

func (f field) appendText(dst, data []byte) []byte {
	switch f.kind {
	case KindString:
		if f.absent(data) {
			return append(dst, missing...)
		}
		return strconv.AppendQuote(dst, string(f.text(data)))
	case KindBig:
		raw := f.bytes(data)
		if len(raw) < f.size {
			return append(dst, missing...)
		}
		return f.appendBig(dst, raw)
	case KindStruct:
		dst = append(dst, '{')
		for i, m := range f.members {
			if i > 0 {
				dst = append(dst, ' ')
			}
			dst = append(append(dst, m.name...), '=')
			dst = f.member(i).appendText(dst, data)
		}
		return append(dst, '}')
	case KindArray:
		return f.appendArrayText(dst, data)
	}
	value, ok := f.load(data)
	if !ok {
		return append(dst, missing...)
	}
	switch {
	case f.kind == KindBool && value <= 1:
		return strconv.AppendBool(dst, value == 1)
	case f.kind == KindChar && value >= ' ' && value <= '~':
		return strconv.AppendQuoteRune(dst, rune(value))
	case f.kind == KindPtr:
		return strconv.AppendUint(append(dst, "0x"...), value, 16)
	case f.kind == KindFloat:
		return strconv.AppendFloat(dst, f.float(value), 'g', -1, 8*f.size)
	case f.kind == KindEnum:
		if name := f.enumName(value); name != "" {
			return append(dst, name...)
		}
	}
	return f.appendNumber(dst, value)
}

func (f field) appendNumber(dst []byte, value uint64) []byte {
	if f.signed {
		return strconv.AppendInt(dst, int64(value), 10)
	}
	return strconv.AppendUint(dst, value, 10)
}

// minZeros is how many zero elements at the end of an array are worth to be left out.
const minZeros = 4

func (f field) appendArrayText(dst, data []byte) []byte {
	n, begun := f.count(data), f.begun(data)
	shown := n
	if zeros := n - f.nonzero(data, n); zeros >= minZeros && len(f.bytes(data)) == f.width(data) {
		shown -= zeros
	}
	dst = append(dst, '[')
	for i := range shown {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		if i >= begun {
			return append(dst, "?]"...)
		}
		dst = f.index(i).appendText(dst, data)
	}
	if shown < n {
		if shown > 0 {
			dst = append(dst, ", "...)
		}
		dst = append(dst, "0..."...)
	}
	return append(dst, ']')
}
