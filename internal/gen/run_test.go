//go:build !race

// What is made here is compiled and run by the go command, so the race detector has nothing to see.

package gen_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/gen"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/needs"
)

// module makes a folder the module of a user of this one.
func module(t testing.TB, folder string) {
	t.Helper()
	root, err := filepath.Abs("../..")
	check(t, err)
	ours := read(t, root, "go.mod")
	_, requires, _ := strings.Cut(ours, "\ngo ")
	text := "module example.com/generated\n\ngo " + requires + "\nrequire github.com/libbpf-go/libbpf-go v0.0.0\n\n" +
		"replace github.com/libbpf-go/libbpf-go => " + root + "\n"
	check(t, os.WriteFile(filepath.Join(folder, "go.mod"), []byte(text), 0o666))
	check(t, os.WriteFile(filepath.Join(folder, "go.sum"), []byte(read(t, root, "go.sum")), 0o666))
}

func goCommand(t testing.TB, folder string, args ...string) string {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod -buildvcs=false")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// TestRun makes a skeleton, and a program with it, which runs.
func TestRun(t *testing.T) {
	testutil.Root(t)
	folder := sources(t, "shapes.bpf.c", "ops.bpf.c")
	module(t, folder)
	for _, name := range []string{"shapes", "ops"} {
		c := config(t, folder, name+".bpf.c")
		c.Package = "main"
		if name == "ops" {
			c.Prefix = "Ops"
		}
		run(t, c)
	}
	o, err := libbpf.OpenMemory([]byte(read(t, folder, "shapes_bpf.o")))
	check(t, err)
	defer o.Close()
	needs.ToLoad(t, o)
	check(t, os.WriteFile(filepath.Join(folder, "main.go"), []byte(read(t, "testdata", "main.go.txt")), 0o666))
	goCommand(t, folder, "vet", ".")
	if got, want := goCommand(t, folder, "run", "."), read(t, "testdata", "main.out.txt"); got != want {
		t.Errorf("the program printed:\n%s\nwant:\n%s", got, want)
	}
}

// TestVariants compiles what the options change.
func TestVariants(t *testing.T) {
	folder := sources(t, "shapes.bpf.c", "ops.bpf.c")
	module(t, folder)
	for name, change := range map[string]func(*gen.Config){
		"external": func(c *gen.Config) { c.External = true },
		"private":  func(c *gen.Config) { c.Name, c.Prefix = "shapes", "c" },
		"named": func(c *gen.Config) {
			c.Name, c.Renames = "Value", map[string]string{"by_key": "Flows", "key": "FlowKey", "COLOR_RED": "Red"}
		},
		"more": func(c *gen.Config) {
			c.RawEnums, c.Constants, c.Types = true, []string{"BPF_ANY", "__VERSION__", "SHAPES", "LIMIT_A", "LimitA"}, []string{"xdp_action", "struct bpf_sock_addr"}
			c.Records = map[string]string{"raw_events": "struct key", "perf": "event"}
		},
		"several": func(c *gen.Config) { c.Sources = append(c.Sources, filepath.Join(folder, "ops.bpf.c")) },
	} {
		c := config(t, folder, "shapes.bpf.c")
		c.Output, c.Package = filepath.Join(folder, name), name
		change(&c)
		run(t, c)
	}
	goCommand(t, folder, "vet", "./...")
}

// TestOurObjects makes code of all objects in the folder bpf that libbpf opens, and compiles it.
func TestOurObjects(t *testing.T) {
	objects, err := filepath.Glob("../../bpf/*.bpf.o")
	check(t, err)
	if len(objects) < 40 {
		t.Fatalf("%d objects: run 'make bpf' first", len(objects))
	}
	folder := t.TempDir()
	module(t, folder)
	made := 0
	for i, object := range objects {
		var said bytes.Buffer
		c := gen.Config{
			Sources: []string{object}, Output: filepath.Join(folder, fmt.Sprintf("p%d", i)), Package: "p", Stderr: &said,
		}
		err := gen.Run(c)
		switch name := strings.TrimSuffix(filepath.Base(object), ".bpf.o"); {
		case strings.HasPrefix(name, "nobtf"):
			if err == nil || !strings.Contains(err.Error(), "it has no BTF") {
				t.Errorf("%s: %v", name, err)
			}
		case name == "link_main" || name == "link_library" || name == "options":
			// They lack what is extern in them, and a definition has an unknown field.
			if err == nil {
				t.Errorf("%s was taken, and libbpf refuses it", name)
			}
		case err != nil:
			t.Errorf("%s: %v", name, err)
		default:
			made++
		}
		if said.Len() > 0 {
			t.Logf("%s", said.String())
		}
	}
	t.Logf("%d of %d", made, len(objects))
	goCommand(t, folder, "build", "./...")
}
