package main

import (
	"flag"
	"math"
	"strconv"
	"strings"
	"time"
)

const runHelp = `usage: bpfgo run [FLAGS] OBJ [-- CMD ARGS...]

Loads a compiled BPF object, attaches its programs as their sections say, and shows the events of its ring
buffers and perf buffers, one per line. It ends when CMD ends, after --duration, or at ^C. Then it detaches the
programs, unpins the maps that it pinned, and ends CMD and the processes that CMD has started. It also ends CMD
when bpfgo is killed. If CMD ends by itself, the processes that it has started keep running.

Before loading:
  --set NAME=VALUE       set a global variable; can be repeated. VALUE is a decimal or 0x... number for an
                         integer, true or false for a bool, a name for an enum, a text for an array of char,
                         and values with commas between them for other arrays. NAME may select a part, such
                         as config.mode or table[3].x.
  --kconfig NAME=VALUE   override a line of the kernel's configuration, such as CONFIG_HZ=250, for the object's
                         extern variables; can be repeated. --set can't set these.
  --pid PID              set the global variable target_tgid, if there is one, to PID
  --pin-root DIR         pin maps that are defined with LIBBPF_PIN_BY_NAME in this folder on a BPF file system;
                         the default is /sys/fs/bpf
  -- CMD ARGS...         run CMD, and set target_tgid to its process. CMD starts when everything is attached,
                         so even its first system call is seen.

Events:
  --event MAP=TYPE       decode the records of MAP as this type of the object, such as the name of a struct; can
                         be repeated. By default it is the type of the value in the definition of MAP, as in
                         __type(value, struct event). Records without a type are shown in hexadecimal.
  --json                 show one JSON object per line:
                           {"map":...,"type":...,"data":...} for an event, with "cpu" for a perf buffer;
                           without a type, "data" is hexadecimal
                           {"dump":1,"map":...,"key":...,"value":...} for an element of a map

Maps:
  --dump MAP             show the content of MAP at the end; can be repeated. ".bss", ".data" and ".rodata" are
                         the global variables.
  --interval DURATION    also show it repeatedly, after each DURATION, such as 1s
  --per-cpu              show the value of each CPU for per-CPU maps. By default the values are added up if they
                         consist of integers. For a struct member with the tag
                         __attribute__((btf_decl_tag("bpfgo:max"))), or min, it shows the largest, or smallest.
  --sort COLUMN[:desc]   sort by this column instead of by key
  --top N                show only the first N rows

  --duration DURATION    end after this time
  --verbose              show libbpf's messages, and the verifier's log if it rejects a program

The last line on standard error counts the events, and the lost events. The kernel counts what a perf buffer
loses. Before Linux 6.0 it reports that only with a later event of the same CPU, so bpfgo says "at least". Only the
object's programs can count what a ring buffer loses: bpfgo reads their global variable lost_events. The line also
says how CMD ended. The exit status is 0 whatever the status of CMD, 1 if bpfgo failed, and 2 for a wrong command
line.
`

// setting is a value for a global variable.
type setting struct{ name, value string }

// runOptions is the command line of "bpfgo run".
type runOptions struct {
	object   string
	command  []string
	settings []setting
	kconfig  []string
	pinRoot  string
	pid      int
	events   map[string]string // the type of each map's records
	json     bool
	dumps    []string
	interval time.Duration
	perCPU   bool
	sortBy   string
	sortDesc bool
	top      int
	duration time.Duration
	verbose  bool
}

func parseRunOptions(args []string) (*runOptions, error) {
	o := &runOptions{events: map[string]string{}}
	args, command, hasCommand := cutCommand(args)
	flags := newFlags("run")
	flags.Func("set", "", func(text string) error {
		name, value, ok := strings.Cut(text, "=")
		if !ok || name == "" {
			return usagef("must be NAME=VALUE")
		}
		o.settings = append(o.settings, setting{name, value})
		return nil
	})
	flags.Func("event", "", func(text string) error {
		name, typ, ok := strings.Cut(text, "=")
		if !ok || name == "" || typ == "" {
			return usagef("must be MAP=TYPE")
		}
		if _, again := o.events[name]; again {
			return usagef("map %s already has a type", name)
		}
		o.events[name] = typ
		return nil
	})
	flags.Func("dump", "", func(name string) error {
		if name == "" {
			return usagef("must be the name of a map")
		}
		o.dumps = append(o.dumps, name)
		return nil
	})
	flags.Func("kconfig", "", func(text string) error {
		if !strings.Contains(text, "=") || strings.Contains(text, "\n") {
			return usagef("must be NAME=VALUE")
		}
		o.kconfig = append(o.kconfig, text)
		return nil
	})
	flags.StringVar(&o.pinRoot, "pin-root", "", "")
	flags.Func("pid", "", number(&o.pid))
	flags.BoolVar(&o.json, "json", false, "")
	flags.Func("interval", "", duration(&o.interval))
	flags.BoolVar(&o.perCPU, "per-cpu", false, "")
	flags.StringVar(&o.sortBy, "sort", "", "")
	flags.Func("top", "", number(&o.top))
	flags.Func("duration", "", duration(&o.duration))
	flags.BoolVar(&o.verbose, "verbose", false, "")
	operands, err := parseFlags(flags, args)
	if err != nil {
		return nil, err
	}
	switch {
	case len(operands) == 0:
		return nil, usagef("run: no object given; try 'bpfgo help run'")
	case len(operands) > 1:
		return nil, usagef("run: unexpected argument %q; put a command after --", operands[1])
	}
	o.object, o.command = operands[0], command
	o.sortBy, o.sortDesc = strings.CutSuffix(o.sortBy, ":desc")
	if !o.sortDesc {
		o.sortBy = strings.TrimSuffix(o.sortBy, ":asc")
	}
	return o, o.check(flags, hasCommand)
}

// number and duration parse the value of a flag, which must be above 0.

func number(value *int) func(string) error {
	return func(text string) error {
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil || n <= 0 {
			return usagef("must be a whole number from 1 to %d", math.MaxInt32)
		}
		*value = int(n)
		return nil
	}
}

func duration(value *time.Duration) func(string) error {
	return func(text string) error {
		d, err := time.ParseDuration(text)
		if err != nil || d <= 0 {
			return usagef("must be a duration above 0, such as 500ms, 1s or 2m30s")
		}
		*value = d
		return nil
	}
}

// cutCommand splits a command line at its first "--".
func cutCommand(args []string) (before, command []string, found bool) {
	for i, arg := range args {
		if arg == "--" {
			return args[:i], args[i+1:], true
		}
	}
	return args, nil, false
}

// check refuses flags that make no sense together.
func (o *runOptions) check(flags *flag.FlagSet, hasCommand bool) error {
	given := map[string]bool{}
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	switch {
	case hasCommand && len(o.command) == 0:
		return usagef("run: no command after --")
	case given["pid"] && hasCommand:
		return usagef("run: --pid and a command exclude each other")
	}
	for _, name := range []string{"interval", "per-cpu", "sort", "top"} {
		if given[name] && len(o.dumps) == 0 {
			return usagef("run: --%s needs --dump", name)
		}
	}
	return nil
}
