package gen

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/internal/place"
)

// object is what the code is generated from.
type object struct {
	elf   []byte
	types *btf.BTF // of the object, or of one that has more types
	file  *elfFile

	maps      []mapModel
	programs  []programModel
	sections  []sectionModel
	structOps []opsModel
	kconfig   map[string]location // where libbpf lays out these variables

	uses, holds map[string][]string
	docs        map[btf.TypeID][]string // what declaration tags say of a variable, a function or a type
	warnings    []string
}

// mapModel is a map.
type mapModel struct {
	name       string
	definition libbpf.MapDefinition
	key, value btf.TypeID // 0 where the source tells no type
	inner      *mapModel  // what a map of maps holds
	doc        []string
}

// programModel is a program.
type programModel struct {
	name, section string
	doc           []string
}

// sectionModel is a section of global variables.
type sectionModel struct {
	name      string
	size      int
	variables []variable
}

// variable is a global variable. A static one has no name to the outside.
type variable struct {
	name string
	typ  btf.TypeID
	location
}

// opsModel is a struct_ops.
type opsModel struct {
	name string
	typ  *btf.Composite
	doc  []string
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func (o *object) warnf(format string, args ...any) {
	o.warnings = append(o.warnings, fmt.Sprintf(format, args...))
}

// readObject reads an object. types may be nil: then its own are read.
func readObject(elf []byte, types *btf.BTF) (*object, error) {
	file, err := readELF(elf)
	if err != nil {
		return nil, err
	}
	o := &object{elf: elf, types: types, file: file}
	opened, err := libbpf.OpenMemory(elf)
	if err != nil {
		return nil, cause(err)
	}
	defer opened.Close()
	own, err := opened.BTF()
	if err != nil {
		return nil, cause(err)
	}
	if o.types == nil {
		o.types = own
	} else {
		defer own.Close()
	}
	if err = o.readKconfig(own); err == nil {
		err = o.read(opened)
	}
	if err != nil {
		o.close()
		return nil, err
	}
	return o, nil
}

func (o *object) close() { _ = o.types.Close() }

// cause leaves out of an error of opening what it says of an object in memory.
func cause(err error) error {
	var failed *libbpf.Error
	switch {
	case errors.As(err, &failed) && len(failed.Messages) > 0:
		return fmt.Errorf("%w (%s)", failed.Err, strings.Join(failed.Messages, "; "))
	case errors.As(err, &failed):
		return failed.Err
	}
	return err
}

func (o *object) read(opened *libbpf.OpenObject) error {
	if err := o.readDocs(); err != nil {
		return err
	}
	sections, err := o.dataSections()
	if err != nil {
		return err
	}
	for p := range opened.Programs() {
		doc, err := o.docOf(p.Name(), btf.KindFunc)
		if err != nil {
			return err
		}
		o.programs = append(o.programs, programModel{p.Name(), p.Section(), doc})
	}
	if err := o.readMaps(opened, sections[".maps"]); err != nil {
		return err
	}
	var ops []string
	for _, name := range sortedKeys(sections) {
		section := sections[name]
		switch {
		case name == ".maps" || name == ".ksyms":
		case isOps(name):
			ops = append(ops, name)
			err = o.readOps(section)
		default:
			err = o.readSection(section)
		}
		if err != nil {
			return err
		}
	}
	if o.uses, err = findUses(o.file, o.arena()); err != nil {
		return err
	}
	o.holds, err = o.file.Holds(append([]string{".maps"}, ops...)...)
	return err
}

func isOps(section string) bool {
	return strings.TrimPrefix(section, "?") == ".struct_ops" || strings.TrimPrefix(section, "?") == ".struct_ops.link"
}

// arena is the name of the object's arena.
func (o *object) arena() string {
	for _, m := range o.maps {
		if m.definition.Type == libbpf.MapTypeArena {
			return m.name
		}
	}
	return ""
}

// readDocs collects the declaration tags.
func (o *object) readDocs() error {
	o.docs = make(map[btf.TypeID][]string)
	var err error
	for t := range o.types.Types(&err) {
		if tag, ok := t.(*btf.DeclTag); ok && tag.Component < 0 {
			o.docs[tag.Target] = append(o.docs[tag.Target], tag.Name())
		}
	}
	return err
}

// readKconfig reads where libbpf lays out the variables that it takes from the kernel's configuration: it writes that
// into its BTF.
func (o *object) readKconfig(types *btf.BTF) error {
	t, err := types.TypeByName(place.Kconfig, btf.KindDatasec)
	if errors.Is(err, btf.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	o.kconfig = make(map[string]location)
	for _, v := range t.(*btf.Datasec).Vars {
		t, err := types.TypeByID(v.Type)
		if err != nil {
			return err
		}
		o.kconfig[t.Name()] = location{offset: int(v.Offset), size: int(v.Size)}
	}
	return nil
}

func (o *object) kconfigSize() int {
	size := 0
	for _, at := range o.kconfig {
		size = max(size, at.offset+at.size)
	}
	return size
}

func (o *object) docOf(name string, kind btf.Kind) ([]string, error) {
	t, err := o.types.TypeByName(name, kind)
	if errors.Is(err, btf.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return o.docs[t.ID()], nil
}

// dataSections are the sections of variables that the BTF describes.
func (o *object) dataSections() (map[string]*btf.Datasec, error) {
	sections := make(map[string]*btf.Datasec)
	var err error
	for t := range o.types.Types(&err) {
		if section, ok := t.(*btf.Datasec); ok && section.Name() != anchorSection && section.Name() != constantSection {
			sections[section.Name()] = section
		}
	}
	return sections, err
}

// variablesOf are the variables of a section that have a place in the object, in the order of their places.
func (o *object) variablesOf(section *btf.Datasec) ([]variable, error) {
	var variables []variable
	seen := make(map[int]bool)
	for _, v := range section.Vars {
		t, err := o.types.TypeByID(v.Type)
		if err != nil {
			return nil, err
		}
		of, ok := t.(*btf.Var)
		if !ok {
			continue
		}
		at, ok := o.kconfig[of.Name()]
		if section.Name() != place.Kconfig {
			// libbpf notes hidden variables as static when it opens an object, and compilers do not.
			static := of.Linkage == btf.LinkageStatic
			if at, ok = o.file.variable(section.Name(), of.Name(), static); !ok {
				at, ok = o.file.variable(section.Name(), of.Name(), !static)
			}
		}
		if !ok {
			o.warnf("variable %s of section %s has no symbol: left out", of.Name(), section.Name())
			continue
		}
		if seen[at.offset] {
			continue
		}
		seen[at.offset] = true
		variables = append(variables, variable{of.Name(), of.ID(), at})
	}
	slices.SortStableFunc(variables, func(a, b variable) int { return cmp.Compare(a.offset, b.offset) })
	return variables, nil
}

func (o *object) readSection(section *btf.Datasec) error {
	variables, err := o.variablesOf(section)
	if err != nil || !slices.ContainsFunc(variables, func(v variable) bool { return !v.static }) {
		return err
	}
	if !place.IsData(section.Name()) && section.Name() != place.Kconfig {
		if section.Name() == "license" || section.Name() == "version" {
			return nil
		}
		for _, v := range variables {
			if v.static {
				continue
			}
			o.warnf("variable %s is in section %s, of which libbpf makes no map: left out", v.name, section.Name())
		}
		return nil
	}
	size := o.kconfigSize()
	if s, _ := o.file.Find(section.Name()); s != nil && section.Name() != place.Kconfig {
		size = int(s.Size)
	}
	o.sections = append(o.sections, sectionModel{section.Name(), size, variables})
	return nil
}
