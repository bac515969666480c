package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

type result string

const (
	killed   result = "killed"
	survives result = "SURVIVES"
	invalid  result = "invalid"
)

// runner runs the tests of a target.
type runner struct {
	target
	scratch string
	sources map[string][]byte // by their names in the folder
	covered map[string]map[int]bool
	limit   time.Duration
}

// newRunner runs the tests as they are: they must pass, and tell which lines they cover and how long they take.
func newRunner(ctx context.Context, t target, scratch string) (*runner, error) {
	r := &runner{target: t, scratch: scratch}
	if err := os.MkdirAll(scratch, 0o755); err != nil {
		return nil, err
	}
	var err error
	if r.sources, err = t.sources(); err != nil {
		return nil, err
	}
	profile := filepath.Join(scratch, "cover")
	out, err := r.command(ctx, scratch, "-coverprofile", profile).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("the tests fail as they are: %w\n%s", err, out)
	}
	text, err := os.ReadFile(profile)
	if err != nil {
		return nil, err
	}
	if r.covered, err = parseProfile(string(text)); err != nil {
		return nil, err
	}
	// Once more, without a compiler at work.
	began := time.Now()
	if out, err := r.command(ctx, scratch).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("the tests fail as they are: %w\n%s", err, out)
	}
	r.limit = 20*time.Second + 5*time.Since(began)
	return r, nil
}

// sources reads the files of a target.
func (t target) sources() (map[string][]byte, error) {
	files := t.files
	if len(files) == 0 {
		all, err := filepath.Glob(filepath.Join(t.dir, "*.go"))
		if err != nil {
			return nil, err
		}
		for _, file := range all {
			if !strings.HasSuffix(file, "_test.go") {
				files = append(files, filepath.Base(file))
			}
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s has no Go code", t.dir)
	}
	sources := make(map[string][]byte, len(files))
	for _, file := range files {
		source, err := os.ReadFile(filepath.Join(t.dir, file))
		if err != nil {
			return nil, err
		}
		sources[file] = source
	}
	return sources, nil
}

// mutants returns the mutants of the lines that tests cover.
func (r *runner) mutants() ([]mutant, error) {
	var all []mutant
	for _, file := range slices.Sorted(maps.Keys(r.sources)) {
		some, err := mutantsOf(r.dir, file, r.sources[file])
		if err != nil {
			return nil, err
		}
		for _, m := range some {
			if r.covered[file][m.line] {
				all = append(all, m)
			}
		}
	}
	return all, nil
}

// test runs the tests with a mutant. Each worker has a folder of its own.
func (r *runner) test(ctx context.Context, worker int, m mutant) result {
	dir := filepath.Join(r.scratch, strconv.Itoa(worker))
	if err := os.MkdirAll(filepath.Join(dir, "tmp"), 0o755); err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	changed := filepath.Join(dir, m.file)
	if err := os.WriteFile(changed, m.apply(r.sources[m.file]), 0o644); err != nil {
		panic(err)
	}
	original, err := filepath.Abs(filepath.Join(r.dir, m.file))
	if err != nil {
		panic(err)
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {original: changed}})
	if err != nil {
		panic(err)
	}
	list := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(list, overlay, 0o644); err != nil {
		panic(err)
	}
	var out bytes.Buffer
	cmd := r.command(ctx, filepath.Join(dir, "tmp"), "-overlay", list, "-failfast", "-timeout", r.limit.String())
	cmd.Stdout, cmd.Stderr = &out, &out
	switch err := cmd.Run(); {
	case err == nil:
		return survives
	case bytes.Contains(out.Bytes(), []byte("[build failed]")):
		return invalid
	default:
		return killed
	}
}

// command is go test. Tests that hang, or take all memory, end; their mounts are their own, and end with them.
func (r *runner) command(ctx context.Context, tmp string, flags ...string) *exec.Cmd {
	const most = 4 << 30 // bytes
	// To link without symbols takes half the time.
	args := []string{"test", "-buildvcs=false", "-vet=off", "-count=1", "-ldflags=-s -w", "-exec",
		fmt.Sprintf("prlimit --data=%d --core=0 unshare --mount --propagation private", most)}
	if r.run != "" {
		args = append(args, "-run", r.run)
	}
	if r.skip != "" {
		args = append(args, "-skip", r.skip)
	}
	cmd := exec.CommandContext(ctx, "go", append(append(args, flags...), "./"+r.dir)...)
	cmd.Env = append(os.Environ(), "TMPDIR="+tmp)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	return cmd
}

// parseProfile returns the lines that tests cover, by the names of files.
func parseProfile(text string) (map[string]map[int]bool, error) {
	covered := make(map[string]map[int]bool)
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "mode:") {
			continue
		}
		at := strings.LastIndexByte(line, ':')
		if at < 0 {
			return nil, errors.New("a profile without files")
		}
		var from, fromColumn, to, toColumn, statements, count int
		if _, err := fmt.Sscanf(line[at+1:], "%d.%d,%d.%d %d %d", &from, &fromColumn, &to, &toColumn, &statements, &count); err != nil {
			return nil, fmt.Errorf("%q: %w", line, err)
		}
		if count == 0 {
			continue
		}
		file := filepath.Base(line[:at])
		if covered[file] == nil {
			covered[file] = make(map[int]bool)
		}
		for n := from; n <= to; n++ {
			covered[file][n] = true
		}
	}
	return covered, nil
}
