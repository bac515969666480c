package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/libbpf-go/libbpf-go/internal/testutil/skips"
)

// matrix has the settings of "vm test".
type matrix struct {
	kernels  []string
	machines []*machine // of the kernels
	packages []string
	race     bool
	flags    []string // for the test binaries
	limit    time.Duration
	at       int    // how many machines run at the same time
	logs     string // the folder that gets all output
	page     string // the page to write; only if all kernels of kernels.txt were asked for
}

// testAll runs the tests of packages on kernels, and prints a table. It fails if a test fails, or if no kernel ran. It
// names kernels that no suite has.
func testAll(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("vm test", flag.ExitOnError)
	kernels := flags.String("k", "", "the `kernels`, by commas (default: all of kernels.txt)")
	packages := flags.String("packages", "./...,./selftests/...,./examples/...", "the packages, by commas")
	run := flags.String("run", "", "only the tests that match, as for go test")
	skipped := flags.String("skipped", "", "the `file` of the tests that were skipped on the host: only these")
	m := matrix{}
	flags.BoolVar(&m.race, "race", false, "with the race detector")
	flags.DurationVar(&m.limit, "limit", 40*time.Minute, "how long each machine may run")
	flags.IntVar(&m.at, "j", runtime.NumCPU(), "how many machines run at the same time")
	flags.StringVar(&m.logs, "logs", filepath.Join("bin", "kernels"), "the `folder` for all output")
	flags.StringVar(&m.page, "page", "", "the `file` for the page that lists the kernels' features")
	_ = flags.Parse(args)
	if flags.NArg() > 0 {
		flags.Usage()
		return errors.New("too many arguments")
	}
	list, err := kernelsScript(ctx, "list").Output()
	if err != nil {
		return err
	}
	m.kernels = strings.Fields(string(list))
	if *kernels != "" {
		m.kernels = strings.Split(*kernels, ",")
		m.page = ""
	}
	for _, kernel := range m.kernels {
		machine, err := machineOf(kernel)
		if err != nil {
			return err
		}
		m.machines = append(m.machines, machine)
	}
	m.packages = strings.Split(*packages, ",")
	m.flags = []string{"-test.v=test2json", "-test.short", "-test.run=" + *run, "-test.timeout=" + m.limit.String()}
	var tests []skips.Test
	if *skipped != "" {
		if tests, err = skips.Read(*skipped); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(m.logs, 0o755); err != nil {
		return err
	}

	dir, err := os.MkdirTemp("", "vm-tests")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if *skipped != "" {
		return m.elsewhere(ctx, os.Stdout, dir, tests, os.Getenv("LIBBPF_GO_STRICT") == "1")
	}
	built := make(map[*machine]*suite)
	for _, machine := range m.machines {
		if built[machine] == nil {
			if built[machine], err = m.build(ctx, machine, dir); err != nil {
				return err
			}
		}
	}
	reports := make([]*report, len(m.kernels))
	turn := make(chan struct{}, m.at)
	var done sync.WaitGroup
	for i, kernel := range m.kernels {
		turn <- struct{}{}
		done.Go(func() {
			defer func() { <-turn }()
			reports[i] = m.test(ctx, kernel, m.machines[i], built[m.machines[i]])
			fmt.Println(reports[i].line())
		})
	}
	done.Wait()
	return m.conclude(os.Stdout, reports)
}

// conclude prints the results of all kernels.
func (m *matrix) conclude(w io.Writer, reports []*report) error {
	for _, r := range reports {
		r.writeFailures(w)
	}
	fmt.Fprintln(w)
	writeTable(w, reports)
	ran, failed := 0, 0
	for _, r := range reports {
		if r.release != "" {
			ran++
		}
		if !r.ok() {
			failed++
		}
	}
	fmt.Fprintf(w, "all output is in %s\n", m.logs)
	switch {
	case failed > 0:
		return fmt.Errorf("%d of %d kernels failed", failed, len(reports))
	case ran == 0:
		return errors.New("no kernel is available")
	case m.page != "" && ran < len(reports):
		fmt.Fprintf(w, "%s stays as it is: some kernels are not available\n", m.page)
	case m.page != "":
		var page bytes.Buffer
		writePage(&page, reports)
		if err := os.MkdirAll(filepath.Dir(m.page), 0o755); err != nil {
			return err
		}
		return os.WriteFile(m.page, page.Bytes(), 0o644)
	}
	return nil
}

// hostOnly are packages whose tests need the sources, or compilers.
var hostOnly = []string{"/scripts/docs", "/scripts/vm", "/cmd/bpfgo-vendor", "/internal/gen", "/btf/gotypes"}

// suite is the test binaries of all packages, for one machine.
type suite struct {
	jobs  []job
	names []string // of the packages
}

// build compiles the packages' tests, and the programs that tests build if they have a compiler.
func (m *matrix) build(ctx context.Context, machine *machine, dir string) (*suite, error) {
	const format = "{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}\t{{.Dir}}{{end}}"
	dir = filepath.Join(dir, machine.arch)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	tool, err := newGoTool(machine, dir)
	if err != nil {
		return nil, err
	}
	list, err := tool.run(ctx, append([]string{"list", "-f", format}, m.packages...)...)
	if err != nil {
		return nil, err
	}
	s := &suite{}
	for i, line := range strings.Split(strings.TrimSpace(string(list)), "\n") {
		name, folder, found := strings.Cut(line, "\t")
		// The tests of what works on the sources run on the host only: the kernel does not matter to them.
		if !found || slices.ContainsFunc(hostOnly, func(p string) bool { return strings.HasSuffix(name, p) }) {
			continue
		}
		// Their code is generated for the host's architecture only.
		if machine.foreign() && strings.HasSuffix(name, "/libbpf-go/examples") {
			continue
		}
		program := filepath.Join(dir, fmt.Sprintf("%d-%s.test", i, filepath.Base(name)))
		if _, err := tool.run(ctx, "test", tool.overlay, fmt.Sprintf("-race=%t", m.race), "-c", "-o", program,
			name); err != nil {
			return nil, err
		}
		j := job{dir: folder, argv: append([]string{program}, m.flags...)}
		var leftOut []string
		for _, left := range machine.leftOut {
			leftOut = append(leftOut, left.test)
		}
		j.argv = append(j.argv, "-test.skip="+strings.Join(leftOut, "|"))
		j.env = []string{"LIBBPF_GO_KNOWN_KERNEL=1", "LIBBPF_GO_SELFTESTS=" + dir, "LIBBPF_GO_EXAMPLES=" + filepath.Join(dir, "examples")}
		if j.with, err = m.needs(ctx, tool, name, dir); err != nil {
			return nil, err
		}
		s.jobs, s.names = append(s.jobs, j), append(s.names, name)
	}
	if len(s.jobs) == 0 {
		return nil, fmt.Errorf("%q have no tests", m.packages)
	}
	return s, nil
}

// needs returns the programs that the tests of a package start.
func (m *matrix) needs(ctx context.Context, tool *goTool, name, dir string) ([]string, error) {
	_, name, _ = strings.Cut(name, "/libbpf-go/libbpf-go/")
	switch name {
	case "selftests":
		var with []string
		for _, linking := range []struct{ name, flags string }{{"dynamic", ""}, {"static", `-extldflags "-static"`}} {
			bin := filepath.Join(dir, linking.name) + "/"
			if _, err := tool.run(ctx, "build", tool.overlay, "-buildvcs=false", "-ldflags", linking.flags, "-o", bin,
				"./selftests/..."); err != nil {
				return nil, err
			}
			programs, err := filepath.Glob(bin + "*")
			if err != nil {
				return nil, err
			}
			with = append(with, programs...)
		}
		return with, nil
	case "examples":
		bin := filepath.Join(dir, "examples") + "/"
		if _, err := tool.run(ctx, "build", tool.overlay, "-buildvcs=false", "-ldflags=-w", "-o", bin,
			"./examples/..."); err != nil {
			return nil, err
		}
		return filepath.Glob(bin + "*")
	case "btf":
		if tool.machine.foreign() {
			return nil, nil // the host's clang does not run there
		}
		clang, err := exec.LookPath("clang")
		return []string{clang}, err
	}
	return nil, nil
}

// goTool is the go command, for a machine.
type goTool struct {
	machine *machine
	overlay string // the option with what is generated and compiled for the machine
	work    string // the file of a workspace with the modules that have tests
}

// newGoTool writes the files that the go command needs to a folder.
func newGoTool(m *machine, dir string) (*goTool, error) {
	root := treeOf(sourceFolder())
	overlay, err := m.overlay(root, dir)
	if err != nil {
		return nil, err
	}
	work := filepath.Join(dir, "go.work")
	text := fmt.Sprintf("go 1.25.0\n\nuse (\n\t%q\n\t%q\n\t%q\n)\n", root, filepath.Join(root, "selftests"),
		filepath.Join(root, "examples"))
	return &goTool{m, overlay, work}, os.WriteFile(work, []byte(text), 0o644)
}

// overlay returns Go's option for programs that embed BPF objects: they get those that are compiled for the machine, and
// the code that was generated with them.
func (m *machine) overlay(root, dir string) (string, error) {
	files := struct{ Replace map[string]string }{make(map[string]string)}
	objects := filepath.Join(root, "bin", m.arch)
	err := filepath.WalkDir(objects, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && isObject(path) {
			files.Replace[root+strings.TrimPrefix(path, objects)] = path
		}
		return err
	})
	if err != nil && m.foreign() {
		return "", fmt.Errorf("make bpf-%s compiles the BPF objects: %w", m.arch, err)
	}
	list, err := json.Marshal(files)
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "overlay.json")
	return "-overlay=" + path, os.WriteFile(path, list, 0o644)
}

