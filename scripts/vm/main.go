// Command vm runs programs, above all test binaries, on other kernels in QEMU.
//
//	vm run -k KERNEL [-limit TIME] program [argument...]
//	vm test [-k KERNEL,...] [-packages PACKAGE,...] [-run PATTERN]
//	vm test [-k KERNEL,...] -skipped FILE
//
// KERNEL is a name in kernels.txt, which is downloaded where it is not in the cache, or a folder that kernels.sh made.
// The first form is made for "go test -exec": paths, arguments and the working folder are as on the host, the source
// tree is there, profiles and coverage come home. The second is the kernel matrix: all tests, one boot per kernel, a
// table at the end. The third runs what "make test" could not run on the host, and says what no kernel ran.
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
		fmt.Fprintln(os.Stderr, "usage: vm run -k KERNEL program [argument...] | vm test [-k KERNEL,...]; -help tells more")
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
	var with []string
	flags.Func("with", "a `program` or folder of the host that the guest needs too", func(path string) error {
		with = append(with, path)
		return nil
	})
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
	g := guest{kernel: folder, memory: *memory, limit: *limit}
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

// kernelFolder finds a kernel, and gets it where it is not in the cache.
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

// kernelsScript is kernels.sh in the source that this program was built of.
func kernelsScript(ctx context.Context, args ...string) *exec.Cmd {
	_, here, _, _ := runtime.Caller(0)
	cmd := exec.CommandContext(ctx, filepath.Join(filepath.Dir(here), "kernels.sh"), args...)
	cmd.Stderr = os.Stderr
	return cmd
}

// newJob makes a job of a command line as "go test" builds it.
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
