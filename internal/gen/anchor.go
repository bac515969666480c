package gen

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/libbpf-go/libbpf-go/btf"
)

// Compilers describe only types that a program uses. What the user asks for beyond these is in a throw-away object: the
// source, and variables of these types and with the values of these macros. They are in sections of their own.
const (
	anchorSection   = ".bpfgo.types"
	constantSection = ".bpfgo.constants"
	constantPrefix  = "bpfgo_constant_"
)

// declarations are the ways in which C can say a name of a type.
func declarations(name string) []string {
	if strings.ContainsRune(name, ' ') {
		return []string{name}
	}
	return []string{"struct " + name, "union " + name, "enum " + name, name}
}

// anchor compiles the throw-away object of a source. wanted are the names of types that the sources before did not
// have, and macros those of constants; anchor takes out what it finds. The path is empty if it finds nothing.
func (c *compiler) anchor(source string, wanted, macros map[string]bool) (object string, err error) {
	path, err := filepath.Abs(source)
	if err != nil {
		return "", err
	}
	include := fmt.Sprintf("#include %q\n", path)
	text := include
	for _, name := range sortedKeys(wanted) {
		for _, declaration := range declarations(name) {
			line := fmt.Sprintf("%s bpfgo_type_%d __attribute__((section(%q), used));\n", declaration, len(text), anchorSection)
			if c.compiles(include + line) {
				text += line
				delete(wanted, name)
				break
			}
		}
	}
	for _, name := range sortedKeys(macros) {
		line := fmt.Sprintf("const __typeof__(%s) %s%s __attribute__((section(%q), used)) = %[1]s;\n", name, constantPrefix, name,
			constantSection)
		if c.compiles(include + line) {
			text += line
			delete(macros, name)
		}
	}
	if text == include {
		return "", nil
	}
	unit := filepath.Join(c.scratch, fmt.Sprintf("anchor%d.c", c.objects))
	if err := os.WriteFile(unit, []byte(text), 0o666); err != nil {
		return "", err
	}
	return c.compile(unit)
}

// extend takes the types from throw-away objects, and the constants.
func (p *product) extend(objects []string) error {
	elf, err := link(objects, objects)
	if err != nil {
		return err
	}
	types, err := btf.ParseRaw(sectionOf(elf, ".BTF"))
	if err != nil {
		return err
	}
	extended, err := readObject(p.object.elf, types)
	if err != nil {
		_ = types.Close()
		return err
	}
	p.object.close()
	p.object = extended
	p.constants, err = readConstants(elf, types)
	return err
}

func sectionOf(elf []byte, name string) []byte {
	file, err := readELF(elf)
	if err != nil {
		return nil
	}
	section, _ := file.Find(name)
	if section == nil {
		return nil
	}
	data, err := section.Data()
	if err != nil {
		return nil
	}
	return data
}

// constant is a macro, its value as Go writes it, and its name in Go.
type constant struct{ name, value, goName string }

// readConstants reads the constants of a throw-away object.
func readConstants(elf []byte, types *btf.BTF) ([]constant, error) {
	file, err := readELF(elf)
	if err != nil {
		return nil, err
	}
	memory := sectionOf(elf, constantSection)
	var constants []constant
	for t := range types.Types(&err) {
		of, ok := t.(*btf.Var)
		name, ours := strings.CutPrefix(t.Name(), constantPrefix)
		if !ok || !ours {
			continue
		}
		at, found := file.variable(constantSection, of.Name(), false)
		if !found || at.offset < 0 || at.size < 0 || at.offset+at.size > len(memory) {
			return nil, fmt.Errorf("constant %s has no value", name)
		}
		value, err := constantValue(types, of.Type, memory[at.offset:][:at.size], file.Order)
		if err != nil {
			return nil, fmt.Errorf("constant %s: %w", name, err)
		}
		constants = append(constants, constant{name: name, value: value})
	}
	slices.SortFunc(constants, func(a, b constant) int { return strings.Compare(a.name, b.name) })
	return constants, err
}

func constantValue(types *btf.BTF, id btf.TypeID, value []byte, order binary.ByteOrder) (string, error) {
	t, err := types.Resolve(id)
	if err != nil {
		return "", err
	}
	if array, ok := t.(*btf.Array); ok {
		elem, err := types.Resolve(array.Elem)
		if of, isInt := elem.(*btf.Int); err == nil && isInt && of.Size == 1 {
			text, _, _ := bytes.Cut(value, []byte{0})
			return strconv.Quote(string(text)), nil
		}
	}
	var bits uint64
	switch len(value) {
	case 1:
		bits = uint64(value[0])
	case 2:
		bits = uint64(order.Uint16(value))
	case 4:
		bits = uint64(order.Uint32(value))
	case 8:
		bits = order.Uint64(value)
	default:
		return "", fmt.Errorf("a value of %d bytes can't be a Go constant", len(value))
	}
	shift := 64 - 8*len(value)
	switch t := t.(type) {
	case *btf.Int:
		if t.Signed {
			return strconv.FormatInt(int64(bits<<shift)>>shift, 10), nil
		}
		return strconv.FormatUint(bits, 10), nil
	case *btf.Enum:
		if t.Signed {
			return strconv.FormatInt(int64(bits<<shift)>>shift, 10), nil
		}
		return strconv.FormatUint(bits, 10), nil
	case *btf.Float:
		if len(value) == 4 {
			return strconv.FormatFloat(float64(math.Float32frombits(uint32(bits))), 'g', -1, 32), nil
		}
		return strconv.FormatFloat(math.Float64frombits(bits), 'g', -1, 64), nil
	}
	return "", fmt.Errorf("a %s can't be a Go constant", t.Kind())
}

// findType finds a type by its name in C, with or without the keyword.
func findType(types *btf.BTF, name string) (btf.TypeID, error) {
	kinds := []btf.Kind{btf.KindStruct, btf.KindUnion, btf.KindEnum, btf.KindEnum64, btf.KindTypedef, btf.KindInt, btf.KindFloat}
	keyword, rest, found := strings.Cut(name, " ")
	switch {
	case found && keyword == "struct":
		kinds, name = []btf.Kind{btf.KindStruct}, rest
	case found && keyword == "union":
		kinds, name = []btf.Kind{btf.KindUnion}, rest
	case found && keyword == "enum":
		kinds, name = []btf.Kind{btf.KindEnum, btf.KindEnum64}, rest
	}
	t, err := types.TypeByName(strings.TrimSpace(name), kinds...)
	if err != nil {
		return 0, err
	}
	return t.ID(), nil
}
