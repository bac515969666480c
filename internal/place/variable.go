// Package place finds types, global variables of BPF objects, and parts of them by their names in BTF.
package place

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/libbpf-go/libbpf-go/btf"
)

// Sections that are special.
const (
	Arena   = ".addr_space.1" // global variables in the object's arena
	Kconfig = ".kconfig"      // externs that libbpf fills in
)

// Error says why a name does not select a variable or a part of one.
type Error struct {
	Text    string
	Missing bool // there is no such variable or part; otherwise the name is wrong
}

func (e *Error) Error() string { return e.Text }

func missingf(format string, args ...any) error { return &Error{fmt.Sprintf(format, args...), true} }
func invalidf(format string, args ...any) error { return &Error{fmt.Sprintf(format, args...), false} }

// Variable is the location of a variable, from BTF.
type Variable struct {
	Name         string
	Section      string
	Type         btf.TypeID // typedefs and qualifiers are not resolved
	Offset, Size int        // bytes, in the section
}

// Find finds a global variable by the name that begins a text such as "config", "config.mode" or "table[3].x". path is
// the rest of the text. Names may have dots in them: a static variable of a function is "function.name". Where several
// variables have one name, the section tells which is meant, and the offset in it where one section has several:
// ".data:count", ".bss+8:count".
//
// A variable of the section [Kconfig] is an extern, whose value comes from the kernel's configuration.
func Find(types *btf.BTF, text string) (v Variable, path string, err error) {
	return FindIn(types, text, func(section string) bool { return IsData(section) || section == Kconfig })
}

// IsData tells whether a section holds global variables.
func IsData(section string) bool {
	for _, kind := range []string{".rodata", ".data", ".bss"} {
		if section == kind || strings.HasPrefix(section, kind+".") {
			return true
		}
	}
	return section == Arena
}

// FindIn is Find in the sections that wanted accepts.
func FindIn(types *btf.BTF, text string, wanted func(section string) bool) (v Variable, path string, err error) {
	where, name := "", text
	if i := strings.LastIndexByte(text, ':'); i >= 0 {
		where, name = text[:i], text[i+1:]
	}
	var found, others []Variable // the longest names that text begins with
	for t := range types.Types(&err) {
		section, ok := t.(*btf.Datasec)
		if !ok {
			continue
		}
		candidates := &others
		if wanted(section.Name()) {
			candidates = &found
		}
		if err := eachVariable(types, section, func(v Variable) {
			if v.begins(name) && (where == "" || v.isAt(where)) {
				*candidates = longest(*candidates, v)
			}
		}); err != nil {
			return Variable{}, "", err
		}
	}
	switch {
	case err != nil:
		return Variable{}, "", err
	case len(found) > 1:
		return Variable{}, "", ambiguous(found)
	case len(found) == 1:
		return found[0], name[len(found[0].Name):], nil
	case len(others) > 0:
		return Variable{}, "", missingf("%s", whatElse(others[0].Section))
	}
	return Variable{}, "", missingf("the object has no such global variable")
}

func eachVariable(types *btf.BTF, section *btf.Datasec, f func(Variable)) error {
	for _, info := range section.Vars {
		t, err := types.TypeByID(info.Type)
		if err != nil {
			return err
		}
		if of, ok := t.(*btf.Var); ok {
			f(Variable{of.Name(), section.Name(), of.Type, int(info.Offset), int(info.Size)})
		}
	}
	return nil
}

// begins tells whether text is the variable's name, or the name with a path after it.
func (v Variable) begins(text string) bool {
	rest, ok := strings.CutPrefix(text, v.Name)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// isAt tells whether the variable is in the section of that name, or at the place such as ".bss+8".
func (v Variable) isAt(where string) bool { return where == v.Section || where == v.at() }

func (v Variable) at() string { return v.Section + "+" + strconv.Itoa(v.Offset) }

// longest adds v to the variables with the longest names.
func longest(to []Variable, v Variable) []Variable {
	switch {
	case len(to) > 0 && len(to[0].Name) > len(v.Name):
		return to
	case len(to) > 0 && len(to[0].Name) < len(v.Name):
		to = to[:0]
	}
	return append(to, v)
}

// ambiguous says how to name each of several variables with one name.
func ambiguous(variables []Variable) error {
	inSection := make(map[string]int)
	for _, v := range variables {
		inSection[v.Section]++
	}
	var names []string
	for _, v := range variables {
		where := v.Section
		if inSection[where] > 1 {
			where = v.at()
		}
		names = append(names, where+":"+v.Name)
	}
	return invalidf("there are %d variables of that name: use one of the names %s", len(names), strings.Join(names, ", "))
}

// whatElse says what has the name of a variable, in a section that is not of variables.
func whatElse(section string) string {
	switch {
	case section == ".ksyms":
		return "it is an extern, which the kernel defines, and no global variable of the object"
	case section == ".maps":
		return "it is a map and no global variable"
	case strings.Contains(section, ".struct_ops"):
		return "it is a map of type struct_ops and no global variable"
	}
	return "section " + section + ", in which it is, is not of global variables"
}
