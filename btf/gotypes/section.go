package gotypes

import (
	"fmt"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// Variable is a variable of a data section.
type Variable struct {
	Name   string
	Type   btf.TypeID // its type, or the btf.Var
	Offset int        // in bytes, from the beginning of the section
	Size   int        // in bytes

	// Omit is the reason why the variable gets no field, such as "static". It is then padding with a comment. Empty: it
	// gets one.
	Omit string
}

// Section declares a struct for a data section: a field for each variable, at its offset. name is the section's name,
// such as ".data", and goName the type's; the type has the name that Section returns, which differs if goName is taken.
// size is the section's, in bytes. The struct is larger by up to 7 bytes where its alignment needs that: the memory of a
// section is whole pages.
//
// A variable of a struct type without a name gives the type its own name.
//
// errors.Is: [btf.ErrClosed]; unix.EINVAL for variables that overlap or are outside; unix.E2BIG for a section that is
// too large.
func (g *Generator) Section(name, goName string, variables []Variable, size int) (string, error) {
	if err := g.scan(); err != nil {
		return "", err
	}
	if size < 0 || size > maxSize {
		return "", fmt.Errorf("gotypes: section %s of %d bytes: %w", name, size, errTooLarge)
	}
	taken := g.names.add(goName, "Section")
	w := g.newWriter(taken, "section "+oneLine(name), size, 0)
	w.section = true
	if err := w.variables(name, variables); err != nil {
		delete(g.names, taken)
		return "", fmt.Errorf("gotypes: section %s: %w", name, err)
	}
	w.finish()
	return taken, nil
}

// variables adds the variables as parts.
func (w *writer) variables(name string, variables []Variable) error {
	var parts []part
	for _, v := range variables {
		if v.Offset < 0 || v.Size < 0 || v.Offset > w.size || v.Size > w.size-v.Offset {
			return fault.Invalidf("variable %s is at bytes %d to %d of %d", v.Name, v.Offset, v.Offset+v.Size, w.size)
		}
		if v.Omit != "" {
			w.fields = append(w.fields, field{name: "_", offset: v.Offset, size: v.Size,
				expr: fmt.Sprintf("[%d]byte", v.Size), note: fmt.Sprintf("%s: %s", v.Name, v.Omit)})
			continue
		}
		parts = append(parts, part{name: v.Name, t: v.Type, offset: 8 * v.Offset, rename: []string{name + "." + v.Name},
			doc: w.g.doc(v.Type, -1)})
	}
	return w.write(parts, nil)
}
