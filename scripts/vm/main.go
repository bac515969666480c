// Command vm runs programs, mostly test binaries, on other kernels in QEMU.
//
//	vm run -k KERNEL [-limit TIME] [-cpus NUMBER] program [argument...]
//	vm test [-k KERNEL,...] [-packages PACKAGE,...] [-run PATTERN] [-race]
//	vm test [-k KERNEL,...] -skipped FILE
//
// KERNEL is a name in kernels.txt, or a folder that kernels.sh made. A kernel that is not in the cache is downloaded.
// The first form is for "go test -exec": paths, arguments and the working folder are the same as on the host, the guest
// has the source tree, and profiles and coverage are copied to the host. The second form is the kernel matrix: it runs
// all tests, with one boot for each kernel, and prints a table at the end. The third form runs the tests that "make
// test" could not run on the host, and names those that ran on no kernel.
package main

import (
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

func main() {
	// The guest dies with the thread that started it.
	runtime.LockOSThread()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGQUIT)
	defer stop()
	command, args := "", []string(nil)
	if len(os.Args) > 1 {
		command, args = os.Args[1], os.Args[2:]
	}
	status, err := 0, error(nil)
	switch command {
	case "run":
		status, err = runProgram(ctx, args)
	case "test":
		err = testAll(ctx, args)
	default:
		fmt.Fprintln(os.Stderr, "usage: vm run -k KERNEL program [argument...] | vm test [-k KERNEL,...]; -help prints more")
		status = 2
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "vm:", err)
		status = 1
	}
	stop()
	os.Exit(status)
}

func runProgram(ctx context.Context, args []string) (int, error) {
	flags := flag.NewFlagSet("vm run", flag.ExitOnError)
	kernel := flags.String("k", "", "the `kernel`: a name in kernels.txt or a folder")
	limit := flags.Duration("limit", 15*time.Minute, "how long the machine may run")
	memory := flags.String("m", "2G", "the machine's memory")
	cpus := flags.Int("cpus", defaultCPUs, "how many CPUs the machine has")
	var with []string
	flags.Func("with", "a `program` or folder of the host that the guest needs too", func(path string) error {
		with = append(with, path)
		return nil
	})
	var bring []string
	flags.Func("bring", "a `file` or folder that the program writes, to copy to the host", func(path string) error {
		bring = append(bring, path)
		return nil
	})
	boot := flags.String("append", "", "more `parameters` for the kernel's command line")
	verbose := flags.Bool("v", false, "show the kernel's log on stderr")
	_ = flags.Parse(args)
	if *kernel == "" || flags.NArg() == 0 {
		flags.Usage()
		return 2, nil
	}
	folder, err := kernelFolder(ctx, *kernel)
	if err != nil {
		return 1, err
	}
	j, err := newJob(flags.Args())
	if err != nil {
		return 1, err
	}
	j.with = with
	for _, path := range bring {
		j.bringHome("", path)
	}
	machine, err := machineOf(folder)
	if err != nil {
		return 1, err
	}
	g := guest{machine: machine, kernel: folder, memory: *memory, cpus: *cpus, limit: *limit, boot: *boot}
	if *verbose {
		g.log = os.Stderr
	}
	outcomes, err := g.run(ctx, []job{j}, func(int) io.Writer { return os.Stdout })
	if len(outcomes) == 1 && outcomes[0].err != nil {
		err = outcomes[0].err
	}
	if err != nil {
		return 1, err
	}
	return outcomes[0].status, nil
}

// kernelFolder returns a kernel's folder. It downloads the kernel if it is not in the cache.
func kernelFolder(ctx context.Context, kernel string) (string, error) {
	if _, err := os.Stat(filepath.Join(kernel, "release")); err == nil {
		return filepath.Abs(kernel)
	}
	out, err := kernelsScript(ctx, kernel).Output()
	if err != nil {
		return "", fmt.Errorf("no kernel %s: %w", kernel, err)
	}
	return strings.TrimSpace(string(out)), nil
}

// kernelsScript returns kernels.sh of the source tree that this program was built from.
func kernelsScript(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(sourceFolder(), "kernels.sh"), args...)
	cmd.Stderr = os.Stderr
	return cmd
}

// sourceFolder is the folder of the source tree that this program was built from.
func sourceFolder() string {
	_, here, _, _ := runtime.Caller(0)
	return filepath.Dir(here)
}

// newJob makes a job from a command line of "go test".
func newJob(argv []string) (job, error) {
	dir, err := os.Getwd()
	if err != nil {
		return job{}, err
	}
	program, err := exec.LookPath(argv[0])
	if errors.Is(err, exec.ErrDot) {
		err = nil
	}
	if err != nil {
		return job{}, err
	}
	if program, err = filepath.Abs(program); err != nil {
		return job{}, err
	}
	j := job{dir: dir, argv: append([]string{program}, argv[1:]...)}
	for _, variable := range os.Environ() {
		if strings.HasPrefix(variable, "LIBBPF_GO_") || strings.HasPrefix(variable, "GO") {
			j.env = append(j.env, variable)
		}
		if dir, found := strings.CutPrefix(variable, "GOCOVERDIR="); found {
			j.bringHome("", dir)
		}
	}
	outputs := ""
	for _, arg := range argv[1:] {
		if dir, found := strings.CutPrefix(arg, "-test.outputdir="); found {
			outputs = dir
		}
	}
	for _, arg := range argv[1:] {
		name, value, found := strings.Cut(arg, "=")
		switch {
		case !found || value == "":
		case name == "-test.gocoverdir", name == "-test.testlogfile":
			j.bringHome("", value)
		case name == "-test.coverprofile", name == "-test.cpuprofile", name == "-test.memprofile",
			name == "-test.blockprofile", name == "-test.mutexprofile", name == "-test.trace":
			j.bringHome(outputs, value)
		}
	}
	return j, nil
}

func (j *job) bringHome(dir, path string) {
	for _, base := range []string{dir, j.dir} {
		if !filepath.IsAbs(path) {
			path = filepath.Join(base, path)
		}
	}
	j.bring = append(j.bring, filepath.Clean(path))
}
