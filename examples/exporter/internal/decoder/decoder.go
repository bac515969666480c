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

// first makes text of a field. ok is false for what shall have no series.
type first func(Field) (text string, ok bool)

// next makes another text of text.
type next func(string) (text string, ok bool)

// Chain is all decoders of a label.
type Chain struct {
	first first
	then  []next
	alive func(Field) bool // nil if the text stays true as long as the field's key is there
}

// Text is the text of a label. ok is false if the field shall have no series.
func (c *Chain) Text(f Field) (text string, ok bool) {
	text, ok = c.first(f)
	for _, decode := range c.then {
		if !ok {
			return "", false
		}
		text, ok = decode(text)
	}
	return model.Text(text), ok
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
	c := &Chain{first: func(f Field) (string, bool) { return f.Text, true }}
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
		return text, nil
	case "hex":
		return hexadecimal, nil
	case "ip":
		return address, nil
	case "errno":
		return errno, nil
	case "syscall":
		return systemCall, nil
	case "ksym":
		return tables.Symbols.decode, nil
	case "ifname":
		return tables.Interfaces.decode, nil
	case "device":
		return tables.Devices.decode, nil
	case "cgroup":
		return tables.Cgroups.decoder(d)
	case "pod":
		return tables.Pods.decoder(d)
	}
	return integer, nil
}

// integer is "int": also of what has a name, such as an enum.
func integer(f Field) (string, bool) {
	if f.Negative {
		return strconv.FormatInt(int64(f.Number), 10), true
	}
	return strconv.FormatUint(f.Number, 10), true
}
