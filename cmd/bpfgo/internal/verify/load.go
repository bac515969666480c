package verify

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/btf/decode"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/reject"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/setting"
	"github.com/libbpf-go/libbpf-go/internal/bpfelf"
)

// The levels of the verifier's log.
const (
	logDecisions  = 1
	logStates     = 2
	logStatistics = 4
)

// logSize is the size of a log of statistics. It also has the verifier's last words.
const logSize = 1 << 18

// programs are the programs of an object that the filters select, not tried yet.
func programs(path string, opts *options) ([]result, error) {
	open, err := libbpf.ObjectBuilder{RelaxedMaps: true}.OpenFile(path)
	if err != nil { // what libbpf does not support is not the kernel's matter
		return nil, cli.WithStatus(err, cli.StatusFailed)
	}
	defer open.Close()
	if err := opts.checkSettings(open); err != nil {
		return nil, err
	}
	held, err := heldPrograms(path)
	if err != nil {
		return nil, err
	}
	var all []result
	for p := range open.Programs() {
		if !matches(opts.programs, p.Name()) {
			continue
		}
		one := result{File: path, Program: p.Name(), Section: p.Section(), with: held}
		t, err := p.Type()
		if err != nil {
			return nil, err
		}
		one.Type = t.String()
		insns, err := p.Instructions()
		if err != nil {
			return nil, err
		}
		size := uint64(len(insns))
		one.Size = &size
		all = append(all, one)
	}
	return all, nil
}

// heldPrograms are the programs that maps of an object hold from the beginning, for tail calls. Without them, libbpf does
// not load the others.
func heldPrograms(path string) ([]string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	file, err := bpfelf.Read(data)
	if err != nil {
		return nil, err
	}
	holds, err := file.Holds(".maps")
	if err != nil {
		return nil, err
	}
	var held []string
	for _, names := range holds {
		held = append(held, names...)
	}
	return held, nil
}

// checkSettings notes which settings have a variable.
func (o *options) checkSettings(open *libbpf.OpenObject) error {
	if len(o.settings) == 0 {
		return nil
	}
	types, err := open.BTF()
	if errors.Is(err, libbpf.ErrNoBTF) {
		return nil
	}
	if err != nil {
		return err
	}
	defer types.Close()
	for _, s := range o.settings {
		if s.Has(types) {
			o.found[s.Name] = true
		}
	}
	return nil
}

// try loads a program by itself, as often as the user wants, and says what became of it.
func (one *result) try(opts *options) {
	if one.Type == libbpf.ProgramTypeExt.String() && opts.target == nil {
		one.Verdict, one.Reason = skipped, "it replaces a function of another program: give --target OBJ:PROGRAM"
		return
	}
	var times []uint64
	for range opts.repeat {
		log, err := one.load(opts, logStatistics)
		one.statistics = readStatistics(log)
		one.judge(err)
		if one.Verdict != accepted {
			break
		}
		if one.Time != nil {
			times = append(times, *one.Time)
		}
	}
	if len(times) > 1 {
		slices.Sort(times)
		one.Time = &times[len(times)/2]
	}
	level := opts.logLevel
	switch {
	case one.Verdict == rejected:
		level = cmp.Or(level, logDecisions)
	case one.Verdict != accepted || !opts.log:
		return
	default: // of an accepted program, the verifier keeps nothing else
		level = cmp.Or(level, logStates)
	}
	// Such a log takes time, so it is another try.
	log, err := one.load(opts, logStatistics|level)
	if one.Verdict == rejected && err == nil {
		return
	}
	if opts.log {
		one.Log = log
	}
	if one.Verdict == rejected {
		r := reject.Read(log)
		one.Rejection = &r
		one.Reason = cmp.Or(r.Reason, one.Reason)
	}
}

// judge says what an error of loading means.
func (one *result) judge(err error) {
	one.Verdict, one.err = accepted, err
	if err == nil {
		return
	}
	one.Verdict = failed
	if v := (*libbpf.VerifierError)(nil); errors.As(err, &v) && v.Program == one.Program {
		one.Verdict = rejected
	}
	one.Reason = cli.OneLine(err.Error())
	if errno := unix.Errno(0); errors.As(err, &errno) {
		one.Errno = cmp.Or(unix.ErrnoName(errno), fmt.Sprint(int(errno)))
	}
}

