// Package needs finds out which features that an object needs are missing in the running kernel. It tries each hook
// with the smallest program, and each map type with the smallest map. It is for tests of features that some kernels
// lack.
package needs

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// ToLoad skips the test if the kernel refuses the hook of one of the object's programs, or the type of one of its maps.
// It ignores programs and maps that the object will not load.
func ToLoad(t testing.TB, o *libbpf.OpenObject) {
	t.Helper()
	testutil.Root(t)
	feature, cause, err := missing(o)
	if err != nil {
		t.Fatal(err)
	}
	if cause != nil {
		testutil.Skip(t, feature, cause)
	}
}

// ToLoadFile is ToLoad for an object file.
func ToLoadFile(t testing.TB, path string) {
	t.Helper()
	o, err := libbpf.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	ToLoad(t, o)
}

// Load loads one of the objects in the bpf folder for the time of the test, if the kernel has what it needs: all its
// programs or, if some are named, only these.
func Load(t testing.TB, object string, programs ...string) *libbpf.Object {
	t.Helper()
	open, err := libbpf.OpenFile(testutil.Object(t, object))
	testutil.Check(t, err)
	defer open.Close()
	for p := range open.Programs() {
		if len(programs) > 0 {
			testutil.Check(t, p.SetAutoload(slices.Contains(programs, p.Name())))
		}
	}
	ToLoad(t, open)
	o, err := open.Load()
	testutil.Check(t, err)
	t.Cleanup(func() { testutil.Check(t, o.Close()) })
	return o
}

// ProgramType skips the test if the kernel refuses programs of a type.
func ProgramType(t testing.TB, typ libbpf.ProgramType) {
	t.Helper()
	testutil.Root(t)
	if supported, err := typ.IsSupported(); err != nil || !supported {
		testutil.Skip(t, typ.String(), cmp.Or(err, errors.ErrUnsupported))
	}
}

// PerfEvents skips the test if the kernel refuses perf events, which perf buffers need.
func PerfEvents(t testing.TB) {
	t.Helper()
	testutil.Root(t)
	if err := perfEvents(); err != nil {
		testutil.Skip(t, "perf_event", err)
	}
}

var perfEvents = sync.OnceValue(func() error {
	fd, err := unix.PerfEventOpen(&unix.PerfEventAttr{
		Type: unix.PERF_TYPE_SOFTWARE, Config: unix.PERF_COUNT_SW_BPF_OUTPUT, Sample_type: unix.PERF_SAMPLE_RAW,
		Size: unix.PERF_ATTR_SIZE_VER5,
	}, -1, 0, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if err != nil {
		return err
	}
	return unix.Close(fd)
})

// Missing returns the first feature that an object file needs and the kernel lacks, and the error of the kernel. The
// cause is nil if the kernel has all features.
func Missing(path string) (feature string, cause error) {
	o, err := libbpf.OpenFile(path)
	if err != nil {
		return path, err
	}
	defer o.Close()
	feature, cause, err = missing(o)
	if err != nil {
		return path, err
	}
	return feature, cause
}

func missing(o *libbpf.OpenObject) (feature string, cause, err error) {
	for m := range o.Maps() {
		if created, err := m.Autocreate(); err != nil || !created {
			if err != nil {
				return "", nil, err
			}
			continue
		}
		typ, err := m.Type()
		if err != nil {
			return "", nil, err
		}
		switch supported, err := typ.IsSupported(); {
		case err != nil && testutil.Refused(err):
			return typ.String(), err, nil
		case err != nil:
			return "", nil, err
		case !supported:
			return typ.String(), errors.ErrUnsupported, nil
		case typ == libbpf.MapTypePerfEventArray && perfEvents() != nil:
			return "perf_event", perfEvents(), nil
		}
	}
	for p := range o.Programs() {
		h, loaded, err := hookOf(p)
		if err != nil {
			return "", nil, err
		}
		if !loaded {
			continue
		}
		if cause, err := h.refusal(); cause != nil || err != nil {
			return h.feature, cause, err
		}
	}
	return "", nil, nil
}

type hook struct {
	typ        libbpf.ProgramType
	attachType libbpf.ProgramAttachType
	sleepable  bool
	feature    string // the kind of section
	target     string // what in the kernel a tracing or LSM program is for
}

func hookOf(p *libbpf.OpenProgram) (h hook, loaded bool, err error) {
	if loaded, err = p.Autoload(); err != nil || !loaded {
		return hook{}, false, err
	}
	if h.typ, err = p.Type(); err != nil {
		return hook{}, false, err
	}
	if h.attachType, err = p.AttachType(); err != nil {
		return hook{}, false, err
	}
	section := strings.TrimPrefix(p.Section(), "?")
	kind, target, _ := strings.Cut(section, "/")
	h.feature, h.sleepable = strings.CutSuffix(kind, ".s")
	h.sleepable = h.sleepable || h.typ == libbpf.ProgramTypeSyscall
	if h.attachType == libbpf.AttachTypeTraceRawTP {
		target = "sys_enter" // other tracepoints are not probed
	}
	if h.typ == libbpf.ProgramTypeTracing || h.typ == libbpf.ProgramTypeLSM {
		h.target = target
	}
	return h, true, nil
}

// refusals caches the kernel's errors for the hooks that were tried.
var (
	mu       sync.Mutex
	refusals = make(map[hook]error)
)

// refusal returns the kernel's error for the hook, or nil if the kernel supports it.
func (h hook) refusal() (cause, err error) {
	switch {
	case h.typ == libbpf.ProgramTypeExt, h.typ == libbpf.ProgramTypeStructOps:
		return nil, nil // they need another program, or a struct
	case h.target == "" && (h.typ == libbpf.ProgramTypeTracing || h.typ == libbpf.ProgramTypeLSM):
		return nil, nil // the test sets it
	}
	mu.Lock()
	defer mu.Unlock()
	cause, tried := refusals[h]
	if tried {
		return cause, nil
	}
	path, err := testutil.FindObject("smallest")
	if err != nil {
		return nil, err
	}
	err = h.try(path)
	if err != nil && !testutil.Refused(err) {
		return nil, err
	}
	refusals[h] = err
	return err, nil
}

// try loads the smallest program for the hook, and attaches it if that needs nothing more.
func (h hook) try(path string) error {
	open, err := libbpf.OpenFile(path)
	if err != nil {
		return err
	}
	defer open.Close()
	smallest, err := open.Program("smallest")
	if err != nil {
		return err
	}
	if err := smallest.SetType(h.typ); err != nil {
		return err
	}
	if err := smallest.SetAttachType(h.attachType); err != nil {
		return err
	}
	if h.sleepable {
		if err := smallest.SetFlags(unix.BPF_F_SLEEPABLE); err != nil {
			return err
		}
	}
	if h.typ == libbpf.ProgramTypeTracing || h.typ == libbpf.ProgramTypeLSM {
		if err := smallest.SetAttachTarget(0, h.target); err != nil {
			return err
		}
	}
	o, err := open.Load()
	if err != nil {
		return err
	}
	defer o.Close()
	p, err := o.Program("smallest")
	if err != nil {
		return err
	}
	switch {
	case h.typ == libbpf.ProgramTypeRawTracepoint:
		_, err = p.AttachRawTracepoint("sys_enter", libbpf.RawTracepointOptions{})
	case h.attachType == libbpf.AttachTypeTraceRawTP:
		_, err = p.AttachTrace(libbpf.TraceOptions{})
	case h.attachType == libbpf.AttachTypeTraceIter && h.target == "task":
		_, err = p.AttachIter(libbpf.IterOptions{})
	}
	return err
}
