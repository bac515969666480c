package libbpf_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/needs"
)

// What can be loaded is supported, and the other way round.
func TestProgramTypeIsSupported(t *testing.T) {
	testutil.Root(t)
	for _, c := range []struct {
		typ     libbpf.ProgramType
		object  string
		program string
	}{
		{libbpf.ProgramTypeTracing, "attach", "on_enter"},
		{libbpf.ProgramTypeRawTracepoint, "attach", "on_exit"},
		{libbpf.ProgramTypeXDP, "attach", "anywhere"},
		{libbpf.ProgramTypeSchedCls, "testrun", "change_mark"},
		{libbpf.ProgramTypeSyscall, "testrun", "add_fields"},
		{libbpf.ProgramTypeSocketFilter, "maps", "not_loaded"},
	} {
		o := open(t, c.object)
		for p := range o.Programs() {
			check(t, p.SetAutoload(p.Name() == c.program))
		}
		p, err := o.Program(c.program)
		check(t, err)
		if typ, err := p.Type(); err != nil || typ != c.typ {
			t.Fatalf("%s is %s, %v", c.program, typ, err)
		}
		if c.object == "maps" {
			for m := range o.Maps() {
				if typ, _ := m.Type(); typ != libbpf.MapTypeArray {
					check(t, m.SetAutocreate(false))
				}
			}
		}
		loaded, loadErr := o.Load()
		check(t, loaded.Close())
		supported, err := c.typ.IsSupported()
		check(t, err)
		if supported != (loadErr == nil) {
			t.Errorf("%s: supported %t, and loading one gives %v", c.typ, supported, loadErr)
		}
	}
	_, err := libbpf.ProgramType(1000).IsSupported()
	wantErr(t, err, errors.ErrUnsupported)
}

func TestMapTypeIsSupported(t *testing.T) {
	testutil.Root(t)
	known := make(map[string]bool)
	for _, v := range kernelEnum(t, "bpf_map_type") {
		known[strings.ToLower(strings.TrimPrefix(v.Name, "BPF_MAP_TYPE_"))] = true
	}
	// Only a kernel that compiles programs has this file, and maps that need compiled programs.
	_, err := os.Stat("/proc/sys/net/core/bpf_jit_enable")
	compiles := err == nil
	for typ := libbpf.MapTypeHash; typ <= libbpf.MapTypeInsnArray; typ++ {
		supported, err := typ.IsSupported()
		if err != nil {
			t.Errorf("%s: %v", typ, err)
		}
		// The kernel's BTF lists what it knows; what it was built without is there as well.
		if supported && !known[typ.String()] && !strings.Contains(typ.String(), "cgroup_storage") {
			t.Errorf("%s is supported, and the kernel does not know it", typ)
		}
		switch typ {
		case libbpf.MapTypeHash, libbpf.MapTypeArray, libbpf.MapTypeLPMTrie, libbpf.MapTypeQueue, libbpf.MapTypeRingBuf,
			libbpf.MapTypeSKStorage, libbpf.MapTypeArrayOfMaps:
			if !supported {
				t.Errorf("%s is not supported", typ)
			}
		case libbpf.MapTypeArena, libbpf.MapTypeStructOps:
			if want := known[typ.String()] && compiles; supported != want {
				t.Errorf("%s: supported %t, want %t", typ, supported, want)
			}
		case libbpf.MapTypeInsnArray, libbpf.MapTypeBloomFilter, libbpf.MapTypeUserRingBuf,
			libbpf.MapTypeCgrpStorage:
			if supported != known[typ.String()] {
				t.Errorf("%s: supported %t, and the kernel knows it %t", typ, supported, known[typ.String()])
			}
		}
	}
	_, err = libbpf.MapType(1000).IsSupported()
	wantErr(t, err, errors.ErrUnsupported)
}

func TestHelperSupported(t *testing.T) {
	testutil.Root(t)
	for _, c := range []struct {
		typ  libbpf.ProgramType
		id   libbpf.HelperID
		want bool
	}{
		{libbpf.ProgramTypeXDP, libbpf.HelperMapLookupElem, true},
		{libbpf.ProgramTypeXDP, libbpf.HelperXDPAdjustHead, true},
		{libbpf.ProgramTypeXDP, libbpf.HelperKtimeGetNS, true},
		{libbpf.ProgramTypeXDP, libbpf.HelperSKBStoreBytes, false},
		{libbpf.ProgramTypeSchedCls, libbpf.HelperSKBStoreBytes, true},
		{libbpf.ProgramTypeSchedCls, libbpf.HelperXDPAdjustHead, false},
		{libbpf.ProgramTypeRawTracepoint, libbpf.HelperGetStackID, true},
		{libbpf.ProgramTypeXDP, libbpf.HelperID(100_000), false},
	} {
		needs.ProgramType(t, c.typ)
		got, err := libbpf.HelperSupported(c.typ, c.id)
		check(t, err)
		if got != c.want {
			t.Errorf("%s in %s: %t", c.id, c.typ, got)
		}
	}
	_, err := libbpf.HelperSupported(libbpf.ProgramTypeStructOps, libbpf.HelperMapLookupElem)
	wantErr(t, err, errors.ErrUnsupported)
}

// A process that may not try gets an error, and no answer.
func TestFeaturesUnprivileged(t *testing.T) {
	if os.Getenv("LIBBPF_GO_UNPRIVILEGED") == "" {
		testutil.Root(t)
		runUnprivileged(t, "TestFeaturesUnprivileged")
		return
	}
	_, err := libbpf.ProgramTypeXDP.IsSupported()
	wantErr(t, err, os.ErrPermission)
	_, err = libbpf.MapTypeLRUHash.IsSupported()
	wantErr(t, err, os.ErrPermission)
	_, err = libbpf.HelperSupported(libbpf.ProgramTypeXDP, libbpf.HelperMapLookupElem)
	wantErr(t, err, os.ErrPermission)
}

// The kernel's own list of helpers has the same numbers.
func TestHelperIDs(t *testing.T) {
	for _, v := range kernelEnum(t, "bpf_func_id") {
		if name, ok := strings.CutPrefix(v.Name, "BPF_FUNC_"); ok && libbpf.HelperID(v.Value).String() != name {
			t.Errorf("helper %d is %q, want %q", v.Value, libbpf.HelperID(v.Value), name)
		}
	}
	if got := libbpf.HelperID(1000).String(); got != "helper(1000)" {
		t.Errorf("helper 1000 is %q", got)
	}
}

func TestLinkTypes(t *testing.T) {
	for _, v := range kernelEnum(t, "bpf_link_type") {
		name, ok := strings.CutPrefix(v.Name, "BPF_LINK_TYPE_")
		if ok && v.Value <= int64(libbpf.LinkTypeSockMap) && libbpf.LinkType(v.Value).String() != strings.ToLower(name) {
			t.Errorf("link type %d is %q, want %q", v.Value, libbpf.LinkType(v.Value), strings.ToLower(name))
		}
	}
	if got := libbpf.LinkType(1000).String(); got != "link_type(1000)" {
		t.Errorf("link type 1000 is %q", got)
	}
}
