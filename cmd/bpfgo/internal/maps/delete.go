package maps

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/pick"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/view"
)

func deleteCommand(env *cli.Env) *cobra.Command {
	var from typeFlags
	var all, yes bool
	cmd := &cobra.Command{
		Use:   "delete MAP KEY",
		Short: "remove an element, or all, from a map",
		Long: `Removes the element of a map that has a key, and shows what it was. 'bpfgo map --help' says how keys are written. With
--all it removes all elements, and says how many.

If the map has no such element, the exit status is 1. The elements of arrays can't be removed: set them to 0.`,
		Example: `  bpfgo map delete flows src=10 port=80

  # empty a map
  bpfgo map delete counts --all --yes`,
		Args:              cli.Operands(1, cli.Any, "a map, "+pick.Ways+", and a key"),
		ValidArgsFunction: pick.CompleteMap,
	}
	cmd.Flags().BoolVar(&all, "all", false, "remove all elements; needs --yes")
	cmd.Flags().BoolVar(&yes, "yes", false, "say that you want this")
	from.add(cmd)
	mode := changesFlag(env, cmd)
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		t, err := from.open(args[0])
		if err != nil {
			return err
		}
		defer t.close()
		switch {
		case all && len(args) > 1:
			return cli.Usagef("map delete: --all and a key exclude each other")
		case all:
			return t.deleteAll(env, mode, yes)
		}
		return t.delete(env, mode, args[1:])
	}
	return cmd
}

func (t *target) delete(env *cli.Env, mode *cli.JSON, args []string) error {
	v, err := view.New(t.desc, view.Options{})
	if err != nil {
		return fmt.Errorf("map %s: %w%s", t.desc.Name, err, instead(t.desc.Type, t.desc.Name))
	}
	o, err := t.parse(args, true, false)
	if err != nil {
		return err
	}
	if t.data() {
		return cli.Usagef("global variables can't be deleted; set them to 0")
	}
	key, err := t.makeKey(env, o.key)
	if err != nil {
		return err
	}
	before, err := t.exact(key)
	if err != nil && !t.unreadable(err) {
		return err
	}
	err = t.remove(key)
	switch {
	case errors.Is(err, libbpf.ErrKeyNotExist):
		return t.noElement(v.KeyText(key))
	case err != nil:
		return t.undeletable(err)
	case before == nil:
		before = []byte{} // it was there, but user space can't read it
	}
	return t.report(env, mode, false, [][3][]byte{{key, before, nil}})
}

// remove deletes an element. It makes ErrKeyNotExist of what kernels say of slots that are empty.
func (t *target) remove(key []byte) error {
	switch t.desc.Type {
	case libbpf.MapTypeDevMap, libbpf.MapTypeCPUMap: // nothing
		if value, err := t.lookup(key); err == nil && value == nil {
			return libbpf.ErrKeyNotExist
		}
	}
	err := t.m.Delete(key)
	if t.desc.Type == libbpf.MapTypeSockMap && errors.Is(err, unix.EINVAL) {
		return libbpf.ErrKeyNotExist
	}
	return err
}

// undeletable explains why the kernel refused to delete an element.
func (t *target) undeletable(err error) error {
	if t.desc.Type == libbpf.MapTypeArray || t.desc.Type == libbpf.MapTypePerCPUArray {
		return fmt.Errorf("the elements of map %s can't be removed, because it is an array: set them to 0", t.desc.Name)
	}
	return t.denied(err)
}

// deleteAll removes all elements that are there when it begins.
func (t *target) deleteAll(env *cli.Env, mode *cli.JSON, yes bool) error {
	if err := view.Walkable(t.desc.Type); err != nil {
		return fmt.Errorf("map %s: %w", t.desc.Name, err)
	}
	var keys [][]byte
	var err error
	for key := range t.m.Keys(&err) {
		keys = append(keys, bytes.Clone(key))
	}
	again := errors.Is(err, unix.EAGAIN) // it changed too much meanwhile: what was found can go
	if err != nil && !again {
		return err
	}
	if !yes {
		return cli.Usagef("map delete: --all removes %d %s of map %s (id %d); add --yes", len(keys),
			view.Plural(len(keys), "element", "elements"), t.desc.Name, t.info.ID)
	}
	deleted := 0
	for _, key := range keys {
		switch err := t.remove(key); {
		case err == nil:
			deleted++
		case errors.Is(err, libbpf.ErrKeyNotExist): // somebody else was faster, or the slot is empty
		case deleted > 0:
			return fmt.Errorf("only %d of %d elements were removed: %w", deleted, len(keys), t.undeletable(err))
		default:
			return t.undeletable(err)
		}
	}
	if again {
		return fmt.Errorf("%d elements were removed, others may be left: %w", deleted, err)
	}
	return env.Answer(mode, cli.Document{Name: "deleted", Value: deleted}, func() string {
		return fmt.Sprintf("%s: removed %d %s\n", cli.Safe(t.desc.Name), deleted,
			view.Plural(deleted, "element", "elements"))
	})
}
