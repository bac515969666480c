package gen

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"slices"
	"strings"
)

// target is what an object is compiled for, and which Go programs use it.
type target struct {
	name   string           // as the user says it, and in names of files
	order  binary.ByteOrder // of the object
	arch   string           // the kernel's name of the architecture, for __TARGET_ARCH_; empty for any
	triple string           // Debian's name of it, in names of folders
	tags   []string         // GOARCH of the Go programs; one is enough
}

// bpf is clang's name of the target.
func (t *target) bpf() string {
	if t.order == binary.ByteOrder(binary.BigEndian) {
		return "bpfeb"
	}
	return "bpfel"
}

// constraint is the build constraint of the Go file.
func (t *target) constraint(extra string) string {
	tags := strings.Join(t.tags, " || ")
	if len(t.tags) > 1 {
		tags = "(" + tags + ")"
	}
	tags = "linux && " + tags
	if extra != "" {
		tags += " && (" + extra + ")"
	}
	return tags
}

// architectures are the targets for one architecture. A 32-bit program runs on a 64-bit kernel, too.
var architectures = []target{
	{"amd64", binary.LittleEndian, "x86", "x86_64-linux-gnu", []string{"386", "amd64"}},
	{"arm", binary.LittleEndian, "arm", "arm-linux-gnueabihf", []string{"arm"}},
	{"arm64", binary.LittleEndian, "arm64", "aarch64-linux-gnu", []string{"arm64"}},
	{"loong64", binary.LittleEndian, "loongarch", "loongarch64-linux-gnu", []string{"loong64"}},
	{"mips64", binary.BigEndian, "mips", "mips64-linux-gnuabi64", []string{"mips", "mips64"}},
	{"mips64le", binary.LittleEndian, "mips", "mips64el-linux-gnuabi64", []string{"mips64le", "mipsle"}},
	{"ppc64", binary.BigEndian, "powerpc", "powerpc64-linux-gnu", []string{"ppc64"}},
	{"ppc64le", binary.LittleEndian, "powerpc", "powerpc64le-linux-gnu", []string{"ppc64le"}},
	{"riscv64", binary.LittleEndian, "riscv", "riscv64-linux-gnu", []string{"riscv64"}},
	{"s390x", binary.BigEndian, "s390", "s390x-linux-gnu", []string{"s390x"}},
}

// anyOf is the target for all architectures with an order of bytes.
func anyOf(order binary.ByteOrder) target {
	t := target{name: "bpfel", order: order, triple: host().triple}
	if order == binary.ByteOrder(binary.BigEndian) {
		t.name = "bpfeb"
	}
	for _, arch := range architectures {
		if arch.order == order {
			t.tags = append(t.tags, arch.tags...)
		}
	}
	slices.Sort(t.tags)
	return t
}

// host is the target for this machine.
func host() target {
	for _, t := range architectures {
		if slices.Contains(t.tags, runtime.GOARCH) {
			return t
		}
	}
	return target{order: binary.NativeEndian}
}

// hostOrder is this machine's order of bytes, as one of the two values that can be compared.
func hostOrder() binary.ByteOrder {
	if binary.NativeEndian.Uint16([]byte{1, 0}) == 1 {
		return binary.LittleEndian
	}
	return binary.BigEndian
}

// parseTargets reads a list with commas. No list is this machine's order of bytes.
func parseTargets(list string) ([]target, error) {
	if list == "" {
		return []target{anyOf(hostOrder())}, nil
	}
	var targets []target
	for name := range strings.SplitSeq(list, ",") {
		t, err := parseTarget(strings.TrimSpace(name))
		if err != nil {
			return nil, err
		}
		for _, other := range targets {
			if i := slices.IndexFunc(t.tags, func(tag string) bool { return slices.Contains(other.tags, tag) }); i >= 0 {
				return nil, fmt.Errorf("targets %s and %s are both for %s", other.name, t.name, t.tags[i])
			}
		}
		targets = append(targets, t)
	}
	return targets, nil
}

func parseTarget(name string) (target, error) {
	switch name {
	case "bpfel":
		return anyOf(binary.LittleEndian), nil
	case "bpfeb":
		return anyOf(binary.BigEndian), nil
	case "native":
		name = runtime.GOARCH
	}
	names := []string{"native", "bpfel", "bpfeb"}
	for _, t := range architectures {
		if t.name == name || slices.Contains(t.tags, name) {
			return t, nil
		}
		names = append(names, t.name)
	}
	return target{}, fmt.Errorf("unknown target %q: it must be one of %s", name, strings.Join(names, ", "))
}
