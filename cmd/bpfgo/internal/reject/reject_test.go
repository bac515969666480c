package reject

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
)

const statistics = `verification time 53 usec
stack depth 0 max 0
insns processed 3
processed 3 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0
`

func TestRead(t *testing.T) {
	for name, tt := range map[string]struct {
		log                     string
		reason, source, meaning string
	}{
		"with a file": {
			"arg#0 reference type('UNKNOWN ') size cannot be determined: -22\n0: R1=ctx() R10=fp0\n" +
				"; return *p; @ dir/prog.c:15\n0: (85) call bpf_get_prandom_u32#7    ; R0=scalar()\n" +
				"2: (61) r0 = *(u32 *)(r1 +0)\nR1 invalid mem access 'scalar'\n",
			"R1 invalid mem access 'scalar'", "dir/prog.c:15: return *p;", "BPF_CORE_READ",
		},
		"without": {
			"; return *p;\n2: (61) r0 = *(u32 *)(r1 +0)\nR1 invalid mem access 'inv'\n",
			"R1 invalid mem access 'inv'", "return *p;", "BPF_CORE_READ",
		},
		"two lines, no source": {
			"15: (71) r0 = *(u8 *)(r0 +0)\ninvalid access to map value, value_size=8 off=255 size=1\n" +
				"R0 max value is outside of the allowed memory range\n",
			"invalid access to map value, value_size=8 off=255 size=1; R0 max value is outside of the allowed memory range", "",
			"check the index",
		},
		"a whole chain": {
			"Func#4 ('f3') is safe for any args that match its prototype\ncombined stack size of 3 calls is 544. Too large\n",
			"combined stack size of 3 calls is 544. Too large", "", "per-CPU array",
		},
		"a state": {
			"; x @ a.c:1\n6: (07) r1 += 1\n7: R0=scalar() R1=fp-8\nBPF program is too large. Processed 1000001 insn\n",
			"BPF program is too large. Processed 1000001 insn", "a.c:1: x", "bpf_loop",
		},
		"empty": {"", "", "", ""},
	} {
		r := Read(tt.log + statistics)
		source := ""
		if r.Source != nil {
			source = r.Source.String()
		}
		if r.Reason != tt.reason || source != tt.source || !strings.Contains(r.Explanation, tt.meaning) ||
			r.Explanation != "" && tt.meaning == "" {
			t.Errorf("%s: %+v, source %q", name, r, source)
		}
		if slices.ContainsFunc(r.End, func(l string) bool { return strings.HasPrefix(l, "processed") }) || r.End == nil {
			t.Errorf("%s: the end is %q", name, r.End)
		}
	}
}

func TestExplain(t *testing.T) {
	for message, want := range map[string]string{
		"R0 invalid mem access 'map_value_or_null'":                           "NULL",
		"invalid access to packet, off=14 size=1, R2(id=0,off=14,r=14)":       "data_end",
		"R2 unbounded memory access, make sure to bounds check":               "upper bound",
		"back-edge from insn 12 to 3":                                         "bpf_loop",
		"infinite loop detected at insn 5":                                    "bpf_loop",
		"R0 !read_ok":                                                         "return one",
		"R3 !read_ok":                                                         "no value here",
		"Unreleased reference id=2 alloc_insn=4":                              "released on each path",
		"program of this type cannot use helper bpf_redirect#23":              "can't call this helper",
		"unknown func bpf_loop#181":                                           "can't call this helper",
		"invalid func unknown#195896080":                                      "bpf_core_field_exists",
		"cannot call GPL-restricted function from non-GPL compatible program": "GPL",
		"nothing that anybody knows":                                          "",
	} {
		got := Explain(message)
		if !strings.Contains(got, want) || (got == "") != (want == "") {
			t.Errorf("%s: %q", message, got)
		}
	}
}

func TestDescribe(t *testing.T) {
	err := error(&libbpf.VerifierError{
		Program: "p", Err: unix.EACCES,
		Log: "; return *p; @ a/b.c:15\n2: (61) r0 = *(u32 *)(r1 +0)\nR1 leaks addr into map\n" + statistics,
	})
	got := Describe(fmt.Errorf("load: %w", err))
	const want = "R1 leaks addr into map (at b.c:15: return *p;); a program may not store or return the address"
	if !strings.Contains(got.Error(), want) || !errors.Is(got, unix.EACCES) {
		t.Errorf("%q, want %q", got, want)
	}
	if err := errors.New("other"); Describe(err) != err {
		t.Error(Describe(err))
	}
}
