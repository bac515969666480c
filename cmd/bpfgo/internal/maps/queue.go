package maps

import (
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/pick"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/view"
)

// openKeyless opens a map that must be of one of these types, which have no keys.
func (f typeFlags) openKeyless(what string, types ...libbpf.MapType) (*target, error) {
	t, err := f.open(what)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(types, t.desc.Type) {
		defer t.close()
		return nil, fmt.Errorf("map %s is of type %s, and this is for %s", t.desc.Name, t.desc.Type, list(types))
	}
	return t, nil
}

func list(types []libbpf.MapType) string {
	text := ""
	for i, t := range types {
		switch {
		case i == 0:
		case i == len(types)-1:
			text += " and "
		default:
			text += ", "
		}
		text += t.String()
	}
	return text
}

// makeValue is the value that operands say.
func (t *target) makeValue(env *cli.Env, args []string) ([]byte, error) {
	o, err := t.parse(args, false, true)
	if err != nil {
		return nil, err
	}
	value := make([]byte, t.desc.ValueSize)
	return value, o.value.put(env, "value", t.desc.Value, value)
}

// showValue shows a value of a map without keys. what says what was done.
func (t *target) showValue(env *cli.Env, mode *cli.JSON, what string, value []byte) error {
	if mode.On {
		doc, err := begin(env.Stdout, mode, t.identity(), what)
		if err != nil {
			return err
		}
		members := t.desc.Value.AppendJSON([]byte(`"value":`), value)
		if err := doc.add(view.AppendFitJSON(members, t.desc.Value.Fit(value))); err != nil {
			return err
		}
		return doc.end(nil)
	}
	text := t.desc.Value.Text(value)
	if what == "pushed" {
		text = t.desc.Name + ": pushed " + text
	}
	_, err := fmt.Fprintln(env.Stdout, cli.Safe(text))
	return err
}

func pushCommand(env *cli.Env) *cobra.Command {
	from := typeFlags{keyless: true}
	var overwrite bool
	cmd := &cobra.Command{
		Use:   "push MAP VALUE",
		Short: "add a value to a queue, a stack or a bloom filter",
		Long:  `Adds a value to a queue, a stack or a bloom filter. 'bpfgo map --help' says how values are written.`,
		Example: `  bpfgo map push jobs 5
  bpfgo map push jobs pid=12 name=init --overwrite`,
		Args:              cli.Operands(1, cli.Any, "a map, "+pick.Ways+", and a value"),
		ValidArgsFunction: pick.CompleteMap,
	}
	cmd.Flags().BoolVar(&overwrite, "overwrite", false, "if a queue or a stack is full, remove its oldest value")
	from.add(cmd)
	mode := env.JSONFlag(cmd, `write {"schema_version":1,"map":{...},"pushed":[{"value":...}]}`)
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		t, err := from.openKeyless(args[0], libbpf.MapTypeQueue, libbpf.MapTypeStack, libbpf.MapTypeBloomFilter)
		if err != nil {
			return err
		}
		defer t.close()
		value, err := t.makeValue(env, args[1:])
		if err != nil {
			return err
		}
		flags := libbpf.Any
		if overwrite {
			flags = libbpf.Exist
		}
		if err := t.m.Update(nil, value, flags); err != nil {
			return t.denied(err)
		}
		return t.showValue(env, mode, "pushed", value)
	}
	return cmd
}

func peekCommand(env *cli.Env) *cobra.Command {
	return takeCommand(env, &cobra.Command{
		Use:   "peek MAP",
		Short: "show the next value of a queue or a stack",
		Long: `Shows the value of a queue or a stack that the next pop would take away. If the map is empty, the exit status
is 1.`,
		Example: `  bpfgo map peek jobs`,
	}, func(t *target, value []byte) error { return t.m.LookupInto(nil, value, libbpf.Any) })
}

func popCommand(env *cli.Env) *cobra.Command {
	return takeCommand(env, &cobra.Command{
		Use:   "pop MAP",
		Short: "take a value from a queue or a stack",
		Long: `Takes the oldest value from a queue, or the newest one from a stack, and shows it. If the map is empty, the exit
status is 1.`,
		Example: `  # empty a queue
  while bpfgo map pop jobs; do :; done`,
	}, func(t *target, value []byte) error { return t.m.LookupAndDeleteInto(nil, value) })
}

// takeCommand makes a command that shows the value that take reads.
func takeCommand(env *cli.Env, cmd *cobra.Command, take func(t *target, value []byte) error) *cobra.Command {
	from := typeFlags{keyless: true}
	cmd.Args = cli.Operands(1, 1, "a map, "+pick.Ways)
	cmd.ValidArgsFunction = pick.CompleteMap
	from.add(cmd)
	mode := env.JSONFlag(cmd, `write {"schema_version":1,"map":{...},"values":[{"value":...}]}`)
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		t, err := from.openKeyless(args[0], libbpf.MapTypeQueue, libbpf.MapTypeStack)
		if err != nil {
			return err
		}
		defer t.close()
		value := make([]byte, t.desc.ValueSize)
		err = take(t, value)
		if errors.Is(err, libbpf.ErrKeyNotExist) {
			return fmt.Errorf("map %s is empty", t.desc.Name)
		}
		if err != nil {
			return t.denied(err)
		}
		return t.showValue(env, mode, "values", value)
	}
	return cmd
}

func testCommand(env *cli.Env) *cobra.Command {
	from := typeFlags{keyless: true}
	cmd := &cobra.Command{
		Use:   "test MAP VALUE",
		Short: "tell whether a bloom filter may have a value",
		Long: `Tells whether a bloom filter may have a value. If it surely has not, the exit status is 1. 'bpfgo map --help' says how
values are written.`,
		Example:           `  bpfgo map test seen 5 && echo maybe`,
		Args:              cli.Operands(1, cli.Any, "a map, "+pick.Ways+", and a value"),
		ValidArgsFunction: pick.CompleteMap,
	}
	from.add(cmd)
	mode := env.JSONFlag(cmd, `write {"schema_version":1,"may_have":true}`)
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		t, err := from.openKeyless(args[0], libbpf.MapTypeBloomFilter)
		if err != nil {
			return err
		}
		defer t.close()
		value, err := t.makeValue(env, args[1:])
		if err != nil {
			return err
		}
		may, err := t.m.LookupBloomFilter(value)
		if err != nil {
			return err
		}
		err = env.Answer(mode, cli.Document{Name: "may_have", Value: may}, func() string {
			answer := "does not have"
			if may {
				answer = "may have"
			}
			return cli.Safe(t.desc.Name+" "+answer+" "+t.desc.Value.Text(value)) + "\n"
		})
		if err == nil && !may {
			err = cli.Exit(cli.StatusFailed)
		}
		return err
	}
	return cmd
}
