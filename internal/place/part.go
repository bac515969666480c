package place

import (
	"math"
	"strconv"
	"strings"

	"github.com/libbpf-go/libbpf-go/btf"
)

// Part is a variable, or a part of one.
type Part struct {
	Type btf.TypeID // typedefs and qualifiers are not resolved
	Bit  int        // its offset in the variable, in bits
	Bits int        // the width of a bit field; 0 for others
}

// At finds the part of a variable at a path, as in C, such as ".mode" or "[3].x"; "" is the variable itself. A member
// of an anonymous struct or union counts as a member of the struct around it. name is the variable's name, for errors.
func At(types *btf.BTF, id btf.TypeID, name, path string) (Part, error) {
	at := Part{Type: id}
	for rest := path; rest != ""; {
		step := rest[:1+strings.IndexFunc(rest[1:]+".", func(r rune) bool { return r == '.' || r == '[' })]
		done := name + path[:len(path)-len(rest)]
		var err error
		if step[0] == '[' {
			at, err = at.element(types, done, step)
		} else {
			at, err = at.member(types, done, step[1:])
		}
		if err != nil {
			return Part{}, err
		}
		if at.Bit < 0 { // more than an int counts
			return Part{}, invalidf("%s%s is too far from the beginning of %s", done, step, name)
		}
		rest = rest[len(step):]
	}
	return at, nil
}

func (p Part) element(types *btf.BTF, name, step string) (Part, error) {
	index, closed := strings.CutSuffix(step[1:], "]")
	n, err := strconv.ParseUint(index, 10, 32)
	if !closed || err != nil {
		return Part{}, invalidf("%s must be an index such as [0]", step)
	}
	t, err := types.Resolve(p.Type)
	if err != nil {
		return Part{}, err
	}
	array, ok := t.(*btf.Array)
	if !ok {
		return Part{}, missingf("%s is not an array and has no element %d", Declaration(types, p.Type, name), n)
	}
	if n >= uint64(array.Len) && array.Len != 0 { // a flexible array has as many as there is data
		return Part{}, invalidf("%s has no element %d", Declaration(types, p.Type, name), n)
	}
	size, err := types.Size(array.Elem)
	if err != nil {
		return Part{}, err
	}
	if size > 0 && n > uint64(math.MaxInt-p.Bit)/8/uint64(size) {
		return Part{}, invalidf("%s is too far from the beginning of %s", step, name)
	}
	return Part{Type: array.Elem, Bit: p.Bit + 8*size*int(n)}, nil
}

func (p Part) member(types *btf.BTF, name, member string) (Part, error) {
	t, err := types.Resolve(p.Type)
	if err != nil {
		return Part{}, err
	}
	if section, ok := t.(*btf.Datasec); ok {
		return p.variable(types, section, name, member)
	}
	composite, ok := t.(*btf.Composite)
	if !ok {
		return Part{}, missingf("%s is not a struct and has no member %s", Declaration(types, p.Type, name), member)
	}
	found, ok, err := find(types, composite, member, make(map[btf.TypeID]bool))
	if err != nil {
		return Part{}, err
	}
	if !ok {
		return Part{}, missingf("%s has no member %s", Declaration(types, p.Type, name), member)
	}
	found.Bit += p.Bit
	return found, nil
}

// variable is a variable of a section of data.
func (p Part) variable(types *btf.BTF, section *btf.Datasec, name, variable string) (Part, error) {
	for _, v := range section.Vars {
		t, err := types.TypeByID(v.Type)
		if err != nil {
			return Part{}, err
		}
		if found, ok := t.(*btf.Var); ok && t.Name() == variable {
			return Part{Type: found.Type, Bit: p.Bit + 8*int(v.Offset)}, nil
		}
	}
	return Part{}, missingf("%s has no variable %s", name, variable)
}

// find finds a member of a struct or union, also in its anonymous members. seen has the types that were searched
// before, because in damaged BTF they may contain one another.
func find(types *btf.BTF, in *btf.Composite, name string, seen map[btf.TypeID]bool) (Part, bool, error) {
	if name == "" || seen[in.ID()] {
		return Part{}, false, nil
	}
	seen[in.ID()] = true
	for _, m := range in.Members {
		if m.Name != name && m.Name != "" {
			continue
		}
		t, err := types.Resolve(m.Type)
		if err != nil {
			return Part{}, false, err
		}
		at := Part{m.Type, int(m.BitOffset), int(m.BitfieldSize)}
		if m.Name == name {
			// Old compilers describe a bit field by an integer that uses fewer bits than its size.
			if i, ok := t.(*btf.Int); ok && at.Bits == 0 && uint32(i.Bits) < 8*i.Size {
				at.Bit += int(i.Offset)
				at.Bits = int(i.Bits)
			}
			return at, true, nil
		}
		inner, ok := t.(*btf.Composite)
		if !ok {
			continue
		}
		if found, ok, err := find(types, inner, name, seen); ok || err != nil {
			found.Bit += at.Bit
			return found, ok, err
		}
	}
	return Part{}, false, nil
}

// Declaration is the C declaration of a variable, or of a part of one.
func Declaration(types *btf.BTF, id btf.TypeID, name string) string {
	for range maxDepth {
		t, err := types.TypeByID(id)
		if err != nil {
			return name
		}
		switch t := t.(type) {
		case *btf.Modifier:
			id = t.Target
			continue
		case *btf.Var:
			id = t.Type
			continue
		case *btf.Composite:
			if t.Name() != "" {
				return t.Kind().String() + " " + t.Name() + " " + name
			}
			return "anonymous " + t.Kind().String() + " " + name
		}
		break
	}
	text, err := types.Declaration(id, name)
	if err != nil || strings.Contains(text, "\n") {
		return name
	}
	return text
}

// maxDepth is the maximum number of qualifiers of a type. Damaged BTF may have cycles of them.
const maxDepth = 32
