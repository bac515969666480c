//go:build !race

// The race detector does not see other processes, so running them again under it, as 'make test' would, has no use.

// Package examples holds programs to copy from, one in each folder. They are a module of a user's, with generated code.
// The package's tests build all of them, run each on the running kernel, and compare what it prints with what happened.
package examples

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/needs"
)

// workVariable makes a process of the test's binary do one of works instead of the tests.
const workVariable = "LIBBPF_GO_EXAMPLES_WORK"

// works are what the examples look at.
var works = map[string]func(){}

func TestMain(m *testing.M) {
	if work := os.Getenv(workVariable); work != "" {
		works[work]()
		return
	}
	testutil.TraceFS()
	os.Exit(testutil.Main(m))
}

// work is a command that does one of works.
func work(name string, args ...string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Env = append(os.Environ(), workVariable+"="+name)
	return cmd
}

// waiting starts what waits for its input to end, and returns the input. It does not outlive the test.
func waiting(t *testing.T, cmd *exec.Cmd) io.Closer {
	t.Helper()
	stdin, err := cmd.StdinPipe()
	testutil.Check(t, err)
	testutil.Check(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return stdin
}

// testBinary is the path of the test's binary, for an example that starts it.
func testBinary(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	testutil.Check(t, err)
	return path
}

// total adds up the counts of a histogram, which are at the ends of its lines.
func total(t *testing.T, histogram string) int {
	t.Helper()
	sum := 0
	for line := range strings.Lines(histogram) {
		n, err := strconv.Atoi(line[strings.LastIndexByte(line, ' ')+1 : len(line)-1])
		testutil.Check(t, err)
		sum += n
	}
	return sum
}

// built builds all examples once and returns their folder. In the virtual machines of scripts/vm, which have no
// compiler, they are built already.
var built = sync.OnceValues(func() (string, error) {
	if dir := os.Getenv("LIBBPF_GO_EXAMPLES"); dir != "" {
		return dir, nil
	}
	dir, err := os.MkdirTemp("", "libbpf-go-examples")
	if err != nil {
		return "", err
	}
	testutil.Finally(func() { _ = os.RemoveAll(dir) })
	// Linking is most of the time, and debug information most of that.
	build := exec.Command("go", "build", "-buildvcs=false", "-ldflags=-w", "-o", dir+"/", "./...")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return dir, nil
})

// example is a running example.
type example struct {
	t    *testing.T
	cmd  *exec.Cmd
	exit chan error

	mu      sync.Mutex
	printed strings.Builder
	more    *sync.Cond // when printed has more, and when nothing more will come
	ended   bool
}

// command is the command of an example. The test is skipped if the kernel refuses what the example's object needs.
func command(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	testutil.Root(t)
	needs.ToLoadFile(t, filepath.Join(name, name+"_bpf.o"))
	dir, err := built()
	testutil.Check(t, err)
	return exec.Command(filepath.Join(dir, name), args...)
}

// start starts an example. It is interrupted at the end of the test, if not before.
func start(t *testing.T, name string, args ...string) *example {
	t.Helper()
	return startCommand(t, command(t, name, args...))
}

func startCommand(t *testing.T, cmd *exec.Cmd) *example {
	t.Helper()
	e := &example{t: t, cmd: cmd, exit: make(chan error, 1)}
	e.more = sync.NewCond(&e.mu)
	read, write, err := os.Pipe()
	testutil.Check(t, err)
	cmd.Stdout, cmd.Stderr = write, write
	err = cmd.Start()
	_ = write.Close()
	testutil.Check(t, err)
	go func() {
		for lines := bufio.NewReader(read); ; {
			line, err := lines.ReadString('\n')
			e.mu.Lock()
			e.printed.WriteString(line)
			e.ended = err != nil
			e.more.Broadcast()
			e.mu.Unlock()
			if err != nil {
				break
			}
		}
		_ = read.Close()
		e.exit <- cmd.Wait()
	}()
	t.Cleanup(func() {
		if e.exit != nil {
			_ = cmd.Process.Kill()
			t.Log("killed:", <-e.exit)
		}
	})
	return e
}

// waitFor waits until what the example has printed matches, and returns the match and its groups.
func (e *example) waitFor(pattern string) []string {
	e.t.Helper()
	re := regexp.MustCompile("(?m)" + pattern)
	late := false
	timer := time.AfterFunc(time.Minute, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		late = true
		e.more.Broadcast()
	})
	defer timer.Stop()
	e.mu.Lock()
	defer e.mu.Unlock()
	for {
		if match := re.FindStringSubmatch(e.printed.String()); match != nil {
			return match
		}
		if late || e.ended {
			e.t.Fatalf("it does not print %q, but\n%s", pattern, e.printed.String())
		}
		e.more.Wait()
	}
}

// waitForFeature is waitFor, but skips the test if the example ends because the kernel lacks a feature.
func (e *example) waitForFeature(pattern, feature, refusal string) {
	e.t.Helper()
	match := e.waitFor(pattern + "|" + refusal)
	if !matched(match[0], refusal) {
		return
	}
	err := <-e.exit
	e.exit = nil
	testutil.Skip(e.t, feature, fmt.Errorf("%w: %s", err, match[0]))
}

// end waits until the example ends by itself, and returns all that it printed. It must succeed.
func (e *example) end() string {
	e.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	select {
	case err := <-e.exit:
		e.exit = nil
		if err != nil {
			e.t.Fatalf("%v\n%s", err, e.printed.String())
		}
	case <-ctx.Done():
		e.t.Fatalf("it does not end\n%s", e.output())
	}
	e.t.Logf("%q\n%s", e.cmd.Args, e.printed.String())
	return e.printed.String()
}

// interrupt does what Ctrl-C does, and then what end does.
func (e *example) interrupt() string {
	e.t.Helper()
	if err := e.cmd.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
		e.t.Fatal(err)
	}
	return e.end()
}

func (e *example) output() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.printed.String()
}

// matches checks that text has a part that matches, and returns it and its groups.
func matches(t *testing.T, text, pattern string) []string {
	t.Helper()
	match := regexp.MustCompile("(?m)" + pattern).FindStringSubmatch(text)
	if match == nil {
		t.Fatalf("no %q in\n%s", pattern, text)
	}
	return match
}

func matched(text, pattern string) bool {
	return regexp.MustCompile("(?m)" + pattern).MatchString(text)
}

// lastIndex is where the last match begins.
func lastIndex(t *testing.T, text, pattern string) int {
	t.Helper()
	all := regexp.MustCompile("(?m)"+pattern).FindAllStringIndex(text, -1)
	if all == nil {
		t.Fatalf("no %q in\n%s", pattern, text)
	}
	return all[len(all)-1][0]
}

// run runs a command, which must succeed.
func run(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%q: %v\n%s", cmd.Args, err, out)
	}
	return string(out)
}

// Each example has what a reader looks for.
func TestEachExampleIsWhole(t *testing.T) {
	mains, err := filepath.Glob("*/main.go")
	testutil.Check(t, err)
	list, err := os.ReadFile("README.md")
	testutil.Check(t, err)
	for _, main := range mains {
		name := filepath.Dir(main)
		if name == "cgo" || name == "exporter" { // modules of their own, with tests of their own
			continue
		}
		for _, file := range []string{name + ".bpf.c", "README.md"} {
			if _, err := os.Stat(filepath.Join(name, file)); err != nil {
				t.Error(err)
			}
		}
		if !strings.Contains(string(list), "["+name+"]("+name+")") {
			t.Errorf("README.md does not list %s", name)
		}
	}
}
