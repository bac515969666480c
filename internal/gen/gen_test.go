package gen_test

import (
	"bytes"
	"cmp"
	"flag"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/libbpf-go/libbpf-go/internal/gen"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

var update = flag.Bool("update", false, "write the golden files")

func TestMain(m *testing.M) { os.Exit(testutil.Main(m)) }

var check = testutil.Check

// headers are those of the libbpf that is linked here, or none for the machine's. Tests change the current folder, so this
// is found out before.
var headers = func() string {
	folder, err := filepath.Abs("../../libbpf/upstream/api")
	if err == nil {
		_, err = os.Stat(folder)
	}
	if err != nil {
		return ""
	}
	return folder
}()

// sources copies files of testdata into a folder of the test's own, and returns it. The test runs there.
func sources(t testing.TB, names ...string) string {
	t.Helper()
	folder := t.TempDir()
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join("testdata", name))
		check(t, err)
		check(t, os.WriteFile(filepath.Join(folder, name), text, 0o666))
	}
	return folder
}

// config is for sources in a folder.
func config(t testing.TB, folder string, names ...string) gen.Config {
	t.Helper()
	c := gen.Config{Output: folder, Package: "generated", Headers: headers, Stderr: io.Discard}
	for _, name := range names {
		c.Sources = append(c.Sources, filepath.Join(folder, name))
	}
	return c
}

func run(t testing.TB, c gen.Config) {
	t.Helper()
	var said bytes.Buffer
	c.Stderr = &said
	if err := gen.Run(c); err != nil {
		t.Fatalf("%v\n%s", err, said.String())
	}
}

func read(t testing.TB, path ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(path...))
	check(t, err)
	return string(text)
}

