package libbpf

import (
	"reflect"
	"slices"
	"testing"

	"github.com/libbpf-go/libbpf-go/btf"
)

// The raw structs must have the layout of the running kernel's structs, which may be shorter.
func TestRawInfosMatchTheKernel(t *testing.T) {
	kernel, err := btf.LoadKernel()
	if err != nil {
		t.Fatal(err)
	}
	defer kernel.Close()
	checkLayout(t, kernel, "bpf_prog_info", "", reflect.TypeFor[rawProgramInfo]())
	checkLayout(t, kernel, "bpf_map_info", "", reflect.TypeFor[rawMapInfo]())
	checkLayout(t, kernel, "bpf_btf_info", "", reflect.TypeFor[rawBTFInfo]())
	for member, layout := range map[string]reflect.Type{
		"raw_tracepoint": reflect.TypeFor[rawRawTracepoint](),
		"tracing":        reflect.TypeFor[rawTracing](),
		"cgroup":         reflect.TypeFor[rawCgroup](),
		"iter":           reflect.TypeFor[rawIter](),
		"netns":          reflect.TypeFor[rawLinkTarget](),
		"xdp":            reflect.TypeFor[rawLinkTarget](),
		"struct_ops":     reflect.TypeFor[rawLinkTarget](),
		"netfilter":      reflect.TypeFor[rawNetfilter](),
		"kprobe_multi":   reflect.TypeFor[rawKprobeMulti](),
		"uprobe_multi":   reflect.TypeFor[rawUprobeMulti](),
		"perf_event":     reflect.TypeFor[rawPerfEvent](),
		"tcx":            reflect.TypeFor[rawLinkTarget](),
		"netkit":         reflect.TypeFor[rawLinkTarget](),
		"sockmap":        reflect.TypeFor[rawLinkTarget](),
	} {
		checkLayout(t, kernel, "bpf_link_info", member, layout)
	}
}

// checkLayout compares the offsets of fields in a kernel struct, or in one of the structs in its union, with those in
// Go's struct.
func checkLayout(t *testing.T, kernel *btf.BTF, name, member string, layout reflect.Type) {
	t.Helper()
	typ, err := kernel.TypeByName(name, btf.KindStruct)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	want := kernelOffsets(t, kernel, typ, 0, member, member == "")
	var got []int
	goOffsets(layout, 0, &got)
	if member != "" {
		union := int(reflect.TypeFor[rawLinkInfo]().Field(4).Offset)
		for i := range got {
			got[i] += union
		}
	} else if len(want) < 3 {
		t.Errorf("%s has %d members", name, len(want))
	}
	for _, offset := range want {
		if !slices.Contains(got, offset) {
			t.Errorf("%s %s has a field at %d, and Go has %v", name, member, offset, got)
		}
	}
}

// kernelOffsets returns the offsets of the fields below typ, or below its member of that name.
func kernelOffsets(t *testing.T, kernel *btf.BTF, typ btf.Type, base int, member string, inside bool) (offsets []int) {
	t.Helper()
	composite, ok := typ.(*btf.Composite)
	if !ok {
		if inside {
			return []int{base}
		}
		return nil
	}
	for _, m := range composite.Members {
		typ, err := kernel.Resolve(m.Type)
		if err != nil {
			t.Fatal(err)
		}
		if m.BitfieldSize != 0 && m.Name == "" || !inside && m.Name != "" && m.Name != member {
			continue // padding, and other structs
		}
		offsets = append(offsets,
			kernelOffsets(t, kernel, typ, base+int(m.BitOffset/8), member, inside || m.Name == member)...)
	}
	return offsets
}

func goOffsets(layout reflect.Type, base int, offsets *[]int) {
	switch {
	case layout.Kind() == reflect.Struct:
		for i := range layout.NumField() {
			f := layout.Field(i) // also without a name: those that nobody reads
			goOffsets(f.Type, base+int(f.Offset), offsets)
		}
	case layout.Kind() == reflect.Array:
		for i := range layout.Len() {
			*offsets = append(*offsets, base+i*int(layout.Elem().Size()))
		}
	default:
		*offsets = append(*offsets, base)
	}
}
