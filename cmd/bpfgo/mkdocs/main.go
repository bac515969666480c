// Command mkdocs writes the manual pages of bpfgo into a folder: "go run . FOLDER". It is a module of its own, so that
// what it needs is not in the go.mod of the library.
package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/commands"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: mkdocs FOLDER")
		os.Exit(2)
	}
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "mkdocs:", err)
		os.Exit(1)
	}
}

func write(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	root := commands.Root(cli.Main())
	root.DisableAutoGenTag = true
	plain(root)
	// The same pages on each day.
	epoch := time.Unix(0, 0).UTC()
	return doc.GenManTree(root, &doc.GenManHeader{
		Section: "1", Source: "libbpf-go", Manual: "bpfgo", Date: &epoch,
	}, folder)
}

// plain takes from the texts what the converter, which reads Markdown, would take for more than text.
func plain(cmd *cobra.Command) {
	escapes := strings.NewReplacer("*", `\*`, "_", `\_`, "<", `\<`)
	cmd.Long = escapes.Replace(cmd.Long)
	for _, c := range cmd.Commands() {
		plain(c)
	}
}
