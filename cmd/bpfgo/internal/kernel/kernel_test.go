package kernel

import (
	"os"
	"testing"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

func TestMain(m *testing.M) {
	libbpf.SetPrint(libbpf.PrintWarn, nil) // as in bpfgo
	os.Exit(testutil.Main(m))
}

func TestRunning(t *testing.T) {
	k := Running()
	defer k.Close()
	for what, tt := range map[string]struct{ got, want Answer }{
		"a tracepoint":         {k.RawTracepoint("sys_enter"), yes},
		"no tracepoint":        {k.RawTracepoint("no_such_tracepoint"), no("there is no such tracepoint")},
		"a function":           {k.Traced("do_exit"), yes},
		"no kfunc":             {k.Kfunc("no_such_function"), no("there is no such function")},
		"no symbol":            {k.Symbol("no_such_symbol"), no("there is no such symbol")},
		"no function":          {k.Function("no_such_function_*"), no("no function has such a name")},
		"no type of programs":  {k.ProgramType(9999), no("this version does not know it")},
		"no helper":            {k.Helper(libbpf.ProgramTypeXDP, 9999), no("this version does not know it")},
		"callbacks of nothing": {k.StructOps("nothing"), no("there is no such struct for BPF programs")},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: %+v, want %+v", what, tt.got, tt.want)
		}
	}
}

// Which of these helpers such programs may call is up to their attach type, which libbpf's probe does not know.
func TestHelperOfAttachType(t *testing.T) {
	testutil.Root(t)
	k := Running()
	defer k.Close()
	if answer := k.Helper(libbpf.ProgramTypeCgroupSockopt, libbpf.HelperSetsockopt); answer.State == No {
		t.Errorf("%+v", answer)
	}
}
