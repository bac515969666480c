// Package decoder makes the text of a label from a field of a key or value.
package decoder

import (
	"strconv"

	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/config"
	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/model"
)

// Field is what a label is made of.
type Field struct {
	Number   uint64 // of an integer; a negative one has the bits of an int64
	Numeric  bool
	Negative bool   // the number is less than zero
	Bytes    []byte // as they are in memory
	Text     string // as the types have it: the name of an enum, the decimal number
}

// Answer is what a decoder knows of a field.
type Answer uint8

// The answers.
const (
	Known Answer = iota
	None         // it shall have no series
	Later        // what tells may not be read again yet: ask again in the next snapshot
)

// answer is Known if ok, and None if not.
func answer(text string, ok bool) (string, Answer) {
	if !ok {
		return "", None
	}
	return text, Known
}

// first makes text of a field.
type first func(Field) (string, Answer)

// always is a decoder that knows all fields.
func always(decode func(Field) string) first {
	return func(f Field) (string, Answer) { return decode(f), Known }
}

// next makes another text of text. ok is false for what shall have no series.
type next func(string) (text string, ok bool)

// Chain is all decoders of a label.
type Chain struct {
	first first
	then  []next
	alive func(Field) bool // nil if the text stays true as long as the field's key is there
	dead  func(Field) bool // nil if elements are not to be deleted
}

// Dead tells whether the element of a field shall be deleted from its map.
func (c *Chain) Dead(f Field) bool { return c.dead != nil && c.dead(f) }

// Text is the text of a label. It is good if the answer is Known.
func (c *Chain) Text(f Field) (string, Answer) {
	text, known := c.first(f)
	for _, decode := range c.then {
		if known != Known {
			break
		}
		text, known = answer(decode(text))
	}
	return model.Text(text), known
}

// Alive tells whether what the field stands for is still there.
func (c *Chain) Alive(f Field) bool { return c.alive == nil || c.alive(f) }

// Mortal tells whether Alive can become false.
func (c *Chain) Mortal() bool { return c.alive != nil }

// Shape is what is known of a field before there is one.
type Shape struct {
	Numeric bool
	Size    int
	What    string // for errors, such as "an integer of 4 bytes"
}

// New makes a chain. tables is what the decoders know of the machine.
func New(decoders []config.Decoder, shape Shape, tables *Tables) (*Chain, error) {
	c := &Chain{first: always(func(f Field) string { return f.Text })}
	for i, d := range decoders {
		if decode := following(d); decode != nil {
			c.then = append(c.then, decode)
			continue
		}
		if i > 0 {
			return nil, d.At.Errorf("decoder %s reads the field: it must be the first", d.Name)
		}
		if err := fits(d, shape); err != nil {
			return nil, err
		}
		c.first, c.alive = leading(d, tables)
		if d.Delete {
			c.dead = func(f Field) bool { return tables.Cgroups.isGone(f.Number) }
		}
	}
	return c, nil
}

// fits checks that a decoder can read a field of that shape.
func fits(d config.Decoder, shape Shape) error {
	switch d.Name {
	case "string", "hex":
		return nil
	case "ip":
		if shape.Size != 4 && shape.Size != 16 {
			return d.At.Errorf("decoder ip reads 4 or 16 bytes, and the field is %s", shape.What)
		}
		return nil
	}
	if !shape.Numeric {
		return d.At.Errorf("decoder %s reads an integer, and the field is %s", d.Name, shape.What)
	}
	return nil
}

// leading makes a decoder that reads a field, and what tells whether the text is still true.
func leading(d config.Decoder, tables *Tables) (first, func(Field) bool) {
	switch d.Name {
	case "string":
		return always(text), nil
	case "hex":
		return always(hexadecimal), nil
	case "ip":
		return always(address), nil
	case "errno":
		return always(errno), nil
	case "syscall":
		return always(systemCall), nil
	case "ksym":
		return always(tables.Symbols.decode), nil
	case "ifname":
		return tables.Interfaces.decode, nil
	case "device":
		return always(tables.Devices.decode), nil
	case "cgroup":
		return tables.Cgroups.decoder(d)
	case "pod":
		return tables.Pods.decoder(d)
	}
	return always(integer), nil
}

// integer is "int": also of what has a name, such as an enum.
func integer(f Field) string {
	if f.Negative {
		return strconv.FormatInt(int64(f.Number), 10)
	}
	return strconv.FormatUint(f.Number, 10)
}
