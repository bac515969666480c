package libbpf

import (
	"fmt"

	"github.com/libbpf-go/libbpf-go/internal/fault"
	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// TCAttachPoint is the point on a network device where traffic control runs programs.
type TCAttachPoint uint32

// The points. TCIngress and TCEgress may be combined for Create and Destroy.
const (
	TCIngress TCAttachPoint = 1 << 0 // incoming packets (BPF_TC_INGRESS)
	TCEgress  TCAttachPoint = 1 << 1 // outgoing packets (BPF_TC_EGRESS)
	TCCustom  TCAttachPoint = 1 << 2 // an existing class or queueing discipline, TCHook.Parent (BPF_TC_CUSTOM)
	TCQdisc   TCAttachPoint = 1 << 3 // a queueing discipline of the kind TCHook.Qdisc (BPF_TC_QDISC, libbpf 1.6)
)

// String returns names such as "ingress|egress".
func (p TCAttachPoint) String() string {
	return flagsText(uint64(p), "ingress", "egress", "custom", "qdisc")
}

// The handles of classes and queueing disciplines that have names (linux/pkt_sched.h).
const (
	TCHandleRoot       uint32 = 0xffffffff // the device's root queueing discipline (TC_H_ROOT)
	TCHandleIngress    uint32 = 0xfffffff1 // TC_H_INGRESS
	TCHandleClsact     uint32 = 0xfffffff1 // TC_H_CLSACT
	TCHandleMinIngress uint32 = 0xfff2     // the minor number of clsact for incoming packets (TC_H_MIN_INGRESS)
	TCHandleMinEgress  uint32 = 0xfff3     // the minor number of clsact for outgoing packets (TC_H_MIN_EGRESS)
)

// TCHandle returns the handle that the tc command writes as major:minor, of a class or a queueing discipline
// (BPF_TC_PARENT). The minor number of a queueing discipline is 0.
func TCHandle(major, minor uint16) uint32 { return uint32(major)<<16 | uint32(minor) }

// TCHook is a place for traffic control programs (type sched_cls) on a network device, over netlink.
//
// Nobody owns what a TCHook attaches. It survives Close of the object and the end of the process, until somebody
// detaches it, destroys the hook, or removes the device. So detach what you attach. TCIngress and TCEgress belong to
// the clsact queueing discipline, which all users of traffic control on the device share. Do not destroy it if Create
// returned os.ErrExist:
//
//	hook := libbpf.TCHook{IfIndex: iface.Index, AttachPoint: libbpf.TCIngress}
//	if err := hook.Create(); err != nil && !errors.Is(err, os.ErrExist) {
//		return err
//	}
//	filter, err := hook.Attach(prog, libbpf.TCOptions{})
//	if err != nil {
//		return err
//	}
//	defer hook.Detach(filter.Handle, filter.Priority)
//
// To have the program detached automatically, use [Program.AttachTCX], on Linux 6.6 or newer.
//
// All methods except Query need CAP_NET_ADMIN. All act on the network namespace of the calling thread: a goroutine that
// changed to another one must have called runtime.LockOSThread before. errors.Is(err, unix.ENODEV) when there is no
// such device.
type TCHook struct {
	IfIndex     int
	AttachPoint TCAttachPoint
	// Parent is, for TCCustom, the handle that the program is attached to; for TCQdisc, the handle that the queueing
	// discipline is attached to, such as TCHandleRoot.
	Parent uint32
	// Qdisc is, for TCQdisc, the kind of queueing discipline that Create makes, such as "fq" or the name of a BPF
	// struct_ops. QdiscHandle is its handle; with 0 the kernel chooses one.
	Qdisc       string
	QdiscHandle uint32
}

// Create creates what programs are attached to: the clsact queueing discipline for TCIngress, TCEgress or both, or the
// queueing discipline that the hook describes for TCQdisc (bpf_tc_hook_create, Linux 4.5).
//
// errors.Is(err, os.ErrExist) when it exists already; most callers ignore that. A caller that gets no error created it,
// and may destroy it. For TCCustom there is nothing to create: errors.Is(err, [errors.ErrUnsupported]).
func (h TCHook) Create() error {
	return h.call("create", func(hook *cTCHook) error {
		return clib.FromRet(int(createTCHook(hook)))
	})
}

// Destroy detaches all traffic control programs from TCIngress or TCEgress, no matter who attached them. With both, or
// for TCQdisc, it removes the queueing discipline and all that is attached to it (bpf_tc_hook_destroy). When there is
// none, errors.Is(err, unix.EINVAL) or errors.Is(err, os.ErrNotExist), depending on the kernel's version.
func (h TCHook) Destroy() error {
	return h.call("destroy", func(hook *cTCHook) error {
		return clib.FromRet(int(destroyTCHook(hook)))
	})
}

// TCOptions are for [TCHook.Attach]. The zero value is the default: the kernel chooses handle and priority.
type TCOptions struct {
	Handle   uint32 // distinguishes programs of the same priority
	Priority uint16 // the lowest runs first
	// Replace replaces the program that has this handle and priority, if there is one, atomically: one of the two is
	// attached at any time.
	Replace bool
}

// TCFilter is a program that is attached to a [TCHook]. Handle and Priority identify it there.
type TCFilter struct {
	Handle    uint32
	Priority  uint16
	ProgramID uint32
}

// Attach attaches a program to one hook, TCIngress, TCEgress or TCCustom (bpf_tc_attach), for all protocols. It returns
// the program's handle and priority. The program's return value decides what happens to the packet ("direct action").
//
// errors.Is(err, os.ErrExist) when another program has the handle and priority. When the hook was not created,
// errors.Is(err, unix.EINVAL) or errors.Is(err, os.ErrNotExist), depending on the kernel's version.
func (h TCHook) Attach(p ProgramCore, opts TCOptions) (TCFilter, error) {
	const op = "attach"
	var filter TCFilter
	object := fmt.Sprintf("%s to %s", programCoreOf(p).String(), h)
	err := useProgram(op, object, p, func(fd int) error {
		return h.callFor(op, object, func(hook *cTCHook) error {
			if err := p.core().checkType("traffic control", ProgramTypeSchedCls); err != nil {
				return err
			}
			if err := h.checkOne(); err != nil {
				return err
			}
			return clib.FromRet(int(attachTC(hook, fd, opts, &filter)))
		})
	})
	return filter, err
}

// Query returns the program that is attached with this handle and priority (bpf_tc_query). errors.Is(err,
// os.ErrNotExist) when there is none. When the hook was not created, errors.Is(err, unix.EINVAL) or errors.Is(err,
// os.ErrNotExist), depending on the kernel's version.
func (h TCHook) Query(handle uint32, priority uint16) (TCFilter, error) {
	var filter TCFilter
	err := h.call("query", func(hook *cTCHook) error {
		if err := h.checkFilter(handle, priority); err != nil {
			return err
		}
		return clib.FromRet(int(queryTC(hook, handle, priority, &filter)))
	})
	return filter, err
}

// Detach detaches the program with this handle and priority, no matter who attached it (bpf_tc_detach). Errors are as
// for Query.
func (h TCHook) Detach(handle uint32, priority uint16) error {
	return h.call("detach from", func(hook *cTCHook) error {
		if err := h.checkFilter(handle, priority); err != nil {
			return err
		}
		return clib.FromRet(int(detachTC(hook, handle, priority)))
	})
}

// String returns names such as "tc ingress of device 3".
func (h TCHook) String() string {
	var point string
	switch h.AttachPoint {
	case TCIngress:
		point = "ingress"
	case TCEgress:
		point = "egress"
	case TCIngress | TCEgress:
		point = "ingress and egress"
	case TCCustom:
		point = fmt.Sprintf("parent %x:%x", h.Parent>>16, h.Parent&0xffff)
	case TCQdisc:
		point = fmt.Sprintf("qdisc %q", h.Qdisc)
	default:
		point = fmt.Sprintf("point %#x", uint32(h.AttachPoint))
	}
	return fmt.Sprintf("tc %s of device %d", point, h.IfIndex)
}

func (h TCHook) call(op string, f func(*cTCHook) error) error {
	return h.callFor(op, h.String(), f)
}

func (h TCHook) callFor(op, object string, f func(*cTCHook) error) error {
	var c cArgs
	defer c.Free()
	return call(op, object, func() error {
		if err := h.check(); err != nil {
			return err
		}
		qdisc := c.Optional("queueing discipline", h.Qdisc)
		if c.Err != nil {
			return c.Err
		}
		return f(tcHook(h, qdisc))
	})
}

func (h TCHook) check() error {
	switch h.AttachPoint {
	case TCIngress, TCEgress, TCIngress | TCEgress:
		if h.Parent != 0 {
			return fault.Invalidf("TCIngress and TCEgress have a fixed parent: Parent must be 0")
		}
	case TCCustom:
		if h.Parent == 0 {
			return fault.Invalidf("TCCustom needs a Parent, the handle of a class or queueing discipline")
		}
	case TCQdisc:
		if err := needs("bpf_tc_hook_create with a queueing discipline", 1, 6); err != nil {
			return err
		}
		if h.Qdisc == "" || h.Parent == 0 {
			return fault.Invalidf("TCQdisc needs a Qdisc, such as \"fq\", and a Parent, such as TCHandleRoot")
		}
	default:
		return fault.Invalidf("%#x is not an attach point: TCIngress, TCEgress, both, TCCustom or TCQdisc",
			uint32(h.AttachPoint))
	}
	if h.AttachPoint != TCQdisc && (h.Qdisc != "" || h.QdiscHandle != 0) {
		return fault.Invalidf("Qdisc and QdiscHandle are for TCQdisc, and must be empty")
	}
	return checkIfIndex(h.IfIndex)
}

// checkOne checks that programs can be attached to the hook.
func (h TCHook) checkOne() error {
	if h.AttachPoint != TCIngress && h.AttachPoint != TCEgress && h.AttachPoint != TCCustom {
		return fault.Invalidf("a program is attached to one of TCIngress, TCEgress and TCCustom")
	}
	return nil
}

func (h TCHook) checkFilter(handle uint32, priority uint16) error {
	if handle == 0 || priority == 0 {
		return fault.Invalidf("an attached program has a handle and a priority above 0, not %d and %d", handle, priority)
	}
	return h.checkOne()
}
