package run

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/histogram"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/view"
)

// histOptions are the maps of which the user says how to draw them, or that they are no histograms.
type histOptions map[string]histOption

type histOption struct {
	scale histogram.Scale
	off   bool
}

// add adds the flag that sets the options.
func (o histOptions) add(flags *pflag.FlagSet) {
	cli.Func(flags, "hist", "MAP[=SCALE]", "draw the histograms in MAP; can be repeated. SCALE is log2 (the default), where "+
		"slot N counts the values from 2^N on; bits, where it counts the values of N bits; linear, or "+
		"linear:STEP or linear:STEP:MIN; with ,UNIT behind it for the heading; or off for a table. Without "+
		"it, maps are drawn that are, by convention, histograms: "+histogram.Convention, func(text string) error {
		name, scale, _ := strings.Cut(text, "=")
		if name == "" {
			return errors.New("must be MAP or MAP=SCALE")
		}
		if scale == "off" {
			o[name] = histOption{off: true}
			return nil
		}
		parsed, err := histogram.ParseScale(scale)
		if err == nil {
			o[name] = histOption{scale: parsed}
		}
		return err
	})
}

// layout finds the histograms in a map, nil if it is shown as a table.
func (o histOptions) layout(v *view.View) (*histogram.Layout, error) {
	opt, told := o[v.Name]
	switch {
	case opt.off:
		return nil, nil
	case !told:
		opt.scale.Kind = histogram.Log2
	}
	l, err := histogram.Find(v, opt.scale, told)
	if err != nil {
		return nil, fmt.Errorf("--hist %s: %w", v.Name, err)
	}
	return l, nil
}

// dumped are the names of the maps to show: those that --dump names, and those that --hist draws.
func (o *runOptions) dumped() []string {
	names := slices.Clone(o.dumps)
	for _, name := range slices.Sorted(maps.Keys(o.hists)) {
		if !o.hists[name].off && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
