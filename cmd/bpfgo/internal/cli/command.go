package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/privilege"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/reject"
)

// Prepare makes a tree of commands bpfgo's: flags that all have, and errors and help in bpfgo's way.
func (e *Env) Prepare(root *cobra.Command) {
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetIn(e.In)
	root.SetOut(e.Stdout)
	root.SetErr(e.Stderr)
	e.color = colorAuto
	root.PersistentFlags().Var(&e.color, "color", "when to write colours: auto (to a terminal), always, never")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		if errors.Is(err, pflag.ErrHelp) {
			return err
		}
		return Usagef("%s: %s", name(cmd), err)
	})
	root.SetHelpCommand(helpCommand())
	nameValues(root)
	root.SetUsageFunc(e.usage)
	root.SetHelpFunc(e.help)
}

// Execute runs the command line, and returns the exit status.
func (e *Env) Execute(root *cobra.Command, args []string) int {
	root.SetArgs(args)
	ran, err := root.ExecuteC()
	if err == nil || errors.Is(err, unix.EPIPE) { // nobody reads the output any more
		return StatusOK
	}
	// cobra has no type for its errors. They are about the command line.
	if strings.HasPrefix(err.Error(), "unknown command ") || strings.HasPrefix(err.Error(), "required flag(s) ") ||
		strings.HasPrefix(err.Error(), "if any flags in the group ") {
		err = usageError(err.Error())
	}
	status := Status(err)
	if exit := Exit(0); errors.As(err, &exit) {
		return status
	}
	err = reject.Describe(privilege.Explain(err))
	message := Safe(OneLine(err.Error()))
	if status == StatusUsage {
		message = fmt.Sprintf("%s; try '%s --help'", message, ran.CommandPath())
	}
	fmt.Fprintf(e.Stderr, "bpfgo: %s\n", message)
	if e.json != nil && e.json.On {
		e.writeError(err, status)
	}
	return status
}

// nameValues takes the names of values, which are in backquotes as package flag has it, out of the texts about flags:
// completions and manual pages show these texts as they are.
func nameValues(cmd *cobra.Command) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if strings.Contains(f.Usage, "`") {
			name, usage := pflag.UnquoteUsage(f)
			f.Usage, f.Value = usage, &namedValue{f.Value, name}
			f.DefValue = strings.TrimPrefix(f.DefValue, "[]") // an empty list, of which the help says nothing
		}
	})
	for _, c := range cmd.Commands() {
		nameValues(c)
	}
}

// namedValue is the value of a flag, which the help calls by a name.
type namedValue struct {
	pflag.Value
	name string
}

func (v *namedValue) Type() string { return v.name }

// helpCommand is "help", which knows no topic that is no command.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "help [COMMAND]",
		Short:  "describe a command",
		Hidden: true, // --help does the same
		RunE: func(cmd *cobra.Command, args []string) error {
			found, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return Usagef("unknown command %q", strings.Join(args, " "))
			}
			return found.Help()
		},
	}
}

// name is a command's name without "bpfgo".
func name(cmd *cobra.Command) string {
	_, words, _ := strings.Cut(cmd.CommandPath(), " ")
	return words
}

// Operands checks how many operands a command has. what names them, as "an object".
func Operands(least, most int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return Usagef("%s: give %s", name(cmd), what)
		case len(args) > most:
			return Usagef("%s: unexpected argument %q", name(cmd), args[most])
		}
		return nil
	}
}

// Any is for Operands: no limit.
const Any = 1 << 30

// Group makes a command that has only commands below it. Without one of these, it shows its help.
func Group(cmd *cobra.Command, commands ...*cobra.Command) *cobra.Command {
	cmd.AddCommand(commands...)
	cmd.Args = cobra.ArbitraryArgs
	cmd.SuggestionsMinimumDistance = 2
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		message := fmt.Sprintf("unknown command %q", strings.TrimSpace(name(cmd)+" "+args[0]))
		if likely := cmd.SuggestionsFor(args[0]); len(likely) > 0 {
			message += "; did you mean " + strings.Join(likely, ", ") + "?"
		}
		return usageError(message)
	}
	return cmd
}
