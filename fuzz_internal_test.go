package libbpf

import (
	"testing"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/mutate"
)

// Damaged types have integers without a size. FuzzOpenMemory found that setting such a variable panicked.
func TestIntegerWithoutSize(t *testing.T) {
	_, err := encodeInteger(&btf.Int{}, 0, false, 1)
	testutil.WantErr(t, err, ErrInvalid)
}

// FuzzFDInfo reads any text as that of a map's or a program's descriptor.
func FuzzFDInfo(f *testing.F) {
	f.Add("pos:\t0\nflags:\t02000002\nmap_type:\t1\nkey_size:\t4\nvalue_size:\t8\nmax_entries:\t10\nmemlock:\t4096\nfrozen:\t0\n")
	f.Add("prog_type:\t1\nprog_jited:\t1\nmemlock:\t4096\nrun_time_ns:\t18446744073709551615\nverified_insns:\t2\n")
	f.Add(":\nmap_type\nmap_type:\nmap_id:-1\n")
	f.Fuzz(mutate.Target(f, 1, func(t *testing.T, text string) {
		of, err := parseMapFDInfo(text, nil)
		mutate.Ended(err)
		if again, failed := parseMapFDInfo(text+"\n", nil); err == nil && (failed != nil || again != of) {
			t.Errorf("with an empty line it is %+v, not %+v: %v", again, of, failed)
		}
		info, err := parseProgramFDInfo(text, nil)
		mutate.Ended(err)
		if info.RunTime < 0 {
			t.Errorf("a run time of %v", info.RunTime)
		}
	}))
}

// FuzzCPUs reads any text as a list of CPUs. It may come from a container's own /sys.
func FuzzCPUs(f *testing.F) {
	for _, list := range []string{"0-3,8\n", "0", "", "5-2", "0-4294967295", "-1", "0-65535"} {
		f.Add(list)
	}
	f.Fuzz(mutate.Target(f, 1, func(t *testing.T, list string) {
		cpus, err := parseCPUs(list)
		mutate.Ended(err)
		if err != nil && cpus != nil {
			t.Errorf("%d CPUs beside %v", len(cpus), err)
		}
		for _, cpu := range cpus {
			if cpu < 0 || cpu > maxCPU {
				t.Errorf("CPU %d", cpu)
			}
		}
		if len(cpus) > 1+maxCPU {
			t.Errorf("%d CPUs", len(cpus))
		}
	}))
}
