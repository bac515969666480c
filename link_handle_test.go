package libbpf_test

import (
	"testing"

	"github.com/libbpf-go/libbpf-go"
)

// openByFD returns a handle that knows only what the kernel reports about the program.
func openByFD(t *testing.T, p *libbpf.Program) *libbpf.ProgramHandle {
	t.Helper()
	h, err := libbpf.ProgramHandleFromFD(p.FD())
	check(t, err)
	t.Cleanup(func() { check(t, h.Close()) })
	return h
}

// Without the attach type, the kernel would attach a program for egress to ingress.
func TestHandleNeedsAttachType(t *testing.T) {
	p := newPlace(t)
	o := load(t, open(t, "cgroup"))
	h := openByFD(t, findProgram(t, o, "egress"))
	if _, known := h.AttachType(); known {
		t.Error("a program of which only the descriptor is known has an attach type")
	}
	_, err := h.AttachCgroup(p.fd(), libbpf.PlacementOptions{})
	wantErr(t, err, libbpf.ErrInvalid)
	check(t, h.SetAttachType(libbpf.AttachTypeCgroupInetEgress))
	link, err := h.AttachCgroup(p.fd(), libbpf.PlacementOptions{})
	check(t, err)
	defer link.Close()
	second, err := libbpf.ProgramHandleFrom(h)
	check(t, err)
	defer second.Close()
	if got, known := second.AttachType(); !known || got != libbpf.AttachTypeCgroupInetEgress {
		t.Errorf("a handle made of the handle has attach type %v, %t", got, known)
	}
	check(t, h.Close())
	wantErr(t, h.SetAttachType(0), libbpf.ErrClosed)
	wantErr(t, new(libbpf.ProgramHandle).SetAttachType(0), libbpf.ErrClosed)
}

// Types of programs with one attach type need none.
func TestHandleDerivesAttachType(t *testing.T) {
	s := newSteering(t)
	h := openByFD(t, findProgram(t, s.o, "lookup"))
	link, err := h.AttachNetns(s.net.FD())
	check(t, err)
	check(t, link.Close())
}

// A tracing program is attached to the function that it was loaded for. The handle needs the attach type only for the
// kernel's command with a cookie.
func TestHandleTracesWithoutAttachType(t *testing.T) {
	o, p := loadSeen(t, "tp_btf", "tracepoint", "on_btf_tracepoint", nil)
	h := openByFD(t, p)
	link, err := h.AttachTrace(libbpf.TraceOptions{})
	if err != nil {
		skipMissing(t, "tp_btf", err)
	}
	getpgid(t)
	if got := seen(t, o).hits; got != 1 {
		t.Errorf("%d hits, want 1", got)
	}
	check(t, link.Close())
	_, err = h.AttachTrace(libbpf.TraceOptions{Cookie: 1})
	wantErr(t, err, libbpf.ErrInvalid)
}

// A link of a handle is independent: Close of the object or of the handle does not close it.
func TestHandleLinkOutlivesObject(t *testing.T) {
	p := newPlace(t)
	o := load(t, open(t, "cgroup"))
	h := asHandle(t, findProgram(t, o, "egress"))
	link, err := h.AttachCgroup(p.fd(), libbpf.PlacementOptions{})
	check(t, err)
	defer link.Close()
	check(t, o.Close())
	check(t, h.(*libbpf.ProgramHandle).Close())
	_, err = link.Info()
	check(t, err)
}

func TestHandleTakesNoPattern(t *testing.T) {
	_, p := loadSeen(t, "kprobe.multi", "kprobe", "on_entries", nil)
	_, err := asHandle(t, p).AttachKprobeMulti(libbpf.KprobeMultiOptions{Pattern: "security_*"})
	wantErr(t, err, libbpf.ErrInvalid)
}
