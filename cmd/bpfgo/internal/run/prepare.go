package run

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/btf/decode"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/setting"
)

// targetVariable is, by convention, the global variable that limits an object to a process.
const targetVariable = "target_tgid"

// prepare finds everything that the command line names, before anything is in the kernel.
func (s *session) prepare(open *libbpf.OpenObject) error {
	if s.btf != nil {
		types, err := decode.NewTypes(s.btf)
		if err != nil {
			return err
		}
		s.types = types
	}
	if err := s.prepareStreams(open); err != nil {
		return err
	}
	if err := s.prepareTraces(open); err != nil {
		return err
	}
	if err := s.prepareDumps(open); err != nil {
		return err
	}
	if err := s.finishTraces(open); err != nil {
		return err
	}
	for m := range open.Maps() {
		path, err := m.PinPath()
		if err != nil {
			return err
		}
		if path == "" {
			continue
		}
		if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
			s.pins = append(s.pins, m.Name())
		}
	}
	for _, set := range s.opts.settings {
		if err := s.set(open, set); err != nil {
			return fmt.Errorf("--set %s=%s: %w", set.Name, set.Value, err)
		}
	}
	return nil
}

func (s *session) prepareStreams(open *libbpf.OpenObject) error {
	untold := maps.Clone(s.opts.types)
	for m := range open.Maps() {
		t, err := m.Type()
		if err != nil {
			return err
		}
		created, err := m.Autocreate()
		if err != nil {
			return err
		}
		if t != libbpf.MapTypeRingBuf && t != libbpf.MapTypePerfEventArray || !created {
			continue
		}
		stream := &stream{
			name: m.Name(), perf: t == libbpf.MapTypePerfEventArray, number: len(s.events.streams),
		}
		if name, ok := s.opts.types[stream.name]; ok {
			delete(untold, stream.name)
			if stream.typ, err = s.typeNamed(name); err != nil {
				return fmt.Errorf("--event %s=%s: %w", stream.name, name, err)
			}
		} else if stream.typ, err = s.recordType(m); err != nil {
			return fmt.Errorf("map %s: %w", stream.name, err)
		}
		s.events.streams = append(s.events.streams, stream)
	}
	if names := slices.Sorted(maps.Keys(untold)); len(names) > 0 {
		name := names[0]
		if _, err := open.Map(name); err != nil {
			return fmt.Errorf("--event %s=%s: %w", name, untold[name], s.noMap(open, name))
		}
		return fmt.Errorf("--event %s=%s: the map is neither a ring buffer nor a perf buffer", name, untold[name])
	}
	s.events.label()
	return s.events.bind()
}

// recordType is the type that the definition of a buffer has for its records, or nil.
func (s *session) recordType(m *libbpf.OpenMap) (*decode.Type, error) {
	id, err := m.RecordTypeID()
	if err != nil || id == 0 || s.types == nil {
		return nil, err
	}
	return s.types.Type(id)
}

func (s *session) typeNamed(name string) (*decode.Type, error) {
	if s.types == nil {
		return nil, fmt.Errorf("%s has no BTF (compile it with -g)", s.opts.object)
	}
	typ, err := s.types.Named(name)
	if errors.Is(err, btf.ErrNotFound) {
		return nil, fmt.Errorf("%s has no type with this name; if only local variables have the type, "+
			"add a global pointer to it, so that it is in the object's BTF", s.opts.object)
	}
	return typ, err
}

// noMap says that there is no map with this name, and lists the maps.
func (s *session) noMap(open *libbpf.OpenObject, name string) error {
	var others []string
	for m := range open.Maps() {
		others = append(others, m.Name())
	}
	if len(others) == 0 {
		return fmt.Errorf("%s has no maps", s.opts.object)
	}
	return fmt.Errorf("%s has no map %s; it has %s", s.opts.object, name, strings.Join(others, ", "))
}

// set sets a global variable or a part of one.
func (s *session) set(open *libbpf.OpenObject, set setting.Setting) error {
	return set.Apply(open, s.btf, s.types, s.opts.object)
}

// setTarget limits the object to a process, if it has the variable for that, and --set does not set the variable.
func (s *session) setTarget(open *libbpf.OpenObject, command *child) error {
	pid, what := s.opts.pid, "--pid"
	switch {
	case command != nil:
		pid, what = command.pid, s.opts.command[0]
	case pid == 0:
		return nil
	default:
		if err := unix.Kill(pid, 0); errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("--pid %d: no such process", pid)
		}
	}
	if slices.ContainsFunc(s.opts.settings, func(set setting.Setting) bool { return set.Name == targetVariable }) {
		return nil
	}
	if _, err := open.Global(targetVariable); err != nil {
		s.env.Note("%s has no global variable %s that would limit it to %s",
			s.opts.object, targetVariable, what)
		return nil
	}
	if ns, err := os.Readlink("/proc/self/ns/pid"); err == nil && ns != initialPIDNamespace {
		s.env.Note("this is not the initial pid namespace, so the kernel's number of process %d is "+
			"not the one that %s gets", pid, targetVariable)
	}
	if err := s.set(open, setting.Setting{Name: targetVariable, Value: strconv.Itoa(pid)}); err != nil {
		return fmt.Errorf("set %s: %w", targetVariable, err)
	}
	return nil
}

// initialPIDNamespace is the pid namespace whose numbers BPF programs see (PROC_PID_INIT_INO in the kernel).
const initialPIDNamespace = "pid:[4026531836]"
