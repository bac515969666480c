// Package maps has "bpfgo map".
package maps

import (
	"github.com/spf13/cobra"

	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/pick"
)

// Command is "bpfgo map".
func Command(env *cli.Env) *cobra.Command {
	return cli.Group(&cobra.Command{
		Use:   "map",
		Short: "show and change the content of maps in the kernel",
		Long: `Shows and changes the content of maps in the kernel. MAP names one
` + pick.Ways + `.

Keys and values have the types that the map was created with (its BTF), or those of its definition in a program that
uses it. Otherwise take them from an object with --object, or name them with --key-type and --value-type. What has no
type is shown in hexadecimal.

A KEY or a VALUE is written as bpfgo shows it:
  5, -5, 0x10          an integer, or a pointer
  true                 a bool
  65, or 'A'           a char
  RED                  an enumerator
  text                 an array of char
  1,2,3                another array; what is behind the last one becomes 0
  {"a":1,"b":[2,3]}    a struct, a union or any array, as JSON
  10.0.0.0/8           a key of an LPM trie
  hex:0a0b             the bytes of any type
  file:PATH            the content of a file, of any type; file:- is standard input

Write -- before the first that begins with -, as in 'bpfgo map set counts -- -5 -7', or write key=-5 value=-7.

The members of structs can be given one by one, as key.src=10 and value.stats.count=3, or without "key." and "value."
where only one of both is a struct. Members that are not named are 0 in a new element, and else stay as they are.

The kernel wants CAP_SYS_ADMIN of those who open a map by id or name, and CAP_BPF of those who open a pin.`,
		Example: `  # the largest counts of a map, by its name
  bpfgo map dump counts --sort value:desc --top 10

  # change one element of it
  bpfgo map set counts 5 7

  # a global variable of a loaded object
  bpfgo map set execsnoo.bss config.mode FAST`,
	},
		showCommand(env),
		dumpCommand(env),
		getCommand(env),
		setCommand(env),
		deleteCommand(env),
		pushCommand(env),
		peekCommand(env),
		popCommand(env),
		testCommand(env),
		watchCommand(env),
		createCommand(env),
		pinCommand(env),
		unpinCommand(env),
		freezeCommand(env),
	)
}
