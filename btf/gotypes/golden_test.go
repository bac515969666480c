package gotypes_test

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/btf/gotypes"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

var update = flag.Bool("update", false, "write the golden files")

// tool is the path of a command of the tool chain. Machines that only run tests have none.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		testutil.Skip(t, "toolchain", err)
	}
	return path
}

// compile returns the types of a C file.
func compile(t *testing.T, clang, source string, flags ...string) *btf.BTF {
	t.Helper()
	object := filepath.Join(t.TempDir(), "types.o")
	args := append([]string{"-g", "-O2", "-Wall", "-Werror", "-target", "bpfel", "-c", source, "-o", object}, flags...)
	if out, err := exec.Command(clang, args...).CombinedOutput(); err != nil {
		t.Fatalf("clang: %v\n%s", err, out)
	}
	types, err := btf.Parse(object)
	testutil.Check(t, err)
	t.Cleanup(func() { _ = types.Close() })
	return types
}

// TestGolden compares the declarations of the types in testdata/*.c with testdata/*.go.golden. "go test -update" writes
// these.
func TestGolden(t *testing.T) {
	clang := tool(t, "clang")
	sources, err := filepath.Glob("testdata/*.c")
	testutil.Check(t, err)
	for _, source := range sources {
		t.Run(strings.TrimSuffix(filepath.Base(source), ".c"), func(t *testing.T) {
			types := compile(t, clang, source)
			var got bytes.Buffer
			testutil.Check(t, gotypes.Generate(&got, types, "golden", gotypes.Options{}))
			golden := strings.TrimSuffix(source, ".c") + ".go.golden"
			if *update {
				testutil.Check(t, os.WriteFile(golden, got.Bytes(), 0o644))
			}
			want, err := os.ReadFile(golden)
			testutil.Check(t, err)
			if !bytes.Equal(got.Bytes(), want) {
				t.Errorf("not as in %s:\n%s", golden, got.Bytes())
			}
		})
	}
}
