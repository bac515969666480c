package decode

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/libbpf-go/libbpf-go/internal/fault"
	"github.com/libbpf-go/libbpf-go/internal/place"
)

// Set writes a value that is given as text into data, the bytes of a value of the whole type. If it fails, data does not
// change.
//
// Integers and pointers are decimal or, after 0x, hexadecimal; bools true, false, 1 or 0; enums the name or the number;
// characters the number or, in ASCII, 'A'; arrays of char take the text as it is; floats are as in Go. Other arrays take
// values with commas between them: what is behind the last one becomes 0. Structs, and arrays of any type, take JSON as
// [Type.AppendJSON] writes it: members that it does not name stay as they are.
//
// errors.Is: unix.EINVAL for a value that does not fit.
func (t *Type) Set(data []byte, value string) error {
	if t == nil {
		return fault.Invalidf("its type is not known")
	}
	switch t.at.kind {
	case KindStruct:
		if !isJSON(value, '{') {
			return fault.Invalidf("%s is a struct or union: set its members one by one, as %s.member=value, or give it "+
				`as JSON, such as {"member":1}`, t.declaration(), t.path)
		}
		return t.setJSON(data, value)
	case KindString:
		return t.setString(data, value)
	case KindArray:
		if isJSON(value, '[') {
			return t.setJSON(data, value)
		}
		return t.setArray(data, value)
	case KindBig:
		return t.setBig(data, value)
	}
	number, err := t.parse(value)
	if err != nil {
		return err
	}
	return t.store(data, number)
}

// SetInt is [Type.Set] for a number, of an integer, a bool, a character or an enum. It does not allocate.
func (t *Type) SetInt(data []byte, value int64) error {
	if value < 0 {
		return t.setNumber(data, true, -uint64(value))
	}
	return t.setNumber(data, false, uint64(value))
}

// SetUint is [Type.SetInt] for unsigned numbers.
func (t *Type) SetUint(data []byte, value uint64) error { return t.setNumber(data, false, value) }

func (t *Type) setNumber(data []byte, negative bool, number uint64) error {
	if t == nil {
		return fault.Invalidf("its type is not known")
	}
	switch {
	case t.at.kind > KindEnum || t.at.kind == KindString:
		return fault.Invalidf("%s does not take a number", t.declaration())
	case t.at.kind == KindBool && number > 1 || !t.at.fits(negative, number):
		return fault.Invalidf("%s does not have room for the number", t.declaration())
	case negative:
		number = -number
	}
	return t.store(data, number)
}

// SetFloat sets a float or double. It does not allocate.
func (t *Type) SetFloat(data []byte, value float64) error {
	switch {
	case t == nil || t.at.kind != KindFloat:
		return fault.Invalidf("%s is not a float", t.declaration())
	case t.at.size == 4:
		return t.store(data, uint64(math.Float32bits(float32(value))))
	default:
		return t.store(data, math.Float64bits(value))
	}
}

// declaration is the part as C would declare it.
func (t *Type) declaration() string {
	if t == nil {
		return "a value of unknown type"
	}
	return place.Declaration(t.types.btf, t.id, t.path)
}

func (t *Type) store(data []byte, number uint64) error {
	if !t.at.store(data, number) {
		return t.beyond()
	}
	return nil
}

func (t *Type) beyond() error {
	return fault.Invalidf("%s lies beyond the end of its variable", t.declaration())
}

func (t *Type) setString(data []byte, value string) error {
	if err := t.checkString(data, value); err != nil {
		return err
	}
	raw := t.at.bytes(data)
	clear(raw[copy(raw, value):])
	return nil
}

func (t *Type) checkString(data []byte, value string) error {
	size := t.at.width(data)
	switch {
	case len(t.at.bytes(data)) < size:
		return t.beyond()
	case strings.IndexByte(value, 0) >= 0:
		return fault.Invalidf("a value of %s can't have a NUL in it", t.declaration())
	case len(value) >= size:
		return fault.Invalidf("a string of %d bytes and its NUL do not fit %s", len(value), t.declaration())
	}
	return nil
}

