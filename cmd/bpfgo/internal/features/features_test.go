package features

import (
	"encoding/json"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/clitest"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/kernel"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

func TestMain(m *testing.M) { os.Exit(testutil.Main(m)) }

var tool = clitest.Tool{Command}

// The tables have all that this package knows, and the versions of the documentation.
func TestTables(t *testing.T) {
	for typ := libbpf.MapTypeHash; !strings.Contains(typ.String(), "("); typ++ {
		if mapTypeVersions[typ] == "" {
			t.Errorf("map type %s has no version", typ)
		}
	}
	for typ := libbpf.ProgramTypeSocketFilter; !strings.Contains(typ.String(), "("); typ++ {
		if programTypeVersions[typ] == "" {
			t.Errorf("program type %s has no version", typ)
		}
	}
	for typ := libbpf.LinkTypeRawTracepoint; !strings.Contains(typ.String(), "("); typ++ {
		if linkTypeVersions[typ] == "" {
			t.Errorf("link type %s has no version", typ)
		}
	}
	if name := (lastHelper + 1).String(); helperVersion(lastHelper) == "" || !strings.Contains(name, "(") {
		t.Errorf("%s is behind the last helper", name)
	}
	for i, v := range helperVersions[1:] {
		if before := helperVersions[i]; v.last <= before.last || number(t, v.version) <= number(t, before.version) {
			t.Errorf("%+v after %+v", v, before)
		}
	}
	documented := documentedVersions(t)
	for typ, version := range mapTypeVersions {
		if documented[typ.String()] != version {
			t.Errorf("map type %s: %s here, %q in the documentation", typ, version, documented[typ.String()])
		}
	}
}

// documentedVersions reads the versions of map types from their comments.
func documentedVersions(t *testing.T) map[string]string {
	t.Helper()
	source, err := os.ReadFile("../../../../maptype.go")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(source), "\n\t// ", " ")
	byName := map[string]string{}
	for _, m := range regexp.MustCompile(`MapType(\w+): [^\n]*\(Linux ([0-9.]+)\)\.\n`).FindAllStringSubmatch(text, -1) {
		for typ := range mapTypeVersions {
			if strings.EqualFold(strings.ReplaceAll(typ.String(), "_", ""), m[1]) {
				byName[typ.String()] = m[2]
			}
		}
	}
	return byName
}

// number makes versions comparable.
func number(t *testing.T, version string) int {
	t.Helper()
	major, rest, _ := strings.Cut(version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	a, err := strconv.Atoi(major)
	testutil.Check(t, err)
	b, err := strconv.Atoi(minor)
	testutil.Check(t, err)
	return a*1000 + b
}

// What this kernel has came with its version or an older one, and what its version does not know came later.
func TestVersions(t *testing.T) {
	testutil.Root(t)
	k := kernel.Running()
	defer k.Close()
	here := number(t, release())
	for _, g := range groups(k, []libbpf.ProgramType{libbpf.ProgramTypeSchedCls}) {
		for _, f := range g.Features {
			since := number(t, f.Since)
			if f.State == kernel.Yes && since > here {
				t.Errorf("%s of %s is here, and came with Linux %s", f.Name, g.Name, f.Since)
			}
			if f.Why == "this version does not know it" && since <= here {
				t.Errorf("%s of %s is not known here, and came with Linux %s", f.Name, g.Name, f.Since)
			}
		}
	}
}

func TestText(t *testing.T) {
	a := answer{
		System: []Setting{{"kernel", "6.1.0 x86_64", ""}, {"lockdown", "?", "a\x1b[2Jb"}},
		Groups: []group{{"map types", []Feature{
			{Name: "hash", State: kernel.Yes, Since: "3.19"},
			{Name: "arena", State: kernel.No, Why: "this version does not know it", Since: "6.9"},
			{Name: "queue", State: kernel.Unknown, Why: "asking needs CAP_BPF", Since: "4.20"},
		}}},
		Settings: []Setting{{Name: "CONFIG_BPF", Value: "y"}},
	}
	got := a.text(cli.Quiet(nil, nil), 60)
	clitest.Golden(t, "features.txt", got)
	if status := cli.Status(a.verdict()); status != cli.StatusUnsupported {
		t.Errorf("exit status %d", status)
	}
	a.choose("queue")
	if status := cli.Status(a.verdict()); status != cli.StatusPermission {
		t.Errorf("exit status %d", status)
	}
}

func TestFeatures(t *testing.T) {
	testutil.Root(t)
	stdout, _ := tool.Must(t, "features", "--json", "--kernel-config", "--helpers", "xdp")
	var got struct{ Features answer }
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || len(got.Features.Groups) != 5 ||
		len(got.Features.System) < 10 || len(got.Features.Settings) == 0 {
		t.Errorf("%v: %.400s", err, stdout)
	}
	// "hash" is one feature, although others have it in their names.
	stdout, _ = tool.Must(t, "features", "hash")
	if strings.Count(stdout, "\n") != 3 || !strings.Contains(stdout, "hash     yes   Linux 3.19") {
		t.Errorf("%s", stdout)
	}
	// A setting of the kernel's build is found by its name, and nothing else is shown beside it.
	stdout, _ = tool.Must(t, "features", "CONFIG_BPF_SYSCALL", "--kernel-config")
	if strings.Count(stdout, "\n") != 2 || !strings.Contains(stdout, "CONFIG_BPF_SYSCALL  ") {
		t.Errorf("%s", stdout)
	}
	// What is there is not missing.
	stdout, _ = tool.Must(t, "features", "--missing", "--kernel-config")
	for _, there := range []string{"kernel.bpf_stats_enabled", "CONFIG_BPF_SYSCALL  y", "\nhash "} {
		if strings.Contains(stdout, there) {
			t.Errorf("%q is not missing:\n%s", there, stdout)
		}
	}
	for args, want := range map[string]struct {
		status int
		text   string
	}{
		"features no_such_feature": {cli.StatusFailed, `there is no feature or setting named "no_such_feature"`},
		"features none --missing":  {cli.StatusFailed, `there is no feature or setting named "none"`},
		"features --helpers x":     {cli.StatusUsage, "--helpers x: there is no such type of programs"},
		"features a b":             {cli.StatusUsage, `unexpected argument "b"`},
	} {
		_, stderr, status := tool.Run(strings.Fields(args)...)
		if status != want.status {
			t.Errorf("%s: exit status %d", args, status)
		}
		clitest.WantLine(t, stderr, want.text)
	}
}
