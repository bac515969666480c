package commands

import (
	"cmp"
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
)

// version is bpfgo's own version.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return cmp.Or(info.Main.Version, "(devel)")
	}
	return "(devel)"
}

func versionCommand(env *cli.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "print the versions of bpfgo, libbpf and the kernel",
		Long:    "Prints the versions of bpfgo, of its libbpf, and of the running kernel.",
		Example: "  bpfgo version\n  bpfgo version --json",
		Args:    cli.Operands(0, 0, ""),
	}
	mode := env.JSONFlag(cmd, "print them as JSON")
	cmd.RunE = func(*cobra.Command, []string) error {
		kernel := "unknown"
		var name unix.Utsname
		if err := unix.Uname(&name); err == nil {
			kernel = unix.ByteSliceToString(name.Release[:])
		}
		versions := struct {
			Bpfgo    string `json:"bpfgo"`
			Libbpf   string `json:"libbpf"`
			Vendored bool   `json:"libbpf_vendored"`
			Kernel   string `json:"kernel"`
		}{version(), libbpf.Version().String(), libbpf.Version().Vendored, kernel}
		return env.Answer(mode, cli.Document{Name: "versions", Value: versions}, func() string {
			return fmt.Sprintf("bpfgo   %s\nlibbpf  %s\nkernel  %s\n", version(), libbpf.Version(), kernel)
		})
	}
	return cmd
}
