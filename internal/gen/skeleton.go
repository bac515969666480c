package gen

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/libbpf-go/libbpf-go/internal/place"
)

// object2Go writes the object, and what libbpf does not tell of it.
func (e *emitter) object2Go() {
	e.use(libraryPath)
	e.use(libraryPath + "/skeleton")
	elf := lowerFirst(e.id("", "Object"))
	spec := lowerFirst(e.id("", "Spec"))
	if !e.External {
		e.printf("//go:embed %s\nvar %s []byte\n\n", e.objectFile, elf)
		e.comment("%s returns the compiled object. Do not change the bytes.", e.id("", "ELF"))
		e.printf("func %s() []byte { return %s }\n\n", e.id("", "ELF"), elf)
		e.printf("var %s = skeleton.Spec{\nName: %q,\nELF: %s,\n", spec, e.Stem, elf)
		e.references()
		e.printf("}\n\n")
		return
	}
	e.comment("%s is for the object in the file %s, which is not part of the program.", spec, e.objectFile)
	e.printf("func %s(elf []byte) skeleton.Spec {\nreturn skeleton.Spec{\nName: %q,\nELF: elf,\n", spec, e.Stem)
	e.references()
	e.printf("}\n}\n\n")
}

func (e *emitter) references() {
	for _, of := range []struct {
		name string
		refs map[string][]string
	}{{"Uses", e.object.uses}, {"Holds", e.object.holds}} {
		if len(of.refs) == 0 {
			continue
		}
		e.printf("%s: map[string][]string{\n", of.name)
		for _, name := range sortedKeys(of.refs) {
			quoted := make([]string, len(of.refs[name]))
			for i, ref := range of.refs[name] {
				quoted[i] = fmt.Sprintf("%q", ref)
			}
			e.printf("%q: {%s},\n", name, strings.Join(quoted, ", "))
		}
		e.printf("},\n")
	}
}

// specAnd is the parameters of functions that open the object, and what they open.
func (e *emitter) specAnd() (parameters, arguments, spec string) {
	spec = lowerFirst(e.id("", "Spec"))
	if e.External {
		return "elf []byte, builder libbpf.ObjectBuilder", "elf, builder", spec + "(elf)"
	}
	return "builder libbpf.ObjectBuilder", "builder", spec
}

func (e *emitter) source() string {
	if len(e.Sources) == 1 {
		return baseName(e.Sources[0])
	}
	return baseName(e.Sources[0]) + " and others"
}

