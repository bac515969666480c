package gen

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/btf/gotypes"
	"github.com/libbpf-go/libbpf-go/internal/place"
)

// shape is the skeleton: what has which Go name and which Go type.
type shape struct {
	maps     []mapShape
	programs []named
	links    []named
	sections []sectionShape
	ops      []opsShape
}

// named is a field.
type named struct {
	field, name string
	doc         []string
	says        string // what the comment says
}

// mapShape is a field for a map.
type mapShape struct {
	named
	model  *mapModel
	typ    string // of the field, after Load
	record string // of a buffer's records; empty if it is not known
	inner  string // package typed's kind of the maps in a map of maps; empty if it is not known
}

// sectionShape is a field for global variables.
type sectionShape struct {
	named
	typ   string
	model *sectionModel
}

// opsShape is a field for a struct_ops.
type opsShape struct {
	named
	typ    string
	fields []opsField
	others []string // members that are no Go fields
}

type opsField struct {
	named
	typ     string
	program bool
}

// unique gives out names of fields.
type unique map[string]bool

func (u unique) name(wanted string) string {
	name := wanted
	for i := 2; u[name]; i++ {
		name = wanted + strconv.Itoa(i)
	}
	u[name] = true
	return name
}

// fieldName is the Go name for a C name. Package skeleton needs exported ones.
func (e *emitter) fieldName(name string) string {
	if renamed, ok := e.Renames[name]; ok {
		return upperFirst(renamed)
	}
	return goName(name)
}

// shape names everything.
func (e *emitter) shape() *shape {
	s := new(shape)
	inMaps, inPrograms, inLinks := unique{}, unique{}, unique{}
	top := unique{"Maps": true, "Programs": true, "Links": true, "StructOps": true, "Object": true, "OpenObject": true,
		"Load": true, "Attach": true, "Close": true}
	for i := range e.object.programs {
		p := &e.object.programs[i]
		says := p.section
		s.programs = append(s.programs, named{inPrograms.name(e.fieldName(p.name)), p.name, p.doc, says})
		if !strings.HasPrefix(strings.TrimPrefix(p.section, "?"), "struct_ops") { // the map has the link
			s.links = append(s.links, named{inLinks.name(e.fieldName(p.name)), p.name, nil, p.section})
		}
	}
	for i := range e.object.maps {
		m := &e.object.maps[i]
		s.maps = append(s.maps, mapShape{
			named: named{inMaps.name(e.fieldName(m.name)), m.name, m.doc, e.describe(m)}, model: m,
		})
		if m.definition.Type == libbpf.MapTypeStructOps {
			s.links = append(s.links, named{inLinks.name(e.fieldName(m.name)), m.name, nil, "of the struct_ops " + m.name})
		}
	}
	for i := range e.object.sections {
		m := &e.object.sections[i]
		field := top.name(sectionName(m.name))
		s.sections = append(s.sections, sectionShape{
			named: named{field: field, name: m.name, says: sectionSays(m.name)}, typ: e.id("", field), model: m,
		})
	}
	inOps := unique{}
	for _, m := range e.object.structOps {
		field := inOps.name(e.fieldName(m.name))
		s.ops = append(s.ops, opsShape{
			named: named{field, m.name, m.doc, "struct " + m.typ.Name()}, typ: e.id("", field+"Ops"),
		})
	}
	return s
}

// describe says what a map is.
func (e *emitter) describe(m *mapModel) string {
	text := m.definition.Type.String()
	if n := m.definition.MaxEntries; n > 0 {
		unit := "entries"
		switch {
		case m.definition.Type == libbpf.MapTypeRingBuf || m.definition.Type == libbpf.MapTypeUserRingBuf:
			unit = "bytes"
		case m.definition.Type == libbpf.MapTypeArena:
			unit = "pages"
		case n == 1:
			unit = "entry"
		}
		text += fmt.Sprintf(", %d %s", n, unit)
	}
	return text
}

// sectionName is the field of a section: Data for .data, DataConfig for .data.config.
func sectionName(section string) string {
	if section == place.Arena {
		return "Arena"
	}
	return goName(strings.ReplaceAll(strings.TrimPrefix(section, "."), ".", "_"))
}

func sectionSays(section string) string {
	switch {
	case section == place.Arena:
		return "the variables in the arena"
	case section == place.Kconfig:
		return "the kernel's configuration, as the externs of the source have it"
	case strings.HasPrefix(section, ".rodata"):
		return "constants"
	}
	return "global variables"
}

