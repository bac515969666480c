// Command bench measures libbpf-go side by side with C's libbpf, cilium/ebpf and libbpfgo: in one process, on the same
// maps and buffers, all of them in each round and in turns. The ratios are medians over the rounds of what two took in
// the same round, and count the CPU time of the whole process, the garbage collector's included: so they mean something
// on a machine that others use, too. It runs as root: make bench.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"regexp"
	"runtime"
	"runtime/debug"
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
	dirs := flag.String("objects", "../bpf", "the folders of the objects to open, with commas between")
	rate := flag.Int("produce", -1, "be the process that writes so many records a second while another one measures")
	flag.Parse()
	if *rate >= 0 {
		if err := produce(*rate); err != nil {
			log.Fatal(err)
		}
		return
	}
	clock, of := int32(unix.CLOCK_PROCESS_CPUTIME_ID), "CPU time"
	if *wall {
		clock, of = unix.CLOCK_MONOTONIC, "wall time"
	}
	if err := environment(os.Stdout, of); err != nil {
		log.Fatal(err)
	}
	if err := run(os.Stdout, *atLeast, clock, *only, strings.Split(*dirs, ",")); err != nil {
		log.Fatal(err)
	}
}

func run(w io.Writer, atLeast time.Duration, clock int32, only string, dirs []string) error {
	match, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	o, err := load()
	if err != nil {
		return err
	}
	defer o.Close()
	opens := func(*libbpf.Object) ([]comparison, error) { return opening(dirs) }
	for _, make := range []func(*libbpf.Object) ([]comparison, error){elements, entries, memory, rings, perfs, opens} {
		comparisons, err := make(o)
		if err != nil {
			return err
		}
		for _, c := range comparisons {
			if !match.MatchString(c.title) {
				continue
			}
			results, err := c.measure(atLeast, clock)
			if err != nil {
				return err
			}
			if err := c.report(w, results); err != nil {
				return err
			}
		}
	}
	return lives(o, w, atLeast, match.MatchString)
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

func environment(w io.Writer, of string) error {
	var uname unix.Utsname
	if err := unix.Uname(&uname); err != nil {
		return err
	}
	versions := make(map[string]string)
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dep := range info.Deps {
			versions[dep.Path] = dep.Version
		}
	}
	_, err := fmt.Fprintf(w, "kernel %s %s, %d CPUs (%s), load %s\n%s, libbpf %s, cilium/ebpf %s, libbpfgo %s, medians of %s\n",
		unix.ByteSliceToString(uname.Release[:]), unix.ByteSliceToString(uname.Machine[:]),
		runtime.NumCPU(), strings.Join(strings.Fields(procField("/proc/cpuinfo", "model name")), " "), loadAverage(),
		runtime.Version(), libbpf.Version(), versions["github.com/cilium/ebpf"],
		versions["github.com/aquasecurity/libbpfgo"], of)
	return err
}

// procField is what a file of the form "name : value" says first about name.
func procField(path, name string) string {
	text, _ := os.ReadFile(path)
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

func loadAverage() string {
	text, _ := os.ReadFile("/proc/loadavg")
	load, _, _ := strings.Cut(string(text), " ")
	return load
}
