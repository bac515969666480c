// Package commands has the tree of bpfgo's commands.
package commands

import (
	"github.com/spf13/cobra"

	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/features"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/generate"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/inspect"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/links"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/list"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/maps"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/programs"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/run"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/streams"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/tracepipe"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/types"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/verify"
)

// Root is "bpfgo" with all commands.
func Root(env *cli.Env) *cobra.Command {
	root := cli.Group(&cobra.Command{
		Use:   "bpfgo",
		Short: "work with BPF from the command line",
		Long: `bpfgo makes Go code from BPF programs, looks into objects, tries and runs them, and shows what is in the kernel.

Exit statuses: 0 if all went well, 1 if something failed, 2 if the command line is wrong, 3 if a permission is
missing, 4 if the kernel lacks something, and 5 if the verifier rejected a program or a comparison came out worse.
With --json, the answer to a query is one JSON object; events and what is watched are one JSON object per line.`,
		Example: `  # trace a command with a compiled object
  bpfgo run syscalls.bpf.o --dump stats -- ls

  # see what is in the kernel, and who holds it
  bpfgo list programs`,
		Version: version(),
	},
		run.Command(env),
		run.ReplayCommand(env),
		inspect.Command(env),
		verify.Command(env),
		list.Command(env),
		maps.Command(env),
		programs.Command(env),
		features.Command(env),
		tracepipe.Command(env),
		streams.Command(env),
		links.Command(env),
		generate.Command(env),
		types.Command(env),
		generate.CFlagsCommand(env),
		generate.LDFlagsCommand(env),
		versionCommand(env),
		completionCommand(env),
	)
	for _, g := range groups {
		root.AddGroup(&cobra.Group{ID: g.title, Title: g.title})
		for _, name := range g.commands {
			if cmd, _, err := root.Find([]string{name}); err == nil {
				cmd.GroupID = g.title
			}
		}
	}
	root.CompletionOptions.DisableDefaultCmd = true
	env.Prepare(root)
	return root
}

// groups are the headings of commands in the help.
var groups = []struct {
	title    string
	commands []string
}{
	{"Programs and objects", []string{"gen", "inspect", "verify", "run", "replay", "link"}},
	{"What is in the kernel", []string{"list", "prog", "map", "trace-pipe", "streams", "features"}},
	{"Types", []string{"btf"}},
	{"bpfgo itself", []string{"version", "completion", "cflags", "ldflags"}},
}
