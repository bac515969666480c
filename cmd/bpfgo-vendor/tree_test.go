package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// The environment of a process that runs the command on the tree in its current folder, and is killed before the
// change with the number of killAt.
const (
	commandFor = "BPFGO_VENDOR_TEST"
	killAt     = "BPFGO_VENDOR_KILL_AT"
)

func TestMain(m *testing.M) {
	flush = func() {} // takes seconds on a busy disk, and the tests do not test power loss
	if os.Getenv(commandFor) == "" {
		os.Exit(testutil.Main(m))
	}
	left, _ := strconv.Atoi(os.Getenv(killAt))
	beforeChange = func() {
		if left--; left == 0 {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	var r request
	for _, arg := range os.Args[1:] {
		switch name, value, _ := strings.Cut(arg, "="); name {
		case "remove":
			r.remove = true
		case "from":
			r.from = append(r.from, value)
		}
	}
	if err := (tree{"."}).vendor(r, func(format string, args ...any) { fmt.Printf(format+"\n", args...) }); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(0)
}

// A lab has a small tree, the tarballs of two versions of each library, and what stands for the system's libbpf.
type lab struct {
	*testing.T
	tree
	pool, system string
}

func newLab(t *testing.T) *lab {
	folder := t.TempDir()
	l := &lab{t, tree{filepath.Join(folder, "tree")}, filepath.Join(folder, "archive/pool"), filepath.Join(folder, "system")}
	for _, name := range []string{"p.go", "libbpf/p.go", "btf/p.go", "other/p.go", "testdata/p.go", ".x/p.go"} {
		l.write(l.path(name), "package p\n\nimport \"C\"\n")
	}
	l.write(l.path("pure/p.go"), "package p\n\n// import \"C\"\n")
	l.write(l.path("other/go.mod"), "module other\n")
	gate, err := os.ReadFile("../../libbpf/vendor.h")
	l.check(err)
	l.write(l.path("libbpf/vendor.h"), string(gate))
	l.write(l.path("libbpf/config.h"), "#include <eu-config.h>\n")
	l.write(l.path("libbpf/c_libelf.c"), "#include \"upstream/libelf/begin.c\"\n")
	l.write(l.path("libbpf/c_zlib.c"), "#include \"upstream/zlib/inflate.c\"\n")
	l.write(filepath.Join(l.system, "bpf/libbpf_version.h"),
		"#define LIBBPF_MAJOR_VERSION 1\n#define LIBBPF_MINOR_VERSION 1\n")
	l.write(filepath.Join(l.system, "bpf/libbpf.h"), "")
	l.write(filepath.Join(l.system, "libbpf_go.a"), "INPUT()\n")
	l.write(filepath.Join(l.system, "main.c"), "int main(void) { return 0; }\n")
	var lock strings.Builder
	for _, p := range []pin{
		{"libbpf", "9.1.0", "pool/libbpf_9.1.0.tar.gz", ""}, {"libbpf", "9.0.0", "pool/libbpf_9.0.0.tar.gz", ""},
		{"libelf", "0.9", "pool/libelf_0.9.tar.gz", ""}, {"zlib", "0.8", "pool/zlib_0.8.tar.gz", ""},
		{"zlib", "0.7", "pool/zlib_0.7.tar.gz", ""},
	} {
		l.makeTarball(p)
		if p.sha256, err = sumOf(l.tarball(p.library, p.version)); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&lock, "%s %s %s %s\n", p.library, p.version, p.file, p.sha256)
	}
	l.write(l.path("libbpf/upstream.lock"), "# a comment\n\n"+lock.String())
	return l
}

func (l *lab) check(err error) {
	l.Helper()
	if err != nil {
		l.Fatal(err)
	}
}

func (l *lab) write(file, text string) {
	l.Helper()
	l.check(os.MkdirAll(filepath.Dir(file), 0o777))
	l.check(os.WriteFile(file, []byte(text), 0o666))
}

func (l *lab) tarball(library, version string) string {
	return filepath.Join(l.pool, library+"_"+version+".tar.gz")
}

// makeTarball makes one that has the structure of the library's, with small files.
func (l *lab) makeTarball(p pin) {
	files := map[string]string{"README": "read me", "configure": "a program", "tests/x.c": "no"}
	switch p.library {
	case "libbpf":
		files["LICENSE"] = "licence"
		files["src/libbpf.c"] = "int version; /* " + p.version + " */"
		files["src/libbpf.map"], files["include/linux/types.h"] = "", ""
		for _, name := range apiHeaders {
			files["src/"+name] = p.version
		}
		for _, name := range kernelHeaders {
			files["include/uapi/linux/"+name] = p.version
		}
	case "libelf":
		files["COPYING-LGPLV3"] = "licence"
		files["libelf/begin.c"] = "#include \"libelfP.h\"\n#include <system.h>\n#include <stdio.h>\n"
		files["libelf/libelfP.h"] = "#include \"gelf.h\"\n"
		files["libelf/gelf.h"], files["libelf/unused.c"] = "", ""
		files["lib/system.h"], files["lib/eu-config.h"], files["lib/inflate.c"] = "", "", ""
	case "zlib":
		files["LICENSE"] = "licence"
		files["inflate.c"], files["zlib.h"], files["begin.c"] = "#  include \"zlib.h\"\n", "", ""
	}
	var packed bytes.Buffer
	compressed := gzip.NewWriter(&packed)
	archive := tar.NewWriter(compressed)
	for name, text := range files {
		header := &tar.Header{Name: p.library + "-" + p.version + "/" + name, Mode: 0o600, Size: int64(len(text))}
		l.check(archive.WriteHeader(header))
		_, err := archive.Write([]byte(text))
		l.check(err)
	}
	l.check(archive.Close())
	l.check(compressed.Close())
	l.write(l.tarball(p.library, p.version), packed.String())
}

// vendor runs the command in this process. It returns what the command says, and the error at the end.
func (l *lab) vendor(r request) string {
	l.Helper()
	var said strings.Builder
	err := l.tree.vendor(r, func(format string, args ...any) { fmt.Fprintf(&said, format+"\n", args...) })
	if err != nil {
		fmt.Fprintln(&said, "ERROR:", err)
	}
	if staging, _ := filepath.Glob(l.path("libbpf/.staging.*")); staging != nil {
		l.Errorf("staging is left: %s", staging)
	}
	return said.String()
}

func (l *lab) from(version string) request {
	return request{from: []string{l.pool, l.tarball("libbpf", version)}}
}

// lay lays down a version of libbpf from the folder with the tarballs.
func (l *lab) lay(version string) {
	l.Helper()
	if said := l.vendor(l.from(version)); strings.Contains(said, "ERROR") {
		l.Fatal(said)
	}
	if have, err := l.version(); err != nil || have[0].version != version || !l.finished(have) {
		l.Fatalf("%v, %v", have, err)
	}
}

// apt makes apt configured for these archives.
func (l *lab) apt(archives ...string) {
	script := "#!/bin/sh\n"
	for _, archive := range archives {
		script += "echo \"'" + archive + "dists/x/InRelease' x 0\"\n"
	}
	folder := l.TempDir()
	l.write(filepath.Join(folder, "apt-get"), script)
	l.check(os.Chmod(filepath.Join(folder, "apt-get"), 0o777))
	l.Setenv("PATH", folder+":"+os.Getenv("PATH"))
}

// compile compiles a package, as far as vendor.h goes. It returns what the compiler says against it.
func (l *lab) compile(folder string) string {
	return l.cc(fmt.Sprintf("#include %q\n", l.path("libbpf/vendor.h")), "-fsyntax-only", "-x", "c", "-I"+l.path(folder),
		"-I"+l.system, "-")
}

func (l *lab) link() string {
	return l.cc("", "-o", filepath.Join(l.system, "main"), filepath.Join(l.system, "main.c"), "-L"+l.path(upstream+"/lib"),
		"-L"+l.system, "-lbpf_go")
}

func (l *lab) cc(input string, args ...string) string {
	cc := strings.Fields(os.Getenv("CC"))
	if len(cc) == 0 {
		cc = []string{"cc"}
	}
	cmd := exec.Command(cc[0], append(cc[1:], args...)...)
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	if err != nil && len(out) == 0 {
		l.Fatal(err)
	}
	return string(out)
}

// state is "none", "half" or the version of libbpf that is in place. The compiler and the linker must agree.
func (l *lab) state() string {
	l.Helper()
	have, broken := l.version()
	markers := 0
	for _, folder := range []string{".", "libbpf", "btf"} {
		if _, err := os.Stat(l.path(folder + "/" + markerName)); err == nil {
			markers++
		}
	}
	for _, folder := range []string{"other", "pure", "testdata", ".x"} {
		if _, err := os.Stat(l.path(folder + "/" + markerName)); err == nil {
			l.Fatalf("%s has a marker", folder)
		}
	}
	_, err := os.Stat(l.path(upstream))
	if markers == 0 && err != nil {
		if said := l.compile("btf"); said != "" {
			l.Fatalf("with nothing vendored, btf does not compile: %s", said)
		}
		return "none"
	}
	if _, err := os.Stat(l.path(interrupted)); err == nil {
		for _, folder := range []string{".", "btf"} {
			if said := l.compile(folder); !strings.Contains(said, "make vendor") {
				l.Fatalf("half vendored, the compiler says of %s: %s", folder, said)
			}
		}
		if said := l.link(); said == "" && (markers != 3 || broken != nil) {
			l.Fatal("half vendored, and it links")
		} else if said != "" && !strings.Contains(said, "make vendor") {
			l.Fatalf("half vendored, the linker says: %s", said)
		}
		return "half"
	}
	if broken != nil || markers != 3 {
		l.Fatalf("no guard, %d markers, and %v", markers, broken)
	}
	for _, folder := range []string{".", "btf"} {
		if said := l.compile(folder); said != "" {
			l.Fatalf("with all vendored, %s does not compile: %s", folder, said)
		}
	}
	if said := l.link(); said != "" {
		l.Fatalf("with all vendored, nothing links: %s", said)
	}
	return have[0].version
}

func (l *lab) is(want string) {
	l.Helper()
	if got := l.state(); got != want {
		l.Fatalf("the tree is %s, want %s", got, want)
	}
}

// refuses fails unless the command fails and says each text.
func (l *lab) refuses(r request, texts ...string) {
	l.Helper()
	said := l.vendor(r)
	for _, text := range append(texts, "ERROR") {
		if !strings.Contains(said, text) {
			l.Fatalf("it does not say %q: %s", text, said)
		}
	}
}

func TestFiles(t *testing.T) {
	l := newLab(t)
	l.lay("9.0.0")
	var got []string
	l.check(filepath.WalkDir(l.path(upstream), func(path string, entry fs.DirEntry, err error) error {
		if !entry.IsDir() && !strings.Contains(path, "/api/") {
			name, _ := filepath.Rel(l.path(upstream), path)
			got = append(got, name)
		}
		return err
	}))
	want := []string{"PIN", "SHA256SUMS", "lib/libbpf.a", "lib/libbpf_go.a", "libbpf/LICENSE", "libbpf/include/linux/types.h",
		"libbpf/src/libbpf.c", "libbpf/src/libbpf.map", "libelf/COPYING-LGPLV3", "libelf/begin.c", "libelf/eu-config.h",
		"libelf/gelf.h", "libelf/libelfP.h", "libelf/system.h", "zlib/LICENSE", "zlib/README", "zlib/inflate.c", "zlib/zlib.h"}
	for _, name := range apiHeaders {
		want = append(want, "libbpf/src/"+name)
	}
	for _, name := range kernelHeaders {
		want = append(want, "libbpf/include/uapi/linux/"+name)
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("there are\n%q, want\n%q", got, want)
	}
	for _, name := range []string{"api/bpf/libbpf.h", "api/linux/bpf.h"} {
		if text, err := os.ReadFile(l.path(upstream + "/" + name)); err != nil || string(text) != "9.0.0" {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
}

func TestRefusals(t *testing.T) {
	l := newLab(t)
	l.is("none")
	l.refuses(request{from: []string{l.path("no.tar.gz")}}, "no such file")
	l.refuses(request{from: []string{filepath.Join(l.system, "main.c")}}, "not a pinned tarball", "libbpf_9.1.0.tar.gz")
	l.refuses(request{libbpf: "9.1.0", from: []string{l.tarball("libbpf", "9.0.0")}}, "is libbpf 9.0.0, and 9.1.0 is wanted")
	l.apt()
	l.refuses(request{libbpf: "8.0.0"}, "libbpf 8.0.0 is not pinned: libbpf 9.1.0, libbpf 9.0.0")
	l.write(l.tarball("zlib", "0.8"), "damaged")
	l.refuses(request{from: []string{l.pool}}, "zlib_0.8.tar.gz has the sha256")
	l.is("none")
}

// What is in place stays, without a network and without a change. What is damaged is mended.
func TestInPlace(t *testing.T) {
	l := newLab(t)
	l.apt()
	l.lay("9.0.0")
	stamp := func() (stamps []string) {
		for _, name := range []string{upstream + "/libbpf/src/libbpf.c", "libbpf/" + markerName, upstream + "/lib/libbpf_go.a"} {
			info, err := os.Stat(l.path(name))
			l.check(err)
			stamps = append(stamps, fmt.Sprint(info.ModTime(), info.Sys().(*syscall.Stat_t).Ino))
		}
		return stamps
	}
	before := stamp()
	if said := l.vendor(request{}); said != "libbpf 9.0.0, libelf 0.9, zlib 0.8 are in place\n" {
		t.Error(said)
	}
	if after := stamp(); !slices.Equal(before, after) {
		t.Error("a whole tree was changed")
	}
	for _, name := range []string{markerName, "btf/" + markerName, upstream + "/lib/libbpf.a", upstream + "/lib/libbpf_go.a"} {
		l.check(os.Remove(l.path(name)))
		l.vendor(request{})
		l.is("9.0.0")
	}
	l.check(os.Remove(l.path("btf/" + markerName)))
	if l.compile("btf") == "" {
		t.Error("a package without its marker compiles")
	}
	l.vendor(request{})
	for _, name := range []string{"libbpf/src/libbpf.c", "zlib/inflate.c"} {
		l.write(l.path(upstream+"/"+name), "int broken;")
		l.refuses(request{}, "FROM=FOLDER", "ARCHIVE=URL", "libbpf-dev", "pool/libbpf_9.1.0.tar.gz")
		l.lay("9.0.0")
	}
	l.check(os.RemoveAll(l.path(upstream)))
	if l.compile(".") == "" {
		t.Error("markers without sources compile")
	}
	for range 2 {
		l.vendor(request{remove: true})
		l.is("none")
	}
	l.check(os.Mkdir(l.path("libbpf/.staging.old"), 0o777))
	l.lay("9.1.0")
	l.vendor(request{libbpf: "9.0.0", from: []string{l.pool}})
	l.is("9.0.0")
}

// The marker changes with each source file, because Go's build cache sees nothing else of them.
func TestMarker(t *testing.T) {
	l := newLab(t)
	l.lay("9.1.0")
	first, err := os.ReadFile(l.path(markerName))
	l.check(err)
	l.vendor(request{from: []string{l.pool, l.tarball("zlib", "0.7")}})
	second, err := os.ReadFile(l.path(markerName))
	l.check(err)
	if bytes.Equal(first, second) {
		t.Errorf("with another zlib, the marker is the same: %s", second)
	}
}

func TestAtOnce(t *testing.T) {
	l := newLab(t)
	failed := make(chan error)
	for i := range 4 {
		cmd := l.command(0, "from="+l.pool, "from="+l.tarball("libbpf", []string{"9.0.0", "9.1.0"}[i%2]))
		go func() {
			out, err := cmd.CombinedOutput()
			if err != nil {
				err = fmt.Errorf("%w: %s", err, out)
			}
			failed <- err
		}()
	}
	for range 4 {
		l.check(<-failed)
	}
	if state := l.state(); state != "9.0.0" && state != "9.1.0" {
		t.Errorf("the tree is %s", state)
	}
}

// command returns a process that runs the command, and is killed before the nth change.
func (l *lab) command(n int, args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Dir = l.root
	cmd.Env = append(os.Environ(), commandFor+"=1", fmt.Sprintf("%s=%d", killAt, n))
	return cmd
}

// The command is killed before each change that it makes, on every way through it.
func TestKilled(t *testing.T) {
	l := newLab(t)
	lay := []string{"from=" + l.pool, "from=" + l.tarball("libbpf", "9.1.0")}
	points := 0
	for _, way := range []struct {
		from, to string
		args     []string
	}{{"none", "9.1.0", lay}, {"9.0.0", "9.1.0", lay}, {"9.1.0", "none", []string{"remove"}}, {"half", "9.1.0", lay}} {
		for n := 1; ; n++ {
			at := fmt.Sprintf("from %s to %s, killed at %d", way.from, way.to, n)
			switch way.from {
			case "none":
				l.vendor(request{remove: true})
			case "half":
				l.lay("9.1.0")
				l.check(os.Remove(l.path("btf/" + markerName)))
				l.write(l.path(interrupted), "")
				l.write(l.path(upstream+"/lib/libbpf_go.a"), missingLib)
			default:
				l.lay(way.from)
			}
			out, err := l.command(n, way.args...).CombinedOutput()
			if err == nil {
				l.is(way.to)
				break
			}
			if !strings.Contains(err.Error(), "killed") {
				t.Fatalf("%s: %v: %s", at, err, out)
			}
			points++
			// Between two versions there is a moment without any.
			if state := l.state(); !slices.Contains([]string{"half", "none", way.from, way.to}, state) {
				t.Errorf("%s: the tree is %s", at, state)
			}
		}
	}
	if points < 40 {
		t.Errorf("it was killed at %d points only", points)
	}
}
