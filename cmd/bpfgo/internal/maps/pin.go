package maps

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/pick"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/privilege"
)

func pinCommand(env *cli.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "pin MAP PATH",
		Short: "give a map a name in a BPF file system",
		Long: `Pins a map at a path on a BPF file system, such as below /sys/fs/bpf. The map then stays in the kernel when nobody
else holds it, until the pin is removed.`,
		Example:           "  bpfgo map pin counts /sys/fs/bpf/counts",
		Args:              cli.Operands(2, 2, "a map, "+pick.Ways+", and a path"),
		ValidArgsFunction: pick.CompleteMap,
	}
	mode := env.JSONFlag(cmd, `write {"schema_version":1,"pinned":{"id":...,"name":...,"type":...,"path":...}}`)
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		t, err := typeFlags{}.open(args[0])
		if err != nil {
			return err
		}
		defer t.close()
		if err := t.m.Pin(args[1]); err != nil {
			return privilege.Need(err, privilege.BPF)
		}
		return t.reportPin(env, mode, "pinned", args[1])
	}
	return cmd
}

func unpinCommand(env *cli.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "unpin PATH",
		Short: "remove the pin of a map",
		Long: `Removes the pin of a map from a BPF file system. The map goes away when nobody else holds it. What is pinned at the
path must be a map.`,
		Example: "  bpfgo map unpin /sys/fs/bpf/counts",
		Args:    cli.Operands(1, 1, "the path of a pin"),
	}
	mode := env.JSONFlag(cmd, `write {"schema_version":1,"unpinned":{"id":...,"name":...,"type":...,"path":...}}`)
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		m, err := libbpf.MapHandleFromPinnedPath(args[0])
		if err != nil {
			return pick.PinError(args[0], err)
		}
		t, err := typeFlags{}.describe(m)
		defer t.close()
		if err != nil {
			return err
		}
		if err := t.m.Unpin(args[0]); err != nil {
			return err
		}
		return t.reportPin(env, mode, "unpinned", args[0])
	}
	return cmd
}

// reportPin says what was done with a pin.
func (t *target) reportPin(env *cli.Env, mode *cli.JSON, what, path string) error {
	done := struct {
		identity
		Path string `json:"path"`
	}{t.identity(), path}
	return env.Answer(mode, cli.Document{Name: what, Value: done}, func() string {
		return fmt.Sprintf("%s map %s (id %d): %s\n", what, cli.Safe(t.desc.Name), t.info.ID, cli.Safe(path))
	})
}

func freezeCommand(env *cli.Env) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "freeze MAP",
		Short: "forbid user space to change a map",
		Long: `Freezes a map: from then on user space can't change it, and programs still can. It can't be undone, so it needs
--yes.`,
		Example:           "  bpfgo map freeze settings --yes",
		Args:              cli.Operands(1, 1, "a map, "+pick.Ways),
		ValidArgsFunction: pick.CompleteMap,
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "say that you want this")
	mode := env.JSONFlag(cmd, `write {"schema_version":1,"frozen":{"id":...,"name":...,"type":...}}`)
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		t, err := typeFlags{}.open(args[0])
		if err != nil {
			return err
		}
		defer t.close()
		if !yes {
			return cli.Usagef("map freeze: freezing map %s (id %d) can't be undone; add --yes", t.desc.Name, t.info.ID)
		}
		if t.frozen() { // kernels say different things
			return fmt.Errorf("map %s is frozen already", t.desc.Name)
		}
		if err := t.m.Freeze(); err != nil {
			return t.denied(err)
		}
		return env.Answer(mode, cli.Document{Name: "frozen", Value: t.identity()}, func() string {
			return fmt.Sprintf("%s: frozen\n", cli.Safe(t.desc.Name))
		})
	}
	return cmd
}

func createCommand(env *cli.Env) *cobra.Command {
	var d libbpf.MapDefinition
	var typ string
	var flags []string
	d.MaxEntries = 1
	cmd := &cobra.Command{
		Use:   "create PATH --type TYPE --key BYTES --value BYTES",
		Short: "create a map, and pin it",
		Long: `Creates a map, and pins it at a path on a BPF file system, because a map that nobody holds goes away. Its keys and
values have no types: give them with --key-type and --value-type when you use it. Maps of maps and storage of sockets,
inodes, tasks and cgroups need more than this command knows.`,
		Example: `  bpfgo map create /sys/fs/bpf/seen --type lru_hash --key 4 --value 8 --max-entries 1000
  bpfgo map set /sys/fs/bpf/seen 5 7 --key-type u32 --value-type u64`,
		Args: cli.Operands(1, 1, "the path to pin the map at"),
	}
	size := func(name string, value *uint32, usage string) {
		cli.Func(cmd.Flags(), name, "N", usage, func(text string) error {
			n, err := strconv.ParseUint(text, 10, 32)
			if err != nil {
				return fmt.Errorf("must be a whole number from 0 to %d", uint32(math.MaxUint32))
			}
			*value = uint32(n)
			return nil
		})
	}
	cmd.Flags().StringVar(&typ, "type", "", "the `TYPE` of the map, such as hash or percpu_array")
	size("key", &d.KeySize, "the size of a key in bytes")
	size("value", &d.ValueSize, "the size of a value in bytes")
	size("max-entries", &d.MaxEntries, "how many elements it can have, or the bytes of a ring buffer; the default is 1")
	cmd.Flags().StringVar(&d.Name, "name", "", "its `NAME`; the default is the last part of PATH")
	cmd.Flags().StringSliceVar(&flags, "flags", nil, "the `FLAGS` to create it with, with commas between them, such as "+
		"no_prealloc")
	_ = cmd.MarkFlagRequired("type")
	mode := env.JSONFlag(cmd, `write {"schema_version":1,"created":{"id":...,"name":...,"type":...,"path":...}}`)
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		var err error
		if d.Type, err = mapType(typ); err != nil {
			return err
		}
		if d.Flags, err = createFlags(flags); err != nil {
			return err
		}
		if d.Name == "" {
			d.Name = args[0][strings.LastIndexByte(args[0], '/')+1:]
		}
		m, err := d.Create()
		if err != nil {
			return privilege.Need(err, privilege.BPF)
		}
		t, err := typeFlags{}.describe(m)
		defer t.close()
		if err != nil {
			return err
		}
		if err := m.Pin(args[0]); err != nil {
			return privilege.Need(err, privilege.BPF)
		}
		return t.reportPin(env, mode, "created", args[0])
	}
	return cmd
}

// mapType is the type of map with this name.
func mapType(name string) (libbpf.MapType, error) {
	var names []string
	for t := libbpf.MapTypeHash; t <= libbpf.MapTypeInsnArray; t++ {
		if t.String() == name {
			return t, nil
		}
		names = append(names, t.String())
	}
	return 0, cli.Usagef("--type %s: the types are %s", name, strings.Join(names, ", "))
}

// createFlags are the flags with these names.
func createFlags(names []string) (libbpf.MapCreateFlags, error) {
	var flags libbpf.MapCreateFlags
	for _, name := range names {
		found := false
		for bit := range 32 {
			if flag := libbpf.MapCreateFlags(1) << bit; flag.String() == name {
				flags |= flag
				found = true
			}
		}
		if !found {
			return 0, cli.Usagef("--flags: there is no flag %s", name)
		}
	}
	return flags, nil
}