// names are the Go names that types can't have: those of the skeleton, and of constants, which get theirs here.
func (s *shape) names(e *emitter) []string {
	names := []string{
		e.id("", ""), e.id("", "Open"), e.id("Open", ""), e.id("Load", ""), e.id("Load", "Into"), e.id("", "ELF"), e.id("", "Spec"),
		e.id("", "Maps"), e.id("", "Programs"), e.id("", "Links"), e.id("", "OpenMaps"), e.id("", "OpenPrograms"), e.id("", "StructOps"),
		lowerFirst(e.id("", "Object")), lowerFirst(e.id("", "Spec")),
	}
	for _, ops := range s.ops {
		names = append(names, ops.typ)
	}
	for _, m := range s.maps {
		names = append(names, e.id("New", m.field+"Inner"))
	}
	taken := unique{}
	for _, name := range names {
		taken[name] = true
	}
	for i := range e.constants {
		c := &e.constants[i]
		name, renamed := e.Renames[c.name]
		if !renamed {
			name = e.Prefix + goName(c.name)
		}
		c.goName = taken.name(name)
		names = append(names, c.goName)
	}
	return names
}

// resolve finds the Go types.
func (e *emitter) resolve(s *shape) error {
	for i := range s.maps {
		if err := e.resolveMap(&s.maps[i]); err != nil {
			return fmt.Errorf("map %s: %w", s.maps[i].name, err)
		}
	}
	for i := range s.sections {
		section := &s.sections[i]
		var fields []gotypes.Variable
		for _, v := range section.model.variables {
			field := gotypes.Variable{Name: v.name, Type: v.typ, Offset: v.offset, Size: v.size}
			if v.static {
				field.Omit = "static"
			}
			fields = append(fields, field)
		}
		var err error
		section.typ, err = e.types.Section(section.name, section.typ, fields, section.model.size)
		if err != nil {
			return fmt.Errorf("section %s: %w", section.name, err)
		}
	}
	for i := range s.ops {
		if err := e.resolveOps(&s.ops[i], e.object.structOps[i].typ); err != nil {
			return fmt.Errorf("struct_ops %s: %w", s.ops[i].name, err)
		}
	}
	for _, name := range e.Types {
		id, err := findType(e.object.types, name)
		if err == nil {
			_, err = e.types.Type(id)
		}
		if err != nil {
			return fmt.Errorf("type %s: %w", name, err)
		}
	}
	for name := range e.Records {
		if !e.hasBuffer(s, name) {
			return fmt.Errorf("there is no ring buffer, user ring buffer or perf buffer %q", name)
		}
	}
	return nil
}

func (e *emitter) hasBuffer(s *shape, name string) bool {
	for _, m := range s.maps {
		if m.name == name && isBuffer(m.model.definition.Type) {
			return true
		}
	}
	return false
}

func isBuffer(t libbpf.MapType) bool {
	return t == libbpf.MapTypeRingBuf || t == libbpf.MapTypeUserRingBuf || t == libbpf.MapTypePerfEventArray
}

func (e *emitter) resolveMap(m *mapShape) (err error) {
	if isBuffer(m.model.definition.Type) {
		m.typ = "*libbpf.Map"
		record := m.model.value
		if name, ok := e.Records[m.name]; ok {
			if record, err = findType(e.object.types, name); err != nil {
				return err
			}
		}
		if record != 0 && !e.plainDescriptor(m, record) {
			m.record, err = e.types.NamedType(record, m.field+"Record")
		}
		return err
	}
	view, err := e.view(m.model, m.field)
	if err != nil {
		return err
	}
	m.typ = "*libbpf.Map"
	if view != "" {
		m.typ = "*typed." + view
		e.use(libraryPath + "/typed")
	}
	if m.model.inner != nil {
		m.inner, err = e.view(m.model.inner, m.field+"Inner")
	}
	return err
}

// plainDescriptor tells whether the value of a perf buffer is what the kernel has there, and no record.
func (e *emitter) plainDescriptor(m *mapShape, value btf.TypeID) bool {
	if m.model.definition.Type != libbpf.MapTypePerfEventArray || e.Records[m.name] != "" {
		return false
	}
	t, err := e.object.types.Resolve(value)
	_, isInt := t.(*btf.Int)
	return err == nil && isInt
}

