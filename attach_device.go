package libbpf

/*
#include <bpf/bpf.h>

// A link to a network device. tcx and netkit take the same options, which in libbpf's struct share their place.
static int lbg_link_device(int prog_fd, int ifindex, __u32 type, __u32 flags, __u32 relative_fd, __u32 relative_id,
			   __u64 expected_revision)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = flags);

#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 3
	opts.tcx.relative_fd = relative_fd;
	opts.tcx.relative_id = relative_id;
	opts.tcx.expected_revision = expected_revision;
#else
	// Go has seen to it that they are 0.
	(void)relative_fd;
	(void)relative_id;
	(void)expected_revision;
#endif
	return bpf_link_create(prog_fd, ifindex, type, &opts);
}
*/
import "C"

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"golang.org/x/sys/unix"
)

// devicePlace is tcx or netkit: a place with two attach types, for one type of program.
type devicePlace struct {
	name  string
	types [2]ProgramAttachType
}

var (
	tcx    = devicePlace{"tcx", [2]ProgramAttachType{AttachTypeTCXIngress, AttachTypeTCXEgress}}
	netkit = devicePlace{"netkit", [2]ProgramAttachType{AttachTypeNetkitPrimary, AttachTypeNetkitPeer}}
)

// attach attaches a program by f, libbpf's function for the place, or by bpf_link_create for the attach type that is not
// the program's own: libbpf's function knows that one only.
func (d *devicePlace) attach(
	p *Program, ifindex int, opts PlacementOptions, f func() (*C.struct_bpf_link, error),
) (*Link, error) {
	at := Hook{Type: opts.AttachType, IfIndex: ifindex}
	if at.Type == 0 && p != nil {
		at.Type = p.attachType
	}
	place := at.String()
	if !at.onDevice() {
		place = fmt.Sprintf("%s of device %d", d.name, ifindex)
	}
	check := func() error { return d.check(p, at, opts) }
	if p == nil || at.Type == p.attachType {
		return p.attach(place, func() (*C.struct_bpf_link, error) {
			if err := check(); err != nil {
				return nil, err
			}
			link, err := f()
			if link == nil {
				err = at.explain(err)
			}
			return link, err
		})
	}
	return p.attachFD(place, func() (int, error) {
		if err := check(); err != nil {
			return -1, err
		}
		fd, err := p.linkDevice(at, uint32(opts.Flags), opts)
		return fd, at.explain(err)
	})
}

// check checks what is to be attached where.
func (d *devicePlace) check(p *Program, at Hook, opts PlacementOptions) error {
	if err := p.checkType(d.name, ProgramTypeSchedCls); err != nil {
		return err
	}
	if !slices.Contains(d.types[:], at.Type) {
		if opts.AttachType == 0 {
			return invalidf("the program's section %q does not say a direction of %s: "+
				"AttachType must be %v or %v", p.section, d.name, d.types[0], d.types[1])
		}
		return invalidf("the attach type is %v and must be %v or %v", at.Type, d.types[0], d.types[1])
	}
	if err := needs("bpf_program__attach_"+d.name, 1, 3); err != nil {
		return err
	}
	if err := opts.check(); err != nil {
		return err
	}
	return checkIfIndex(at.IfIndex)
}

// linkDevice makes a link to a device, for what libbpf's functions that attach programs leave out.
func (p *Program) linkDevice(at Hook, flags uint32, opts PlacementOptions) (int, error) {
	fd, err := C.lbg_link_device(C.int(p.fd), C.int(at.IfIndex), C.__u32(at.Type), C.__u32(flags),
		C.__u32(opts.RelativeFD), C.__u32(opts.RelativeID), C.__u64(opts.ExpectedRevision))
	if fd < 0 {
		return -1, fromErrno(err)
	}
	return int(fd), nil
}

// explain makes a kernel's EINVAL an [errors.ErrUnsupported] where the kernel does not know the place at all, which it
// says in no other way.
func (h Hook) explain(err error) error {
	if !errors.Is(err, unix.EINVAL) || errors.Is(err, ErrInvalid) || !h.onDevice() {
		return err
	}
	if _, queryErr := h.query(HookQueryOptions{}, hookAnswers{}); errors.Is(queryErr, unix.EINVAL) {
		return &lacking{h.Type.String(), err}
	}
	return err
}

// checkIfIndex checks the number of a network device.
func checkIfIndex(ifindex int) error {
	if ifindex <= 0 || ifindex > math.MaxInt32 {
		return invalidf("network devices are numbered from 1, and there is no %d", ifindex)
	}
	return nil
}
