// Package list has "bpfgo list".
package list

import (
	"context"
	"fmt"
	"os/signal"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/inventory"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/screen"
)

const long = `Lists the programs, maps, links and BTF in the kernel: what they are, what they cost, where programs run, and who holds
them. Holders are processes, by their descriptors (from /proc), pins on BPF file systems, and other objects. Names are
whole where BTF has them; the kernel keeps only 15 characters.

--stats and --watch make the kernel count how often and how long programs run, and stop it in the end. A program takes
about 20 ns more per run meanwhile. Without them, the counts are from when somebody else had the kernel count.

The list needs CAP_SYS_ADMIN. To see the descriptors of other users' processes it also needs CAP_SYS_PTRACE. What can't
be read is left out, with a note. Between one look and the next, programs come and go: those are left out, too.`

const example = `  bpfgo list

  # the programs that cost most, measured for a second
  bpfgo list programs --stats --top 5

  # redraw every two seconds; or, for a program, as lines of JSON
  bpfgo list programs --watch=2s
  bpfgo list programs --watch --count 10 --json

  # what a process has in the kernel, the largest maps first
  bpfgo list maps --process cilium-agent --sort memory`

// options are the flags.
type options struct {
	process, typ, name string
	sort               string
	top                int
	stats, watch       time.Duration // 0 if not wanted
	count              int
}

// Command is "bpfgo list".
func Command(env *cli.Env) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:       "list [programs|maps|links|btf] [flags]",
		Short:     "show what is in the kernel, what it costs, and who holds it",
		Long:      long,
		Example:   example,
		ValidArgs: kinds,
		Args:      cli.Operands(0, 1, ""),
	}
	mode := env.JSONFlag(cmd, "write JSON; with --watch, a line for each object each time")
	cli.Section(cmd, "What to show", func(flags *pflag.FlagSet) {
		flags.StringVar(&o.process, "process", "", "only what the process `PID|NAME` holds")
		flags.StringVar(&o.typ, "type", "", "only those of this type, such as xdp or hash*; `GLOB` may have * and ?")
		flags.StringVar(&o.name, "name", "", "only those with this name; `GLOB` may have * and ?")
		flags.StringVar(&o.sort, "sort", "", "sort by this `COLUMN`, with :asc or :desc behind it; otherwise amounts "+
			"from the largest to the smallest, and all else the other way")
		cli.Func(flags, "top", "N", "only the first N", cli.Count(&o.top))
	})
	cli.Section(cmd, "Measuring", func(flags *pflag.FlagSet) {
		optional(flags, "stats", "measure for `DURATION`, 1s by default, what programs cost", &o.stats)
		optional(flags, "watch", "list and measure again each `DURATION`, 1s by default, until ^C", &o.watch)
		cli.Func(flags, "count", "N", "with --watch: N times", cli.Count(&o.count))
	})
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		wanted := kinds
		if len(args) > 0 {
			if wanted = []string{args[0]}; !slices.Contains(kinds, args[0]) {
				return cli.Usagef("list: %q is none of programs, maps, links and btf", args[0])
			}
		}
		if err := o.check(wanted); err != nil {
			return err
		}
		ctx, stop := signal.NotifyContext(cmd.Context(), unix.SIGINT, unix.SIGTERM, unix.SIGHUP)
		defer stop()
		l := &lister{env: env, mode: mode, options: o, wanted: wanted, alone: len(args) > 0}
		defer l.reader.Close()
		return l.run(ctx)
	}
	return cmd
}

// kinds are what can be listed.
var kinds = []string{"programs", "maps", "links", "btf"}

// optional gives flags a duration that is a second if the flag has no value.
func optional(flags *pflag.FlagSet, name, usage string, value *time.Duration) {
	usageName, usage := pflag.UnquoteUsage(&pflag.Flag{Usage: usage})
	cli.Func(flags, name, usageName, usage, cli.Duration(value))
	flags.Lookup(name).NoOptDefVal = "1s"
}

func (o *options) check(wanted []string) error {
	for flag, pattern := range map[string]string{"type": o.typ, "name": o.name} {
		if _, err := path.Match(pattern, ""); err != nil {
			return cli.Usagef("list: --%s %s: a [ has no ], or nothing is behind a \\", flag, pattern)
		}
	}
	switch {
	case o.count > 0 && o.watch == 0:
		return cli.Usagef("list: --count needs --watch")
	case o.stats > 0 && o.watch > 0:
		return cli.Usagef("list: --stats and --watch exclude each other: --watch measures, too")
	}
	if o.sort != "" {
		return checkSort(wanted, o.sort)
	}
	return nil
}

// lister lists, once or again and again.
type lister struct {
	env *cli.Env
	options
	mode   *cli.JSON
	wanted []string
	alone  bool // one kind
	reader inventory.Reader
}

