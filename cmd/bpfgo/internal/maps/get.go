package maps

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/pick"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/view"
)

func getCommand(env *cli.Env) *cobra.Command {
	var from typeFlags
	var opts view.Options
	cmd := &cobra.Command{
		Use:   "get MAP KEY",
		Short: "show one element of a map",
		Long: `Shows the element of a map that has a key. 'bpfgo map --help' says how keys are written. Of global data it shows the
variables, or those that are named instead of a key. Of an LPM trie it shows the longest prefix of the key, as programs
find it.

If the map has no such element, the exit status is 1.`,
		Example: `  bpfgo map get counts 5
  bpfgo map get flows src=10 port=80
  bpfgo map get routes 10.1.2.3/32
  bpfgo map get execsnoo.bss config.mode`,
		Args:              cli.Operands(1, cli.Any, "a map, "+pick.Ways+", and a key"),
		ValidArgsFunction: pick.CompleteMap,
	}
	cmd.Flags().BoolVar(&opts.PerCPU, "per-cpu", false, "show the value of each CPU instead of their sum")
	cmd.Flags().BoolVar(&opts.Raw, "raw", false, "show the bytes of key and value, too")
	from.add(cmd)
	mode := env.JSONFlag(cmd, `write {"schema_version":1,"map":{...},"entries":[{"key":...,"value":...}]}`)
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		t, err := from.open(args[0])
		if err != nil {
			return err
		}
		defer t.close()
		return t.get(env, mode, opts, args[1:])
	}
	return cmd
}

func (t *target) get(env *cli.Env, mode *cli.JSON, opts view.Options, args []string) error {
	v, err := view.New(t.desc, opts)
	if err != nil {
		return fmt.Errorf("map %s: %w%s", t.desc.Name, err, instead(t.desc.Type, t.desc.Name))
	}
	o, err := t.parse(args, true, false)
	if err != nil {
		return err
	}
	key, err := t.makeKey(env, o.key)
	if err != nil {
		return err
	}
	stored, err := t.stored(key)
	if err != nil {
		return err
	}
	if stored == nil {
		return t.noElement(v.KeyText(key))
	}
	key = stored
	image, err := t.lookup(key)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return fmt.Errorf("%w: user space can't read the values of a map of type %s", err, t.desc.Type)
	case err != nil:
		return err
	case image == nil:
		return t.noElement(v.KeyText(key))
	}
	if len(o.value.parts) > 0 {
		return t.getVariables(env, mode, o.value.parts, image)
	}
	var c view.Content
	if err := v.Element(key, image, func(r view.Row) error {
		c.Add(r)
		return nil
	}); err != nil {
		return err
	}
	if !mode.On {
		return v.Table(c.Rows).Write(env)
	}
	doc, err := begin(env.Stdout, mode, t.identity(), "entries")
	if err != nil {
		return err
	}
	for _, r := range c.Rows {
		if err := doc.add(v.AppendJSON(nil, r)); err != nil {
			return err
		}
	}
	return doc.end(nil)
}

// getVariables shows global variables, or parts of them.
func (t *target) getVariables(env *cli.Env, mode *cli.JSON, names []assignment, data []byte) error {
	var found [][]byte
	for _, n := range names {
		field, err := t.desc.Value.As(t.desc.Name).Field(n.path)
		if err != nil {
			return fmt.Errorf("%w; it has %s", err, members(t.desc.Value))
		}
		if mode.On {
			found = append(found, field.AppendJSON(appendName(nil, n.path), data))
		} else {
			found = append(found, []byte(field.Text(data)))
		}
	}
	if mode.On {
		doc, err := begin(env.Stdout, mode, t.identity(), "variables")
		if err != nil {
			return err
		}
		for _, members := range found {
			if err := doc.add(members); err != nil {
				return err
			}
		}
		return doc.end(nil)
	}
	for i, text := range found {
		line := cli.Safe(string(text)) + "\n"
		if len(found) > 1 {
			line = cli.Safe(names[i].path) + "=" + line
		}
		if _, err := fmt.Fprint(env.Stdout, line); err != nil {
			return err
		}
	}
	return nil
}
