package run

import (
	"cmp"
	"errors"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/backtrace"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/filter"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/setting"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/view"
)

// runOptions is the command line of "bpfgo run".
type runOptions struct {
	object   string
	command  []string
	settings []setting.Setting
	kconfig  []string
	pinRoot  string
	pid      int
	eventOptions
	record  string
	watch   bool
	metrics string
	json    *cli.JSON

	metricsLimit int // series
	dumps        []string
	hists        histOptions
	stacks       []*backtrace.Option
	frequency    int // of the clock for programs of the section perf_event, in Hz
	flame, fold  string
	interval     time.Duration
	perCPU       bool
	sort         view.Sort
	top          int
	duration     time.Duration
	verbose      bool
}

// eventOptions say which events to show, and how.
type eventOptions struct {
	types   map[string]string // the type of each map's records
	filters []filter.Condition
	window  window
	quiet   bool
}

// add adds the flags that set the options.
func (o *eventOptions) add(flags *pflag.FlagSet) {
	cli.Func(flags, "event", "MAP=TYPE", "decode the records of MAP as this type of the object, such as the name of a "+
		"struct; can be repeated. By default it is the type of the value in the definition of MAP, as in "+
		"__type(value, struct event). Records without a type are shown in hexadecimal", func(text string) error {
		name, typ, ok := strings.Cut(text, "=")
		if !ok || name == "" || typ == "" {
			return errors.New("must be MAP=TYPE")
		}
		if _, again := o.types[name]; again {
			return errors.New("map " + name + " already has a type")
		}
		if o.types == nil {
			o.types = map[string]string{}
		}
		o.types[name] = typ
		return nil
	})
	cli.Func(flags, "filter", "CONDITION", "show only events whose member has a value, such as pid=12, "+
		"duration_ns>=1000000 or, with a regular expression, comm~^nginx; can be repeated, and all must hold. The "+
		"operators are = != < <= > >= ~ !~", func(text string) error {
		c, err := filter.Parse(text)
		if err == nil {
			o.filters = append(o.filters, c)
		}
		return err
	})
	cli.Func(flags, "since", "TIME", "show only events that are seen from then on: a time since the beginning, such as "+
		"10s, or a time, such as 15:04:05", o.moment(&o.window.since))
	cli.Func(flags, "until", "TIME", "end then; TIME is as for --since", o.moment(&o.window.until))
	flags.BoolVar(&o.quiet, "quiet", false, "count events, and do not show them")
}

func (*eventOptions) moment(m *moment) func(string) error {
	return func(text string) (err error) {
		*m, err = parseMoment(text, time.Now())
		return err
	}
}

// Command is "bpfgo run".
func Command(env *cli.Env) *cobra.Command {
	return newCommand(env, &runOptions{})
}