func (t *goTool) run(ctx context.Context, args ...string) ([]byte, error) {
	var complaints bytes.Buffer
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Env = append(t.machine.env(), "GOWORK="+t.work)
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w\n%s%s", strings.Join(args, " "), err, out, complaints.Bytes())
	}
	return out, nil
}

// test runs all jobs on one kernel.
func (m *matrix) test(ctx context.Context, kernel string, machine *machine, s *suite) *report {
	r := newReport(kernel)
	began := time.Now()
	defer func() { r.elapsed = time.Since(began) }()
	if _, err := exec.LookPath(machine.qemu); err != nil {
		r.missing = err
		return r
	}
	folder, err := kernelFolder(ctx, kernel)
	if err != nil {
		r.missing = err
		return r
	}
	log, err := os.Create(filepath.Join(m.logs, kernel+".kernel.log"))
	if err != nil {
		r.errs = append(r.errs, err)
		return r
	}
	defer log.Close()
	g := guest{machine: machine, kernel: folder, memory: "3G", cpus: defaultCPUs, limit: m.limit, log: log}
	r.release = g.release()
	began = time.Now()
	outputs, logs := make([]bytes.Buffer, len(s.jobs)), make([]io.Writer, len(s.jobs))
	for i, name := range s.names {
		file, err := os.Create(filepath.Join(m.logs, kernel+"-"+strings.ReplaceAll(name, "/", "-")+".log"))
		if err != nil {
			r.errs = append(r.errs, err)
			return r
		}
		defer file.Close()
		logs[i] = io.MultiWriter(file, &outputs[i])
	}
	outcomes, err := g.run(ctx, s.jobs, func(i int) io.Writer { return logs[i] })
	if err != nil {
		r.errs = append(r.errs, err)
	}
	for i, outcome := range outcomes {
		if err := r.add(ctx, s.names[i], outputs[i].Bytes(), outcome); err != nil {
			r.errs = append(r.errs, err)
		}
	}
	return r
}
