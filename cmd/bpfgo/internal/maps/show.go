package maps

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/btf/decode"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cdecl"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/pick"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/table"
)

// description is a map as JSON.
type description struct {
	ID         uint32   `json:"id"`
	Name       string   `json:"name"`
	Type       string   `json:"type"`
	KeySize    uint32   `json:"key_size"`
	KeyType    string   `json:"key_type,omitempty"` // as C has it
	ValueSize  uint32   `json:"value_size"`
	ValueType  string   `json:"value_type,omitempty"`
	MaxEntries uint32   `json:"max_entries"`
	Flags      []string `json:"flags"`
	Extra      uint64   `json:"extra,omitempty"`
	Memory     *uint64  `json:"memory,omitempty"` // bytes
	Frozen     *bool    `json:"frozen,omitempty"`
	BTF        uint32   `json:"btf_id,omitempty"`
	Device     uint32   `json:"ifindex,omitempty"` // to which it is offloaded
	Owner      string   `json:"owner_program_type,omitempty"`
}

func showCommand(env *cli.Env) *cobra.Command {
	var from typeFlags
	cmd := &cobra.Command{
		Use:   "show MAP",
		Short: "show what a map is: type, sizes, memory, the types of keys and values",
		Long: `Shows what a map is: its type and sizes, its flags, the memory that the kernel holds for it, whether it is frozen, and
the C types of its keys and values. 'bpfgo list maps' tells who holds it.`,
		Example: `  bpfgo map show counts
  bpfgo map show /sys/fs/bpf/flows --json`,
		Args:              cli.Operands(1, 1, "a map, "+pick.Ways),
		ValidArgsFunction: pick.CompleteMap,
	}
	from.add(cmd)
	mode := env.JSONFlag(cmd, `write {"schema_version":1,"map":{"id":...,"name":...,"type":...,...}}`)
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		t, err := from.open(args[0])
		if err != nil {
			return err
		}
		defer t.close()
		d, warnings := t.describe()
		answer := cli.Document{Name: "map", Value: d, Warnings: warnings}
		return env.Answer(mode, answer, func() string { return d.text(env) })
	}
	return cmd
}

func (t *target) describe() (description, []string) {
	d := description{
		ID: t.info.ID, Name: t.desc.Name, Type: t.info.Type.String(), KeySize: t.info.KeySize, ValueSize: t.info.ValueSize,
		MaxEntries: t.info.MaxEntries, Flags: []string{}, Extra: t.info.Extra, BTF: t.info.BTFID, Device: t.info.IfIndex,
		KeyType: define(t.keyTypes, t.desc.Key), ValueType: define(t.valueTypes, t.desc.Value),
	}
	if t.info.Flags != 0 {
		d.Flags = strings.Split(t.info.Flags.String(), "|")
	}
	held, err := t.m.FDInfo()
	if err != nil {
		return d, []string{fmt.Sprintf("memory and state of map %s are not known: %v", t.desc.Name, err)}
	}
	d.Memory, d.Frozen = &held.Memlock, &held.Frozen
	if held.OwnerProgramType != 0 {
		d.Owner = held.OwnerProgramType.String()
	}
	return d, nil
}

// define is a type as C defines it, or "" if it is not known.
func define(types *btf.BTF, typ *decode.Type) string {
	if typ == nil {
		return ""
	}
	if t, err := types.TypeByID(typ.ID()); err == nil && t.Kind() == btf.KindDatasec {
		return t.Name()
	}
	return cdecl.Definition(types, typ.ID())
}

func (d description) text(env *cli.Env) string {
	t := &table.Table{Columns: []table.Column{{Name: "map"}, {Name: strconv.FormatUint(uint64(d.ID), 10)}}}
	add := func(name, value string) {
		if value != "" {
			t.Add(name, value)
		}
	}
	add("name", d.Name)
	add("type", d.Type)
	add("key", sized(d.KeySize, d.KeyType))
	add("value", sized(d.ValueSize, d.ValueType))
	add("max entries", strconv.FormatUint(uint64(d.MaxEntries), 10))
	add("flags", strings.Join(d.Flags, ", "))
	if d.Extra != 0 {
		add("extra", fmt.Sprintf("%#x", d.Extra))
	}
	if d.Memory != nil {
		add("memory", fmt.Sprintf("%d bytes", *d.Memory))
	}
	if d.Frozen != nil && *d.Frozen {
		add("frozen", "yes: user space can't change it")
	}
	if d.BTF != 0 {
		add("BTF", strconv.FormatUint(uint64(d.BTF), 10))
	}
	if d.Device != 0 {
		add("device", strconv.FormatUint(uint64(d.Device), 10))
	}
	add("programs", d.Owner)
	var text strings.Builder
	text.WriteString(t.Text(env, env.Width()))
	for _, c := range []struct{ what, text string }{{"key", d.KeyType}, {"value", d.ValueType}} {
		if strings.Contains(c.text, "\n") {
			fmt.Fprintf(&text, "\n%s: ", c.what)
			for line := range strings.Lines(c.text) {
				// An indentation is no reason to escape a line.
				body := strings.TrimLeft(strings.TrimRight(line, "\n"), "\t")
				indent := len(line) - len(strings.TrimLeft(line, "\t"))
				text.WriteString(strings.Repeat("    ", indent) + cli.Safe(body) + "\n")
			}
		}
	}
	return text.String()
}

// sized is a size, with the first line of a type.
func sized(size uint32, typ string) string {
	if size == 0 {
		return ""
	}
	text := fmt.Sprintf("%d bytes", size)
	if typ == "" {
		return text
	}
	first, _, _ := strings.Cut(typ, "\n")
	return text + ", " + strings.TrimSuffix(strings.TrimSuffix(first, "{"), " ")
}
