// Package filter selects values by their members: "pid=12", "comm~^nginx", "duration_ns>=1000000".
package filter

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/libbpf-go/libbpf-go/btf/decode"
)

// Condition is a comparison of a member with a value, for values of any type.
type Condition struct {
	Member string // such as "task.pid"
	op     string
	value  string
	match  *regexp.Regexp // for ~ and !~
}

// ops are the operators. Those that begin with another one come first.
var ops = []string{"!=", "!~", "<=", ">=", "==", "=", "<", ">", "~"}

// Parse parses a condition: MEMBER, an operator, and a value. The operators are = != < <= > >= for numbers and texts,
// and ~ !~ for a regular expression that the value's text matches or does not.
func Parse(text string) (Condition, error) {
	at := strings.IndexAny(text, "=!<>~")
	if at <= 0 {
		return Condition{}, errors.New("must be MEMBER=VALUE, or with another of = != < <= > >= ~ !~")
	}
	c := Condition{Member: strings.TrimSpace(text[:at])}
	for _, op := range ops {
		if value, found := strings.CutPrefix(text[at:], op); found {
			c.op, c.value = op, strings.TrimSpace(value)
			break
		}
	}
	switch c.op {
	case "":
		return Condition{}, fmt.Errorf("%q is not an operator: use = != < <= > >= ~ !~", text[at:at+1])
	case "~", "!~":
		match, err := regexp.Compile(c.value)
		if err != nil {
			return Condition{}, err
		}
		c.match = match
	}
	return c, nil
}

func (c Condition) String() string { return c.Member + c.op + c.value }

// Bind makes the condition ready for values of a type. The error is btf.ErrNotFound if the type does not have the
// member.
func (c Condition) Bind(typ *decode.Type) (*Test, error) {
	part, err := typ.Field(c.Member)
	if err != nil {
		return nil, err
	}
	t := &Test{condition: c, part: part}
	if c.match != nil {
		return t, nil
	}
	switch part.Kind() {
	case decode.KindStruct:
		return nil, fmt.Errorf("%s is a struct: name one of its members", c.Member)
	case decode.KindPtr:
		t.pointer, err = strconv.ParseUint(c.value, 0, 64)
	case decode.KindString:
		// A text may be longer than the array, and then no value equals it.
	default:
		t.image = make([]byte, typ.Size())
		err = part.As(c.Member).Set(t.image, c.value)
	}
	return t, err
}

// Test tells whether values of one type fulfil a condition. It is not safe for concurrent use.
type Test struct {
	condition Condition
	part      *decode.Type
	image     []byte // a value of the whole type, which has the condition's value in the part
	pointer   uint64
	value     decode.Value
}

// Match tells whether a value fulfils the condition. A value that ends before the member does not.
func (t *Test) Match(data []byte) bool {
	t.part.Decode(&t.value, data)
	if t.value.Kind == decode.KindMissing {
		return false
	}
	if t.condition.match != nil {
		return t.condition.match.MatchString(t.text(data)) == (t.condition.op == "~")
	}
	var order int
	switch t.part.Kind() {
	case decode.KindPtr:
		order = compare(t.value.Bits, t.pointer)
	case decode.KindString:
		order = strings.Compare(t.text(data), t.condition.value)
	default:
		order = t.part.Compare(data, t.image)
	}
	switch t.condition.op {
	case "!=":
		return order != 0
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	case ">=":
		return order >= 0
	}
	return order == 0
}

func compare(a, b uint64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// text is the member without quotes.
func (t *Test) text(data []byte) string {
	if t.value.Kind == decode.KindString {
		return string(t.value.Bytes)
	}
	return t.part.Text(data)
}
