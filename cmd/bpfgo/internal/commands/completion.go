package commands

import (
	"github.com/spf13/cobra"

	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
)

func completionCommand(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "completion bash|zsh|fish",
		Short: "write the completion of command lines for a shell",
		Long: `Writes a script that makes the shell complete bpfgo's commands, flags, and the names of what is in the kernel when
the tab key is pressed. For bash, the package bash-completion must be there.`,
		Example: `  # for the current shell
  source <(bpfgo completion bash)

  # for good
  bpfgo completion bash >/etc/bash_completion.d/bpfgo
  bpfgo completion zsh >/usr/local/share/zsh/site-functions/_bpfgo
  bpfgo completion fish >~/.config/fish/completions/bpfgo.fish`,
		ValidArgs: []string{"bash", "zsh", "fish"},
		Args:      cli.Operands(1, 1, "a shell: bash, zsh or fish"),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch root := cmd.Root(); args[0] {
			case "bash":
				return root.GenBashCompletionV2(env.Stdout, true)
			case "zsh":
				return root.GenZshCompletion(env.Stdout)
			case "fish":
				return root.GenFishCompletion(env.Stdout, true)
			}
			return cli.Usagef("completion: %q is not a shell that is known: bash, zsh or fish", args[0])
		},
	}
}