// list is the names of the files in a folder.
func list(t testing.TB, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	check(t, err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// TestGolden compares what is made with what was made when somebody read it: run it with -update, and read the changes.
func TestGolden(t *testing.T) {
	for _, name := range []string{"shapes", "ops"} {
		folder := sources(t, name+".bpf.c")
		c := config(t, folder, name+".bpf.c")
		// On all machines the same.
		c.Targets = "bpfel"
		run(t, c)
		got, golden := read(t, folder, name+"_bpf.go"), filepath.Join("testdata", name+".go.golden")
		if *update {
			check(t, os.WriteFile(golden, []byte(got), 0o666))
		}
		if diff := gocmp.Diff(read(t, golden), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestSameBytes makes the same from two folders, from other current folders, and twice.
func TestSameBytes(t *testing.T) {
	var first string
	for _, relative := range []bool{false, false, true} {
		folder := sources(t, "shapes.bpf.c")
		c := config(t, folder, "shapes.bpf.c")
		if relative {
			t.Chdir(folder)
			c.Sources[0], c.Output = "shapes.bpf.c", "."
		}
		for range 2 {
			run(t, c)
			got := read(t, folder, "shapes_bpf.go") + read(t, folder, "shapes_bpf.o")
			if first == "" {
				first = got
			}
			if got != first {
				t.Fatal("the same source gives other bytes")
			}
		}
		if strings.Contains(first, folder) {
			t.Error("the folder is in what was made")
		}
		c.Check = true
		run(t, c)
	}
	// The verifier's log quotes these lines.
	if !strings.Contains(first, "__sync_fetch_and_add(&hits, 1);") {
		t.Error("the object has no source lines")
	}
}

func TestTargets(t *testing.T) {
	folder := sources(t, "shapes.bpf.c")
	c := config(t, folder, "shapes.bpf.c")
	c.Targets, c.Tags = "bpfel,bpfeb", "!tiny"
	run(t, c)
	want := []string{"shapes.bpf.c", "shapes_bpfeb_bpf.go", "shapes_bpfeb_bpf.o", "shapes_bpfel_bpf.go", "shapes_bpfel_bpf.o"}
	if got := list(t, folder); !slices.Equal(got, want) {
		t.Errorf("files are %q", got)
	}
	for file, constraint := range map[string]string{
		"shapes_bpfel_bpf.go": "//go:build linux && (386 || amd64 || arm || arm64 || loong64 || mips64le || mipsle || ppc64le || " +
			"riscv64) && !tiny\n",
		"shapes_bpfeb_bpf.go": "//go:build linux && (mips || mips64 || ppc64 || s390x) && !tiny\n",
	} {
		if text := read(t, folder, file); !strings.Contains(text, constraint) {
			t.Errorf("%s does not have %q", file, constraint)
		}
	}
	// An object that is there already tells its order.
	for _, order := range []string{"bpfel", "bpfeb"} {
		again := config(t, folder, "shapes_"+order+"_bpf.o")
		again.Output = t.TempDir()
		again.Stem, again.Name = "again", "Shapes"
		run(t, again)
		text := read(t, again.Output, "again_bpf.go")
		if strings.Contains(text, "s390x") != (order == "bpfeb") {
			t.Errorf("%s is for %s", order, text[:300])
		}
		if read(t, again.Output, "again_bpf.o") == "" {
			t.Error("no object")
		}
	}
	c.Sources = []string{filepath.Join(folder, "shapes_bpfel_bpf.o"), filepath.Join(folder, "shapes_bpfeb_bpf.o")}
	c.Targets, c.Output = "", t.TempDir()
	if err := gen.Run(c); err == nil || !strings.Contains(err.Error(), "byte order") {
		t.Errorf("objects of both orders: %v", err)
	}
}

// TestOptions goes through what changes the code.
func TestOptions(t *testing.T) {
	folder := sources(t, "shapes.bpf.c", "ops.bpf.c")
	base := config(t, folder, "shapes.bpf.c")
	for _, tt := range []struct {
		name    string
		change  func(*gen.Config)
		file    string
		want    []string
		without []string
	}{
		{"name", func(c *gen.Config) { c.Name = "tracer" }, "shapes_bpf.go",
			[]string{"func openTracer(", "type tracer struct", "type tracerMaps struct", "func loadTracerInto(", "func tracerELF()"},
			[]string{"type Tracer", "func Open", "func Load"}},
		{"test, stem and package", func(c *gen.Config) { c.Test, c.Stem, c.Package = true, "other", "p_test" }, "other_bpf_test.go",
			[]string{"package p_test", "//go:embed other_bpf.o", "type Other struct"}, nil},
		{"types", func(c *gen.Config) { c.Types = []string{"struct bpf_sock_addr", "prefix", "xdp_action"} }, "shapes_bpf.go",
			[]string{"type BPFSockAddr struct", "type Prefix struct", "type XDPAction uint32", "XDPActionPass"},
			[]string{"bpfgo_"}},
		{"constants", func(c *gen.Config) { c.Constants = []string{"BPF_ANY", "BPF_F_INDEX_MASK", "__VERSION__"} }, "shapes_bpf.go",
			[]string{"BPFAny        = 0 ", "BPFFIndexMask = 4294967295 ", "// BPF_F_INDEX_MASK\n", `Clang`}, []string{"bpfgo_"}},
		{"records", func(c *gen.Config) { c.Records = map[string]string{"raw_events": "struct key", "perf": "event"} }, "shapes_bpf.go",
			[]string{"func (x *Shapes) RawEventsReader() (*typed.RingReader[Key], error)",
				"func (x *Shapes) PerfReader(options libbpf.PerfReaderOptions) (*typed.PerfReader[Event], error)"}, nil},
		{"prefix and renames", func(c *gen.Config) {
			c.Prefix, c.Renames = "BPF", map[string]string{"key": "FlowKey", "by_key": "Flows", "COLOR_RED": "Red"}
		}, "shapes_bpf.go", []string{"type BPFValue struct", "type FlowKey struct", "*typed.Hash[FlowKey, BPFValue]", "\tFlows ", "\tRed "},
			[]string{"type Value struct"}},
		{"raw enums", func(c *gen.Config) { c.RawEnums = true }, "shapes_bpf.go", []string{"COLOR_GREEN "}, []string{"ColorGreen"}},
		{"external", func(c *gen.Config) { c.External = true }, "shapes_bpf.go",
			[]string{"func OpenShapes(elf []byte, builder libbpf.ObjectBuilder)"}, []string{"go:embed", "_ \"embed\""}},
		{"several", func(c *gen.Config) { c.Sources = append(c.Sources, filepath.Join(folder, "ops.bpf.c")) }, "shapes_bpf.go",
			[]string{"from shapes.bpf.c, ops.bpf.c.", "type ShapesExampleOps struct", "Totals "}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := base
			c.Sources, c.Output = slices.Clone(c.Sources), t.TempDir()
			tt.change(&c)
			run(t, c)
			text := read(t, c.Output, tt.file)
			for _, want := range tt.want {
				if !strings.Contains(text, want) {
					t.Errorf("no %q in:\n%s", want, text)
				}
			}
			for _, without := range tt.without {
				if strings.Contains(text, without) {
					t.Errorf("%q is there", without)
				}
			}
		})
	}
}

func TestDepends(t *testing.T) {
	folder := t.TempDir()
	check(t, os.WriteFile(filepath.Join(folder, "a b.h"), []byte("int x;\n"), 0o666))
	check(t, os.WriteFile(filepath.Join(folder, "x.bpf.c"), []byte("//go:build ignore\n#include \"a b.h\"\n"+smallest), 0o666))
	t.Chdir(folder)
	c := config(t, ".", "x.bpf.c")
	c.Depends = "x.d"
	run(t, c)
	rule := read(t, "x.d")
	if !strings.HasPrefix(rule, "x_bpf.go x_bpf.o: \\\n  x.bpf.c \\\n  a\\ b.h") || !strings.Contains(rule, "\na\\ b.h:\n") {
		t.Errorf("the rule is:\n%s", rule)
	}
	if out, err := exec.Command("make", "-n", "-f", "x.d", "x_bpf.go").CombinedOutput(); err != nil {
		t.Errorf("make: %v: %s", err, out)
	}
}

const smallest = `#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
SEC("socket") int run(void *ctx) { return 0; }
char LICENSE[] SEC("license") = "GPL";
`

// TestErrors checks that each error is one line, and that nothing is written and nothing lost.
func TestErrors(t *testing.T) {
	folder := sources(t, "shapes.bpf.c")
	write := func(name, text string) { check(t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o666)) }
	write("wrong.bpf.c", "int x = ;\n")
	write("arch.bpf.c", "#include <linux/ptrace.h>\n#include <bpf/bpf_tracing.h>\n"+
		"int f(struct pt_regs *c) { return PT_REGS_PARM1(c); }\n"+smallest)
	write("smallest.bpf.c", smallest)
	write("text.o", "no object\n")
	write("own_bpf.go", "package p // somebody wrote this\n")
	write("data_bpf.o", "data of somebody\n")
	object := func(name string, flags ...string) {
		cmd := exec.Command("clang", append(flags, "-O2", "-target", "bpf", "-isystem", cmp.Or(headers, "."), "-idirafter",
			"/usr/include/"+multiarch(t), "-c", "-o", name, "smallest.bpf.c")...)
		cmd.Dir = folder
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	object("nobtf.o")
	object("good.o", "-g")
	executable, err := os.Executable()
	check(t, err)
	check(t, os.Symlink(executable, filepath.Join(folder, "executable.o")))
	before := list(t, folder)

	shapes := func(change func(*gen.Config)) gen.Config {
		c := config(t, folder, "shapes.bpf.c")
		change(&c)
		return c
	}
	for _, tt := range []struct {
		c    gen.Config
		want string
	}{
		{config(t, folder), "no source was given"},
		{config(t, folder, "none.bpf.c"), "no such file or directory"},
		{config(t, folder, "shapes.txt"), "neither a C source, which ends in .c, nor an object, which ends in .o"},
		{config(t, folder, "wrong.bpf.c"), "wrong.bpf.c does not compile"},
		{config(t, folder, "arch.bpf.c"), "depends on the architecture: name it, with --target native"},
		{config(t, folder, "text.o"), "text.o: it is not an ELF file"},
		{config(t, folder, "executable.o"), "executable.o: it is an ELF file for"},
		{config(t, folder, "nobtf.o"), "nobtf.o: it has no BTF: compile it with -g, and do not strip it"},
		{shapes(func(c *gen.Config) { c.Clang = "no-such-clang" }), `the C compiler "no-such-clang" was not found`},
		{shapes(func(c *gen.Config) { c.Stem = "own" }), "own_bpf.go was not generated by bpfgo gen: remove it, or choose another --stem"},
		{shapes(func(c *gen.Config) { c.Stem = "data" }), "data_bpf.o is not a BPF object"},
		{shapes(func(c *gen.Config) { c.Name = "1st" }), `"1st" is not a Go name: give one with --name`},
		{shapes(func(c *gen.Config) { c.Package = "a-b" }), `"a-b" is not the name of a Go package`},
		{shapes(func(c *gen.Config) { c.Prefix = "a-" }), `"a-" can't begin Go names: give another --prefix`},
		{shapes(func(c *gen.Config) { c.Renames = map[string]string{"key": "1"} }), `"1", for key, is not a Go name`},
		{shapes(func(c *gen.Config) { c.Targets = "pdp11" }), `unknown target "pdp11": it must be one of native, bpfel, bpfeb, amd64`},
		{shapes(func(c *gen.Config) { c.Targets = "amd64,bpfel" }), "targets amd64 and bpfel are both for 386"},
		{shapes(func(c *gen.Config) { c.Types = []string{"struct nothing"} }), `there is no "struct nothing"`},
		{shapes(func(c *gen.Config) { c.Constants = []string{"NOTHING"} }), `there is no "NOTHING"`},
		{shapes(func(c *gen.Config) { c.Records = map[string]string{"totals": "struct key"} }),
			`there is no ring buffer, user ring buffer or perf buffer "totals"`},
		{shapes(func(c *gen.Config) { c.Strict = true }), "1 warnings, which --strict makes errors"},
		{shapes(func(c *gen.Config) { c.Check = true }), "shapes_bpf.go is missing: generate it"},
		{func() gen.Config {
			c := config(t, folder, "good.o")
			c.Targets = "native"
			return c
		}(), "--target is for C sources"},
	} {
		err := gen.Run(tt.c)
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %v, want %q", err, tt.want)
		}
		if got := list(t, folder); !slices.Equal(got, before) {
			t.Fatalf("%q left files: %q", tt.want, got)
		}
	}
	if got := read(t, folder, "own_bpf.go"); got != "package p // somebody wrote this\n" {
		t.Errorf("the file of somebody is %q", got)
	}

	c := config(t, folder, "good.o")
	run(t, c)
	check(t, os.WriteFile(filepath.Join(folder, "good_bpf.o"), []byte("\x7fELF changed"), 0o666))
	c.Check = true
	if err := gen.Run(c); err == nil || !strings.Contains(err.Error(), "good_bpf.o is not what would be generated now") {
		t.Errorf("error %v", err)
	}
}

// TestHalfWritten makes the second file fail: the first one is as it was.
func TestHalfWritten(t *testing.T) {
	folder := sources(t, "shapes.bpf.c")
	c := config(t, folder, "shapes.bpf.c")
	run(t, c)
	code := read(t, folder, "shapes_bpf.go")
	c.Prefix, c.Depends = "Other", filepath.Join(folder, "shapes_bpf.go", "in", "a", "file")
	if err := gen.Run(c); err == nil {
		t.Fatal("a file is no folder")
	}
	if read(t, folder, "shapes_bpf.go") != code {
		t.Error("the code is half new")
	}
	if got := list(t, folder); !slices.Equal(got, []string{"shapes.bpf.c", "shapes_bpf.go", "shapes_bpf.o"}) {
		t.Errorf("files are %q", got)
	}
}

func multiarch(t testing.TB) string {
	t.Helper()
	out, err := exec.Command("gcc", "-print-multiarch").Output()
	check(t, err)
	return strings.TrimSpace(string(out))
}

// TestWarnings pins what is said.
func TestWarnings(t *testing.T) {
	folder := sources(t, "shapes.bpf.c")
	text := regexp.MustCompile(`^//go:build ignore\n`).ReplaceAllString(read(t, folder, "shapes.bpf.c"), "")
	check(t, os.WriteFile(filepath.Join(folder, "shapes.bpf.c"), []byte(text), 0o666))
	c := config(t, folder, "shapes.bpf.c")
	var said bytes.Buffer
	c.Stderr = &said
	check(t, gen.Run(c))
	for _, want := range []string{
		"shapes.bpf.c: warning: \"go build\" takes it for a file of the Go package: begin it with the line \"//go:build ignore\"",
		"shapes.bpf.c: warning: variable other is in section elsewhere, of which libbpf makes no map: left out",
	} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("no %q in:\n%s", want, said.String())
		}
	}
}