func (l *lister) run(ctx context.Context) error {
	interval := max(l.stats, l.watch)
	if interval == 0 {
		s, err := l.reader.Read()
		if err != nil {
			return err
		}
		return l.show(s)
	}
	meter, err := inventory.NewMeter()
	if err != nil {
		return err
	}
	defer meter.Close()
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	var drawing *screen.Screen
	if l.watch > 0 && !l.mode.On {
		drawing = screen.New(l.env)
		defer drawing.Close()
	}
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		s, err := l.reader.Read()
		if err != nil {
			return err
		}
		rates := meter.Look()
		for _, p := range s.Programs {
			if r, measured := rates[p.ID]; measured {
				p.Rates = &r
			}
		}
		switch {
		case l.watch == 0:
			return l.show(s)
		case l.mode.On:
			err = l.writeLines(s)
		default:
			err = drawing.Draw(l.picture(s))
		}
		if err != nil || n == l.count {
			return err
		}
	}
}

// picture is what --watch shows at one time.
func (l *lister) picture(s *inventory.Snapshot) string {
	l.choose(s)
	var text strings.Builder
	text.WriteString(time.Now().Format(time.TimeOnly))
	var counted []string
	for _, kind := range l.wanted {
		counted = append(counted, fmt.Sprintf("%d %s", count(s, kind), kind))
	}
	fmt.Fprintf(&text, "  %s", strings.Join(counted, ", "))
	if slices.Contains(l.wanted, "programs") {
		cpu := 0.0
		for _, p := range s.Programs {
			if p.Rates != nil {
				cpu += p.Rates.CPUPercent
			}
		}
		fmt.Fprintf(&text, ", %s of a CPU", percent(cpu))
	}
	if n := len(s.Warnings); n > 0 {
		fmt.Fprintf(&text, "; incomplete: %s", cli.Safe(s.Warnings[0]))
	}
	text.WriteString("\n\n")
	text.WriteString(l.tables(s, l.env.Width()))
	return text.String()
}

// show writes the list.
func (l *lister) show(s *inventory.Snapshot) error {
	l.choose(s)
	return l.env.Answer(l.mode, l.document(s), func() string { return l.tables(s, l.env.Width()) })
}

// document is the list as JSON.
func (l *lister) document(s *inventory.Snapshot) cli.Document {
	all := struct {
		Programs []*inventory.Program `json:"programs"`
		Maps     []*inventory.Map     `json:"maps"`
		Links    []*inventory.Link    `json:"links"`
		BTFs     []*inventory.BTF     `json:"btf"`
	}{some(s.Programs), some(s.Maps), some(s.Links), some(s.BTFs)}
	d := cli.Document{Name: "objects", Value: all, Warnings: s.Warnings}
	if l.alone {
		d.Name = l.wanted[0]
		switch d.Name {
		case "programs":
			d.Value = all.Programs
		case "maps":
			d.Value = all.Maps
		case "links":
			d.Value = all.Links
		case "btf":
			d.Value = all.BTFs
		}
	}
	return d
}

// some makes an empty list of none, as JSON shows it.
func some[T any](all []T) []T {
	if all == nil {
		return []T{}
	}
	return all
}

// writeLines writes a line of JSON for each object.
func (l *lister) writeLines(s *inventory.Snapshot) error {
	l.choose(s)
	type line struct {
		Time    time.Time          `json:"time"`
		Program *inventory.Program `json:"program,omitempty"`
		Map     *inventory.Map     `json:"map,omitempty"`
		Link    *inventory.Link    `json:"link,omitempty"`
		BTF     *inventory.BTF     `json:"btf,omitempty"`
	}
	var lines []line
	now := time.Now()
	for _, kind := range l.wanted {
		switch kind {
		case "programs":
			for _, p := range s.Programs {
				lines = append(lines, line{Time: now, Program: p})
			}
		case "maps":
			for _, m := range s.Maps {
				lines = append(lines, line{Time: now, Map: m})
			}
		case "links":
			for _, k := range s.Links {
				lines = append(lines, line{Time: now, Link: k})
			}
		case "btf":
			for _, b := range s.BTFs {
				lines = append(lines, line{Time: now, BTF: b})
			}
		}
	}
	for _, one := range lines {
		if err := l.mode.WriteLine(l.env.Stdout, one); err != nil {
			return err
		}
	}
	return nil
}

// isProcess tells whether a process is the one that --process names.
func (o *options) isProcess(pid int, comm string) bool {
	return comm == o.process || strconv.Itoa(pid) == o.process
}

// matches tells whether a text matches a pattern; all do if there is none.
func matches(pattern, text string) bool {
	if pattern == "" {
		return true
	}
	ok, _ := path.Match(pattern, text)
	return ok
}
