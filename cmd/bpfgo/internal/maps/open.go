package maps

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/btf/decode"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/names"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/pick"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/privilege"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/view"
)

// typeFlags say where the types of keys and values come from. The zero value means from the map itself.
type typeFlags struct {
	object  string
	btf     string
	key     string
	value   string
	keyless bool // the command is for maps without keys
}

// add gives a command the flags.
func (f *typeFlags) add(cmd *cobra.Command) {
	cli.Section(cmd, "Types", func(flags *pflag.FlagSet) {
		flags.StringVar(&f.object, "object", "", "take the types from the map of this name in a compiled `OBJ`")
		if !f.keyless {
			flags.StringVar(&f.key, "key-type", "", "keys have the type with this `NAME`, such as u32 or \"struct flow\"")
		}
		flags.StringVar(&f.value, "value-type", "", "values have the type with this `NAME`")
		flags.StringVar(&f.btf, "btf", "", "look for these names in this `FILE` with BTF instead of in the map's own types "+
			"and those of the kernel")
	})
	cmd.MarkFlagsMutuallyExclusive("object", "btf")
}

// target is a map that a command works with.
type target struct {
	m    *libbpf.MapHandle
	desc view.Map // what is known of it
	info libbpf.MapInfo
	from typeFlags

	types                []*btf.BTF // to close
	keyTypes, valueTypes *btf.BTF   // that the types of keys and values are of
	names                names.Types
	named                map[string]string // names of programs and maps in the kernel
}

// open opens the map that the user names, and finds the types of its keys and values.
func (f typeFlags) open(what string) (*target, error) {
	m, err := pick.Map(what)
	if err != nil {
		return nil, err
	}
	t, err := f.describe(m)
	if err != nil {
		t.close()
		return nil, err
	}
	return t, nil
}

// describe finds the types of a map. The target then owns the handle, also after an error.
func (f typeFlags) describe(m *libbpf.MapHandle) (*target, error) {
	t := &target{m: m, from: f, named: map[string]string{}}
	var err error
	if t.info, err = m.Info(); err != nil {
		return t, err
	}
	t.desc = view.Map{
		Name: t.names.Map(t.info).Text, Type: t.info.Type, KeySize: t.info.KeySize, ValueSize: t.info.ValueSize,
		ProgramName: t.programName, MapName: t.mapName,
	}
	if f.object != "" {
		err = t.typesOfObject(f.object)
	} else {
		t.ownTypes()
	}
	if err == nil {
		err = t.namedTypes()
	}
	return t, err
}

func (t *target) close() {
	for _, types := range t.types {
		_ = types.Close()
	}
	t.names.Close()
	_ = t.m.Close()
}

// fits is a type if it has the size that keys or values have, and else nil.
func fits(typ *decode.Type, size uint32) *decode.Type {
	if typ != nil && uint32(typ.Size()) == size {
		return typ
	}
	return nil
}

// ownTypes takes the types that the map was created with. Without them, keys and values are of unknown type.
func (t *target) ownTypes() {
	key, value := t.info.BTFKeyTypeID, t.info.BTFValueTypeID
	types := t.names.Get(t.info.BTFID)
	if t.info.BTFVmlinuxValueTypeID != 0 {
		// The value of a struct_ops map is a struct of the kernel's. Of a module's, whose number is beyond, it is not known
		// which module that is.
		key, value = 0, t.info.BTFVmlinuxValueTypeID
		kernel, err := btf.LoadKernel()
		if err != nil {
			return
		}
		t.types = append(t.types, kernel)
		types = kernel
	}
	if key == 0 && value == 0 {
		t.typesOfPrograms()
		return
	}
	if types == nil {
		return
	}
	decoder, err := decode.NewTypes(types)
	if err != nil {
		return // made up by who created the map
	}
	t.keyTypes, t.valueTypes = types, types
	if key != 0 {
		typ, _ := decoder.Type(key)
		t.desc.Key = fits(typ, t.desc.KeySize)
	}
	if value != 0 {
		typ, _ := decoder.Type(value)
		t.desc.Value = fits(typ, t.desc.ValueSize)
	}
}

