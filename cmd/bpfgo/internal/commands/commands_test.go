package commands

import (
	"bytes"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/clitest"
)

// bpfgo runs bpfgo with all commands.
func bpfgo(args ...string) (stdout, stderr string, status int) {
	var out, errs bytes.Buffer
	env := cli.Quiet(&out, &errs)
	status = env.Execute(Root(env), args)
	return out.String(), errs.String(), status
}

func TestUsage(t *testing.T) {
	tests := []struct {
		args string
		want string
	}{
		{"frobnicate", `unknown command "frobnicate"`},
		{"btf load x", `unknown command "btf load"`},
		{"help nothing", `unknown command "nothing"`},
		{"help btf nothing", `unknown command "btf nothing"`},
		{"version 1", `unexpected argument "1"`},
		{"btf dump x", `unexpected argument "x"`},
		{"btf dump --file", "flag needs an argument: --file"},
		{"btf dump --fil x", "unknown flag: --fil"},
		{"link a.o", "give -o OUT"},
		{"runn", "did you mean run?"},
		{"link -o a.o", "give the objects"},
		{"btf dump --file a --id 1", "exclude each other"},
		{"btf dump --base a", "--base needs --file"},
		{"btf dump --id x", `invalid argument "x" for "--id" flag`},
		{"btf dump --id 4294967296", "must be below"},
		{"btf min a.o", "give -o OUT"},
		{"btf min -o x", "give the objects"},
		{"btf relocations", "give one object"},
		{"cflags x", `unexpected argument "x"`},
		{"ldflags x", `unexpected argument "x"`},
		{"run", "no object given"},
		{"run a b", `unexpected argument "b"`},
		{"run a --", "no command after --"},
		{"run a --nonsense", "unknown flag: --nonsense"},
		{"run a --set x", "must be NAME=VALUE"},
		{"run a --set =1", "must be NAME=VALUE"},
		{"run a --event x", "must be MAP=TYPE"},
		{"run a --event x=", "must be MAP=TYPE"},
		{"run a --event x=y --event x=z", "map x already has a type"},
		{"run a --dump=", "must be the name of a map"},
		{"run a --pid 0", `invalid argument "0" for "--pid" flag: must be a whole number from 1 to 2147483647`},
		{"run a --pid -5", `invalid argument "-5" for "--pid" flag: must be a whole number`},
		{"run a --pid x", `invalid argument "x" for "--pid" flag: must be a whole number`},
		{"run a --pid 2147483648", "must be a whole number from 1 to 2147483647"},
		{"run a --pid 1 -- true", "--pid and a command exclude each other"},
		{"run a --interval 0s --dump x", `invalid argument "0s" for "--interval" flag: must be a duration above 0, such as 500ms`},
		{"run a --interval 1s", "--interval needs --dump"},
		{"run a --interval x --dump y", `invalid argument "x" for "--interval" flag: must be a duration above 0, such as 500ms`},
		{"run a --duration -1s", `invalid argument "-1s" for "--duration" flag: must be a duration above 0`},
		{"run a --top 0 --dump x", `invalid argument "0" for "--top" flag: must be a whole number`},
		{"run a --json=7", `invalid argument "7" for "--json" flag: must be true, false or strings`},
		{"run a --sort x", "--sort needs --dump"},
		{"run a --per-cpu", "--per-cpu needs --dump"},
	}
	for _, tt := range tests {
		stdout, stderr, status := bpfgo(strings.Fields(tt.args)...)
		if status != cli.StatusUsage || stdout != "" {
			t.Errorf("bpfgo %s: exit status %d, output %q", tt.args, status, stdout)
		}
		clitest.WantLine(t, stderr, tt.want)
	}
}

func TestHelp(t *testing.T) {
	for args, want := range map[string]string{
		"":                "\n  run ",
		"help":            "\n  run ",
		"--help":          "\n  btf ",
		"-h":              "\n  version ",
		"help run":        "--event MAP=TYPE",
		"run --help":      "--event MAP=TYPE",
		"run x.o -h":      "--event MAP=TYPE",
		"help link":       "\n  bpfgo link -o OUT",
		"btf":             "\n  dump ",
		"btf min --help":  "\n  bpfgo btf min",
		"help btf":        "\n  relocations ",
		"help btf dump":   "--file PATH",
		"btf dump --help": "--file PATH",
		"help cflags":     "--output FILE",
		"ldflags":         "-lbpf",
		"help version":    "\n  bpfgo version",
		"version":         "libbpf  1.",
		"--version":       "bpfgo version ",
	} {
		stdout, stderr, status := bpfgo(strings.Fields(args)...)
		if status != cli.StatusOK || stderr != "" || !strings.Contains(stdout, want) {
			t.Errorf("bpfgo %s: exit status %d, %q; the output lacks %q:\n%s", args, status, stderr, want, stdout)
		}
	}
}

// The page in docs has the help of all commands.
func TestPage(t *testing.T) {
	const path = "../../../../docs/bpfgo.md"
	want := Page(Root(cli.Quiet(io.Discard, io.Discard)))
	if *clitest.Update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("docs/bpfgo.md is not what the commands say; run this test with -update:\n%s", diff)
	}
}

// What has no answer that a program would read.
var noJSON = []string{
	"bpfgo gen", "bpfgo link", "bpfgo cflags", "bpfgo ldflags", "bpfgo completion", "bpfgo btf dump", "bpfgo btf min",
}

// Each command says what it does, has examples, and writes JSON.
func TestCommands(t *testing.T) {
	each(Root(cli.Quiet(io.Discard, io.Discard)), func(cmd *cobra.Command) {
		path := cmd.CommandPath()
		below := cmd.HasSubCommands()
		if cmd.HasParent() && !cmd.Parent().HasParent() && cmd.GroupID == "" {
			t.Errorf("%s has no heading in the help", path)
		}
		if cmd.Short == "" || strings.HasSuffix(cmd.Short, ".") || cmd.Short[0] < 'a' || cmd.Short[0] > 'z' {
			t.Errorf("%s: the summary is %q", path, cmd.Short)
		}
		if !below && cmd.Long == "" || strings.Contains(cmd.Long, "\t") {
			t.Errorf("%s does not say what it does, or with tabs", path)
		}
		for line := range strings.Lines(cmd.Long) {
			if len(line) > 121 {
				t.Errorf("%s: a line is longer than 120 characters: %s", path, line)
			}
		}
		if !below && !strings.HasPrefix(cmd.Example, "  ") {
			t.Errorf("%s has no examples, or not indented ones", path)
		}
		if !below && !slices.Contains(noJSON, path) && cmd.Flags().Lookup("json") == nil {
			t.Errorf("%s has no --json", path)
		}
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if f.Usage == "" || strings.HasSuffix(f.Usage, ".") || strings.Contains(f.Usage, "`") {
				t.Errorf("%s: the usage of --%s is %q", path, f.Name, f.Usage)
			}
		})
	})
}

func TestCompletion(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		stdout, stderr, status := bpfgo("completion", shell)
		if status != cli.StatusOK || !strings.Contains(stdout, "__complete") {
			t.Errorf("%s: exit status %d: %s", shell, status, stderr)
		}
	}
	if _, stderr, status := bpfgo("completion", "cmd"); status != cli.StatusUsage {
		t.Errorf("exit status %d: %s", status, stderr)
	}
	stdout, _, _ := bpfgo("__complete", "btf", "du")
	if !strings.HasPrefix(stdout, "dump\t") {
		t.Errorf("btf du is completed as %q", stdout)
	}
}