// view is package typed's kind for a map, or empty. Types without a name are named after the field.
func (e *emitter) view(m *mapModel, field string) (string, error) {
	switch m.definition.Type {
	case libbpf.MapTypeCgroupStorage, libbpf.MapTypePerCPUCgroupStorage:
		return e.cgroupView(m, field)
	case libbpf.MapTypeStackTrace:
		if m.definition.Flags&libbpf.CreateStackBuildID != 0 { // traces are no addresses
			return "", nil
		}
	}
	kind, ok := kindsOfMaps[m.definition.Type]
	if !ok || kind.key && m.key == 0 || kind.value && m.value == 0 {
		return "", nil
	}
	var arguments []string
	if kind.key {
		key := m.key
		if m.definition.Type == libbpf.MapTypeLPMTrie {
			if key = e.prefixed(key); key == 0 {
				return "", nil
			}
		}
		argument, err := e.types.NamedType(key, field+"Key")
		if err != nil {
			return "", err
		}
		arguments = append(arguments, argument)
	}
	if kind.value {
		argument, err := e.types.NamedType(m.value, field+"Value")
		if err != nil {
			return "", err
		}
		arguments = append(arguments, argument)
	}
	if len(arguments) == 0 {
		return kind.name, nil
	}
	return kind.name + "[" + strings.Join(arguments, ", ") + "]", nil
}

// cgroupView is view for the older storage of cgroups, whose keys are of one of two types.
func (e *emitter) cgroupView(m *mapModel, field string) (string, error) {
	if m.key == 0 || m.value == 0 {
		return "", nil
	}
	key := "uint64"
	if m.definition.KeySize != 8 {
		key = "typed.CgroupStorageKey"
	}
	value, err := e.types.NamedType(m.value, field+"Value")
	if err != nil {
		return "", err
	}
	name := "CgroupStorage"
	if m.definition.Type == libbpf.MapTypePerCPUCgroupStorage {
		name = "PerCPUCgroupStorage"
	}
	return fmt.Sprintf("%s[%s, %s]", name, key, value), nil
}

// prefixed is the type of what follows the length of the prefix in a key of an LPM trie, or 0 if that is not one member.
func (e *emitter) prefixed(key btf.TypeID) btf.TypeID {
	t, err := e.object.types.Resolve(key)
	of, ok := t.(*btf.Composite)
	if err != nil || !ok || of.Kind() != btf.KindStruct || len(of.Members) != 2 || of.Members[1].BitOffset != 32 {
		return 0
	}
	size, err := e.object.types.Size(of.Members[1].Type)
	if err != nil || size+4 != int(of.Size) {
		return 0
	}
	return of.Members[1].Type
}

func (e *emitter) resolveOps(ops *opsShape, of *btf.Composite) error {
	fields := unique{}
	for _, member := range of.Members {
		what, err := e.opsMember(member, ops.typ+e.fieldName(member.Name))
		if err != nil {
			return err
		}
		if what == "" {
			ops.others = append(ops.others, member.Name)
			continue
		}
		ops.fields = append(ops.fields, opsField{
			named{field: fields.name(e.fieldName(member.Name)), name: member.Name}, what, what == programType,
		})
	}
	return nil
}

const programType = "*libbpf.OpenProgram"

// opsMember is the Go type of a member of a struct_ops, or empty if it has none: a pointer to data is the kernel's. A type
// without a name gets this one.
func (e *emitter) opsMember(m btf.Member, name string) (string, error) {
	if m.Name == "" {
		return "", nil
	}
	t, err := e.object.types.Resolve(m.Type)
	if err != nil {
		return "", err
	}
	if pointer, ok := t.(*btf.Ptr); ok {
		target, err := e.object.types.Resolve(pointer.Target)
		if err != nil || target.Kind() != btf.KindFuncProto {
			return "", err
		}
		return programType, nil
	}
	plain, err := e.plain(m.Type, 0)
	if err != nil || !plain {
		return "", err
	}
	return e.types.NamedType(m.Type, name)
}

// maxNesting keeps types that contain themselves, which only damaged BTF has, from taking for ever.
const maxNesting = 32

// plain tells whether there are no pointers in a type.
func (e *emitter) plain(id btf.TypeID, depth int) (bool, error) {
	t, err := e.object.types.Resolve(id)
	if err != nil || depth > maxNesting {
		return false, err
	}
	switch t := t.(type) {
	case *btf.Int, *btf.Enum, *btf.Float:
		return true, nil
	case *btf.Array:
		return e.plain(t.Elem, depth+1)
	case *btf.Composite:
		for _, m := range t.Members {
			if plain, err := e.plain(m.Type, depth+1); !plain {
				return false, err
			}
		}
		return true, nil
	}
	return false, nil
}