func baseName(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// open writes what there is before Load.
func (e *emitter) open(s *shape) {
	name := e.id("", "Open")
	parameters, arguments, spec := e.specAnd()
	e.commentLines([]string{
		fmt.Sprintf("%s is the object of %s before it is loaded: its maps, programs and global variables may be changed.", name,
			e.source()),
		"Load takes it over. Otherwise close it.",
	})
	e.printf("type %s struct {\n*skeleton.OpenObject\n", name)
	if len(s.maps) > 0 {
		e.printf("Maps %s\n", e.id("", "OpenMaps"))
	}
	if len(s.programs) > 0 {
		e.printf("Programs %s\n", e.id("", "OpenPrograms"))
	}
	if len(s.ops) > 0 {
		e.printf("StructOps %s\n", e.id("", "StructOps"))
	}
	for _, section := range s.sections {
		if section.name != place.Kconfig {
			e.printf("%s *%s %s // %s: the values at first\n", section.field, section.typ, tag(section.name), section.says)
		}
	}
	e.printf("}\n\n")

	e.commentLines([]string{
		fmt.Sprintf("%s opens the object. That needs no privileges. The caller loads or closes the result. The errors are those of",
			e.id("Open", "")),
		"[libbpf.ObjectBuilder.OpenMemory].",
	})
	e.printf("func %s(%s) (*%s, error) {\nx := new(%s)\nvar err error\nx.OpenObject, err = %s.Open(builder, x)\n"+
		"if err != nil {\nreturn nil, err\n}\nreturn x, nil\n}\n\n", e.id("Open", ""), parameters, name, name, spec)

	e.commentLines([]string{
		"Load loads the object into the kernel, with the values that the fields have now. It takes x over, whether it succeeds or",
		"not. The caller closes the result. The errors are those of [libbpf.OpenObject.Load], such as a [*libbpf.VerifierError].",
	})
	e.printf("func (x *%s) Load() (*%s, error) {\nloaded := new(%s)\nvar err error\nloaded.Object, err = x.OpenObject.Load(loaded)\n"+
		"if err != nil {\nreturn nil, err\n}\nreturn loaded, nil\n}\n\n", name, e.id("", ""), e.id("", ""))

	e.comment("%s opens and loads the object, as it is. The caller closes the result.", e.id("Load", ""))
	e.printf("func %s(%s) (*%s, error) {\nx, err := %s(%s)\nif err != nil {\nreturn nil, err\n}\nreturn x.Load()\n}\n\n",
		e.id("Load", ""), parameters, e.id("", ""), e.id("Open", ""), arguments)

	e.commentLines([]string{
		fmt.Sprintf("%s opens the object, and loads only what the fields of a struct stand for and what that uses. into is a",
			e.id("Load", "Into")),
		fmt.Sprintf("pointer to the struct. Its fields have the tags and the types that those of %s and the structs in it have. The",
			e.id("", "")),
		"caller closes the result.",
	})
	e.printf("func %s(%s, into any) (*skeleton.Object, error) {\nreturn %s.Load(builder, into)\n}\n\n", e.id("Load", "Into"), parameters,
		spec)

	e.group("OpenMaps", "the maps before they are created", mapFields(s, func(*mapShape) string { return "*libbpf.OpenMap" }))
	e.group("OpenPrograms", "the programs before they are loaded", fieldsOf(s.programs, programType))
	e.structOps(s)
}

// tag is the tag of a field.
func tag(name string) string {
	text := fmt.Sprintf("bpf:%q", name)
	if strconv.CanBackquote(text) {
		return "`" + text + "`"
	}
	return strconv.Quote(text)
}

// field writes a field with its documentation, and what it is behind it.
func (e *emitter) field(n named, typ string) {
	for _, text := range n.doc {
		e.commentLines([]string{text})
	}
	e.printf("%s %s %s", n.field, typ, tag(n.name))
	if n.says != "" {
		e.printf(" // %s", strings.Map(printable, n.says))
	}
	e.printf("\n")
}

func (e *emitter) structOps(s *shape) {
	if len(s.ops) == 0 {
		return
	}
	e.comment("%s are the structs of callbacks, before they are loaded. Load takes what is in their fields.", e.id("", "StructOps"))
	e.printf("type %s struct {\n", e.id("", "StructOps"))
	for _, ops := range s.ops {
		e.field(ops.named, "*"+ops.typ)
	}
	e.printf("}\n\n")
	for _, ops := range s.ops {
		e.comment("%s is %s, a %s.", ops.typ, ops.name, ops.says)
		e.printf("type %s struct {\n", ops.typ)
		for _, f := range ops.fields {
			e.field(f.named, f.typ)
		}
		for _, name := range ops.others {
			e.printf("// %s: has a pointer, which is the kernel's\n", strings.Map(printable, name))
		}
		e.printf("}\n\n")
	}
}

// loaded writes what there is after Load.
func (e *emitter) loaded(s *shape) {
	name := e.id("", "")
	e.commentLines([]string{
		fmt.Sprintf("%s is the object of %s in the kernel. Close closes its links, which detaches its programs, and then its maps and",
			name, e.source()),
		"programs.",
	})
	e.printf("type %s struct {\n*skeleton.Object\n", name)
	if len(s.maps) > 0 {
		e.printf("Maps %s\n", e.id("", "Maps"))
	}
	if len(s.programs) > 0 {
		e.printf("Programs %s\n", e.id("", "Programs"))
	}
	if len(s.links) > 0 {
		e.printf("Links %s // after Attach\n", e.id("", "Links"))
	}
	for _, section := range s.sections {
		says := "the memory that programs use"
		if section.name == place.Kconfig || strings.HasPrefix(section.name, ".rodata") {
			says = "a copy"
		}
		e.printf("%s *%s %s // %s: %s\n", section.field, section.typ, tag(section.name), section.says, says)
	}
	e.printf("}\n\n")
	if len(s.links) > 0 {
		e.commentLines([]string{
			"Attach attaches all programs as their sections say, and registers the struct_ops maps. It sets the fields of Links. It",
			"skips what has a link there already, and programs whose sections do not say where to attach. When one fails, Attach",
			"detaches those that it attached.",
		})
		e.printf("func (x *%s) Attach() error { return x.AttachTo(&x.Links) }\n\n", name)
	}
	e.group("Maps", "the maps", mapFields(s, func(m *mapShape) string { return m.typ }))
	e.group("Programs", "the programs", fieldsOf(s.programs, "*libbpf.Program"))
	e.group("Links", "the links of what is attached; the others are nil", fieldsOf(s.links, "*libbpf.Link"))
}

// typedField is a field and its Go type.
type typedField struct {
	named
	typ string
}

func fieldsOf(all []named, typ string) []typedField {
	fields := make([]typedField, len(all))
	for i, n := range all {
		fields[i] = typedField{n, typ}
	}
	return fields
}

func mapFields(s *shape, typ func(*mapShape) string) []typedField {
	fields := make([]typedField, len(s.maps))
	for i := range s.maps {
		fields[i] = typedField{s.maps[i].named, typ(&s.maps[i])}
	}
	return fields
}

// group writes a struct of the skeleton's, unless it has no fields.
func (e *emitter) group(name, says string, fields []typedField) {
	if len(fields) == 0 {
		return
	}
	e.comment("%s are %s.", e.id("", name), says)
	e.printf("type %s struct {\n", e.id("", name))
	for _, f := range fields {
		e.field(f.named, f.typ)
	}
	e.printf("}\n\n")
}

// readers writes functions for the records of buffers.
func (e *emitter) readers(s *shape) {
	for _, m := range s.maps {
		if m.record == "" {
			continue
		}
		e.use(libraryPath + "/typed")
		receiver, of := e.id("", ""), m.field
		switch m.model.definition.Type.String() {
		case "ringbuf":
			e.comment("%sReader reads the records of %s in place. The caller closes it.", of, m.name)
			e.printf("func (x *%s) %sReader() (*typed.RingReader[%s], error) {\nreturn typed.NewRingReader[%[3]s](x.Maps.%[4]s)\n}\n\n",
				receiver, of, m.record, m.field)
		case "user_ringbuf":
			e.comment("%sRing sends samples to programs through %s. The caller closes it.", of, m.name)
			e.printf("func (x *%s) %sRing() (*typed.UserRingBuf[%s], error) {\nreturn typed.NewUserRingBuf[%[3]s](x.Maps.%[4]s)\n}\n\n",
				receiver, of, m.record, m.field)
		default:
			e.comment("%sReader reads the records of %s in place. The caller closes it.", of, m.name)
			e.printf("func (x *%s) %sReader(options libbpf.PerfReaderOptions) (*typed.PerfReader[%s], error) {\n"+
				"return typed.NewPerfReader[%[3]s](x.Maps.%[4]s, options)\n}\n\n", receiver, of, m.record, m.field)
		}
	}
}

// inner writes functions for what is in maps of maps.
func (e *emitter) inner(s *shape) {
	for _, m := range s.maps {
		if m.inner == "" {
			continue
		}
		kind, arguments, generic := strings.Cut(m.inner, "[")
		if generic {
			arguments = "[" + arguments
		}
		name := e.id("New", m.field+"Inner")
		e.comment("%s returns a typed view of a map that is in %s, or like these.", name, m.name)
		e.printf("func %s(m libbpf.MapCore) (*typed.%s, error) {\nreturn typed.New%s%s(m)\n}\n\n", name, m.inner, kind, arguments)

		name = "Create" + m.field + "Inner"
		e.comment("%s creates a map like those in %s. The caller closes it. The errors are those of [libbpf.Map.CreateInner].", name, m.name)
		e.printf("func (x *%s) %s() (*libbpf.MapHandle, error) {\nouter, err := x.Map(%q)\nif err != nil {\nreturn nil, err\n}\n"+
			"return outer.CreateInner(%[3]q)\n}\n\n", e.id("", ""), name, m.name)
	}
}
