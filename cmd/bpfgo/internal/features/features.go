// Package features has "bpfgo features".
package features

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/kernel"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/table"
)

// group are the features of one kind.
type group struct {
	Name     string    `json:"kind"`
	Features []Feature `json:"features"`
}

// answer is what the command shows.
type answer struct {
	System   []Setting `json:"system,omitempty"`
	Groups   []group   `json:"groups"`
	Settings []Setting `json:"kernel_config,omitempty"`
}

const long = `Shows what the running kernel has for BPF, by trying it: types of maps and programs by creating one, instructions by
loading a program, the rest by what the kernel's BTF declares. Nothing stays. Beside what is missing is the version of
Linux that brings it. A kernel of this version or later may still be built without it.

The answers are yes, no, or unknown, where the process may not ask. To ask needs CAP_BPF; for some types also
CAP_PERFMON or CAP_NET_ADMIN.

With NAME, it shows only the features and settings of this name, or with NAME in their names. The exit status is then
4 if the kernel lacks one of these features, 3 if one is not known, and 1 if there is none of this name.`

const example = `  bpfgo features

  # does this kernel have ring buffers?
  bpfgo features ringbuf && echo yes

  # only what is missing
  bpfgo features --missing

  # the helpers that XDP programs can call
  bpfgo features --helpers xdp`

// Command is "bpfgo features".
func Command(env *cli.Env) *cobra.Command {
	var helpersOf []string
	var config, missing bool
	cmd := &cobra.Command{
		Use:     "features [NAME] [flags]",
		Short:   "show what this kernel has for BPF, and which version brings the rest",
		Long:    long,
		Example: example,
		Args:    cli.Operands(0, 1, ""),
	}
	cli.Func(cmd.Flags(), "helpers", "TYPE", "also the helpers that programs of this type, such as xdp, can call, or all",
		cli.List(&helpersOf))
	cmd.Flags().BoolVar(&config, "kernel-config", false, "also the kernel's settings (CONFIG_) for BPF")
	cmd.Flags().BoolVar(&missing, "missing", false, "only what is missing or not known")
	mode := env.JSONFlag(cmd, "write JSON")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		types, err := programTypesNamed(helpersOf)
		if err != nil {
			return err
		}
		k := kernel.Running()
		defer k.Close()
		a := answer{System: system(), Groups: groups(k, types)}
		if config {
			a.Settings = kernelConfig(k)
		}
		name := ""
		if len(args) > 0 {
			name = args[0]
			if a.choose(name); len(a.Groups) == 0 && len(a.System) == 0 && len(a.Settings) == 0 {
				return fmt.Errorf("there is no feature or setting named %q", name)
			}
		}
		if missing {
			a.keep(func(f Feature) bool { return f.State != kernel.Yes })
			a.System = slices.DeleteFunc(a.System, Setting.isThere)
			a.Settings = slices.DeleteFunc(a.Settings, Setting.isThere)
		}
		d := cli.Document{Name: "features", Value: a}
		err = env.Answer(mode, d, func() string { return a.text(env, env.Width()) })
		if err == nil && name != "" {
			err = a.verdict()
		}
		return err
	}
	return cmd
}

// programTypesNamed are the types of programs of these names.
func programTypesNamed(names []string) ([]libbpf.ProgramType, error) {
	var types []libbpf.ProgramType
	for _, name := range names {
		found := false
		for t := libbpf.ProgramTypeSocketFilter; programTypeVersions[t] != ""; t++ {
			if t.String() == name || name == "all" && asksHelpers(t) {
				types, found = append(types, t), true
			}
		}
		if !found {
			return nil, cli.Usagef("features: --helpers %s: there is no such type of programs", name)
		}
	}
	slices.Sort(types)
	return slices.Compact(types), nil
}

// asksHelpers tells whether the kernel can be asked for the helpers of a type. Other types need a target to be loaded.
func asksHelpers(t libbpf.ProgramType) bool {
	switch t {
	case libbpf.ProgramTypeTracing, libbpf.ProgramTypeExt, libbpf.ProgramTypeLSM, libbpf.ProgramTypeStructOps:
		return false
	}
	return true
}

func groups(k *kernel.Kernel, types []libbpf.ProgramType) []group {
	security := feature("bpf_lsm", "5.7", bpfLSM())
	security.What = "LSM programs are asked"
	all := []group{
		{"general", append(general(k), security)},
		{"map types", mapTypes(k)},
		{"program types", programTypes(k)},
		{"link types", linkTypes(k)},
	}
	for _, t := range types {
		all = append(all, group{"helpers of " + t.String(), helpers(k, t)})
	}
	return all
}

