package gotypes_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/btf/gotypes"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// newModule makes a user's module, in which generated code compiles.
func newModule(t *testing.T, name string) string {
	t.Helper()
	dir := t.TempDir()
	repository, err := filepath.Abs("../..")
	testutil.Check(t, err)
	const path = "github.com/libbpf-go/libbpf-go"
	write(t, filepath.Join(dir, "go.mod"), fmt.Appendf(nil,
		"module %s\n\ngo 1.25\n\nrequire %s v0.0.0\n\nreplace %[2]s => %s\n", name, path, repository))
	return dir
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	testutil.Check(t, os.MkdirAll(filepath.Dir(path), 0o755))
	testutil.Check(t, os.WriteFile(path, content, 0o644))
}

// TestValues builds testdata/values with generated types, vets it, and runs it on the objects that clang made of the
// same sources: sizes agree, and each value is what C stored.
func TestValues(t *testing.T) {
	clang, gotool := tool(t, "clang"), tool(t, "go")
	objects, module := t.TempDir(), newModule(t, "values")
	main, err := os.ReadFile("testdata/values/main.go")
	testutil.Check(t, err)
	write(t, filepath.Join(module, "main.go"), main)
	generate := func(s source, name, target string) {
		object := filepath.Join(objects, name+".o")
		testutil.Check(t, os.Rename(s.compile(t, clang, target), object))
		types, err := btf.Parse(object)
		testutil.Check(t, err)
		defer types.Close()
		var code bytes.Buffer
		testutil.Check(t, gotypes.Generate(&code, types, name, gotypes.Options{}))
		write(t, filepath.Join(module, name, "types.go"), code.Bytes())
	}
	for _, s := range sources(t) {
		generate(s, s.name(), "bpfel")
		if s.both {
			generate(s, s.name()+"big", "bpfeb")
		}
	}
	for _, machine := range machines {
		if machine != runtime.GOARCH && runtime.GOARCH != "amd64" {
			continue
		}
		t.Run(machine, func(t *testing.T) {
			run := func(name string, args ...string) {
				t.Helper()
				cmd := exec.Command(name, args...)
				cmd.Dir = module
				cmd.Env = append(os.Environ(), "GOARCH="+machine, "CGO_ENABLED=0", "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off")
				out, err := cmd.CombinedOutput()
				if errors.Is(err, unix.ENOEXEC) {
					testutil.Skip(t, "32-bit-programs", err)
				}
				if err != nil {
					t.Fatalf("%q: %v\n%s", cmd.Args, err, out)
				}
			}
			program := filepath.Join(module, machine)
			run(gotool, "vet", "./...")
			run(gotool, "build", "-gcflags=-d=checkptr", "-o", program, ".")
			run(program, objects)
		})
	}
}
