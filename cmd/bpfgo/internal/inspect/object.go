package inspect

import (
	"cmp"
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/btf/decode"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/kernel"
	"github.com/libbpf-go/libbpf-go/internal/bpfelf"
	"github.com/libbpf-go/libbpf-go/internal/place"
)

// object is all that is shown of an object.
type object struct {
	File          string       `json:"file"`
	Size          int          `json:"size"` // bytes
	ByteOrder     string       `json:"byte_order"`
	License       string       `json:"license,omitempty"`
	KernelVersion string       `json:"kernel_version,omitempty"`
	Types         int          `json:"btf_types"` // 0 without BTF
	Programs      []program    `json:"programs"`
	Maps          []mapping    `json:"maps"`
	Variables     []variable   `json:"variables"`
	Externs       []extern     `json:"externs"`
	Relocations   *relocations `json:"relocations,omitempty"`
	Lacks         []lack       `json:"lacks"`   // what the kernel lacks for it
	Unknown       []lack       `json:"unknown"` // what can't be found out
	Warnings      []string     `json:"warnings,omitempty"`
}

// reader reads one object.
type reader struct {
	kernel    *kernel.Kernel
	open      *libbpf.OpenObject
	file      *bpfelf.File
	types     *btf.BTF      // those that libbpf has completed; nil if there are none
	values    *decode.Types // nil if types is
	functions map[string]*bpfelf.Function
	callbacks map[string]string // of a program: the struct and its member
	object    object
}

// read reads an object, and looks up in the kernel what it needs.
func read(path string, k *kernel.Kernel) (*object, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	builder := libbpf.ObjectBuilder{RelaxedMaps: true}
	open, err := builder.OpenFile(path)
	if err != nil { // what libbpf does not support is not the kernel's matter
		return nil, cli.WithStatus(err, cli.StatusFailed)
	}
	defer open.Close()
	file, err := bpfelf.Read(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	r := &reader{kernel: k, open: open, file: file, callbacks: make(map[string]string)}
	r.object = object{
		File: path, Size: len(data), ByteOrder: "little-endian", Programs: []program{}, Maps: []mapping{},
		Variables: []variable{}, Externs: []extern{}, Lacks: []lack{}, Unknown: []lack{},
	}
	if file.Data == elf.ELFDATA2MSB {
		r.object.ByteOrder = "big-endian"
	}
	r.header()
	if err := r.readTypes(); err != nil {
		return nil, err
	}
	defer r.types.Close()
	r.readFunctions()
	if err := cmp.Or(r.readMaps(), r.readPrograms(), r.readVariables()); err != nil {
		return nil, err
	}
	r.readExterns(path)
	r.readRelocations(path)
	r.compare()
	return &r.object, nil
}

func (r *reader) warn(format string, args ...any) {
	r.object.Warnings = append(r.object.Warnings, fmt.Sprintf(format, args...))
}

// header reads the sections that say something about the whole object.
func (r *reader) header() {
	if s, _ := r.file.Find("license"); s != nil {
		if data, err := s.Data(); err == nil {
			r.object.License = cString(data)
		}
	}
	if s, _ := r.file.Find("version"); s != nil {
		if data, err := s.Data(); err == nil && len(data) == 4 {
			version := r.file.Order.Uint32(data)
			r.object.KernelVersion = fmt.Sprintf("%d.%d.%d", version>>16, version>>8&0xff, version&0xff)
		}
	}
}

func cString(data []byte) string {
	for i, c := range data {
		if c == 0 {
			return string(data[:i])
		}
	}
	return string(data)
}

func (r *reader) readTypes() error {
	types, err := r.open.BTF()
	if errors.Is(err, libbpf.ErrNoBTF) {
		r.warn("it has no BTF (compile it with -g), so its types and variables have no names")
		return nil
	}
	if err != nil {
		return err
	}
	r.types = types
	r.object.Types = types.NumTypes()
	if r.values, err = decode.NewTypes(types); err != nil {
		return err
	}
	r.values.ByteOrder = r.file.Order // libbpf has turned the types round, and not the data
	return nil
}

func (r *reader) readFunctions() {
	functions, err := r.file.Functions(r.arena())
	if err != nil {
		r.warn("what its programs use is not known: %v", err)
	}
	r.functions = make(map[string]*bpfelf.Function)
	for _, f := range functions {
		if other := r.functions[f.Name]; other == nil || r.file.Sections[f.Section].Name != ".text" {
			r.functions[f.Name] = f
		}
	}
}

// arena is the name of the map that has the variables of the arena.
func (r *reader) arena() string {
	for m := range r.open.Maps() {
		if t, err := m.Type(); err == nil && t == libbpf.MapTypeArena {
			return m.Name()
		}
	}
	return ""
}

// typeName is a type in C, in one line.
func (r *reader) typeName(id btf.TypeID) string {
	if r.types == nil || id == 0 {
		return ""
	}
	return typeName(r.types, id)
}

func typeName(types *btf.BTF, id btf.TypeID) string { return nestedName(types, id, maxNesting) }

// maxNesting is how deep types are in one another. Damaged types may be in themselves.
const maxNesting = 32

func nestedName(types *btf.BTF, id btf.TypeID, nesting int) string {
	t, err := types.TypeByID(id)
	if err != nil || nesting == 0 {
		return ""
	}
	switch named := t.(type) {
	case *btf.Composite:
		if t.Name() == "" {
			return fmt.Sprintf("%s {%d members}", t.Kind(), len(named.Members))
		}
		return t.Kind().String() + " " + t.Name()
	case *btf.Enum:
		if t.Name() == "" {
			return fmt.Sprintf("enum {%d values}", len(named.Values))
		}
		return "enum " + t.Name()
	case *btf.Typedef, *btf.Int, *btf.Float:
		return t.Name()
	case *btf.Var:
		return nestedName(types, named.Type, nesting-1)
	case *btf.Modifier:
		if target := nestedName(types, named.Target, nesting-1); named.Kind() != btf.KindTypeTag && target != "" {
			return named.Kind().String() + " " + target
		} else if target != "" {
			return target
		}
		return named.Kind().String() + " void"
	case *btf.Array:
		return nestedName(types, named.Elem, nesting-1) + "[" + strconv.FormatUint(uint64(named.Len), 10) + "]"
	case *btf.Datasec:
		return ""
	}
	text, err := types.Declaration(t.ID(), "")
	if err != nil {
		return ""
	}
	for i := range text {
		if text[i] == '\n' {
			return t.Kind().String()
		}
	}
	return text
}

// isData tells whether a section has global variables whose values the object has.
func isData(section string) bool { return place.IsData(section) || section == place.Arena }
