// Package source opens and loads compiled BPF objects, and finds in their types what the configuration names.
package source

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/btf/decode"

	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/config"
	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/decoder"
)

// Opened is an object that was read and compared with its configuration, but is not in the kernel. That needs no
// privileges.
type Opened struct {
	Conf *config.Object
	// Identity is the same for two objects that would be the same in the kernel.
	Identity string
	Targets  []*Target

	open *libbpf.OpenObject
}

// Open opens an object. tables is what its decoders use. The caller loads or closes it.
func Open(conf *config.Object, tables *decoder.Tables) (*Opened, error) {
	file, err := os.ReadFile(conf.File.Text)
	if err != nil {
		return nil, conf.File.Errorf("file: %v", err)
	}
	o := &Opened{Conf: conf, Identity: identity(conf, file)}
	builder := libbpf.ObjectBuilder{Name: conf.Name, BTFCustomPath: conf.BTF}
	if o.open, err = builder.OpenMemory(file); err != nil {
		return nil, conf.File.Errorf("file %s: %v", conf.File.Text, err)
	}
	types, err := o.open.BTF()
	if err != nil {
		o.Close()
		return nil, conf.File.Errorf("file %s: %v; compile it with -g", conf.File.Text, err)
	}
	defer types.Close() // the fields that were found stay good
	if err := errors.Join(o.choosePrograms(), o.setVariables(), o.bind(types, tables)); err != nil {
		o.Close()
		return nil, err
	}
	return o, nil
}

// Close frees what Load has not taken over. It is idempotent.
func (o *Opened) Close() { _ = o.open.Close() }

// identity is all that decides what is in the kernel.
func identity(conf *config.Object, file []byte) string {
	var attach, set []string
	for _, a := range conf.Attach {
		attach = append(attach, a.Program.Text+"\x00"+a.Cgroup+"\x00"+a.Interface)
	}
	for _, s := range conf.Set {
		set = append(set, fmt.Sprintf("%s=%T:%v", s.Name, s.Value, s.Value))
	}
	return fmt.Sprintf("%x %q %q %q %q %q", sha256.Sum256(file), conf.Name, conf.BTF, conf.Pin, attach, set)
}

// choosePrograms leaves out programs that the configuration does not attach.
func (o *Opened) choosePrograms() error {
	if len(o.Conf.Attach) == 0 {
		return nil
	}
	var all []string
	wanted := map[string]bool{}
	for p := range o.open.Programs() {
		all = append(all, p.Name())
	}
	var failed []error
	for _, a := range o.Conf.Attach {
		wanted[a.Program.Text] = true
		if !slices.Contains(all, a.Program.Text) {
			failed = append(failed, a.Program.Errorf("%s has no program %q; %s",
				filepath.Base(o.Conf.File.Text), a.Program.Text, config.Instead("program", all)))
		}
	}
	for p := range o.open.Programs() {
		if !wanted[p.Name()] {
			failed = append(failed, p.SetAutoload(false))
		}
	}
	return errors.Join(failed...)
}

// setVariables sets global variables.
func (o *Opened) setVariables() error {
	var failed []error
	for _, s := range o.Conf.Set {
		if err := o.open.SetGlobal(s.Name, s.Value); err != nil {
			failed = append(failed, s.At.Errorf("set %s: %v", s.Name, err))
		}
	}
	return errors.Join(failed...)
}

// bind makes the targets of the metrics.
func (o *Opened) bind(b *btf.BTF, tables *decoder.Tables) error {
	types, err := decode.NewTypes(b)
	if err != nil {
		return err
	}
	var failed []error
	for _, conf := range o.Conf.Metrics {
		target, err := o.target(types, conf)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		metric, err := bindMetric(conf, target, tables)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		target.Metrics = append(target.Metrics, metric)
	}
	return errors.Join(failed...)
}

// mapNames are the maps that metrics can name.
func (o *Opened) mapNames() (names []string) {
	for m := range o.open.Maps() {
		name := m.Name()
		if internal, err := m.IsInternal(); err == nil && internal {
			name = name[max(0, strings.IndexByte(name, '.')):]
		}
		names = append(names, name)
	}
	return names
}

// target is the target of a metric's map, which it makes for the first metric.
func (o *Opened) target(types *decode.Types, conf *config.Metric) (*Target, error) {
	for _, t := range o.Targets {
		if t.Map == conf.Map.Text {
			return t, t.accepts(conf)
		}
	}
	m, err := o.open.Map(conf.Map.Text)
	if err != nil {
		return nil, conf.Map.Errorf("%s has no map %q; %s", filepath.Base(o.Conf.File.Text), conf.Map.Text,
			config.Instead("map", o.mapNames()))
	}
	t, err := newTarget(m, types, conf.Map)
	if err != nil {
		return nil, err
	}
	if err := t.accepts(conf); err != nil {
		return nil, err
	}
	o.Targets = append(o.Targets, t)
	return t, nil
}
