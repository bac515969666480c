package libbpf_test

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
)

func init() {
	trace := func(name, program string, hits uint64) hook {
		return hook{
			name: name, feature: "fentry", object: "tracing", program: program, kind: "tracing", hits: hits, act: getpgid,
			attachAny: attachTrace,
		}
	}
	session := trace("fsession", "on_fsession", 2)
	session.feature = ""
	section := trace("fentry-section", "on_fentry", 1)
	section.noCookie = true
	section.attachAny = nil
	section.attach = func(_ testing.TB, p *libbpf.Program, _ uint64) (*libbpf.Link, error) { return p.Attach() }
	addHooks(
		trace("fentry", "on_fentry", 1),
		trace("fexit", "on_fexit", 1),
		trace("fmod_ret", "on_fmod_ret", 1),
		session,
		section,
		hook{
			name: "lsm", object: "tracing", program: "on_lsm", kind: "tracing", hits: 1, act: getpgid,
			attachAny: attachLSM,
		},
		hook{
			name: "freplace", object: "freplace", program: "replacement", kind: "tracing", hits: 1, act: getpgid,
			noCookie: true,
			prepare: func(t testing.TB, o *libbpf.OpenObject) {
				_, target := loadReplaceable(t)
				setReplaced(t, o, target)
			},
			attachAny: func(_ testing.TB, p attacher, _ uint64) (*libbpf.Link, error) {
				return p.AttachFreplace(nil, "")
			},
		},
	)
}

func attachLSM(_ testing.TB, p attacher, cookie uint64) (*libbpf.Link, error) {
	return p.AttachLSM(libbpf.TraceOptions{Cookie: cookie})
}

// loadReplaceable loads and attaches a program with a replaceable function.
func loadReplaceable(t testing.TB) (*libbpf.Object, *libbpf.Program) {
	t.Helper()
	o, p := loadSeen(t, "raw_tp", "freplace", "replaced", nil)
	_, err := p.Attach()
	check(t, err)
	return o, p
}

func setReplaced(t testing.TB, o *libbpf.OpenObject, target *libbpf.Program) {
	t.Helper()
	p, err := o.Program("replacement")
	check(t, err)
	check(t, p.SetAttachTarget(target.FD(), "replaceable"))
}

// Load needs the target program, even if its descriptor is closed by then.
func TestAttachTargetIsKept(t *testing.T) {
	target, p := loadSeen(t, "raw_tp", "freplace", "replaced", nil)
	info, err := p.Info(0)
	check(t, err)
	o := open(t, "freplace")
	setReplaced(t, o, p)
	check(t, target.Close())
	kept, err := libbpf.ProgramHandleFromID(info.ID)
	check(t, err)
	check(t, kept.Close())
	check(t, o.Close())
	_, err = libbpf.ProgramHandleFromID(info.ID)
	wantErr(t, err, os.ErrNotExist)
}

// fmod_ret and LSM programs set the result of the system call.
func TestModifyReturn(t *testing.T) {
	for _, c := range []struct {
		feature, program string
		attach           func(testing.TB, attacher, uint64) (*libbpf.Link, error)
	}{
		{"fentry", "on_fmod_ret", attachTrace},
		{"lsm", "on_lsm", attachLSM},
	} {
		t.Run(c.program, func(t *testing.T) {
			_, p := loadSeen(t, c.feature, "tracing", c.program, nil)
			link, err := c.attach(t, p, 0)
			if err != nil {
				skipMissing(t, c.feature, err)
			}
			_, err = unix.Getpgid(os.Getpid())
			wantErr(t, err, unix.EPERM)
			check(t, link.Close())
			_, err = unix.Getpgid(os.Getpid())
			check(t, err)
		})
	}
}

// A replacement goes to the function that it was loaded for, or into another program with such a function.
func TestFreplace(t *testing.T) {
	const feature = "freplace"
	first, firstProgram := loadReplaceable(t)
	second, secondProgram := loadReplaceable(t)
	_, p := loadSeen(t, feature, "freplace", "replacement", func(o *libbpf.OpenObject) { setReplaced(t, o, firstProgram) })
	want := func(a, b int64) {
		t.Helper()
		getpgid(t)
		if gotA, gotB := seen(t, first).value, seen(t, second).value; gotA != a || gotB != b {
			t.Errorf("the functions were called %d and %d times, want %d and %d", gotA, gotB, a, b)
		}
	}
	want(1, 1)
	link, err := p.AttachFreplace(nil, "")
	if err != nil {
		skipMissing(t, feature, err)
	}
	want(0, 1)
	check(t, link.Close())
	want(1, 1)
	handle, err := libbpf.ProgramHandleFrom(secondProgram)
	check(t, err)
	defer handle.Close()
	link, err = p.AttachFreplace(handle, "replaceable")
	if err != nil {
		skipMissing(t, feature+"-target", err)
	}
	want(1, 0)
	check(t, link.Close())
	want(1, 1)

	for function, want := range map[string]error{
		"":                 libbpf.ErrInvalid,
		"replaceable\x00":  libbpf.ErrInvalid,
		"no_such_function": os.ErrNotExist,
	} {
		_, err := p.AttachFreplace(secondProgram, function)
		wantErr(t, err, want)
	}
	_, err = p.AttachFreplace(nil, "replaceable")
	wantErr(t, err, libbpf.ErrInvalid)
	check(t, second.Close())
	_, err = p.AttachFreplace(secondProgram, "replaceable")
	wantErr(t, err, libbpf.ErrClosed)
}
