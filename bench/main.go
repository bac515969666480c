// Command bench measures libbpf-go side by side with C's libbpf, cilium/ebpf and libbpfgo: in one process, on the same
// maps and buffers, all of them in each round and in turns. The ratios are medians over the rounds of what two took in
// the same round, and count the CPU time of the whole process, the garbage collector's included: so they mean something
// on a machine that others use, too. It runs as root: make bench.
package main

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
)

const object = "bpf/bench.bpf.o"

// perfPages is the size of a CPU's perf buffer.
const perfPages = 512

func main() {
	log.SetFlags(0)
	atLeast := flag.Duration("time", 8*time.Second, "how long each comparison goes on, in rounds of at least 9")
	wall := flag.Bool("wall", false, "measure the time that passes, not the CPU time")
	only := flag.String("run", "", "only the comparisons that match this regular expression")
	into := flag.String("json", "", "write what was measured to this file, too")
	docs := flag.String("docs", "", "measure nothing, and write tables and charts of the file of -json into this folder")
	before := flag.String("check", "", "measure nothing, and compare the file of -json with this one of an earlier run")
	dirs := flag.String("objects", "../bpf", "the folders of the objects to open, with commas between")
	tools := flag.String("tools", "../bin/first", "the folder with the tools of first")
	builds := flag.Bool("builds", false, "also measure how long tools take to build, which takes minutes")
	rate := flag.Int("produce", -1, "be the process that writes so many records a second while another one measures")
	child := flag.String("child", "", "be a process that does one thing for another one that measures")
	argument := flag.String("argument", "", "what -child does it with")
	flag.Parse()
	if *child != "" {
		if err := runChild(*child, *argument); err != nil {
			log.Fatal(err)
		}
		return
	}
	if *rate >= 0 {
		produce(*rate)
		return
	}
	if *docs != "" {
		if err := render(*into, *docs); err != nil {
			log.Fatal(err)
		}
		return
	}
	if *before != "" {
		if err := checkFiles(*before, *into); err != nil {
			log.Fatal(err)
		}
		return
	}
	clock, of := int32(unix.CLOCK_PROCESS_CPUTIME_ID), "CPU time"
	if *wall {
		clock, of = unix.CLOCK_MONOTONIC, "wall time"
	}
	o := outcome{Machine: thisMachine(of)}
	fmt.Println(o.Machine)
	done := func(t table) error {
		if t.remark() == "" {
			return fmt.Errorf("remarks.go does not say what %q measures", t.Title)
		}
		o.Tables = append(o.Tables, t)
		return t.print(os.Stdout)
	}
	s, err := newSession(*atLeast, clock, *only, done)
	if err != nil {
		log.Fatal(err)
	}
	start := time.Now()
	err = s.run(strings.Split(*dirs, ","), *tools, *builds)
	fmt.Printf("\n%d tables in %s\n", len(o.Tables), time.Since(start).Round(time.Second))
	if *into != "" {
		err = errors.Join(err, o.write(*into))
	}
	if err != nil {
		log.Fatal(err)
	}
}

func checkFiles(before, now string) error {
	old, err := readOutcome(before)
	if err != nil {
		return err
	}
	o, err := readOutcome(now)
	if err != nil {
		return err
	}
	if n := check(os.Stdout, old, o); n > 0 {
		return fmt.Errorf("%d ratios got worse", n)
	}
	return nil
}

// session is one run of bench: how it measures, and what gets the tables.
type session struct {
	atLeast time.Duration
	clock   int32
	only    string // the regular expression of matches
	matches func(title string) bool
	done    func(table) error
}

func newSession(atLeast time.Duration, clock int32, only string, done func(table) error) (*session, error) {
	match, err := regexp.Compile(only)
	if err != nil {
		return nil, err
	}
	return &session{atLeast, clock, only, match.MatchString, done}, nil
}

// run measures all that matches: with the objects and the tools in folders, and, if it should, how long tools take to build.
func (s *session) run(dirs []string, tools string, build bool) error {
	builds := func() error { return nil }
	if build {
		builds = s.builds
	}
	o, err := load()
	if err != nil {
		return err
	}
	defer o.Close()
	opens := func(*libbpf.Object) ([]comparison, error) { return opening(dirs) }
	for _, part := range []struct {
		group string
		make  func(*libbpf.Object) ([]comparison, error)
	}{
		{"maps", elements}, {"maps", memory}, {"map types", mapTypes}, {"maps", batches}, {"maps", variables}, {"buffers", rings}, {"buffers", perfs}, {"buffers", userRings},
		{"objects", opens}, {"objects", loading}, {"attach", attaching}, {"types", kernelTypes}, {growth, lookupsByKeys}, {growth, entries}, {growth, loadsByPrograms}, {growth, ringsByNumber}, {growth, recordsBySize},
	} {
		comparisons, err := part.make(o)
		if err != nil {
			return err
		}
		if err := s.compare(part.group, comparisons); err != nil {
			return err
		}
	}
	for _, part := range []func() error{
		s.perCPU, s.readersByNumber, s.peaks,
		func() error { return s.firstEvents(tools) }, func() error { return s.sizes(tools) },
		func() error { return s.generating(tools) }, builds,
	} {
		if err := part(); err != nil {
			return err
		}
	}
	return lives(o, s.atLeast, s.matches, s.done)
}

// compare measures the comparisons that match.
func (s *session) compare(group string, comparisons []comparison) error {
	// Nobody's messages are measured. libbpfgo has set a function for them, which C's code would call, too.
	libbpf.SetPrint(libbpf.PrintWarn, nil)
	for _, c := range comparisons {
		if !s.matches(c.title) {
			continue
		}
		results, err := c.measure(s.atLeast, s.clock)
		if err != nil {
			return err
		}
		t := c.table(results)
		t.Group = group
		if err := s.done(t); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) matchesAny(comparisons []comparison) bool {
	return slices.ContainsFunc(comparisons, func(c comparison) bool { return s.matches(c.title) })
}

// load brings the object into the kernel.
func load() (*libbpf.Object, error) {
	open, err := libbpf.OpenFile(object)
	if err != nil {
		return nil, err
	}
	defer open.Close()
	globals := map[string]any{
		"target_tgid": unix.Getpid(),
		"getpgid_nr":  unix.SYS_GETPGID,
		"perf_bytes":  perfBytes(),
	}
	for name, value := range globals {
		if err := open.SetGlobal(name, value); err != nil {
			return nil, err
		}
	}
	return open.Load()
}

// cilium is the same map in the kernel, as cilium/ebpf has it.
func cilium(m libbpf.MapCore) (*ebpf.Map, error) {
	fd, err := unix.FcntlInt(uintptr(m.FD()), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return ebpf.NewMapFromFD(fd)
}
