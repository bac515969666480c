package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// sectionKey is the annotation of a flag: the heading under which the help has it.
const sectionKey = "section"

// Section adds flags that have a heading of their own in the help of the command.
func Section(cmd *cobra.Command, heading string, add func(flags *pflag.FlagSet)) {
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.SortFlags = false
	add(flags)
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Annotations == nil {
			f.Annotations = map[string][]string{}
		}
		f.Annotations[sectionKey] = []string{heading}
		cmd.Flags().AddFlag(f)
	})
	cmd.Flags().SortFlags = false
}

// About says what a command does.
func About(cmd *cobra.Command) string {
	if cmd.Long != "" {
		return strings.TrimSpace(cmd.Long)
	}
	return sentence(cmd.Short)
}

// Usage is how to call a command, with examples and flags, for lines that no terminal shows.
func Usage(cmd *cobra.Command) string {
	var text strings.Builder
	writeUsage(&text, cmd, helpWidth)
	return text.String()
}

// sentence is a command's summary as a sentence.
func sentence(short string) string {
	if short == "" {
		return ""
	}
	return strings.ToUpper(short[:1]) + short[1:] + "."
}

func writeUsage(w io.Writer, cmd *cobra.Command, width int) {
	fmt.Fprintf(w, "Usage:\n")
	if below := visible(cmd); len(below) == 0 || strings.Contains(cmd.Use, " ") {
		fmt.Fprintf(w, "  %s\n", cmd.UseLine())
	} else if cmd.HasParent() || cmd.HasSubCommands() {
		fmt.Fprintf(w, "  %s COMMAND\n", cmd.CommandPath())
	}
	if cmd.Example != "" {
		fmt.Fprintf(w, "\nExamples:\n%s\n", strings.TrimRight(cmd.Example, "\n"))
	}
	below := visible(cmd)
	longest := 0
	for _, c := range below {
		longest = max(longest, len(c.Name()))
	}
	for _, g := range append(cmd.Groups(), &cobra.Group{Title: "Commands"}) {
		heading := "\n" + g.Title + ":\n"
		for _, c := range below {
			if c.GroupID == g.ID {
				fmt.Fprintf(w, "%s  %-*s  %s\n", heading, longest, c.Name(), c.Short)
				heading = ""
			}
		}
	}
	for _, section := range sections(cmd) {
		fmt.Fprintf(w, "\n%s:\n%s", section.heading, section.flags.FlagUsagesWrapped(width))
	}
	if len(visible(cmd)) > 0 {
		fmt.Fprintf(w, "\n\"%s COMMAND --help\" describes a command.\n", cmd.CommandPath())
	}
}

// visible are the commands below a command that its help shows.
func visible(cmd *cobra.Command) []*cobra.Command {
	var shown []*cobra.Command
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			shown = append(shown, c)
		}
	}
	return shown
}

type section struct {
	heading string
	flags   *pflag.FlagSet
}

// sections are a command's flags under their headings. Those without one come last.
func sections(cmd *cobra.Command) []section {
	var all []section
	add := func(heading string, f *pflag.Flag) {
		for _, s := range all {
			if s.heading == heading {
				s.flags.AddFlag(f)
				return
			}
		}
		flags := pflag.NewFlagSet("", pflag.ContinueOnError)
		flags.SortFlags = false
		flags.AddFlag(f)
		all = append(all, section{heading, flags})
	}
	each := func(with bool) func(*pflag.Flag) {
		return func(f *pflag.Flag) {
			heading := f.Annotations[sectionKey]
			switch {
			case f.Hidden || (len(heading) > 0) != with:
			case with:
				add(heading[0], f)
			default:
				add("Flags", f)
			}
		}
	}
	cmd.InitDefaultHelpFlag()
	cmd.LocalFlags().VisitAll(each(true))
	cmd.LocalFlags().VisitAll(each(false))
	cmd.InheritedFlags().VisitAll(each(false))
	return all
}

// helpWidth is the width of help texts that no terminal shows.
const helpWidth = 100

func (e *Env) helpWidth() int {
	if width := e.Width(); width > 0 {
		return min(max(width, 60), helpWidth)
	}
	return helpWidth
}

func (e *Env) usage(cmd *cobra.Command) error {
	var text strings.Builder
	writeUsage(&text, cmd, e.helpWidth())
	_, err := io.WriteString(e.Stderr, text.String())
	return err
}

func (e *Env) help(cmd *cobra.Command, _ []string) {
	var text strings.Builder
	text.WriteString(About(cmd) + "\n\n")
	writeUsage(&text, cmd, e.helpWidth())
	_, _ = io.WriteString(e.Stdout, text.String())
}
