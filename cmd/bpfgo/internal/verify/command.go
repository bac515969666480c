// Package verify has "bpfgo verify".
package verify

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/signal"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/privilege"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/setting"
)

type options struct {
	json *cli.JSON
	csv  bool

	programs, files []string // globs
	verdicts        []verdict

	sortBy     *column
	descending bool
	top        int
	columns    []*column
	log        bool

	settings   []setting.Setting
	found      map[string]bool // settings that an object has a variable for
	kconfig    []string
	targetName string
	target     *target
	repeat     int
	logLevel   uint32

	compare   string
	threshold float64 // percent

	kernels []string // other than the running one
}

// Command is "bpfgo verify".
func Command(env *cli.Env) *cobra.Command {
	opts := &options{repeat: 1, threshold: 5, found: make(map[string]bool)}
	cmd := newCommand(env, opts)
	cmd.RunE = func(_ *cobra.Command, paths []string) error { return run(env, opts, paths) }
	return cmd
}

func newCommand(env *cli.Env, opts *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "verify OBJ... [flags]",
		Short: "show what the kernel's verifier says about each program",
		Long: `Loads each program of the objects by itself, and shows the verdict of the kernel's verifier, and what it took:
the instructions that it processed, the states that it remembered, the stack, the time, the size of the machine
code. Nothing is attached, pinned or left behind. Maps are created, those without a number of entries with one.

Of a rejected program, it shows the end of the verifier's log, the source line, and what well-known messages
mean. A program is "failed" if it did not come to the verifier, for example because the function that it traces
is not there, and "skipped" if it can't be tried alone.

With --compare, it shows what differs from an earlier run. Worse is a program that was accepted and now is not,
or for which the verifier processes more instructions or remembers more states, by more than --threshold.

With --kernel, bpfgo boots other kernels for x86-64 in QEMU, without a disk or a network, and runs itself there.
It needs qemu-system-x86_64, and no privileges. Kernel modules are not there.

It needs CAP_BPF and, for most types of programs, CAP_PERFMON or CAP_NET_ADMIN. The exit status is 5 if a
program is rejected or, with --compare, if one became worse; 3 if a permission is missing; 1 if a program
failed.`,
		Example: `  bpfgo verify app.bpf.o

  # the ten programs that take the verifier longest
  bpfgo verify --sort time:desc --top 10 *.bpf.o

  # in continuous integration: fail if a change makes programs much larger for the verifier
  bpfgo verify --json app.bpf.o > baseline.json
  bpfgo verify --compare baseline.json --threshold 10% app.bpf.o

  # on other kernels, which QEMU boots
  bpfgo verify --kernel 5.10,6.12 app.bpf.o

  # the whole log of one program
  bpfgo verify --program on_exec --log app.bpf.o`,
		Args: cli.Operands(1, cli.Any, "an object"),
	}
	cli.Section(cmd, "Which programs", func(flags *pflag.FlagSet) {
		cli.Func(flags, "program", "GLOB", "programs with such a name only; can be repeated", glob(&opts.programs))
		cli.Func(flags, "file", "GLOB", "objects with such a file name only; can be repeated", glob(&opts.files))
		cli.Func(flags, "verdict", "VERDICT", "show accepted, rejected, failed or skipped programs only; can be repeated",
			opts.setVerdict)
		cli.Func(flags, "top", "N", "show the first N only", cli.Count(&opts.top))
	})
	cli.Section(cmd, "How they are loaded", func(flags *pflag.FlagSet) {
		cli.Func(flags, "set", "NAME=VALUE", "set a global variable in the objects that have it, as for bpfgo run; can be "+
			"repeated", setting.Set(&opts.settings))
		cli.Func(flags, "kconfig", "NAME=VALUE", "override a line of the kernel's configuration, such as CONFIG_HZ=250; can be "+
			"repeated", opts.setKconfig)
		flags.StringVar(&opts.targetName, "target", "", "the program whose functions freplace programs replace, as `OBJ:PROGRAM`")
		cli.Func(flags, "repeat", "N", "load each program so often, and show the median of the times", cli.Count(&opts.repeat))
	})
	cli.Section(cmd, "Other kernels", func(flags *pflag.FlagSet) {
		cli.Func(flags, "kernel", "KERNEL,...", "load them on these kernels instead, in QEMU: the path of a kernel's image, or a "+
			"version that is in /boot or that scripts/vm/kernels.sh of libbpf-go's repository has fetched", opts.setKernels)
	})
	cli.Section(cmd, "Comparison", func(flags *pflag.FlagSet) {
		flags.StringVar(&opts.compare, "compare", "", "compare with a `file` that --json has written")
		cli.Func(flags, "threshold", "PERCENT", "growth beyond which a program is worse (default 5%)", opts.setThreshold)
	})
	opts.json = env.JSONFlag(cmd, "show the programs as JSON")
	flags := cmd.Flags()
	flags.BoolVar(&opts.csv, "csv", false, "show the programs as CSV, with all columns unless --columns says which")
	cli.Func(flags, "columns", "LIST", "the columns, with commas between them: "+columnNames(), opts.setColumns)
	cli.Func(flags, "sort", "COLUMN[:desc]", "sort by a column; of equal ones, and by default, the order is that of the objects",
		opts.setSort)
	flags.BoolVar(&opts.log, "log", false, "show the whole log of the verifier, also for accepted programs")
	cli.Func(flags, "log-level", "LEVEL", "how much the log of --log has: 1 for the path to the rejection, 2 for all paths "+
		"with each state (the default of accepted programs)", opts.setLogLevel)
	cmd.MarkFlagsMutuallyExclusive("json", "csv")
	for _, other := range []string{"csv", "columns", "sort", "top", "verdict"} { // a comparison has one form
		cmd.MarkFlagsMutuallyExclusive("compare", other)
	}
	return cmd
}

