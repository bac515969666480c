//go:build !race && linux

// Package privileges measures what processes with less than all privileges can do with libbpf-go, and what the errors
// say. docs/privileges.md is made from what was measured on the kernels of the matrix, and is compared with what is
// measured again.
package privileges

import (
	"bytes"
	"debug/elf"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/usdt"
)

var (
	update     = flag.Bool("update", false, "write what is measured, and the page")
	disposable = flag.Bool("disposable", false, "change settings of the kernel that remain until it reboots")
)

func TestMain(m *testing.M) {
	usdt.Fire(0) // keeps the probe in the binary
	var err error
	if probed, err = offsetOf(target); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	inChild()
	os.Exit(testutil.Main(m))
}

//go:noinline
func target() {}

// offsetOf is where a function is in the running binary. The binary is not relocated: Go links tests so.
func offsetOf(f func()) (uint64, error) {
	path := "/proc/self/exe"
	if folder() != "" {
		path = binary() // a child may have no /proc
	}
	file, err := elf.Open(path)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	address := uint64(reflect.ValueOf(f).Pointer())
	for _, p := range file.Progs {
		if p.Type == elf.PT_LOAD && p.Flags&elf.PF_X != 0 && address >= p.Vaddr && address < p.Vaddr+p.Memsz {
			return address - p.Vaddr + p.Off, nil
		}
	}
	return 0, fmt.Errorf("%s has no function at %#x", path, address)
}

var numbers = regexp.MustCompile(`(0x|\b(?:id|fd|process) |/fd/|/fdinfo/)[0-9a-f]+\b`)

// measured has what was measured of each condition in this run of the tests, and unmeasured why others could not be.
var (
	measured   = make(map[string][]outcome)
	unmeasured = make(map[string]*missing)
)

// inGuest reports whether this is a machine of scripts/vm.
func inGuest() bool {
	_, err := os.Stat("/vm/end")
	return err == nil
}

// each runs f for the conditions that are measured here.
func each(t *testing.T, f func(t *testing.T, c condition, outcomes []outcome)) {
	t.Helper()
	if *disposable && !inGuest() {
		t.Fatal("-disposable is for the machines of scripts/vm only")
	}
	for _, c := range conditions {
		switch {
		case *disposable && lockdown() != "none" && !slices.Contains(lockdowns, c.name),
			!*disposable && c.unprivileged != "",
			testing.Short() && !slices.Contains(brief, c.name):
			continue
		}
		t.Run(strings.ReplaceAll(c.name, "/", ""), func(t *testing.T) {
			if measured[c.name] == nil && unmeasured[c.name] == nil {
				measured[c.name], unmeasured[c.name] = measure(t, c)
			}
			if why := unmeasured[c.name]; why != nil {
				testutil.Skip(t, why.feature, why.cause)
			}
			f(t, c, measured[c.name])
		})
	}
}

// Each refusal names the operation, and each process survives all of them.
func TestRefusals(t *testing.T) {
	each(t, func(t *testing.T, c condition, outcomes []outcome) {
		for i, o := range outcomes {
			if i >= len(operations) || o.Operation != operations[i].name {
				t.Fatalf("outcome %d is of %q", i, o.Operation)
			}
			if o.Errno != "" && (!o.Names || o.Text == "") {
				t.Errorf("%s: the error %q does not say what failed", o.Operation, o.Text)
			}
		}
		if len(outcomes) != len(operations) {
			t.Errorf("%d outcomes of %d operations", len(outcomes), len(operations))
		}
	})
}

// Who has more privileges can do at least the same.
func TestMorePrivilegesAllowMore(t *testing.T) {
	each(t, func(*testing.T, condition, []outcome) {})
	for _, pair := range [][2]string{
		{"none", "bpf"}, {"bpf", "bpf+perfmon"}, {"bpf", "bpf+net_admin"}, {"bpf+perfmon", "bpf+perfmon+net_admin"},
		{"bpf+net_admin", "bpf+perfmon+net_admin"}, {"bpf+perfmon+net_admin", "root"}, {"sys_admin", "root"},
		{"user namespace", "token"}, {"container", "container+caps"}, {"small memlock", "bpf+perfmon+net_admin"},
		{"memory limit", "root"}, {"no /proc", "root"}, {"no /sys", "root"}, {"no bpffs", "root"}, {"no tracefs", "root"},
	} {
		less, more := measured[pair[0]], measured[pair[1]]
		if less == nil || more == nil {
			continue
		}
		for i, o := range less {
			if o.Errno == "" && more[i].Errno != "" {
				t.Errorf("%s: %q works, but for %q: %s", o.Operation, pair[0], pair[1], more[i].Text)
			}
		}
	}
}

// record is the file of what was measured on the kernels of the running version, or "".
func record() string {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil || runtime.GOARCH != "amd64" {
		return ""
	}
	release := unix.ByteSliceToString(name.Release[:])
	if !strings.Contains(release, "cloud-amd64") {
		return "" // not one of the matrix
	}
	for _, kernel := range recorded {
		if strings.HasPrefix(release, kernel+".") {
			return filepath.Join("testdata", kernel+".txt")
		}
	}
	return ""
}

// What was measured before is measured again.
func TestMeasured(t *testing.T) {
	path := record()
	if path == "" {
		testutil.Skip(t, "measured-kernel", fmt.Errorf("docs/privileges.md does not have this kernel"))
	}
	before, err := readRecord(path)
	testutil.Check(t, err)
	now := before.clone()
	each(t, func(t *testing.T, c condition, outcomes []outcome) {
		column := c.name
		if locked := lockdown(); locked != "none" {
			column += ", " + locked
		}
		now[column] = outcomes
		if !*update {
			compare(t, before[column], outcomes)
		}
	})
	if *update {
		testutil.Check(t, now.write(path))
	}
}

func compare(t *testing.T, want, got []outcome) {
	t.Helper()
	old := make(map[string]outcome)
	for _, o := range want {
		old[o.Operation] = o
	}
	for _, o := range got {
		if was := old[o.Operation]; was.line() != o.line() {
			t.Errorf("\nwas %s\nnow %s", was.line(), o.line())
		}
		delete(old, o.Operation)
	}
	for _, was := range old {
		t.Errorf("no longer measured: %s", was.line())
	}
}

// The page is what was measured.
func TestPage(t *testing.T) {
	const path = "../../docs/privileges.md"
	var page bytes.Buffer
	testutil.Check(t, writePage(&page))
	if *update {
		testutil.Check(t, os.WriteFile(path, page.Bytes(), 0o644))
		return
	}
	text, err := os.ReadFile(path)
	testutil.Check(t, err)
	if !bytes.Equal(text, page.Bytes()) {
		t.Error("docs/privileges.md is not what testdata has: go test ./privileges -run TestPage -update writes it")
	}
}
