package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"go/types"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
)

// choice is the Go code that chooses the mutant when a process begins.
//
//go:embed choice.go.txt
var choice []byte

const choiceFile = "zz_mutant_choice.go"

// builder makes a test binary that has all mutants of a target.
type builder struct {
	target
	scratch string
	code    *checked
	mutants []*mutant
	places  map[string][]*place // by the names of files
	dropped map[*mutant]bool    // those that do not compile
	schemas map[string]schema
}

// build returns the binary's path.
func build(ctx context.Context, t target, scratch string) (*builder, string, error) {
	b := &builder{target: t, scratch: scratch, places: make(map[string][]*place), dropped: make(map[*mutant]bool)}
	var err error
	if b.code, err = check(ctx, t.dir); err != nil {
		return nil, "", err
	}
	if len(b.files) == 0 {
		b.files = slices.Sorted(maps.Keys(b.code.sources))
	}
	m := newMaker(t.dir, b.code.files)
	for _, name := range b.files {
		if b.code.parsed[name] == nil {
			return nil, "", fmt.Errorf("no %s", name)
		}
		b.places[name] = m.placesIn(name, b.code.sources[name], b.code.parsed[name])
	}
	b.mutants = m.mutants
	for {
		if err := b.check(); err != nil {
			return nil, "", err
		}
		path, err := b.compile(ctx)
		if err == nil {
			return b, path, nil
		}
		if !errors.Is(err, errDropped) {
			return nil, "", err
		}
	}
}

// check writes schemas, without what the type checker refuses.
func (b *builder) check() error {
	for {
		b.schemas = make(map[string]schema)
		sources := maps.Clone(b.code.sources)
		for name, places := range b.places {
			s, nameless := schemaOf(b.code, name, places, b.dropped)
			b.drop(nameless)
			b.schemas[name], sources[name] = s, []byte(s.text)
		}
		name := b.code.parsed[b.files[0]].Name.Name
		sources[choiceFile] = bytes.Replace(choice, []byte("PACKAGE"), []byte(name), 1)
		other, failures := b.code.with(sources)
		if len(failures) == 0 {
			return b.save(sources)
		}
		progress := b.blame(other, failures, schema.causesAt) || b.blame(other, failures, schema.causesBefore)
		if !progress {
			return errors.Join(failures...)
		}
	}
}

// blame drops the causes of failures, and reports whether there were any.
func (b *builder) blame(code *checked, failures []error, causes func(schema, int) []*mutant) (any bool) {
	for _, failure := range failures {
		var typed types.Error
		if errors.As(failure, &typed) {
			at := code.files.Position(typed.Pos)
			any = b.drop(causes(b.schemas[at.Filename], at.Offset)) || any
		}
	}
	return any
}

// drop reports whether any of the mutants was there still.
func (b *builder) drop(mutants []*mutant) (any bool) {
	for _, m := range mutants {
		any = any || !b.dropped[m]
		b.dropped[m] = true
	}
	return any
}

// save writes the schemas, and a list of them for the go command.
func (b *builder) save(sources map[string][]byte) error {
	replace := make(map[string]string)
	for _, name := range append([]string{choiceFile}, b.files...) {
		path := filepath.Join(b.scratch, name)
		if err := os.WriteFile(path, sources[name], 0o644); err != nil {
			return err
		}
		original, err := filepath.Abs(filepath.Join(b.dir, name))
		if err != nil {
			return err
		}
		replace[original] = path
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(b.scratch, "overlay.json"), overlay, 0o644)
}

var (
	errDropped   = errors.New("mutants do not compile")
	compileError = regexp.MustCompile(`(?m)^(?:\S*/)?([^/\s:]+\.go):(\d+):\d+: `)
)

// compile runs the compiler, which knows C's types. It drops what is on the lines that the compiler refuses, and then
// returns errDropped.
func (b *builder) compile(ctx context.Context) (string, error) {
	path := filepath.Join(b.scratch, "mutants.test")
	cmd := exec.CommandContext(ctx, "go", "test", "-c", "-buildvcs=false", "-vet=off", "-gcflags=-e",
		"-overlay", filepath.Join(b.scratch, "overlay.json"), "-o", path, "./"+b.dir)
	out, err := cmd.CombinedOutput()
	if err == nil {
		return path, nil
	}
	progress := false
	for _, match := range compileError.FindAllSubmatch(out, -1) {
		line, _ := strconv.Atoi(string(match[2]))
		if s, ok := b.schemas[string(match[1])]; ok {
			progress = b.drop(s.causesOn(line)) || progress
		}
	}
	if progress {
		return "", errDropped
	}
	return "", fmt.Errorf("go test -c: %w\n%s", err, out)
}
