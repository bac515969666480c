package libbpf

/*
#include <bpf/libbpf.h>

// Older versions have no kinds of queueing disciplines but clsact, and Go does not ask for any.
static void lbg_set_qdisc(struct bpf_tc_hook *hook, const char *kind, __u32 handle)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 6
	hook->qdisc = kind;
	hook->handle = handle;
#else
	(void)hook;
	(void)kind;
	(void)handle;
#endif
}
*/
import "C"

import (
	"fmt"

	"github.com/libbpf-go/libbpf-go/internal/fault"
	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// TCAttachPoint is where on a network device traffic control runs programs.
type TCAttachPoint uint32

// The points. TCIngress and TCEgress may be combined for Create and Destroy.
const (
	TCIngress TCAttachPoint = 1 << 0 // what comes in (BPF_TC_INGRESS)
	TCEgress  TCAttachPoint = 1 << 1 // what leaves (BPF_TC_EGRESS)
	TCCustom  TCAttachPoint = 1 << 2 // a class or queueing discipline that is there: TCHook.Parent (BPF_TC_CUSTOM)
	TCQdisc   TCAttachPoint = 1 << 3 // a queueing discipline of a kind of one's own (BPF_TC_QDISC, libbpf 1.6)
)

// String is such as "ingress|egress".
func (p TCAttachPoint) String() string {
	return flagsText(uint64(p), "ingress", "egress", "custom", "qdisc")
}

// The handles of classes and queueing disciplines that have names (linux/pkt_sched.h).
const (
	TCHandleRoot       uint32 = 0xffffffff // the device's root queueing discipline (TC_H_ROOT)
	TCHandleIngress    uint32 = 0xfffffff1 // TC_H_INGRESS
	TCHandleClsact     uint32 = 0xfffffff1 // TC_H_CLSACT
	TCHandleMinIngress uint32 = 0xfff2     // its minor number for what comes in (TC_H_MIN_INGRESS)
	TCHandleMinEgress  uint32 = 0xfff3     // its minor number for what leaves (TC_H_MIN_EGRESS)
)

// TCHandle is the handle of a class or queueing discipline that tc writes as major:minor (BPF_TC_PARENT). The minor number
// of a queueing discipline is 0.
func TCHandle(major, minor uint16) uint32 { return uint32(major)<<16 | uint32(minor) }

// TCHook is a place for programs of traffic control (type sched_cls) on a network device, over netlink.
//
// Nobody owns what a TCHook attaches. It survives Close of the object and the end of the process, until somebody detaches
// it, destroys the hook, or removes the device: what attaches a program has to see to that. The clsact queueing
// discipline, which the hooks TCIngress and TCEgress belong to, is shared with everybody else who uses traffic control
// on the device, so it should be left in place by who found it there:
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
// Who wants the program to be detached by itself takes [Program.AttachTCX], where the kernel is 6.6 or newer.
//
// All methods need CAP_NET_ADMIN, except Query, and act on the network namespace of the calling thread: a goroutine that
// changed to another one must have called runtime.LockOSThread before. errors.Is(err, unix.ENODEV) when there is no such
// device.
type TCHook struct {
	IfIndex     int
	AttachPoint TCAttachPoint
	// Parent is the handle of what the program, or the queueing discipline, is attached to: for TCCustom, and for
	// TCQdisc, such as TCHandleRoot.
	Parent uint32
	// Qdisc is the kind of queueing discipline that Create makes, such as "fq" or one that is a struct_ops of BPF, and
	// QdiscHandle its handle, 0 for one that the kernel chooses: for TCQdisc.
	Qdisc       string
	QdiscHandle uint32
}

// Create makes the hook exist, which programs can be attached to: the clsact queueing discipline with both TCIngress and
// TCEgress, or for TCQdisc the one that is described (bpf_tc_hook_create, Linux 4.5).
//
// errors.Is(err, os.ErrExist) when it is there already, which nearly everybody will ignore; who gets no error made it,
// and may destroy it. There is nothing to create for TCCustom: errors.Is(err, [errors.ErrUnsupported]).
func (h TCHook) Create() error {
	return h.call("create", func(hook *C.struct_bpf_tc_hook) error {
		return clib.FromRet(int(C.bpf_tc_hook_create(hook)))
	})
}

// Destroy detaches all programs of traffic control from TCIngress or TCEgress, whoever attached them. With both of them,
// or for TCQdisc, it removes the queueing discipline and all that is attached to it (bpf_tc_hook_destroy).
// errors.Is(err, unix.EINVAL) or errors.Is(err, os.ErrNotExist), by the kernel's version, when there is none.
func (h TCHook) Destroy() error {
	return h.call("destroy", func(hook *C.struct_bpf_tc_hook) error {
		return clib.FromRet(int(C.bpf_tc_hook_destroy(hook)))
	})
}

// TCOptions are for [TCHook.Attach]. The zero value is the default: the kernel chooses handle and priority.
type TCOptions struct {
	Handle   uint32 // tells programs of the same priority apart
	Priority uint16 // the lowest runs first
	// Replace puts the program in the place of the one with this handle and priority, if there is one, without a moment
	// in which none is attached.
	Replace bool
}

// TCFilter is a program that is attached to a [TCHook]: handle and priority identify it there.
type TCFilter struct {
	Handle    uint32
	Priority  uint16
	ProgramID uint32
}

// Attach attaches a program to one hook, TCIngress, TCEgress or TCCustom, and tells with which handle and priority
// (bpf_tc_attach). The program decides itself what becomes of the packet ("direct action"), for all protocols.
//
// errors.Is(err, os.ErrExist) when handle and priority are taken; errors.Is(err, unix.EINVAL) or
// errors.Is(err, os.ErrNotExist), by the kernel's version, when the hook was not created.
func (h TCHook) Attach(p ProgramCore, opts TCOptions) (TCFilter, error) {
	const op = "attach"
	var filter TCFilter
	object := fmt.Sprintf("%s to %s", programCoreOf(p).String(), h)
	err := useProgram(op, object, p, func(fd int) error {
		return h.callFor(op, object, func(hook *C.struct_bpf_tc_hook) error {
			if err := p.core().checkType("traffic control", ProgramTypeSchedCls); err != nil {
				return err
			}
			if err := h.checkOne(); err != nil {
				return err
			}
			o := tcOpts(opts.Handle, opts.Priority)
			o.prog_fd = C.int(fd)
			if opts.Replace {
				o.flags = C.BPF_TC_F_REPLACE
			}
			if err := clib.FromRet(int(C.bpf_tc_attach(hook, &o))); err != nil {
				return err
			}
			filter = tcFilter(&o)
			return nil
		})
	})
	return filter, err
}

// Query tells which program is attached with this handle and priority (bpf_tc_query). errors.Is(err, os.ErrNotExist) when
// there is none, or errors.Is(err, unix.EINVAL), by the kernel's version, when the hook was not even created.
func (h TCHook) Query(handle uint32, priority uint16) (TCFilter, error) {
	var filter TCFilter
	err := h.call("query", func(hook *C.struct_bpf_tc_hook) error {
		if err := h.checkFilter(handle, priority); err != nil {
			return err
		}
		o := tcOpts(handle, priority)
		if err := clib.FromRet(int(C.bpf_tc_query(hook, &o))); err != nil {
			return err
		}
		filter = tcFilter(&o)
		return nil
	})
	return filter, err
}

// Detach detaches the program with this handle and priority, whoever attached it (bpf_tc_detach). Errors are as those of
// Query.
func (h TCHook) Detach(handle uint32, priority uint16) error {
	return h.call("detach from", func(hook *C.struct_bpf_tc_hook) error {
		if err := h.checkFilter(handle, priority); err != nil {
			return err
		}
		o := tcOpts(handle, priority)
		return clib.FromRet(int(C.bpf_tc_detach(hook, &o)))
	})
}

// String is such as "tc ingress of device 3".
func (h TCHook) String() string {
	point := ""
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

func (h TCHook) call(op string, f func(*C.struct_bpf_tc_hook) error) error {
	return h.callFor(op, h.String(), f)
}

func (h TCHook) callFor(op, object string, f func(*C.struct_bpf_tc_hook) error) error {
	var c cArgs
	defer c.Free()
	hook := C.struct_bpf_tc_hook{
		sz: C.sizeof_struct_bpf_tc_hook, ifindex: C.int(h.IfIndex), attach_point: uint32(h.AttachPoint),
		parent: C.__u32(h.Parent),
	}
	return call(op, object, func() error {
		if err := h.check(); err != nil {
			return err
		}
		if h.AttachPoint == TCQdisc {
			C.lbg_set_qdisc(&hook, c.Of("queueing discipline", h.Qdisc), C.__u32(h.QdiscHandle))
		}
		if c.Err != nil {
			return c.Err
		}
		return f(&hook)
	})
}

func (h TCHook) check() error {
	switch h.AttachPoint {
	case TCIngress, TCEgress, TCIngress | TCEgress:
		if h.Parent != 0 {
			return fault.Invalidf("TCIngress and TCEgress have a parent of their own: Parent must be 0")
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
		return fault.Invalidf("attach point %#x is none of TCIngress, TCEgress, both, TCCustom and TCQdisc", uint32(h.AttachPoint))
	}
	if h.AttachPoint != TCQdisc && (h.Qdisc != "" || h.QdiscHandle != 0) {
		return fault.Invalidf("Qdisc and QdiscHandle are for TCQdisc, and must be empty")
	}
	return checkIfIndex(h.IfIndex)
}

// checkOne checks that the hook is one that a program can be at.
func (h TCHook) checkOne() error {
	if h.AttachPoint != TCIngress && h.AttachPoint != TCEgress && h.AttachPoint != TCCustom {
		return fault.Invalidf("a program is at one of TCIngress, TCEgress and TCCustom")
	}
	return nil
}

func (h TCHook) checkFilter(handle uint32, priority uint16) error {
	if handle == 0 || priority == 0 {
		return fault.Invalidf("an attached program has a handle and a priority above 0, not %d and %d", handle, priority)
	}
	return h.checkOne()
}

func tcOpts(handle uint32, priority uint16) C.struct_bpf_tc_opts {
	return C.struct_bpf_tc_opts{
		sz: C.sizeof_struct_bpf_tc_opts, handle: C.__u32(handle), priority: C.__u32(priority),
	}
}

func tcFilter(o *C.struct_bpf_tc_opts) TCFilter {
	return TCFilter{uint32(o.handle), uint16(o.priority), uint32(o.prog_id)}
}
