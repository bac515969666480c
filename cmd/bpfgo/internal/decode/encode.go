package decode

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/internal/place"
)

// Set writes a value that was given as text into image, the bytes of a variable, of which at is a part or all. name is
// for errors.
//
// Integers are decimal or, after 0x, hexadecimal; bools true, false, 1 or 0; enums the name or the number; arrays of
// char take the text as it is, other arrays take values with commas between; floats are as in Go.
func (t *Types) Set(image []byte, at place.Part, name, value string) error {
	n, err := t.node(at.Type)
	if err != nil {
		return err
	}
	return target{t, field{n, at.Bit, at.Bits}, at.Type, name}.set(image, value)
}

// target is a variable or a part of one, to be set.
type target struct {
	types *Types
	field
	id   btf.TypeID
	name string
}

// declaration is the target as C would declare it.
func (p target) declaration() string { return place.Declaration(p.types.btf, p.id, p.name) }

func (p target) set(image []byte, value string) error {
	switch p.kind {
	case kindStruct:
		return fmt.Errorf("%s is a struct or union: set its members one by one, as %s.member=value",
			p.declaration(), p.name)
	case kindString:
		return p.setString(image, value)
	case kindArray:
		return p.setArray(image, value)
	case kindPtr, kindHex:
		return fmt.Errorf("%s is of a type that can't be set", p.declaration())
	}
	number, err := p.parse(value)
	if err != nil {
		return err
	}
	return p.write(image, number)
}

func (p target) write(image []byte, number uint64) error {
	if !p.store(image, number) {
		return fmt.Errorf("%s lies beyond the end of its variable", p.declaration())
	}
	return nil
}

func (p target) setString(image []byte, value string) error {
	raw := p.bytes(image)
	if len(raw) < p.size {
		return fmt.Errorf("%s lies beyond the end of its variable", p.declaration())
	}
	if strings.IndexByte(value, 0) >= 0 {
		return fmt.Errorf("a value of %s can't have a NUL in it", p.declaration())
	}
	if len(value) >= p.size {
		return fmt.Errorf("a string of %d bytes and its NUL do not fit %s", len(value), p.declaration())
	}
	clear(raw[copy(raw, value):])
	return nil
}

func (p target) setArray(image []byte, value string) error {
	if len(p.field.bytes(image)) < p.size {
		return fmt.Errorf("%s lies beyond the end of its variable", p.declaration())
	}
	if p.elem.kind >= kindPtr && p.elem.kind != kindFloat || p.elem.kind == kindString {
		return fmt.Errorf("%s is an array of a type that can't be set", p.declaration())
	}
	typ, err := p.types.btf.Resolve(p.id)
	if err != nil {
		return err
	}
	values := strings.Split(value, ",")
	if len(values) > p.length {
		return fmt.Errorf("%d values do not fit %s", len(values), p.declaration())
	}
	numbers := make([]uint64, p.length)
	for i, v := range values {
		elem := target{p.types, p.index(i), typ.(*btf.Array).Elem, fmt.Sprintf("%s[%d]", p.name, i)}
		if numbers[i], err = elem.parse(strings.TrimSpace(v)); err != nil {
			return err
		}
	}
	for i, number := range numbers {
		p.index(i).store(image, number)
	}
	return nil
}

// parse is the number that a value of a type that is one number is stored as.
func (p target) parse(value string) (uint64, error) {
	switch p.kind {
	case kindBool:
		switch value {
		case "true", "1":
			return 1, nil
		case "false", "0":
			return 0, nil
		}
		return 0, fmt.Errorf("value %q does not fit %s (true or false)", value, p.declaration())
	case kindFloat:
		number, err := strconv.ParseFloat(value, 8*p.size)
		switch {
		case errors.Is(err, strconv.ErrRange):
			return 0, fmt.Errorf("value %s does not fit %s", value, p.declaration())
		case err != nil:
			return 0, fmt.Errorf("value %q for %s is no number", value, p.declaration())
		case p.size == 4:
			return uint64(math.Float32bits(float32(number))), nil
		}
		return math.Float64bits(number), nil
	case kindEnum:
		for _, v := range p.values {
			if v.Name == value {
				return uint64(v.Value), nil
			}
		}
	}
	return p.parseInteger(value)
}

func (p target) parseInteger(value string) (uint64, error) {
	digits, negative := strings.CutPrefix(value, "-")
	base := 10
	if hex, ok := strings.CutPrefix(strings.ToLower(digits), "0x"); ok {
		digits, base = hex, 16
	}
	number, err := strconv.ParseUint(digits, base, 64)
	tooLarge := errors.Is(err, strconv.ErrRange)
	if err != nil && !tooLarge {
		if p.kind == kindEnum {
			return 0, fmt.Errorf("value %q for %s is neither a number nor one of %s", value, p.declaration(), p.enumerators())
		}
		return 0, fmt.Errorf("value %q for %s is no integer", value, p.declaration())
	}
	width := cmp.Or(p.bits, 8*p.size)
	// Compilers older than LLVM 16 do not tell whether an enum is signed: it may then be either.
	signed, unsigned := p.signed, !p.signed
	if p.kind == kindEnum && p.size == 4 && !p.signed {
		signed = true
	}
	half := uint64(1) << (width - 1)
	fits := !negative && unsigned && number <= half-1+half ||
		!negative && number < half || negative && number <= half && (signed || number == 0)
	if tooLarge || !fits {
		lowest, highest := "0", strconv.FormatUint(half-1+half, 10)
		if signed {
			lowest = "-" + strconv.FormatUint(half, 10)
		}
		if !unsigned {
			highest = strconv.FormatUint(half-1, 10)
		}
		return 0, fmt.Errorf("value %s does not fit %s (%s..%s)", value, p.declaration(), lowest, highest)
	}
	if negative {
		return -number, nil
	}
	return number, nil
}

func (p target) enumerators() string {
	const most = 8
	var names []string
	for _, v := range p.values[:min(len(p.values), most)] {
		names = append(names, v.Name)
	}
	if len(p.values) > most {
		names = append(names, "...")
	}
	return strings.Join(names, ", ")
}
