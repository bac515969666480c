package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// CAP_BPF and CAP_PERFMON are enough, for uid 0 as in Kubernetes: it traces and exports.
func TestFewCapabilities(t *testing.T) {
	const only = "-all,+bpf,+perfmon"
	e := runExporter(t, `interval: 100ms
objects:
  - file: `+object(t, "shapes.bpf.o")+`
    attach: [count]
    set: {pid: `+strconv.Itoa(os.Getpid())+`}
    metrics:
      - {name: calls_total, type: counter, map: counted, value: count}
`, "", "setpriv", "--bounding-set="+only, "--inh-caps=-all", "--no-new-privs", "--")
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", e.cmd.Process.Pid))
	testutil.Check(t, err)
	if !strings.Contains(string(status), "CapEff:\t000000c000000000\n") {
		t.Fatalf("it has other capabilities:\n%s", status)
	}
	testutil.Getpgid(0)
	within(t, func() bool { return strings.Contains(string(e.scrape("")), "\ncalls_total 1\n") })
}

// systemd finds nothing wrong with the unit, and rates it as well as when it was written.
func TestUnit(t *testing.T) {
	unit, err := os.ReadFile("../../deploy/systemd/bpf-exporter.service")
	testutil.Check(t, err)
	path := filepath.Join(t.TempDir(), "bpf-exporter.service")
	// The binary is not installed here.
	text := strings.ReplaceAll(string(unit), "/usr/local/bin/bpf-exporter", "/bin/true")
	testutil.Check(t, os.WriteFile(path, []byte(text), 0o600))
	for _, args := range [][]string{{"verify", "--man=no", path}, {"security", "--offline=true", "--threshold=22", path}} {
		out, err := exec.Command("systemd-analyze", args...).CombinedOutput()
		if err != nil || args[0] == "verify" && len(out) > 0 {
			t.Errorf("systemd-analyze %v: %v\n%s", args, err, out)
		}
	}
}
