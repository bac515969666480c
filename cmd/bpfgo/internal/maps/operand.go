package maps

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/btf/decode"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/pick"
)

// operands are those of a command behind MAP: of a key, of a value, or of both.
type operands struct {
	key, value side
}

// side is what the operands say of a key or a value: a whole one, or parts.
type side struct {
	given bool
	whole string
	parts []assignment // if there is no whole
}

// assignment sets a part: a path of members and indices, such as "src" or "b[1].x".
type assignment struct{ path, value string }

// data tells whether the map is a section of global data. Its variables are parts of its only value.
func (t *target) data() bool { return t.desc.Key == nil && strings.HasPrefix(t.desc.Value.Name(), ".") }

func isStruct(typ *decode.Type) bool { return typ.Kind() == decode.KindStruct }

// parse tells apart what operands are about. withKey and withValue say what the command takes.
func (t *target) parse(args []string, withKey, withValue bool) (operands, error) {
	var o operands
	if t.data() {
		return t.parseVariables(args, withValue)
	}
	// A struct's members need no "key." or "value." if there is only one struct that they can be of.
	keyStruct, valueStruct := withKey && isStruct(t.desc.Key), withValue && isStruct(t.desc.Value)
	for _, arg := range args {
		path, value, assigned := strings.Cut(arg, "=")
		of, rest := &o.key, ""
		known := assigned
		switch {
		case !assigned:
		case withKey && isPart(path, "key"):
			rest = path[len("key"):]
		case withValue && isPart(path, "value"):
			of, rest = &o.value, path[len("value"):]
		case keyStruct != valueStruct && isPath(path):
			if valueStruct {
				of = &o.value
			}
			rest = path
		default:
			known = false
		}
		switch {
		case !known:
			// A whole key or, when there is one, a whole value.
			if of = &o.key; !withKey || o.key.given {
				of = &o.value
			}
			if of == &o.value && !withValue || of.given {
				return o, cli.Usagef("unexpected argument %q; %s", arg, t.wants(withKey, withValue))
			}
			*of = side{given: true, whole: arg}
		case of.given && of.parts == nil:
			return o, cli.Usagef("unexpected argument %q: the whole is given already", arg)
		case rest == "" && of.given:
			return o, cli.Usagef("unexpected argument %q: parts are given already", arg)
		case rest == "":
			*of = side{given: true, whole: value}
		default:
			of.given = true
			of.parts = append(of.parts, assignment{strings.TrimPrefix(rest, "."), value})
		}
	}
	switch {
	case withKey && !o.key.given:
		return o, cli.Usagef("give a key; %s", t.wants(withKey, withValue))
	case withValue && !o.value.given:
		return o, cli.Usagef("give a value; %s", t.wants(withKey, withValue))
	}
	return o, nil
}

