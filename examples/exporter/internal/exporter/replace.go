package exporter

import (
	"errors"
	"log/slog"
	"slices"

	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/collect"
	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/config"
	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/decoder"
	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/source"
)

// next is a configuration that is loaded and attached, but does not run yet.
type next struct {
	conf    *config.Config
	objects []*step
}

// step is what becomes of an object.
type step struct {
	opened    *source.Opened
	before    *object // what had the name; nil for none that was loaded
	leftOut   bool    // what had the name was left out
	loaded    *source.Loaded
	collector *collect.Collector
	err       error // why it is left out
}

func (s *step) old() *source.Loaded {
	if s.before == nil {
		return nil
	}
	return s.before.collector.Loaded
}

// kept tells whether the object is in the kernel already.
func (s *step) kept() bool { return s.before != nil && s.old().Identity == s.opened.Identity }

// prepare loads a configuration beside the old one. If it returns an error, all is as before.
func prepare(conf *config.Config, old *running, tables *decoder.Tables, log *slog.Logger) (*next, error) {
	n := &next{conf: conf}
	var failed []error
	for _, o := range conf.Objects {
		opened, err := source.Open(o, tables)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		s := &step{opened: opened}
		if before := old.find(o.Name); before != nil && before.collector != nil {
			s.before = before
		} else {
			s.leftOut = before != nil
		}
		n.objects = append(n.objects, s)
	}
	if err := errors.Join(failed...); err != nil {
		n.undo()
		return nil, err
	}
	// First all that takes time, then the attaching: so two programs that count the same are attached for a moment only.
	for _, each := range []func(*step) error{
		func(s *step) (err error) {
			if s.kept() {
				s.loaded = s.old().With(s.opened)
			} else {
				s.loaded, err = s.opened.Load(s.old())
			}
			if err == nil {
				s.collector, err = collect.New(s.loaded, conf.Interval, conf.Deadline, tables.Symbols, log)
			}
			return err
		},
		func(s *step) error {
			if s.kept() {
				return nil
			}
			return s.loaded.Attach(n.replaced(s, old))
		},
	} {
		for _, s := range n.objects {
			if s.err != nil {
				continue
			}
			// What was good stays, and what is new must be: only what was left out before may be so again.
			if s.err = each(s); s.err != nil && (conf.Strict || old.conf != nil && !s.leftOut) {
				err := s.err
				n.undo()
				return nil, err
			}
		}
	}
	return n, nil
}

// replaced are the old objects that end, of which that with the name of a step comes first: an object may have another
// name now, and the same programs.
func (n *next) replaced(s *step, old *running) (all []*source.Loaded) {
	if s.before != nil {
		all = append(all, s.old())
	}
	for _, o := range old.objects {
		stays := slices.ContainsFunc(n.objects, func(other *step) bool { return other.before == o && other.kept() })
		if o.collector != nil && o != s.before && !stays {
			all = append(all, o.collector.Loaded)
		}
	}
	return all
}

// undo unloads what is not the old configuration's.
func (n *next) undo() {
	for _, s := range n.objects {
		switch {
		case s.loaded == nil:
			s.opened.Close()
		case !s.kept():
			s.loaded.GiveBack()
			s.loaded.Close()
		}
	}
}

// commit makes the prepared configuration run instead of the old one. publish makes it the one that is asked.
func (n *next) commit(old *running, publish func(*running)) *running {
	made := &running{conf: n.conf}
	replaced := map[*object]*step{}
	for _, s := range n.objects {
		o := &object{name: s.opened.Conf.Name, err: s.err}
		if s.err == nil {
			o.collector = s.collector
		} else if s.loaded != nil {
			s.loaded.Close()
		}
		made.objects = append(made.objects, o)
		if s.before != nil {
			replaced[s.before] = s
		}
	}
	for _, before := range old.objects {
		if before.collector == nil {
			continue
		}
		before.stop()
		s := replaced[before]
		if s == nil || s.kept() {
			continue
		}
		before.collector.Loaded.Detach()
		before.collector.Snapshot() // the end of the maps that are not shared
	}
	for i, s := range n.objects {
		o := made.objects[i]
		if o.collector == nil {
			continue
		}
		if s.before != nil {
			o.collector.Adopt(s.before.collector)
		}
		o.collector.Snapshot()
		o.run()
	}
	publish(made)
	for _, before := range old.objects {
		if s := replaced[before]; before.collector != nil && (s == nil || !s.kept()) {
			before.collector.Loaded.Close()
		}
	}
	return made
}