func (t *Type) setArray(data []byte, value string) error {
	if len(t.at.bytes(data)) < t.at.width(data) {
		return t.beyond()
	}
	if t.at.elem.kind > KindFloat {
		return fault.Invalidf("the elements of %s are no numbers: give it as JSON, such as [1, 2]", t.declaration())
	}
	values, n := strings.Split(value, ","), t.at.count(data)
	if len(values) > n {
		return fault.Invalidf("%d values do not fit %s", len(values), t.declaration())
	}
	numbers := make([]uint64, n)
	for i, v := range values {
		var err error
		if t.at.elem.kind == KindString {
			err = t.element(i).checkString(data, v)
		} else {
			numbers[i], err = t.element(i).parse(strings.TrimSpace(v))
		}
		if err != nil {
			return err
		}
	}
	if t.at.elem.kind == KindString {
		clear(t.at.bytes(data))
		for i, v := range values {
			copy(t.at.index(i).bytes(data), v)
		}
		return nil
	}
	for i, number := range numbers {
		t.at.index(i).store(data, number)
	}
	return nil
}

// element is an element of an array.
func (t *Type) element(i int) *Type {
	return &Type{types: t.types, id: t.at.elemID, path: fmt.Sprintf("%s[%d]", t.path, i), at: t.at.index(i)}
}

// parse is the number that a value of a type that is one number is stored as.
func (t *Type) parse(value string) (uint64, error) {
	switch t.at.kind {
	case KindBool:
		switch value {
		case "true", "1":
			return 1, nil
		case "false", "0":
			return 0, nil
		}
		return 0, fault.Invalidf("value %q does not fit %s (true or false)", value, t.declaration())
	case KindFloat:
		number, err := strconv.ParseFloat(value, 8*t.at.size)
		switch {
		case errors.Is(err, strconv.ErrRange):
			return 0, fault.Invalidf("value %s does not fit %s", value, t.declaration())
		case err != nil:
			return 0, fault.Invalidf("value %q for %s is no number", value, t.declaration())
		case t.at.size == 4:
			return uint64(math.Float32bits(float32(number))), nil
		}
		return math.Float64bits(number), nil
	case KindChar:
		if text, err := strconv.Unquote(value); err == nil && value[0] == '\'' && len(text) == 1 {
			return uint64(text[0]), nil
		}
	case KindEnum:
		for _, v := range t.at.values {
			if v.Name == value {
				return uint64(v.Value), nil
			}
		}
	}
	return t.parseInteger(value)
}

func (t *Type) parseInteger(value string) (uint64, error) {
	digits, negative := strings.CutPrefix(value, "-")
	base := 10
	if hex, ok := strings.CutPrefix(strings.ToLower(digits), "0x"); ok {
		digits, base = hex, 16
	}
	number, err := strconv.ParseUint(digits, base, 64)
	tooLarge := errors.Is(err, strconv.ErrRange)
	if err != nil && !tooLarge {
		if t.at.kind == KindEnum {
			return 0, fault.Invalidf("value %q for %s is neither a number nor one of %s", value, t.declaration(),
				t.enumerators())
		}
		return 0, fault.Invalidf("value %q for %s is no integer", value, t.declaration())
	}
	if tooLarge || !t.at.fits(negative, number) {
		lowest, highest := t.at.limits()
		return 0, fault.Invalidf("value %s does not fit %s (%s..%s)", value, t.declaration(), lowest, highest)
	}
	if negative {
		return -number, nil
	}
	return number, nil
}

// signs tells which numbers the field takes. Compilers older than LLVM 16 do not tell whether an enum is signed: it may
// then be either.
func (f field) signs() (signed, unsigned bool) {
	return f.signed || f.kind == KindEnum && f.size < 8, !f.signed
}

// half is the smallest number that a signed field does not take.
func (f field) half() uint64 { return 1 << (cmp.Or(f.bits, 8*f.size) - 1) }

// fits tells whether the field has room for a number, whose sign is apart.
func (f field) fits(negative bool, number uint64) bool {
	signed, unsigned := f.signs()
	half := f.half()
	if negative {
		return number == 0 || signed && number <= half
	}
	return number < half || unsigned && number <= half-1+half
}

// limits are the smallest and the largest number that the field takes.
func (f field) limits() (lowest, highest string) {
	signed, unsigned := f.signs()
	half := f.half()
	lowest, highest = "0", strconv.FormatUint(half-1, 10)
	if signed {
		lowest = "-" + strconv.FormatUint(half, 10)
	}
	if unsigned {
		highest = strconv.FormatUint(half-1+half, 10)
	}
	return lowest, highest
}

func (t *Type) enumerators() string {
	const most = 8
	var names []string
	for _, v := range t.at.values[:min(len(t.at.values), most)] {
		names = append(names, v.Name)
	}
	if len(t.at.values) > most {
		names = append(names, "...")
	}
	return strings.Join(names, ", ")
}
