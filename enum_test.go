package libbpf_test

import (
	"fmt"
	"math"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// The numbers and names must be those of the kernel's header. It is here where libbpf is vendored.
func TestEnumsMatchTheHeader(t *testing.T) {
	header, err := os.ReadFile("libbpf/upstream/api/linux/bpf.h")
	if os.IsNotExist(err) && !libbpf.Version().Vendored {
		testutil.Skip(t, "vendored-libbpf", err) // the system's header may be older than this package
	}
	check(t, err)
	newest := libbpf.Version().Minor >= 7
	for enum, c := range map[string]struct {
		prefix string
		name   func(n int) fmt.Stringer
	}{
		"bpf_map_type":    {"BPF_MAP_TYPE_", func(n int) fmt.Stringer { return libbpf.MapType(n) }},
		"bpf_prog_type":   {"BPF_PROG_TYPE_", func(n int) fmt.Stringer { return libbpf.ProgramType(n) }},
		"bpf_attach_type": {"BPF_", func(n int) fmt.Stringer { return libbpf.ProgramAttachType(n) }},
	} {
		names := enumerators(t, string(header), enum)
		for n, name := range names {
			want := strings.ToLower(strings.TrimPrefix(strings.TrimSuffix(name, "_DEPRECATED"), c.prefix))
			if got := c.name(n).String(); got != want {
				t.Errorf("%s %d is %q, want %q", enum, n, got, want)
			}
		}
		if got := c.name(len(names)).String(); newest && !strings.Contains(got, fmt.Sprintf("(%d)", len(names))) {
			t.Errorf("%s has no number %d, which is %q here", enum, len(names), got)
		}
	}
}

// enumerators are the names of an enum's values, which count from 0.
func enumerators(t *testing.T, header, enum string) []string {
	t.Helper()
	body := regexp.MustCompile(`(?s)\nenum ` + enum + ` \{(.*?)\n\};`).FindStringSubmatch(header)
	if body == nil {
		t.Fatalf("no enum %s", enum)
	}
	text := regexp.MustCompile(`(?s)/\*.*?\*/`).ReplaceAllString(body[1], "")
	var names []string
	for _, name := range strings.Split(text, ",") {
		name = strings.TrimSpace(name)
		if name != "" && !strings.Contains(name, "=") && !strings.HasPrefix(name, "__MAX") {
			names = append(names, name)
		}
	}
	if len(names) < 30 {
		t.Fatalf("enum %s has only %d values", enum, len(names))
	}
	return names
}

func TestMapTypeKinds(t *testing.T) {
	var perCPU, keyless, mapInMap []string
	for typ := range libbpf.MapTypeInsnArray + 1 {
		if typ.IsPerCPU() {
			perCPU = append(perCPU, typ.String())
		}
		if typ.IsKeyless() {
			keyless = append(keyless, typ.String())
		}
		if typ.IsMapInMap() {
			mapInMap = append(mapInMap, typ.String())
		}
	}
	got := fmt.Sprint(perCPU, keyless, mapInMap)
	const want = "[percpu_hash percpu_array lru_percpu_hash percpu_cgroup_storage] [queue stack bloom_filter] " +
		"[array_of_maps hash_of_maps]"
	if got != want {
		t.Errorf("kinds %s, want %s", got, want)
	}
}

// A kernel that is newer may know numbers that this package does not. As an int of 32 bits, some are below 0.
func TestStringsOfUnknownNumbers(t *testing.T) {
	const number = math.MaxUint32
	for _, unknown := range []fmt.Stringer{
		libbpf.MapType(number), libbpf.ProgramType(number), libbpf.ProgramAttachType(number), libbpf.LinkType(number),
		libbpf.HelperID(number), libbpf.CgroupIterOrder(number), libbpf.TaskFDType(number),
	} {
		if text := unknown.String(); !strings.Contains(text, "4294967295") {
			t.Errorf("%T: %s", unknown, text)
		}
	}
}
