package main

import (
	"flag"
	"math"
	"strconv"
	"strings"
	"time"
)

const runHelp = `usage: bpfgo run [FLAGS] OBJ [-- CMD ARGS...]

Loads a compiled BPF object, attaches its programs as their sections say, and shows what comes out of its
ring buffers and perf buffers, one line an event. It ends with CMD, after --duration, or at ^C, and leaves
nothing behind: programs are detached, maps that it pinned are unpinned, CMD and what it started are ended. That
holds for CMD when bpfgo is killed, too. What CMD leaves running when it ends by itself goes on.

Before:
  --set NAME=VALUE       set a global variable before loading; can be repeated. Integers are decimal or 0x...,
                         bools true or false, enums the name, arrays of char the text, other arrays values
                         with commas between. NAME may go on to a part, such as config.mode or table[3].x.
  --kconfig NAME=VALUE   load as if this were in the kernel's configuration, such as CONFIG_HZ=250; can be
                         repeated. It is for extern variables, which --set does not take.
  --pid PID              set the global variable target_tgid, if there is one, to PID
  --pin-root DIR         where maps are pinned that ask for it, on a bpf file system, in place of /sys/fs/bpf
  -- CMD ARGS...         set target_tgid to the process of CMD, which starts once all is attached: not even
                         its first system call is missed

Events:
  --event MAP=TYPE       the records of MAP are of this type of the object, such as a struct's name; without
                         it they are shown in hexadecimal; can be repeated
  --json                 a JSON object a line:
                           {"map":...,"type":...,"data":...} for an event, with "cpu" where a perf buffer
                           has it; without a type, "data" is hexadecimal
                           {"dump":1,"map":...,"key":...,"value":...} for an element of a map

Maps:
  --dump MAP             show the contents of MAP at the end; can be repeated. ".bss", ".data" and ".rodata"
                         are the global variables.
  --interval DURATION    show them every so often as well, such as 1s
  --per-cpu              show the value of each CPU where maps have several. Otherwise they are added up if
                         they are made of integers; struct members tagged
                         __attribute__((btf_decl_tag("bpfgo:max"))), or min, give the largest, or smallest.
  --sort COLUMN[:desc]   sort by this column, not by key
  --top N                show the first N only

  --duration DURATION    end after this time
  --verbose              show libbpf's messages, and the verifier's log where it rejects a program

The last line on standard error counts events, and those that were lost. The kernel counts what a perf buffer
loses; before Linux 6.0 it tells of that only with a later event of the same CPU, and bpfgo says "at least". What
a ring buffer loses only the object's programs can count: bpfgo reads their global variable lost_events. How CMD
ended is told there as well; the exit status is 0 all the same, 1 when bpfgo failed, 2 when the command line is
wrong.
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
			return usagef("it is NAME=VALUE")
		}
		o.settings = append(o.settings, setting{name, value})
		return nil
	})
	flags.Func("event", "", func(text string) error {
		name, typ, ok := strings.Cut(text, "=")
		if !ok || name == "" || typ == "" {
			return usagef("it is MAP=TYPE")
		}
		if _, again := o.events[name]; again {
			return usagef("%s has a type already", name)
		}
		o.events[name] = typ
		return nil
	})
	flags.Func("dump", "", func(name string) error {
		if name == "" {
			return usagef("it is the name of a map")
		}
		o.dumps = append(o.dumps, name)
		return nil
	})
	flags.Func("kconfig", "", func(text string) error {
		if !strings.Contains(text, "=") || strings.Contains(text, "\n") {
			return usagef("it is NAME=VALUE")
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
		return nil, usagef("run: %q is one argument too many; a command stands after --", operands[1])
	}
	o.object, o.command = operands[0], command
	o.sortBy, o.sortDesc = strings.CutSuffix(o.sortBy, ":desc")
	if !o.sortDesc {
		o.sortBy = strings.TrimSuffix(o.sortBy, ":asc")
	}
	return o, o.check(flags, hasCommand)
}

// number and duration are flags that take one, above 0.

func number(value *int) func(string) error {
	return func(text string) error {
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil || n <= 0 {
			return usagef("it is a whole number from 1 to %d", math.MaxInt32)
		}
		*value = int(n)
		return nil
	}
}

func duration(value *time.Duration) func(string) error {
	return func(text string) error {
		d, err := time.ParseDuration(text)
		if err != nil || d <= 0 {
			return usagef("it is a time above 0, such as 500ms, 1s or 2m30s")
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

// check refuses what makes no sense together.
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
			return usagef("run: --%s is for maps that --dump names, and there are none", name)
		}
	}
	return nil
}