// typesOfPrograms takes the types of a map that was created without from the BTF of a program that uses the map: it has
// the definitions of the object's maps. libbpf creates queues, stacks, maps of maps and others without types.
func (t *target) typesOfPrograms() {
	for info := range libbpf.ProgramInfos(libbpf.IncludeMapIDs, nil) {
		if !slices.Contains(info.MapIDs, t.info.ID) {
			continue
		}
		types := t.names.Get(info.BTFID)
		if types == nil {
			continue
		}
		decoder, err := decode.NewTypes(types)
		if err != nil {
			continue
		}
		key, value := definedTypes(types, t.desc.Name)
		if key != 0 {
			typ, _ := decoder.Type(key)
			t.desc.Key, t.keyTypes = fits(typ, t.desc.KeySize), types
		}
		if value != 0 {
			typ, _ := decoder.Type(value)
			t.desc.Value, t.valueTypes = fits(typ, t.desc.ValueSize), types
		}
		if key != 0 || value != 0 {
			return
		}
	}
}

// definedTypes are the types of keys and values in the definition of the map of this name, or 0.
func definedTypes(types *btf.BTF, name string) (key, value btf.TypeID) {
	variable, err := types.TypeByName(name, btf.KindVar)
	if err != nil {
		return 0, 0
	}
	definition, err := types.Resolve(variable.(*btf.Var).Type)
	if err != nil {
		return 0, 0
	}
	composite, ok := definition.(*btf.Composite)
	if !ok {
		return 0, 0
	}
	for _, m := range composite.Members {
		pointer, err := types.Resolve(m.Type)
		if err != nil {
			continue
		}
		to, ok := pointer.(*btf.Ptr)
		switch {
		case !ok:
		case m.Name == "key":
			key = to.Target
		case m.Name == "value":
			value = to.Target
		}
	}
	return key, value
}

// typesOfObject takes the types of the map of the same name in an object.
func (t *target) typesOfObject(path string) error {
	open, err := libbpf.OpenFile(path)
	if err != nil {
		return err
	}
	defer open.Close()
	types, err := open.BTF()
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	t.types = append(t.types, types)
	t.keyTypes, t.valueTypes = types, types
	decoder, err := decode.NewTypes(types)
	if err != nil {
		return err
	}
	var others []string
	for m := range open.Maps() {
		others = append(others, m.Name())
		if m.Name() != t.desc.Name && (len(t.desc.Name) < names.Cut || !strings.HasPrefix(m.Name(), t.desc.Name)) {
			continue
		}
		key, err := m.KeyTypeID()
		if err != nil {
			return err
		}
		value, err := m.ValueTypeID()
		if err != nil {
			return err
		}
		if key != 0 {
			if t.desc.Key, err = t.sized("key", t.desc.KeySize)(decoder.Type(key)); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
		}
		if value != 0 {
			if t.desc.Value, err = t.sized("value", t.desc.ValueSize)(decoder.Type(value)); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
		}
		return nil
	}
	return fmt.Errorf("%s has no map %s; it has %s", path, t.desc.Name, strings.Join(others, ", "))
}

// sized refuses types of another size than keys or values have.
func (t *target) sized(what string, size uint32) func(*decode.Type, error) (*decode.Type, error) {
	return func(typ *decode.Type, err error) (*decode.Type, error) {
		if err != nil {
			return nil, err
		}
		if uint32(typ.Size()) != size {
			return nil, fmt.Errorf("the type %s has %d bytes and the %s of map %s has %d", typ.Name(), typ.Size(), what,
				t.desc.Name, size)
		}
		return typ, nil
	}
}

