package libbpf_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// What is refused before the kernel sees it is refused with the rule, and not only with the value that breaks it.
func TestRefusalsSayTheRule(t *testing.T) {
	_, uprobe := loadSeen(t, "uprobe", "uprobe", "on_entry", nil)
	xdp := findProgram(t, load(t, open(t, "xdp")), "pass")
	tc := findProgram(t, load(t, open(t, "tc")), "first")
	probe := func(pid int, opts libbpf.UprobeOptions) error {
		_, err := uprobe.AttachUprobe(pid, self, 0, opts)
		return err
	}
	kprobe := func(function string, opts libbpf.KprobeOptions) error {
		_, err := uprobe.AttachKprobe(function, opts)
		return err
	}
	at := func(hook libbpf.TCHook) error { return hook.Create() }
	hook := func(h libbpf.Hook) error { return h.Attach(xdp, libbpf.HookOptions{}) }
	tcx := func(ifindex int, opts libbpf.PlacementOptions) error {
		_, err := tc.AttachTCX(ifindex, opts)
		return err
	}
	const ingress = libbpf.AttachTypeTCXIngress
	for rule, err := range map[string]error{
		"-1 is not a network device number": libbpf.XDP{IfIndex: -1}.Attach(xdp),
		"0 is not a network device number":  at(libbpf.TCHook{AttachPoint: libbpf.TCIngress}),
		"than those of XDPMask":             libbpf.XDP{IfIndex: 1, Flags: 1 << 9}.Detach(),
		"several modes":                     libbpf.XDP{IfIndex: 1, Flags: libbpf.XDPModes}.Detach(),
		"must be above 0, ThisProcess":      probe(-2, libbpf.UprobeOptions{}),
		"must be below 1<<32":               probe(0, libbpf.UprobeOptions{RefCtrOffset: 1 << 32}),
		"not a ProbeMode constant":          probe(0, libbpf.UprobeOptions{Mode: 99}),
		"needs a function, or an addr":      kprobe("", libbpf.KprobeOptions{}),
		"legacy probe needs a function":     kprobe("", libbpf.KprobeOptions{Offset: 1, Mode: libbpf.ProbeModeLegacy}),
		"TCCustom needs a Parent":           at(libbpf.TCHook{IfIndex: 1, AttachPoint: libbpf.TCCustom}),
		"Parent must be 0":                  at(libbpf.TCHook{IfIndex: 1, AttachPoint: libbpf.TCIngress, Parent: 1}),
		"not an attach point":               at(libbpf.TCHook{IfIndex: 1, AttachPoint: 1 << 9}),
		"Qdisc and QdiscHandle are for":     at(libbpf.TCHook{IfIndex: 1, AttachPoint: libbpf.TCIngress, Qdisc: "fq"}),
		"set IfIndex":                       hook(libbpf.Hook{Type: ingress, FD: 3}),
		"leave IfIndex 0":                   hook(libbpf.Hook{Type: libbpf.AttachTypeSKSKBVerdict, IfIndex: 1}),
		"only one of RelativeProgram":       tcx(1, libbpf.PlacementOptions{AttachType: ingress, RelativeProgramID: 3, RelativeLinkID: 1}),
		"BPF_F_REPLACE, BPF_F_ID":           tcx(1, libbpf.PlacementOptions{AttachType: ingress, Flags: 1 << 2}),
	} {
		wantErrSaying(t, err, libbpf.ErrInvalid, rule)
	}
}

// So are the options of buffers.
func TestRefusalsOfBuffers(t *testing.T) {
	o := load(t, open(t, "events"))
	perf := func(b libbpf.PerfBufferBuilder) error {
		if b.Attr == nil {
			b.Sample = func(int, []byte) error { return nil }
		} else {
			b.Event = func(int, []byte) error { return nil }
		}
		_, err := b.Build(findMap(t, o, "perf_events"))
		return err
	}
	backward := &unix.PerfEventAttr{Bits: unix.PerfBitWriteBackward}
	_, task := libbpf.QueryTaskFD(0, 1)
	for rule, err := range map[string]error{
		"from 0 to 2147483647, and there is no -1": perf(libbpf.PerfBufferBuilder{CPUs: []int{-1}, MapKeys: []int{0}}),
		"CPU 0 has key -1, and the map's keys are": perf(libbpf.PerfBufferBuilder{CPUs: []int{0}, MapKeys: []int{-1}}),
		"WakeupEvents must be 0":                   perf(libbpf.PerfBufferBuilder{Attr: backward, WakeupEvents: 1}),
		"must not have WriteBackward":              perf(libbpf.PerfBufferBuilder{Attr: backward}),
		"Attr.Size is 4096":                        perf(libbpf.PerfBufferBuilder{Attr: &unix.PerfEventAttr{Size: 4096}}),
		"a process id must be above 0":             task,
	} {
		wantErrSaying(t, err, libbpf.ErrInvalid, rule)
	}
}

// Without privileges, Load says that the process can load nothing, and does not quote libbpf's guesses.
func TestLoadWithoutPrivileges(t *testing.T) {
	testutil.Root(t)
	o := open(t, "testrun")
	asUser(t, 65534, func() {
		_, err := o.Load()
		if err != nil && !errors.Is(err, os.ErrPermission) {
			t.Error(err)
		}
		wantErrSaying(t, err, os.ErrPermission, "the process can load no program, not even the smallest: operation not permitted")
		if strings.Contains(err.Error(), "RLIMIT_MEMLOCK") || strings.Contains(err.Error(), "CONFIG_BPF") {
			t.Errorf("%v guesses", err)
		}
	})
}
