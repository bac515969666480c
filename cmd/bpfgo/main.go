// Command bpfgo loads compiled BPF objects and shows their events and maps, without writing any Go.
//
//	bpfgo run OBJ [-- CMD ARGS...]    load and attach an object, show its events and maps
//	bpfgo link -o OUT OBJ...          link objects into one
//	bpfgo gen SOURCE...               make Go code from BPF programs, for go:generate
//	bpfgo btf dump [FLAGS]            write types as a C header: vmlinux.h for the kernel's types
//	bpfgo btf min -o OUT OBJ...       write the types that the relocations of objects need
//	bpfgo btf relocations OBJ         show CO-RE relocations, and what they become
//	bpfgo cflags, bpfgo ldflags       print the C compiler and linker flags of libbpf
//	bpfgo version                     print the versions of bpfgo, libbpf and the kernel
//
// "bpfgo help run" describes the flags. An error is one line on standard error, with exit status 1, or 2 for a wrong
// command line.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

func main() {
	if os.Args[0] == guardName {
		os.Exit(guard(os.Args[1:]))
	}
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// Exit statuses.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
)

// usageError says what is wrong with the command line.
type usageError string

func (e usageError) Error() string { return string(e) }

func usagef(format string, args ...any) error { return usageError(fmt.Sprintf(format, args...)) }

// command is one of bpfgo's commands.
type command struct {
	name    string // one or two words
	summary string
	help    string
	run     func(args []string, stdout, stderr io.Writer) error
}

func commands() []command {
	return []command{
		{"run", "load and attach an object, show its events and maps", runHelp, runRun},
		{"link", "link objects into one", linkHelp, runLink},
		{"gen", "make Go code from BPF programs, for go:generate", genHelp, runGen},
		{"btf dump", "write types as a C header", btfDumpHelp, runBTFDump},
		{"btf min", "write the types that the relocations of objects need", btfMinHelp, runBTFMin},
		{"btf relocations", "show CO-RE relocations, and what they become", btfRelocationsHelp, runBTFRelocations},
		{"cflags", "print the C compiler flags of libbpf", cflagsHelp, runCFlags},
		{"ldflags", "print the linker flags of libbpf", ldflagsHelp, runLDFlags},
		{"version", "print the versions of bpfgo, libbpf and the kernel", versionHelp, runVersion},
	}
}

// run is the whole program: it returns the exit status.
func run(args []string, stdout, stderr io.Writer) int {
	err := dispatch(args, stdout, stderr)
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &usage):
		fmt.Fprintf(stderr, "bpfgo: %s\n", oneLine(err.Error()))
		return exitUsage
	default:
		fmt.Fprintf(stderr, "bpfgo: %s\n", oneLine(err.Error()))
		return exitFailure
	}
}

func dispatch(args []string, stdout, stderr io.Writer) error {
	if len(args) == 0 {
		return usagef("no command given; try 'bpfgo help'")
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		return help(args[1:], stdout)
	case "-version", "--version":
		args = append([]string{"version"}, args[1:]...)
	}
	for _, c := range commands() {
		words := strings.Fields(c.name)
		if len(args) < len(words) || strings.Join(args[:len(words)], " ") != c.name {
			continue
		}
		err := c.run(args[len(words):], stdout, stderr)
		if errors.Is(err, flag.ErrHelp) {
			return help(words, stdout)
		}
		return err
	}
	if len(args) == 1 && slices.ContainsFunc(commands(), func(c command) bool {
		return strings.HasPrefix(c.name, args[0]+" ")
	}) {
		return help(args, stdout)
	}
	return usagef("unknown command %q; try 'bpfgo help'", strings.Join(args[:min(len(args), 2)], " "))
}

func help(words []string, stdout io.Writer) error {
	topic := strings.Join(words, " ")
	var text strings.Builder
	if topic == "" {
		text.WriteString("bpfgo loads compiled BPF objects and shows their events and maps.\n\n")
		for _, c := range commands() {
			fmt.Fprintf(&text, "  bpfgo %-17s%s\n", c.name, c.summary)
		}
		text.WriteString("\n\"bpfgo help COMMAND\" describes a command.\n")
	}
	for _, c := range commands() {
		if c.name == topic || strings.HasPrefix(c.name, topic+" ") && topic != "" {
			if text.Len() > 0 {
				text.WriteString("\n")
			}
			text.WriteString(c.help)
		}
	}
	if text.Len() == 0 {
		return usagef("no help for %q; try 'bpfgo help'", topic)
	}
	_, err := io.WriteString(stdout, text.String())
	return err
}

// oneLine joins the lines of a message to one line.
func oneLine(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "; ")
}

// newFlags is a flag set that does not print its errors; the caller does.
func newFlags(name string) *flag.FlagSet {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.Usage = func() {}
	return flags
}

// parseFlags parses flags before, between and after the operands, and returns the operands.
func parseFlags(flags *flag.FlagSet, args []string) ([]string, error) {
	var operands []string
	for {
		if err := flags.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return nil, err
			}
			return nil, usagef("%s: %s; try 'bpfgo help %s'", flags.Name(), doubleDashes(err.Error()), flags.Name())
		}
		rest := flags.Args()
		if len(rest) == 0 {
			return operands, nil
		}
		operands, args = append(operands, rest[0]), rest[1:]
	}
}

// doubleDashes writes the flags in a message of package flag with two dashes, as in the help.
func doubleDashes(message string) string {
	message = strings.Replace(message, ": -", ": --", 1)
	message = strings.Replace(message, " for -", " for --", 1)
	return strings.Replace(message, "flag -", "flag --", 1)
}