func glob(globs *[]string) func(string) error {
	return func(text string) error {
		if _, err := path.Match(text, ""); err != nil || text == "" {
			return errors.New("must be a pattern with *, ? and [a-z]")
		}
		*globs = append(*globs, text)
		return nil
	}
}

// matches tells whether a name matches one of the globs. Without globs, all do.
func matches(globs []string, name string) bool {
	return len(globs) == 0 || slices.ContainsFunc(globs, func(g string) bool {
		ok, _ := path.Match(g, name)
		return ok
	})
}

func (o *options) setVerdict(text string) error {
	v := verdict(text)
	if !slices.Contains([]verdict{accepted, rejected, failed, skipped}, v) {
		return errors.New("must be accepted, rejected, failed or skipped")
	}
	o.verdicts = append(o.verdicts, v)
	return nil
}

func (o *options) setKconfig(text string) error {
	if !strings.Contains(text, "=") || strings.Contains(text, "\n") {
		return errors.New("must be NAME=VALUE")
	}
	o.kconfig = append(o.kconfig, text)
	return nil
}

func (o *options) setThreshold(text string) error {
	percent, err := strconv.ParseFloat(strings.TrimSuffix(text, "%"), 64)
	if err != nil || !(percent >= 0) || percent > 1e9 {
		return errors.New("must be a percentage such as 5%")
	}
	o.threshold = percent
	return nil
}

func (o *options) setColumns(text string) error {
	o.columns = nil
	for name := range strings.SplitSeq(text, ",") {
		c := findColumn(name)
		if c == nil {
			return fmt.Errorf("there is no column %q; there are %s", name, columnNames())
		}
		o.columns = append(o.columns, c)
	}
	return nil
}

func (o *options) setSort(text string) error {
	name, order, _ := strings.Cut(text, ":")
	if o.sortBy = findColumn(name); o.sortBy == nil {
		return fmt.Errorf("there is no column %q; there are %s", name, columnNames())
	}
	if order != "" && order != "asc" && order != "desc" {
		return errors.New("must end with :asc or :desc")
	}
	o.descending = order == "desc"
	return nil
}

func (o *options) setLogLevel(text string) error {
	if text != "1" && text != "2" {
		return errors.New("must be 1 or 2")
	}
	o.logLevel = uint32(text[0] - '0')
	return nil
}

func run(env *cli.Env, opts *options, paths []string) error {
	if opts.logLevel > 0 && !opts.log {
		return cli.Usagef("verify: --log-level needs --log")
	}
	var baseline []result
	if opts.compare != "" {
		var err error
		if baseline, err = readBaseline(opts.compare); err != nil {
			return err
		}
	}
	if opts.targetName != "" && len(opts.kernels) == 0 {
		t, err := openTarget(opts.targetName)
		if err != nil {
			return fmt.Errorf("--target %s: %w", opts.targetName, privilege.Need(err, privilege.BPF, privilege.Perfmon))
		}
		defer t.close()
		opts.target = t
	}
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGINT, unix.SIGTERM, unix.SIGHUP)
	defer stop()
	verify := verifyAll
	if len(opts.kernels) > 0 {
		verify = verifyOnKernels
	}
	results, warnings, err := verify(ctx, opts, paths)
	if err != nil {
		return err
	}
	for _, w := range warnings {
		env.Note("%s", w)
	}
	if ctx.Err() != nil {
		warnings = append(warnings, "interrupted")
		env.Note("interrupted: the rest was not tried")
	}
	if opts.compare != "" {
		return compare(env, opts, baseline, results, warnings)
	}
	if err := show(env, opts, results, warnings); err != nil {
		return err
	}
	return outcome(results, warnings)
}

// verifyAll tries the programs of all objects. An object that can't be read does not keep it from the others.
func verifyAll(ctx context.Context, opts *options, paths []string) (results []result, warnings []string, err error) {
	results = []result{}
	for _, path := range paths {
		if !matches(opts.files, filepath.Base(path)) {
			continue
		}
		all, err := programs(path, opts)
		if err != nil && len(paths) == 1 {
			return nil, nil, err
		}
		if err != nil {
			warnings = append(warnings, cli.OneLine(err.Error()))
			continue
		}
		for i := range all {
			if ctx.Err() != nil {
				return results, warnings, nil
			}
			all[i].try(opts)
			results = append(results, all[i])
		}
	}
	for _, s := range opts.settings {
		if !opts.found[s.Name] {
			return nil, nil, fmt.Errorf("--set %s=%s: no object has this variable", s.Name, s.Value)
		}
	}
	return results, warnings, nil
}

// outcome is the exit status for the results: what is rejected counts most.
func outcome(results []result, warnings []string) error {
	counts := make(map[verdict]int)
	var denied error
	for _, r := range results {
		counts[r.Verdict]++
		if r.Verdict == failed && denied == nil && errors.Is(r.err, fs.ErrPermission) {
			denied = r.err
		}
	}
	switch {
	case counts[rejected] > 0:
		return cli.Exit(cli.StatusRejected)
	case denied != nil && counts[accepted] == 0:
		return privilege.Need(denied, privilege.BPF, privilege.Perfmon)
	case denied != nil:
		return cli.Exit(cli.StatusPermission)
	case counts[failed] > 0 || len(warnings) > 0:
		return cli.Exit(cli.StatusFailed)
	}
	return nil
}