// choose leaves the features and settings with a name.
func (a *answer) choose(name string) {
	exact := func(f Feature) bool { return f.Name == name || f.Name == "bpf_"+name }
	is := func(f Feature) bool { return strings.Contains(f.Name, strings.ToLower(name)) }
	for _, g := range a.Groups {
		if slices.ContainsFunc(g.Features, exact) {
			is = exact
		}
	}
	other := func(s Setting) bool { return !strings.Contains(strings.ToLower(s.Name), strings.ToLower(name)) }
	a.System = slices.DeleteFunc(a.System, other)
	a.Settings = slices.DeleteFunc(a.Settings, other)
	a.keep(is)
}

// keep leaves some features. Groups without any are left out.
func (a *answer) keep(is func(Feature) bool) {
	var kept []group
	for _, g := range a.Groups {
		g.Features = slices.DeleteFunc(g.Features, func(f Feature) bool { return !is(f) })
		if len(g.Features) > 0 {
			kept = append(kept, g)
		}
	}
	a.Groups = kept
}

// verdict is the exit status for the features that were asked for.
func (a *answer) verdict() error {
	status := cli.StatusOK
	for _, g := range a.Groups {
		for _, f := range g.Features {
			switch f.State {
			case kernel.No:
				return cli.Exit(cli.StatusUnsupported)
			case kernel.Unknown:
				status = cli.StatusPermission
			}
		}
	}
	if status != cli.StatusOK {
		return cli.Exit(status)
	}
	return nil
}

func (a *answer) text(env *cli.Env, width int) string {
	var text strings.Builder
	heading := func(name string) {
		if text.Len() > 0 {
			text.WriteString("\n")
		}
		text.WriteString(env.Paint(cli.Bold, name) + "\n")
	}
	settings := func(name string, all []Setting) {
		if len(all) == 0 {
			return
		}
		heading(name)
		var f table.Fields
		for _, s := range all {
			if s.Meaning != "" {
				s.Value += " (" + s.Meaning + ")"
			}
			f.Add(s.Name, s.Value)
		}
		text.WriteString(f.Text(env))
	}
	settings("system", a.System)
	for _, g := range a.Groups {
		heading(g.Name)
		t := table.Table{Columns: []table.Column{{Name: "feature"}, {Name: "here"}, {Name: "since"}, {Name: "note", Shrink: true}}}
		for _, f := range g.Features {
			style := cli.Green
			switch f.State {
			case kernel.No:
				style = cli.Red
			case kernel.Unknown:
				style = cli.Yellow
			}
			t.Rows = append(t.Rows, []table.Cell{
				{Text: f.Name}, {Text: string(f.State), Style: style}, {Text: since(f.Since)}, {Text: cmp.Or(f.Why, f.What)},
			})
		}
		text.WriteString(t.Text(env, width))
	}
	settings("kernel configuration", a.Settings)
	return text.String()
}

// configNames are the settings of a kernel's build that BPF depends on.
var configNames = []string{
	"CONFIG_BPF", "CONFIG_BPF_SYSCALL", "CONFIG_BPF_JIT", "CONFIG_BPF_JIT_ALWAYS_ON", "CONFIG_BPF_UNPRIV_DEFAULT_OFF",
	"CONFIG_DEBUG_INFO_BTF", "CONFIG_DEBUG_INFO_BTF_MODULES", "CONFIG_BPF_LSM", "CONFIG_BPF_EVENTS",
	"CONFIG_BPF_KPROBE_OVERRIDE", "CONFIG_CGROUPS", "CONFIG_CGROUP_BPF", "CONFIG_KPROBES", "CONFIG_KPROBE_EVENTS",
	"CONFIG_UPROBES", "CONFIG_UPROBE_EVENTS", "CONFIG_FPROBE", "CONFIG_FUNCTION_TRACER", "CONFIG_DYNAMIC_FTRACE",
	"CONFIG_FTRACE_SYSCALLS", "CONFIG_TRACEPOINTS", "CONFIG_PERF_EVENTS", "CONFIG_NET_CLS_BPF", "CONFIG_NET_ACT_BPF",
	"CONFIG_NET_SCH_INGRESS", "CONFIG_NETKIT", "CONFIG_XDP_SOCKETS", "CONFIG_BPF_STREAM_PARSER", "CONFIG_LWTUNNEL_BPF",
	"CONFIG_NETFILTER_BPF_LINK", "CONFIG_SCHED_CLASS_EXT", "CONFIG_HID_BPF", "CONFIG_BPF_LIRC_MODE2",
	"CONFIG_CGROUP_NET_CLASSID", "CONFIG_TEST_BPF", "CONFIG_HZ",
}

// kernelConfig are the kernel's settings for BPF.
func kernelConfig(k *kernel.Kernel) []Setting {
	var all []Setting
	for _, name := range configNames {
		value, a := k.Setting(name)
		s := Setting{Name: name, Value: value}
		switch a.State {
		case kernel.Unknown:
			s.Value, s.Meaning = notKnown, a.Why
		case kernel.No:
			s.Value = notBuilt
		}
		all = append(all, s)
	}
	return all
}