// namedTypes takes the types that the user names.
func (t *target) namedTypes() error {
	if t.from.key == "" && t.from.value == "" {
		if t.from.btf != "" {
			return cli.Usagef("--btf needs --key-type or --value-type")
		}
		return nil
	}
	var sources []*btf.BTF
	if t.from.btf != "" {
		types, err := btf.Parse(t.from.btf)
		if err != nil {
			return err
		}
		t.types = append(t.types, types)
		sources = append(sources, types)
	} else {
		sources = append(sources, t.types...)
		if own := t.names.Get(t.info.BTFID); own != nil {
			sources = append(sources, own)
		}
		if kernel, err := btf.LoadKernel(); err == nil {
			t.types = append(t.types, kernel)
			sources = append(sources, kernel)
		}
	}
	find := func(name string, in **btf.BTF) (*decode.Type, error) {
		for _, types := range sources {
			decoder, err := decode.NewTypes(types)
			if err != nil {
				return nil, err
			}
			typ, err := decoder.Named(name)
			if errors.Is(err, btf.ErrNotFound) {
				if id := integerNamed(types, name); id != 0 {
					typ, err = decoder.Type(id)
				}
			}
			if !errors.Is(err, btf.ErrNotFound) {
				*in = types
				return typ, err
			}
		}
		return nil, fmt.Errorf("there is no type %s", name)
	}
	var err error
	if t.from.key != "" {
		if t.desc.Key, err = t.sized("key", t.desc.KeySize)(find(t.from.key, &t.keyTypes)); err != nil {
			return fmt.Errorf("--key-type: %w", err)
		}
	}
	if t.from.value != "" {
		if t.desc.Value, err = t.sized("value", t.desc.ValueSize)(find(t.from.value, &t.valueTypes)); err != nil {
			return fmt.Errorf("--value-type: %w", err)
		}
	}
	return nil
}

// integerNamed is an integer type whose name has the same words in another order, or 0: compilers call an unsigned long
// a "long unsigned int".
func integerNamed(types *btf.BTF, name string) btf.TypeID {
	want := words(name)
	for t := range types.Types(nil) {
		if _, ok := t.(*btf.Int); ok && slices.Equal(words(t.Name()), want) {
			return t.ID()
		}
	}
	return 0
}

// words are the words of the name of an integer, sorted, without those that change nothing.
func words(name string) []string {
	words := strings.Fields(name)
	slices.Sort(words)
	return slices.DeleteFunc(words, func(w string) bool { return w == "int" && len(words) > 1 || w == "signed" })
}

// programName is the name of a program in the kernel, or "".
func (t *target) programName(id uint32) string {
	return t.remember("program", id, func() (string, error) {
		p, err := libbpf.ProgramHandleFromID(id)
		if err != nil {
			return "", err
		}
		defer p.Close()
		info, err := p.Info(libbpf.IncludeFuncInfo)
		return t.names.Program(info).Text, err
	})
}

// mapName is the name of a map in the kernel, or "".
func (t *target) mapName(id uint32) string {
	return t.remember("map", id, func() (string, error) {
		m, err := libbpf.MapHandleFromID(id)
		if err != nil {
			return "", err
		}
		defer m.Close()
		info, err := m.Info()
		return t.names.Map(info).Text, err
	})
}

func (t *target) remember(kind string, id uint32, find func() (string, error)) string {
	key := fmt.Sprint(kind, id)
	name, known := t.named[key]
	if !known {
		if found, err := find(); err == nil {
			name = found
		}
		t.named[key] = name
	}
	return name
}

// identity is a map as JSON.
type identity struct {
	ID   uint32 `json:"id"`
	Name string `json:"name"`
	Type string `json:"type"`
}

func (t *target) identity() identity { return identity{t.info.ID, t.desc.Name, t.desc.Type.String()} }

// frozen tells whether user space can change the map no more.
func (t *target) frozen() bool {
	info, err := t.m.FDInfo()
	return err == nil && info.Frozen
}

// denied explains why the kernel refused to change the map. No capability helps with one that is frozen.
func (t *target) denied(err error) error {
	if errors.Is(err, fs.ErrPermission) && t.frozen() {
		return fmt.Errorf("map %s is frozen, so user space can't change it", t.desc.Name)
	}
	return privilege.Need(err, privilege.BPF)
}