// newCommand is the command, which sets the options.
func newCommand(env *cli.Env, o *runOptions) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "run OBJ [-- CMD ARGS...]",
		Short: "load and attach an object, show its events and maps",
		Long: `Loads a compiled BPF object, attaches its programs as their sections say, and shows the events of its ring buffers and
perf buffers, one per line. It ends when CMD ends, after --duration, or at ^C. Then it detaches the programs, unpins
the maps that it pinned, and ends CMD and the processes that CMD has started. It also ends CMD when bpfgo is killed.
If CMD ends by itself, the processes that it has started keep running.

CMD starts when everything is attached, so even its first system call is seen. The global variable target_tgid, if
there is one, is set to its process.

The last line on standard error counts the events, and the lost events. The kernel counts what a perf buffer loses.
Before Linux 6.0 it reports that only with a later event of the same CPU, so bpfgo says "at least". Only the object's
programs can count what a ring buffer loses: bpfgo reads their global variable lost_events. The line also says how CMD
ended. The exit status does not depend on that of CMD.`,
		Example: `  # count the system calls of a command
  bpfgo run syscalls.bpf.o --dump stats -- ls

  # show events of a process, and a map each second, most calls first
  bpfgo run exec.bpf.o --pid 1234 --dump counts --interval 1s --sort count:desc --top 10

  # draw where a command spends its time, with an object that counts stacks
  bpfgo run stacks.bpf.o --flame out.svg -- make

  # set global variables before the object is loaded
  bpfgo run exec.bpf.o --set min_us=500 --set 'config.names=["a","b"]'`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.operands(cmd, args); err != nil {
				return err
			}
			return run(env, o)
		},
	}
	cli.Section(cmd, "Before loading", func(flags *pflag.FlagSet) {
		cli.Func(flags, "set", "NAME=VALUE", "set a global variable; can be repeated. VALUE is a decimal or 0x... number "+
			"for an integer, true or false for a bool, a name for an enum, a text for an array of char, "+
			"values with commas between them for other arrays, and JSON for a struct. NAME may select a part, such as config.mode or table[3].x",
			setting.Set(&o.settings))
		cli.Func(flags, "kconfig", "NAME=VALUE", "override a line of the kernel's configuration, such as CONFIG_HZ=250, for "+
			"the object's extern variables; can be repeated. --set can't set these", func(text string) error {
			if !strings.Contains(text, "=") || strings.Contains(text, "\n") {
				return errors.New("must be NAME=VALUE")
			}
			o.kconfig = append(o.kconfig, text)
			return nil
		})
		cli.Func(flags, "pid", "PID", "set the global variable target_tgid, if there is one, to PID", cli.Count(&o.pid))
		flags.StringVar(&o.pinRoot, "pin-root", "", "pin maps that are defined with LIBBPF_PIN_BY_NAME in this `FOLDER` on "+
			"a BPF file system; the default is /sys/fs/bpf")
	})
	cli.Section(cmd, "Events", func(flags *pflag.FlagSet) {
		o.add(flags)
		flags.StringVar(&o.record, "record", "", "write the events that are shown, and what --dump shows, to this `FILE` "+
			"too: bpfgo replay shows them again")
	})
	cli.Section(cmd, "Maps", func(flags *pflag.FlagSet) {
		cli.Func(flags, "dump", "MAP", `show the content of MAP at the end; can be repeated. ".bss", ".data" and ".rodata" `+
			"are the global variables", func(name string) error {
			if name == "" {
				return errors.New("must be the name of a map")
			}
			o.dumps = append(o.dumps, name)
			return nil
		})
		o.hists = histOptions{}
		o.hists.add(flags)
		cli.Func(flags, "interval", "DURATION", "also show it repeatedly, after each DURATION, such as 1s",
			cli.Duration(&o.interval))
		flags.BoolVar(&o.perCPU, "per-cpu", false, "show the value of each CPU for per-CPU maps. By default the values are "+
			"added up if they consist of integers. For a struct member with the tag "+
			`__attribute__((btf_decl_tag("bpfgo:max"))), or min, it shows the largest, or smallest`)
		cli.Func(flags, "sort", "COLUMN", view.SortUsage, func(text string) error {
			o.sort = view.ParseSort(text)
			return nil
		})
		cli.Func(flags, "top", "N", "show only the first N rows", cli.Count(&o.top))
	})
	cli.Section(cmd, "Stacks", func(flags *pflag.FlagSet) {
		o.addStacks(flags)
	})
	cli.Section(cmd, "While it runs", func(flags *pflag.FlagSet) {
		flags.BoolVar(&o.watch, "watch", false, "redraw instead of showing events: what the programs cost, how many events "+
			"there are, and the maps that --dump names, or all maps. It redraws each second, or as --interval says")
		flags.StringVar(&o.metrics, "metrics", "", "serve numbers to Prometheus at this `ADDRESS`, such as :9100 or "+
			"127.0.0.1:9100: events, losses, what the programs cost, and the numbers in the maps that --dump names")
		o.metricsLimit = 10000
		cli.Func(flags, "metrics-limit", "N", "serve at most N series of maps (default 10000)", cli.Count(&o.metricsLimit))
	})
	o.json = env.JSONFlag(cmd, `write one JSON object per line: {"map":...,"type":...,"data":...} for an event, with "cpu" `+
		`for a perf buffer; without a type, "data" is hexadecimal; and {"dump":1,"map":...,"key":...,"value":...} for an `+
		"element of a map")
	cli.Func(cmd.Flags(), "duration", "DURATION", "end after this time", cli.Duration(&o.duration))
	cmd.Flags().BoolVar(&o.verbose, "verbose", false, "show libbpf's messages, and the verifier's log if it rejects a "+
		"program")
	return cmd
}

// operands takes the object and the command, and refuses flags that make no sense together.
func (o *runOptions) operands(cmd *cobra.Command, args []string) error {
	dash := cmd.ArgsLenAtDash()
	if dash >= 0 {
		args, o.command = args[:dash], args[dash:]
	}
	given := cmd.Flags().Changed
	switch {
	case len(args) == 0:
		return cli.Usagef("run: no object given")
	case len(args) > 1:
		return cli.Usagef("run: unexpected argument %q; put a command after --", args[1])
	case dash >= 0 && len(o.command) == 0:
		return cli.Usagef("run: no command after --")
	case given("pid") && dash >= 0:
		return cli.Usagef("run: --pid and a command exclude each other")
	}
	for _, name := range []string{"interval", "per-cpu", "sort", "top"} {
		if given(name) && len(o.dumped()) == 0 && !o.watch {
			return cli.Usagef("run: --%s needs --dump", name)
		}
	}
	if given("metrics-limit") && o.metrics == "" {
		return cli.Usagef("run: --metrics-limit needs --metrics")
	}
	if o.watch {
		o.quiet = true
		o.interval = cmp.Or(o.interval, watchInterval)
	}
	o.object = args[0]
	return nil
}
