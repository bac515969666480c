// Package types has "bpfgo btf".
package types

import (
	"github.com/spf13/cobra"

	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
)

// Command is "bpfgo btf".
func Command(env *cli.Env) *cobra.Command {
	return cli.Group(&cobra.Command{
		Use:   "btf",
		Short: "work with types: of the kernel, of its modules, of objects",
		Example: `  # what BPF programs include
  bpfgo btf dump > vmlinux.h

  # where a struct has a member
  bpfgo btf find 'task_struct.*pid*'

  # what changed from one kernel to the next
  bpfgo btf diff 6.1.btf /sys/kernel/btf/vmlinux --type 'struct sk_buff'`,
	},
		dumpCommand(env),
		findCommand(env),
		diffCommand(env),
		minCommand(),
		relocationsCommand(env),
	)
}
