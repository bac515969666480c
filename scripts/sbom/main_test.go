package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
)

const pin = `libbpf 1.7.0 aaaa
libelf 0.188 bbbb
zlib 1.2.13 cccc
`

// upstream is a folder with a PIN file.
func upstream(t *testing.T, content string) string {
	t.Helper()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "PIN"), []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return folder
}

// The bill of this test names the module that it was built from, each C library with its hash, and the program's hash.
// It is the same each time.
func TestBill(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"-upstream", upstream(t, pin), program}
	var first, second bytes.Buffer
	for _, out := range []*bytes.Buffer{&first, &second} {
		if err := run(args, out); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("two runs differ")
	}
	type component struct {
		Name, Version, Purl string
		Hashes              []struct{ Alg, Content string }
	}
	var bill struct {
		SpecVersion string
		Metadata    struct{ Component component }
		Components  []component
	}
	if err := json.Unmarshal(first.Bytes(), &bill); err != nil {
		t.Fatal(err)
	}
	sum, err := hash(program)
	if err != nil {
		t.Fatal(err)
	}
	if main := bill.Metadata.Component; len(main.Hashes) != 1 || main.Hashes[0].Content != sum {
		t.Errorf("the program is %+v", main)
	}
	for name, want := range map[string]string{"libbpf": "1.7.0 aaaa", "libelf": "0.188 bbbb", "zlib": "1.2.13 cccc"} {
		at := slices.IndexFunc(bill.Components, func(c component) bool { return c.Name == name })
		if at < 0 {
			t.Errorf("no %s", name)
			continue
		}
		if c := bill.Components[at]; len(c.Hashes) != 1 || c.Version+" "+c.Hashes[0].Content != want {
			t.Errorf("%s is %+v, want %s", name, c, want)
		}
	}
	isGo := func(c component) bool {
		return strings.HasPrefix(c.Purl, "pkg:golang/github.com/CycloneDX/cyclonedx-go@v")
	}
	if !slices.ContainsFunc(bill.Components, isGo) {
		t.Errorf("no module cyclonedx-go in %+v", bill.Components)
	}
}

func TestRefused(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"no program":     {},
		"not a program":  {"-upstream", upstream(t, pin), "/dev/null"},
		"no libraries":   {"-upstream", t.TempDir(), program},
		"too few":        {"-upstream", upstream(t, "libbpf 1.7.0 aaaa\n"), program},
		"an unknown one": {"-upstream", upstream(t, "libfoo 1 aaaa\n"), program},
		"no hash":        {"-upstream", upstream(t, "libbpf 1.7.0\n"), program},
	} {
		if err := run(args, new(bytes.Buffer)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// The bill names no library that is not in the program.
func TestLinksOthers(t *testing.T) {
	for setting, has := range map[debug.BuildSetting]bool{
		{Key: "-tags", Value: "a,libbpf_system"}: false,
		{Key: "-tags", Value: "libbpf_debug"}:    true,
		{Key: "CGO_ENABLED", Value: "0"}:         false,
		{Key: "CGO_ENABLED", Value: "1"}:         true,
	} {
		if err := hasVendored(&debug.BuildInfo{Settings: []debug.BuildSetting{setting}}); (err == nil) != has {
			t.Errorf("%v: %v", setting, err)
		}
	}
}
