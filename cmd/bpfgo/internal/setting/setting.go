// Package setting sets global variables of objects before they are loaded: the flag --set.
package setting

import (
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/btf/decode"
	"github.com/libbpf-go/libbpf-go/internal/place"
)

// Setting is a value for a global variable, or for a part of one.
type Setting struct{ Name, Value string }

// Set is the value of the flag, NAME=VALUE, which can be repeated.
func Set(settings *[]Setting) func(string) error {
	return func(text string) error {
		name, value, found := strings.Cut(text, "=")
		if !found || name == "" {
			return errors.New("must be NAME=VALUE")
		}
		*settings = append(*settings, Setting{name, value})
		return nil
	}
}

// Has tells whether an object has the variable. types are the object's, nil if it has none.
func (s Setting) Has(types *btf.BTF) bool {
	if types == nil {
		return false
	}
	_, _, err := place.Find(types, s.Name)
	missing := (*place.Error)(nil)
	return !errors.As(err, &missing) || !missing.Missing
}

// Apply sets the variable. types are the object's, nil if it has none, and values are made of them. object names the
// object in errors.
func (s Setting) Apply(open *libbpf.OpenObject, types *btf.BTF, values *decode.Types, object string) error {
	if types == nil {
		return fmt.Errorf("%s has no BTF (compile it with -g), so its variables have no names", object)
	}
	variable, path, err := place.Find(types, s.Name)
	if missing := (*place.Error)(nil); errors.As(err, &missing) && missing.Missing {
		if others := names(types); len(others) > 0 {
			return fmt.Errorf("%w; it has %s", err, strings.Join(others, ", "))
		}
		return fmt.Errorf("%s has no global variables", object)
	}
	if err != nil {
		return err
	}
	if variable.Section == place.Kconfig {
		return errors.New("it is an extern, whose value comes from the kernel's configuration: use --kconfig")
	}
	name := strings.TrimSuffix(s.Name, path)
	image, err := open.Global(name)
	if err != nil {
		return err
	}
	whole, err := values.Type(variable.Type)
	if err != nil {
		return err
	}
	part, err := whole.As(name).Field(path)
	if err != nil {
		return err
	}
	if err := part.Set(image, s.Value); err != nil {
		return err
	}
	return open.SetGlobal(name, image)
}

// names are those of an object's global variables, without static ones of functions.
func names(types *btf.BTF) []string {
	var all []string
	for v := range Variables(types) {
		if !strings.Contains(v.Name, ".") {
			all = append(all, v.Name)
		}
	}
	return all
}

// Variables iterates over an object's global variables.
func Variables(types *btf.BTF) iter.Seq[place.Variable] {
	return func(yield func(place.Variable) bool) {
		if types == nil {
			return
		}
		for t := range types.Types(nil) {
			section, ok := t.(*btf.Datasec)
			if !ok || !place.IsData(section.Name()) {
				continue
			}
			for _, v := range section.Vars {
				t, err := types.TypeByID(v.Type)
				if err != nil {
					continue
				}
				variable := place.Variable{
					Name: t.Name(), Section: section.Name(), Type: v.Type, Offset: int(v.Offset), Size: int(v.Size),
				}
				if !yield(variable) {
					return
				}
			}
		}
	}
}
