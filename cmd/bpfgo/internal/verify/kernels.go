package verify

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/guest"
)

// setKernels takes names of kernels with commas between them.
func (o *options) setKernels(text string) error {
	for name := range strings.SplitSeq(text, ",") {
		if name == "" {
			return fmt.Errorf("must be versions or paths of kernels, with commas between them")
		}
		o.kernels = append(o.kernels, name)
	}
	return nil
}

// verifyOnKernels tries the programs on other kernels, one after the other. The results of a program stand together.
func verifyOnKernels(ctx context.Context, opts *options, paths []string) (results []result, warnings []string, err error) {
	paths = slices.DeleteFunc(slices.Clone(paths), func(path string) bool {
		return !matches(opts.files, filepath.Base(path))
	})
	var kernels []guest.Kernel
	for _, name := range opts.kernels {
		k, err := guest.Find(name)
		if err != nil {
			return nil, nil, err
		}
		kernels = append(kernels, k)
	}
	files := slices.Clone(paths)
	if object, _, found := cutLast(opts.targetName, ':'); found {
		files = append(files, object)
	}
	results = []result{}
	for _, k := range kernels {
		some, warned, err := verifyOn(ctx, k, opts, paths, files)
		if err != nil && (len(kernels) == 1 || ctx.Err() != nil) {
			return nil, nil, err
		}
		if err != nil {
			warned = []string{cli.OneLine(err.Error())}
		}
		for _, w := range warned {
			warnings = append(warnings, "Linux "+k.Name+": "+strings.TrimPrefix(w, "the machine with Linux "+k.Name+": "))
		}
		results = append(results, some...)
	}
	order := make(map[string]int)
	for i, r := range results {
		if key := r.File + "\x00" + r.Program; order[key] == 0 {
			order[key] = i + 1
		}
	}
	slices.SortStableFunc(results, func(a, b result) int {
		return cmp.Compare(order[a.File+"\x00"+a.Program], order[b.File+"\x00"+b.Program])
	})
	return results, warnings, nil
}

func verifyOn(ctx context.Context, k guest.Kernel, opts *options, paths, files []string) ([]result, []string, error) {
	said, err := guest.Run(ctx, k, opts.arguments(paths), files)
	if err != nil {
		return nil, nil, err
	}
	var document struct {
		Programs []result `json:"programs"`
		Warnings []string `json:"warnings"`
		Error    *struct {
			Message string `json:"message"`
			Status  int    `json:"status"`
		} `json:"error"`
	}
	if err := json.Unmarshal([]byte(said.Stdout), &document); err != nil {
		return nil, nil, fmt.Errorf("the machine with Linux %s: %w: %s", k.Name, err, said.Stderr)
	}
	if e := document.Error; e != nil {
		return nil, nil, cli.WithStatus(fmt.Errorf("the machine with Linux %s: %s", k.Name, e.Message), e.Status)
	}
	for i := range document.Programs {
		document.Programs[i].Kernel = k.Name
	}
	return document.Programs, document.Warnings, nil
}

// arguments are those of the command in the machine.
func (o *options) arguments(paths []string) []string {
	args := []string{"verify", "--json", "--repeat", strconv.Itoa(o.repeat)}
	for _, glob := range o.programs {
		args = append(args, "--program", glob)
	}
	for _, s := range o.settings {
		args = append(args, "--set", s.Name+"="+s.Value)
	}
	for _, line := range o.kconfig {
		args = append(args, "--kconfig", line)
	}
	if o.targetName != "" {
		args = append(args, "--target", o.targetName)
	}
	if o.log {
		args = append(args, "--log")
	}
	if o.logLevel > 0 {
		args = append(args, "--log-level", strconv.Itoa(int(o.logLevel)))
	}
	return append(append(args, "--"), paths...)
}
