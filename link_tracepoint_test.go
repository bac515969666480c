package libbpf_test

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

func init() {
	addHooks(
		hook{
			name: "tracepoint", object: "tracepoint", program: "on_tracepoint", kind: "perf_event", hits: 1, act: getpgid,
			attach: func(t testing.TB, p *libbpf.Program, cookie uint64) (*libbpf.Link, error) {
				return p.AttachTracepoint("syscalls", "sys_enter_getpgid", libbpf.TracepointOptions{Cookie: cookie})
			},
		},
		hook{
			name: "tracepoint-section", feature: "tracepoint", object: "tracepoint", program: "on_getpgid", kind: "perf_event", hits: 1, act: getpgid,
			noCookie: true,
			attach: func(t testing.TB, p *libbpf.Program, _ uint64) (*libbpf.Link, error) {
				return p.Attach()
			},
		},
		hook{
			name: "raw_tp", object: "tracepoint", program: "on_raw_tracepoint", kind: "raw_tracepoint", hits: 1, act: getpgid,
			attachAny: func(_ testing.TB, p attacher, cookie uint64) (*libbpf.Link, error) {
				return p.AttachRawTracepoint("sys_enter", libbpf.RawTracepointOptions{Cookie: cookie})
			},
		},
		hook{
			name: "tp_btf", object: "tracepoint", program: "on_btf_tracepoint", kind: "raw_tracepoint", hits: 1, act: getpgid,
			attachAny: attachTrace,
		},
	)
}

func attachTrace(_ testing.TB, p attacher, cookie uint64) (*libbpf.Link, error) {
	return p.AttachTrace(libbpf.TraceOptions{Cookie: cookie})
}

// The programs see the system call's argument or number.
func TestTracepointValues(t *testing.T) {
	for _, c := range []struct {
		name, program string
		want          int64
		attach        func(*libbpf.Program) (*libbpf.Link, error)
	}{
		{"tracepoint", "on_tracepoint", int64(os.Getpid()), func(p *libbpf.Program) (*libbpf.Link, error) {
			return p.AttachTracepoint("syscalls", "sys_enter_getpgid", libbpf.TracepointOptions{})
		}},
		{"raw_tp", "on_raw_tracepoint", unix.SYS_GETPGID, func(p *libbpf.Program) (*libbpf.Link, error) {
			return p.AttachRawTracepoint("sys_enter", libbpf.RawTracepointOptions{})
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := attachOrSkip(t, c.name, "tracepoint", c.program, c.attach)
			getpgid(t)
			if got := seen(t, o); got.value != c.want {
				t.Errorf("saw %d, want %d", got.value, c.want)
			}
		})
	}
}

func TestTracepointErrors(t *testing.T) {
	testutil.Root(t)
	_, p := loadSeen(t, "tracepoint", "tracepoint", "on_tracepoint", nil)
	_, raw := loadSeen(t, "raw_tp", "tracepoint", "on_raw_tracepoint", nil)
	for _, c := range []struct {
		category, name string
		want           error
	}{
		{"", "sys_enter", libbpf.ErrInvalid},
		{"raw_syscalls", "", libbpf.ErrInvalid},
		{"raw_syscalls", "a\x00b", libbpf.ErrInvalid},
		{"raw_syscalls", "no_such_tracepoint", os.ErrNotExist},
	} {
		_, err := p.AttachTracepoint(c.category, c.name, libbpf.TracepointOptions{})
		wantErr(t, err, c.want)
		if c.category != "" {
			_, err = raw.AttachRawTracepoint(c.name, libbpf.RawTracepointOptions{})
			wantErr(t, err, c.want)
		}
	}
}
