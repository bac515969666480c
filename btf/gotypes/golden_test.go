package gotypes_test

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
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

// compilers are clang and newer versions of it that are beside it, by their major version.
func compilers(t *testing.T) map[int]string {
	t.Helper()
	paths := []string{tool(t, "clang")}
	for version := 15; version < 30; version++ {
		if path, err := exec.LookPath("clang-" + strconv.Itoa(version)); err == nil {
			paths = append(paths, path)
		}
	}
	found := make(map[int]string)
	for _, path := range paths {
		out, err := exec.Command(path, "-dumpversion").Output()
		testutil.Check(t, err)
		major, _, _ := strings.Cut(string(out), ".")
		version, err := strconv.Atoi(major)
		testutil.Check(t, err)
		found[version] = path
	}
	return found
}

// source is a C file of testdata. Comments at its beginning say what it needs.
type source struct {
	path  string
	clang int  // the first version that describes its types
	both  bool // the other byte order has another golden file
}

func sources(t *testing.T) []source {
	t.Helper()
	paths, err := filepath.Glob("testdata/*.c")
	testutil.Check(t, err)
	needs := regexp.MustCompile(`(?m)^// clang: (\d+)$`)
	var all []source
	for _, path := range paths {
		text, err := os.ReadFile(path)
		testutil.Check(t, err)
		s := source{path: path, both: bytes.Contains(text, []byte("\n// orders: both\n"))}
		if m := needs.FindSubmatch(text); m != nil {
			s.clang, err = strconv.Atoi(string(m[1]))
			testutil.Check(t, err)
		}
		all = append(all, s)
	}
	return all
}

func (s source) name() string { return strings.TrimSuffix(filepath.Base(s.path), ".c") }

// compile returns the path of the object, for a target such as bpfel.
func (s source) compile(t *testing.T, clang, target string) string {
	t.Helper()
	object := filepath.Join(t.TempDir(), s.name()+".o")
	out, err := exec.Command(clang, "-g", "-O2", "-Wall", "-Werror", "-fms-extensions", "-Wno-microsoft-anon-tag",
		"-target", target, "-c", s.path, "-o", object).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", clang, err, out)
	}
	return object
}

func parse(t testing.TB, object string) *btf.BTF {
	t.Helper()
	types, err := btf.Parse(object)
	testutil.Check(t, err)
	t.Cleanup(func() { _ = types.Close() })
	return types
}

// TestGolden compares the declarations of the types in testdata/*.c with testdata/*.go.golden. "go test -update" writes
// these.
func TestGolden(t *testing.T) {
	clangs := compilers(t)
	for _, s := range sources(t) {
		for version, clang := range clangs {
			if version < s.clang {
				continue
			}
			for _, target := range []string{"bpfel", "bpfeb"} {
				if target == "bpfeb" && !s.both {
					continue
				}
				t.Run(s.name()+"/"+target+"/clang-"+strconv.Itoa(version), func(t *testing.T) {
					compareGolden(t, s, parse(t, s.compile(t, clang, target)), target)
				})
			}
		}
	}
}

func compareGolden(t *testing.T, s source, types *btf.BTF, target string) {
	var got bytes.Buffer
	testutil.Check(t, gotypes.Generate(&got, types, "golden", gotypes.Options{}))
	golden := strings.TrimSuffix(s.path, ".c") + ".go.golden"
	if target == "bpfeb" {
		golden = strings.TrimSuffix(s.path, ".c") + ".bigendian.go.golden"
	}
	if *update {
		testutil.Check(t, os.WriteFile(golden, got.Bytes(), 0o644))
	}
	want, err := os.ReadFile(golden)
	testutil.Check(t, err)
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("not as in %s:\n%s", golden, difference(string(want), got.String()))
	}
	checkTypes(t, got.Bytes())
}

// difference is the lines that only one of two texts has.
func difference(want, got string) string {
	var b strings.Builder
	wanted, found := strings.Split(want, "\n"), strings.Split(got, "\n")
	for _, line := range wanted {
		if !slices.Contains(found, line) {
			b.WriteString("- " + line + "\n")
		}
	}
	for _, line := range found {
		if !slices.Contains(wanted, line) {
			b.WriteString("+ " + line + "\n")
		}
	}
	return b.String()
}
