// Package pins has the commands that pin a program or link, and remove its pin.
package pins

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/pick"
)

// Object is an object in the kernel that is open.
type Object struct {
	ID    uint32
	Pin   func(path string) error
	Unpin func(path string) error
	Close func() error
}

// Kind is a kind of objects that can be pinned.
type Kind struct {
	Name     string // "program"
	Command  string // "prog"
	Operand  string // "PROG"
	Ways     string // how to name one
	Complete pick.Complete
	Open     func(what string) (Object, error)
	OpenPin  func(path string) (Object, error)
}

// pin is a pin that was made or removed.
type pin struct {
	Kind string `json:"kind"`
	ID   uint32 `json:"id"`
	Path string `json:"path"`
}

// PinCommand is "pin OBJECT PATH".
func (k Kind) PinCommand(env *cli.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "pin " + k.Operand + " PATH",
		Short: fmt.Sprintf("pin a %s, so that it stays without a process", k.Name),
		Long: fmt.Sprintf(`Pins a %s at a path on a BPF file system, usually below /sys/fs/bpf. The kernel keeps it until the pin is removed,
also when no process holds it.

%s`, k.Name, k.Ways),
		Example:           fmt.Sprintf("  bpfgo %s pin 12 /sys/fs/bpf/mine", k.Command),
		Args:              cli.Operands(2, 2, fmt.Sprintf("a %s and a path", k.Name)),
		ValidArgsFunction: k.Complete,
	}
	mode := env.JSONFlag(cmd, "write what was pinned as JSON")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		o, err := k.Open(args[0])
		if err != nil {
			return err
		}
		defer func() { _ = o.Close() }()
		if err := o.Pin(args[1]); err != nil {
			return err
		}
		done := pin{k.Name, o.ID, args[1]}
		return env.Answer(mode, cli.Document{Name: "pinned", Value: done}, func() string {
			return fmt.Sprintf("pinned %s %d at %s\n", done.Kind, done.ID, cli.Safe(done.Path))
		})
	}
	return cmd
}

// UnpinCommand is "unpin PATH".
func (k Kind) UnpinCommand(env *cli.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "unpin PATH",
		Short: fmt.Sprintf("remove the pin of a %s", k.Name),
		Long: fmt.Sprintf(`Removes the pin of a %s. The kernel removes it if nobody else holds it. What is not the pin of a %[1]s stays.`,
			k.Name),
		Example: fmt.Sprintf("  bpfgo %s unpin /sys/fs/bpf/mine", k.Command),
		Args:    cli.Operands(1, 1, "the path of a pin"),
	}
	mode := env.JSONFlag(cmd, "write what was unpinned as JSON")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		o, err := k.OpenPin(args[0])
		if err != nil {
			return err
		}
		defer func() { _ = o.Close() }()
		if err := o.Unpin(args[0]); err != nil {
			return err
		}
		done := pin{k.Name, o.ID, args[0]}
		return env.Answer(mode, cli.Document{Name: "unpinned", Value: done}, func() string {
			return fmt.Sprintf("removed the pin of %s %d at %s\n", done.Kind, done.ID, cli.Safe(done.Path))
		})
	}
	return cmd
}
