package libbpf

import (
	"errors"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/fault"
	"github.com/libbpf-go/libbpf-go/internal/handle"
)

// PerfEventOptions are the options for [Program.AttachPerfEvent] (struct bpf_perf_event_opts).
type PerfEventOptions struct {
	Cookie uint64 // what bpf_get_attach_cookie returns in the program (Linux 5.15)
	// ForceIoctl attaches as before Linux 5.15, without a link in the kernel (libbpf 1.2). There is no cookie, and the
	// event keeps the program until all descriptors of the event are closed.
	ForceIoctl bool
	// DontEnable leaves the event disabled; the caller enables it with PERF_EVENT_IOC_ENABLE (libbpf 1.7).
	DontEnable bool
}

func (o *PerfEventOptions) check() error {
	if o.ForceIoctl {
		if o.Cookie != 0 {
			return fault.Invalidf("a cookie needs a link, which ForceIoctl excludes")
		}
		if err := needs("bpf_program__attach_perf_event_opts with force_ioctl_attach", 1, 2); err != nil {
			return err
		}
	}
	if o.DontEnable {
		return needs("bpf_program__attach_perf_event_opts with dont_enable", 1, 7)
	}
	return nil
}

// AttachPerfEvent runs the program, of section "perf_event", when a perf event overflows, that is, takes a sample; and
// enables the event (bpf_program__attach_perf_event_opts). fd is what perf_event_open(2) returned. An event of a
// tracepoint, kprobe or uprobe takes a program of that kind.
//
// AttachPerfEvent duplicates fd. fd remains the caller's, who may close it at once, also after an error. Close of the
// link disables the event, even if a pin keeps the link; the caller can enable the event again through fd. The link
// belongs to the caller; Close of the object closes it too.
//
// errors.Is(err, unix.EBADF) when fd is not open, or is not a perf event's; kernels before 5.15 return unix.ENOTTY for
// the latter.
func (p *Program) AttachPerfEvent(fd int, opts PerfEventOptions) (*Link, error) {
	own := -1
	defer func() {
		if own >= 0 {
			_ = unix.Close(own)
		}
	}()
	return p.attach(aPerfEvent, func() (*cLink, error) {
		err := p.checkForPerfEvent(&opts)
		if err == nil {
			own, err = duplicate(fd)
		}
		if err != nil {
			return nil, err
		}
		link, errno := attachPerfEvent(p.ptr, own, &opts)
		if link != nil {
			own = -1 // the link owns it now
		}
		return link, errno
	})
}

// AttachPerfEvent is like [Program.AttachPerfEvent] (bpf_link_create). The result belongs to the caller.
func (p *ProgramHandle) AttachPerfEvent(fd int, opts PerfEventOptions) (*Link, error) {
	event := -1
	return p.attachWith(aPerfEvent, func(program int) (link int, err error) {
		if err := p.checkForPerfEvent(&opts); err != nil {
			return -1, err
		}
		if event, err = duplicate(fd); err != nil {
			return -1, err
		}
		if link, err = opts.link(program, event); err != nil {
			_ = unix.Close(event)
		}
		return link, err
	}, func(_ *handle.Handle, fd int, what string) (*Link, error) { return newPerfEventLink(fd, event, what) })
}

// link attaches a program to an event, and enables the event. It returns the link's descriptor, or the event's if the
// kernel makes no link, as libbpf does.
func (o *PerfEventOptions) link(program, event int) (link int, err error) {
	link = event
	if !o.ForceIoctl {
		link, err = linkFD(linkPerfEvent(program, event, o.Cookie))
		err = explainOld(err, "links of perf events", enumLinkType, uint32(LinkTypePerfEvent))
	}
	if o.ForceIoctl || o.Cookie == 0 && errors.Is(err, errors.ErrUnsupported) {
		link, err = event, unix.IoctlSetInt(event, unix.PERF_EVENT_IOC_SET_BPF, program)
	}
	if err == nil && !o.DontEnable {
		if err = unix.IoctlSetInt(event, unix.PERF_EVENT_IOC_ENABLE, 0); err != nil && link != event {
			_ = unix.Close(link)
		}
	}
	return link, err
}

const aPerfEvent = "a perf event"

// checkForPerfEvent checks what is to be attached to a perf event.
func (p *programCore) checkForPerfEvent(opts *PerfEventOptions) error {
	if err := p.checkType(aPerfEvent, ProgramTypePerfEvent, ProgramTypeKprobe, ProgramTypeTracepoint); err != nil {
		return err
	}
	return opts.check()
}
