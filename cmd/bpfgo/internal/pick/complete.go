package pick

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
)

// Complete completes the one operand of a command.
type Complete = func(cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective)

// These complete the first operand of a command to ids and names of what is in the kernel, and to paths.
var (
	CompleteProgram Complete = complete(programs)
	CompleteMap     Complete = complete(maps)
	CompleteLink    Complete = complete(links)
	CompleteBTF     Complete = complete(allTypes)
)

func complete(all func() ([]candidate, error)) Complete {
	return func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveDefault
		}
		candidates, _ := all() // without privileges there are none
		var found []cobra.Completion
		for _, o := range candidates {
			id := fmt.Sprint(o.id)
			// What a shell or a terminal would take for something else is left out: the id is enough.
			if name := o.name.Text; name != "" && plain(name) {
				found = append(found, cobra.CompletionWithDesc(id, name), cobra.CompletionWithDesc(name, "id "+id))
			} else {
				found = append(found, cobra.CompletionWithDesc(id, cli.Safe(name)))
			}
		}
		return found, cobra.ShellCompDirectiveDefault
	}
}

// plain tells whether a name is one that the shell takes as it is, and that pick takes for a name.
func plain(name string) bool {
	digits := true
	for _, r := range name {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', r == '_', r == '.', r == '-':
			digits = false
		case '0' <= r && r <= '9':
		default:
			return false
		}
	}
	return !digits
}