// isPart tells whether a path names all or a part of what.
func isPart(path, what string) bool {
	rest, ok := strings.CutPrefix(path, what)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// isPath tells whether a text looks like the path of a member.
func isPath(text string) bool {
	return text != "" && strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.[]") == ""
}

// wants says what operands the map takes.
func (t *target) wants(withKey, withValue bool) string {
	var parts []string
	if withKey {
		parts = append(parts, "the key of map "+t.desc.Name+" is "+shape(t.desc.Key, t.desc.KeySize))
	}
	if withValue {
		parts = append(parts, "its value is "+shape(t.desc.Value, t.desc.ValueSize))
	}
	return strings.Join(parts, ", ")
}

// shape says what a value of a type consists of.
func shape(typ *decode.Type, size uint32) string {
	if typ == nil {
		return fmt.Sprintf("%d bytes of unknown type", size)
	}
	if !isStruct(typ) {
		return fmt.Sprintf("one value of %d bytes", size)
	}
	var members []string
	for _, c := range typ.Columns() {
		members = append(members, c.Name)
	}
	return "a struct with " + strings.Join(members, ", ")
}

// parseVariables is parse for global variables: NAME VALUE, or any number of NAME=VALUE; without values, names.
func (t *target) parseVariables(args []string, withValue bool) (operands, error) {
	o := operands{key: side{given: true}, value: side{given: true}}
	switch {
	case !withValue:
		for _, name := range args {
			o.value.parts = append(o.value.parts, assignment{path: name})
		}
		return o, nil
	case len(args) == 2 && !strings.Contains(args[0], "="):
		o.value.parts = []assignment{{args[0], args[1]}}
		return o, nil
	}
	for _, arg := range args {
		name, value, ok := strings.Cut(arg, "=")
		if !ok {
			return o, cli.Usagef("%q must be VARIABLE=VALUE, or VARIABLE VALUE for a single one", arg)
		}
		o.value.parts = append(o.value.parts, assignment{name, value})
	}
	if len(args) == 0 {
		return o, cli.Usagef("give VARIABLE VALUE; map %s has %s", t.desc.Name, shape(t.desc.Value, 0))
	}
	return o, nil
}

// put writes into data what a side says. what names it.
func (s side) put(e *cli.Env, what string, typ *decode.Type, data []byte) error {
	if s.parts == nil {
		return putWhole(e, what, typ.As(what), data, s.whole)
	}
	for _, part := range s.parts {
		field, err := typ.As(what).Field(part.path)
		if err != nil {
			if isStruct(typ) {
				return cli.Usagef("%s; it has %s", err, members(typ))
			}
			return cli.Usagef("%s", err)
		}
		if err := putWhole(e, what+" "+part.path, field, data, part.value); err != nil {
			return err
		}
	}
	return nil
}

// putWhole writes a text into data, at the place of a type or a part of one.
func putWhole(e *cli.Env, what string, typ *decode.Type, data []byte, text string) error {
	raw, isRaw, err := rawBytes(e, text, len(data))
	if err != nil {
		return err
	}
	if typ == nil && !isRaw {
		if raw, err = hex.DecodeString(text); err != nil || len(raw) != len(data) {
			return cli.Usagef("%s: its type is not known: give its %d bytes as hex:..., or its type with --key-type, "+
				"--value-type or --object", what, len(data))
		}
		isRaw = true
	}
	if isRaw {
		at := data
		if typ != nil {
			at = typ.Whole(data)
		}
		if len(at) != len(raw) {
			return cli.Usagef("%s: %d bytes do not fit its %d bytes", what, len(raw), len(at))
		}
		copy(at, raw)
		return nil
	}
	if typ.Kind() == decode.KindString && strings.HasPrefix(text, `"`) {
		var quoted string
		if json.Unmarshal([]byte(text), &quoted) == nil { // as it is shown
			text = quoted
		}
	}
	if err := typ.Set(data, text); err != nil {
		return cli.Usagef("%s", err)
	}
	return nil
}

// rawBytes are the bytes that an operand gives as such, for a key or value of this size. ok is false if it gives none.
func rawBytes(e *cli.Env, text string, size int) (raw []byte, ok bool, err error) {
	switch way, rest, _ := strings.Cut(text, ":"); way {
	case "hex":
		if raw, err = hex.DecodeString(rest); err != nil {
			return nil, true, cli.Usagef("%q is not hexadecimal", rest)
		}
		return raw, true, nil
	case "file":
		from := e.In
		if rest != "-" {
			file, err := os.Open(rest)
			if err != nil {
				return nil, true, err
			}
			defer file.Close()
			from = file
		}
		// It may have no end, as /dev/zero.
		raw, err = io.ReadAll(io.LimitReader(from, int64(size)+1))
		if err == nil && len(raw) > size {
			err = cli.Usagef("%s has more than %d bytes", text, size)
		}
		return raw, true, err
	}
	return nil, false, nil
}

// read replaces files by what they have, for values of this size. It can be read only once from standard input.
func (s side) read(e *cli.Env, size int) (side, error) {
	content := func(text string) (string, error) {
		raw, isRaw, err := rawBytes(e, text, size)
		if !isRaw || err != nil {
			return text, err
		}
		return "hex:" + hex.EncodeToString(raw), nil
	}
	var err error
	if s.parts == nil {
		s.whole, err = content(s.whole)
		return s, err
	}
	s.parts = slices.Clone(s.parts)
	for i := range s.parts {
		if s.parts[i].value, err = content(s.parts[i].value); err != nil {
			return s, err
		}
	}
	return s, nil
}

// makeKey is the key that operands say.
func (t *target) makeKey(e *cli.Env, s side) ([]byte, error) {
	key := make([]byte, t.desc.KeySize)
	switch {
	case t.data():
	case t.desc.Type == libbpf.MapTypeLPMTrie && s.parts == nil && strings.Contains(s.whole, "/") && len(key) > 4:
		if err := putPrefix(key, s.whole); err != nil {
			return nil, cli.Usagef("key: %v", err)
		}
	case t.desc.Key == nil && len(key) == 4 && t.desc.Indexed() && s.parts == nil:
		index, err := strconv.ParseUint(s.whole, 0, 32)
		if err != nil {
			return nil, cli.Usagef("key: %q is no index of an array", s.whole)
		}
		binary.NativeEndian.PutUint32(key, uint32(index))
	default:
		if err := s.put(e, "key", t.desc.Key, key); err != nil {
			return nil, err
		}
	}
	return key, nil
}

// putPrefix makes a prefix a key of an LPM trie.
func putPrefix(key []byte, text string) error {
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return fmt.Errorf("%q is no prefix such as 10.0.0.0/8 or fe80::/10", text)
	}
	address := prefix.Addr().AsSlice()
	if len(address) != len(key)-4 {
		return fmt.Errorf("a prefix of %d bytes does not fit keys with %d bytes behind the length", len(address), len(key)-4)
	}
	binary.NativeEndian.PutUint32(key, uint32(prefix.Bits()))
	copy(key[4:], address)
	return nil
}

