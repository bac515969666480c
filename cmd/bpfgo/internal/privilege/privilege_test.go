package privilege

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/threads"
)

func TestMain(m *testing.M) { os.Exit(testutil.Main(m)) }

// without runs a function in a thread that has none of these capabilities in effect.
func without(t *testing.T, f func(), capabilities ...Capability) {
	t.Helper()
	testutil.Root(t)
	threads.Run(func() {
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var have [2]unix.CapUserData
		err := unix.Capget(&header, &have[0])
		for _, c := range capabilities {
			have[c/32].Effective &^= 1 << (c % 32)
		}
		if err = errors.Join(err, unix.Capset(&header, &have[0])); err == nil {
			f()
		} else {
			t.Error(err)
		}
	})
}

func TestLacks(t *testing.T) {
	for name, tt := range map[string]struct{ dropped, want []Capability }{
		"CAP_SYS_ADMIN includes what was split off it": {[]Capability{BPF, Perfmon, Syslog}, nil},
		"and nothing else":           {[]Capability{BPF, SysPtrace}, []Capability{SysPtrace}},
		"without it, they are apart": {[]Capability{SysAdmin, BPF}, []Capability{SysAdmin, BPF}},
	} {
		without(t, func() {
			got, err := Lacks(tt.dropped...)
			slices.Sort(got)
			if err != nil || !slices.Equal(got, tt.want) {
				t.Errorf("%s: %v, %v", name, got, err)
			}
		}, tt.dropped...)
	}
}

func TestExplain(t *testing.T) {
	denied := &libbpf.Error{Op: "load", Object: "an object", Err: unix.EPERM}
	without(t, func() {
		for err, want := range map[error]string{
			denied:                      "load an object: operation not permitted: the process lacks CAP_BPF",
			Need(denied, SysAdmin, BPF): "load an object: operation not permitted: the process lacks CAP_SYS_ADMIN and CAP_BPF",
			&fs.PathError{Op: "open", Path: "/f", Err: unix.EACCES}: "open /f: permission denied",
			os.ErrNotExist: "file does not exist",
		} {
			explained := Explain(err)
			if explained.Error() != want || errors.Is(explained, fs.ErrPermission) != errors.Is(err, fs.ErrPermission) {
				t.Errorf("%v, want %s", explained, want)
			}
		}
	}, SysAdmin, BPF)
	if Need(nil, BPF) != nil {
		t.Error("no error became one")
	}
	rejected := &libbpf.VerifierError{Err: unix.EACCES}
	if err := Need(rejected, BPF); err != error(rejected) || strings.Contains(Explain(err).Error(), "lacks") {
		t.Errorf("%v", Explain(err))
	}
}
