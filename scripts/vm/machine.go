package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
)

// machine is how QEMU is started for an architecture, and how programs are built for it. The guest has four ports: for
// the jobs' output, the kernel's log, the jobs' status, and files for the host.
type machine struct {
	arch    string   // as Go and Debian name it
	triplet string   // the prefix of the cross compiler, and the name of the folder for libraries
	qemu    string   // the program
	args    []string // the machine, and the devices of the ports, which are the character devices port0 to port3
	console string   // the guest's name for the port of the kernel's log
	ports   []string // the guest's names for the other ports
	boot    string   // what the kernel's command line has besides
	modules []string // what the ports need, where it is not built in
	leftOut []leftOut
}

// leftOut is a pattern of tests that do not run on an emulated machine, and why not.
type leftOut struct{ test, why string }

// A virtio port may be a module, so the kernel's log has another one, which works from the beginning. Without ioeventfd
// a write to a port ends when QEMU has the text; with it, the machine may be off before that.
var machines = []machine{
	{
		arch: "amd64", triplet: "x86_64-linux-gnu", qemu: "qemu-system-x86_64",
		args: []string{
			"-machine", "q35", "-serial", "chardev:port0", "-serial", "chardev:port1", "-serial", "chardev:port2",
			"-serial", "chardev:port3",
		},
		console: "ttyS1", ports: []string{"ttyS0", "ttyS2", "ttyS3"},
		// On a busy host the timer is too slow for the kernel's check, which would panic.
		boot: "no_timer_check",
	},
	{
		arch: "arm64", triplet: "aarch64-linux-gnu", qemu: "qemu-system-aarch64",
		args: append([]string{
			"-machine", "virt,gic-version=3", "-serial", "chardev:port1", "-device", "virtio-serial-pci,ioeventfd=off",
		}, virtioPorts...),
		console: "ttyAMA0", ports: []string{"vport0p1", "vport0p2", "vport0p3"},
		modules: []string{"virtio_pci", "virtio_console"},
	},
	{
		arch: "s390x", triplet: "s390x-linux-gnu", qemu: "qemu-system-s390x",
		args: append([]string{
			"-machine", "s390-ccw-virtio", "-device", "sclpconsole,chardev=port1", "-device",
			"virtio-serial-ccw,ioeventfd=off",
		}, virtioPorts...),
		console: "ttysclp0", ports: []string{"vport0p1", "vport0p2", "vport0p3"},
		modules: []string{"virtio_console"},
		leftOut: []leftOut{
			// QEMU forgets all translated addresses for each page that is unmapped, and these tests unmap a million.
			{"^TestAddressesAreReused$", tooSlow}, {"^TestReaderRacesWithClose$", tooSlow},
			{"^TestReadersLeaveNoMappings$", tooSlow},
			// The kernel computes them with vcksm. Its packets that refuse a connection are dropped for theirs, so who
			// connects waits for two minutes.
			{"^TestCgroupRedirectsConnections$", wrongChecksums},
			{"^TestAttachNetnsSocketLookup$", wrongChecksums},
			{"^TestLinkConformance$/^netns_.sk_lookup.", wrongChecksums},
		},
	},
}

const (
	tooSlow        = "the emulator is too slow"
	wrongChecksums = "QEMU 7 computes wrong checksums"
)

var virtioPorts = []string{
	"-device", "virtserialport,nr=1,chardev=port0", "-device", "virtserialport,nr=2,chardev=port2", "-device",
	"virtserialport,nr=3,chardev=port3",
}

// defaultCPUs are enough for what is per CPU to be told apart.
const defaultCPUs = 2

// machineArgs are QEMU's arguments for all machines. No multi-threaded TCG: in QEMU 7 it crashes or hangs guests when
// fentry or kprobes patch code. No KVM: it is faster, but on some machines it fails although /dev/kvm can be opened.
// To check signatures of pointers as ARM does costs a third of the time; QEMU's own way costs little.
func (m *machine) machineArgs(cpus int) []string {
	cpu := "max"
	if m.arch == "arm64" {
		cpu = "max,pauth-impdef=on"
	}
	return append([]string{
		"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-accel", "tcg,thread=single",
		"-smp", strconv.Itoa(cpus), "-cpu", cpu,
	}, m.args...)
}

// commandLine is the kernel's. Any oops is a panic, and a panic ends the machine at once.
func (m *machine) commandLine() string {
	return strings.TrimSpace("console=" + m.console + " loglevel=5 oops=panic panic=-1 cryptomgr.notests " +
		"lsm=landlock,bpf mitigations=off nowatchdog " + m.boot)
}

var flavour = regexp.MustCompile(`-(?:cloud-)?([a-z0-9]+)(?:-16k|-64k)?$`)

// machineOf returns the machine for a kernel: a name in kernels.txt, a release, or a folder that kernels.sh made.
func machineOf(kernel string) (*machine, error) {
	name := filepath.Base(kernel)
	if release, err := os.ReadFile(filepath.Join(kernel, "release")); err == nil {
		name = strings.TrimSpace(string(release))
	}
	arch := "amd64"
	if found := flavour.FindStringSubmatch(name); found != nil {
		arch = found[1]
	}
	for i := range machines {
		if machines[i].arch == arch {
			return &machines[i], nil
		}
	}
	return nil, fmt.Errorf("no machine for %s, which is for %s", name, arch)
}

// foreign reports whether programs of the host do not run in the machine.
func (m *machine) foreign() bool { return m.arch != runtime.GOARCH }

// env returns the environment in which Go builds programs for the machine.
func (m *machine) env() []string {
	if !m.foreign() {
		return os.Environ()
	}
	return append(os.Environ(), "GOOS=linux", "GOARCH="+m.arch, "CGO_ENABLED=1", "CC="+m.triplet+"-gcc")
}