// reference is the value that the kernel wants for what it keeps by reference: a descriptor, or a number. done closes
// the descriptor. ok is false if the values of the map are no references.
func (t *target) reference(text string) (value []byte, done func(), ok bool, err error) {
	number := func(n int) []byte {
		value := make([]byte, t.desc.ValueSize)
		binary.NativeEndian.PutUint32(value, uint32(n))
		return value
	}
	nothing := func() {}
	switch typ := t.desc.Type; {
	case typ == libbpf.MapTypeProgArray:
		p, err := pick.Program(text)
		if err != nil {
			return nil, nothing, true, err
		}
		return number(p.FD()), func() { _ = p.Close() }, true, nil
	case typ.IsMapInMap():
		m, err := pick.Map(text)
		if err != nil {
			return nil, nothing, true, err
		}
		return number(m.FD()), func() { _ = m.Close() }, true, nil
	case typ == libbpf.MapTypeCgroupArray:
		folder, err := os.Open(text)
		if err != nil {
			return nil, nothing, true, err
		}
		return number(int(folder.Fd())), func() { _ = folder.Close() }, true, nil
	case typ == libbpf.MapTypeDevMap || typ == libbpf.MapTypeDevMapHash:
		if index, err := strconv.ParseUint(text, 10, 31); err == nil {
			return number(int(index)), nothing, true, nil
		}
		device, err := net.InterfaceByName(text)
		if err != nil {
			return nil, nothing, true, fmt.Errorf("network device %s: %w", text, err)
		}
		return number(device.Index), nothing, true, nil
	case typ == libbpf.MapTypeCPUMap && t.desc.Value == nil:
		size, err := strconv.ParseUint(text, 10, 31)
		if err != nil || size > math.MaxInt32 {
			return nil, nothing, true, cli.Usagef("value: %q is no size of a queue", text)
		}
		return number(int(size)), nothing, true, nil
	}
	return nil, nothing, false, nil
}
