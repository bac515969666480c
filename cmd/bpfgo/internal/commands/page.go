package commands

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
)

// Page is docs/bpfgo.md: the help of all commands.
func Page(root *cobra.Command) string {
	var page strings.Builder
	page.WriteString("<!-- Generated from the commands by \"go test ./cmd/bpfgo/internal/commands -update\"; " +
		"do not edit. -->\n\n# bpfgo\n\n")
	page.WriteString(body(root))
	page.WriteString("\n" + pageIntroduction + "\n## Commands\n\n")
	each(root, func(cmd *cobra.Command) {
		if cmd != root {
			fmt.Fprintf(&page, "- [%s](#%s): %s\n", cmd.CommandPath(), strings.ReplaceAll(cmd.CommandPath(), " ", "-"),
				cmd.Short)
		}
	})
	each(root, func(cmd *cobra.Command) {
		if cmd != root {
			fmt.Fprintf(&page, "\n## %s\n\n%s", cmd.CommandPath(), body(cmd))
		}
	})
	return page.String()
}

// body is what is said of a command.
func body(cmd *cobra.Command) string {
	return strings.TrimSpace(cli.About(cmd)) + "\n\n```text\n" + strings.TrimRight(cli.Usage(cmd), "\n") + "\n```\n"
}

// each calls f for a command and all below it that help shows.
func each(cmd *cobra.Command, f func(*cobra.Command)) {
	f(cmd)
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			each(c, f)
		}
	}
}

const pageIntroduction = `## Output for programs

With ` + "`--json`" + `, the answer to a query is one JSON object, whatever it is about:

` + "```json" + `
{"schema_version": 1, "programs": [...], "warnings": ["..."]}
` + "```" + `

"warnings" is there only if something could not be read. What is watched, and the events of a run, are one JSON object
per line. A command that fails, unless its command line is wrong, ends its output with

` + "```json" + `
{"schema_version": 1, "error": {"message": "...", "status": 3, "errno": "EPERM"}}
` + "```" + `

A member that a thing does not have is absent. The schema's version changes when a member changes its meaning or goes
away, not when one is added. ` + "`--json=strings`" + ` writes integers beyond ±2^53 as strings, for programs that keep numbers
as floating point.

## Names

What others have named (maps, programs, processes, files, texts in maps) may have any bytes. bpfgo shows what a terminal
would not show as it is as an escape, such as ` + "`\\x1b`" + `. JSON has it in full.
`