// load loads the program alone, and unloads it. It returns the verifier's log.
func (one *result) load(opts *options, level uint32) (log string, err error) {
	builder := libbpf.ObjectBuilder{RelaxedMaps: true, Kconfig: strings.Join(opts.kconfig, "\n")}
	if level != logStatistics { // a log of any size; libbpf tells it as a message
		builder.Print = func(_ libbpf.PrintLevel, message string) {
			_, text, found := strings.Cut(message, "prog '"+one.Program+"': -- BEGIN PROG LOAD LOG --\n")
			if found {
				log, _, _ = strings.Cut(text, "-- END PROG LOAD LOG --")
			}
		}
	}
	open, err := builder.OpenFile(one.File)
	if err != nil {
		return "", err
	}
	defer open.Close()
	if err := opts.apply(open, one.File); err != nil {
		return "", err
	}
	p, err := one.isolate(open, opts)
	if err != nil {
		return "", err
	}
	if err := p.SetLogLevel(level); err != nil {
		return "", err
	}
	if level == logStatistics {
		if err := p.SetLogSize(logSize); err != nil {
			return "", err
		}
	}
	obj, err := open.Load()
	if err != nil {
		if v := (*libbpf.VerifierError)(nil); errors.As(err, &v) {
			log = v.Log
		}
		return log, err
	}
	defer obj.Close()
	loaded, err := obj.Program(one.Program)
	if err != nil {
		return "", err
	}
	if level == logStatistics {
		log = loaded.KernelLog()
	}
	info, err := loaded.Info(0)
	if err != nil {
		return log, nil // it is accepted all the same
	}
	xlated, jited := uint64(info.XlatedSize), uint64(info.JITedSize)
	one.Xlated, one.JITed = &xlated, &jited
	return log, nil
}

// apply sets the variables that the object has.
func (o *options) apply(open *libbpf.OpenObject, path string) error {
	if len(o.settings) == 0 {
		return nil
	}
	types, err := open.BTF()
	if errors.Is(err, libbpf.ErrNoBTF) {
		return nil
	}
	if err != nil {
		return err
	}
	defer types.Close()
	values, err := decode.NewTypes(types)
	if err != nil {
		return err
	}
	for _, s := range o.settings {
		if !s.Has(types) {
			continue
		}
		if err := applyOne(s, open, types, values, path); err != nil {
			return err
		}
	}
	return nil
}

func applyOne(s setting.Setting, open *libbpf.OpenObject, types *btf.BTF, values *decode.Types, path string) error {
	if err := s.Apply(open, types, values, path); err != nil {
		return fmt.Errorf("--set %s=%s: %w", s.Name, s.Value, err)
	}
	return nil
}

// isolate changes an object so that only this program is loaded, with those that maps hold, and nothing is pinned.
func (one *result) isolate(open *libbpf.OpenObject, opts *options) (*libbpf.OpenProgram, error) {
	var mine *libbpf.OpenProgram
	for p := range open.Programs() {
		if err := p.SetAutoload(p.Name() == one.Program || slices.Contains(one.with, p.Name())); err != nil {
			return nil, err
		}
		if p.Name() == one.Program {
			mine = p
		}
	}
	if mine == nil {
		return nil, fmt.Errorf("%s has no program %s any more", one.File, one.Program)
	}
	for m := range open.Maps() {
		if err := prepareMap(m, mine); err != nil {
			return nil, err
		}
	}
	if one.Type == libbpf.ProgramTypeExt.String() {
		return mine, mine.SetAttachTarget(opts.target.fd(), "")
	}
	return mine, nil
}

// prepareMap makes a map's definition one that can be created here, without traces.
func prepareMap(m *libbpf.OpenMap, p *libbpf.OpenProgram) error {
	if err := m.SetPinPath(""); err != nil {
		return err
	}
	t, err := m.Type()
	if err != nil {
		return err
	}
	if t == libbpf.MapTypeStructOps {
		uses, err := usesCallback(m, p)
		if err != nil {
			return err
		}
		return m.SetAutocreate(uses)
	}
	// The program that the object is part of sets the size of such maps.
	entries, err := m.MaxEntries()
	if err != nil || entries > 0 || !needsEntries(t) {
		return err
	}
	return m.SetMaxEntries(1)
}

// needsEntries tells whether maps of a type can't be created without a number of entries. libbpf has one for perf
// buffers.
func needsEntries(t libbpf.MapType) bool {
	switch t {
	case libbpf.MapTypeSKStorage, libbpf.MapTypeTaskStorage, libbpf.MapTypeInodeStorage, libbpf.MapTypeCgrpStorage,
		libbpf.MapTypeCgroupStorage, libbpf.MapTypePerCPUCgroupStorage, libbpf.MapTypePerfEventArray:
		return false
	}
	return true
}

// usesCallback tells whether a struct of callbacks has the program.
func usesCallback(m *libbpf.OpenMap, p *libbpf.OpenProgram) (bool, error) {
	callbacks, err := m.Callbacks()
	return slices.ContainsFunc(callbacks, func(c libbpf.StructOpsCallback) bool { return c.Program == p }), err
}
