package libbpf

/*
#include <bpf/bpf.h>
*/
import "C"

import (
	"slices"

	"github.com/libbpf-go/libbpf-go/internal/fault"
	"github.com/libbpf-go/libbpf-go/internal/handle"
	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// AttachType is what the program was loaded to be attached to, and whether that is known, as it is of a program that came
// from an [Object] or from [LoadProgram]. The kernel does not tell it of others: see [ProgramHandle.SetAttachType].
func (p *ProgramHandle) AttachType() (t ProgramAttachType, known bool) { return p.loadedFor() }

// SetAttachType says what the program was loaded to be attached to, its section's attach type or
// [ProgramLoadOptions.ExpectedAttachType], where the handle does not know: one that was opened by a pin, an id or a
// descriptor. It changes nothing in the kernel.
//
// Only some ways to attach need it, of types of programs that have several attach types: [ProgramHandle.AttachCgroup] for
// cgroup_skb, cgroup_sock, cgroup_sock_addr and cgroup_sockopt, [ProgramHandle.AttachSockmap] for sk_skb, and
// [ProgramHandle.AttachTrace] with a cookie. They refuse a program of which it is not known, errors.Is(err, [ErrInvalid]):
// the kernel does not always refuse a wrong one, but may run the program at another place than it was made for.
func (p *ProgramHandle) SetAttachType(t ProgramAttachType) error {
	if err := p.acquire("set attach type of"); err != nil {
		return err
	}
	defer p.h.Drop()
	p.attachType.Store(&t)
	return nil
}

// loadedFor is the attach type that the program was loaded for, if it is known.
func (p *programCore) loadedFor() (t ProgramAttachType, known bool) {
	if said := p.attachType.Load(); said != nil {
		return *said, true
	}
	return 0, false
}

// onlyAttachType are the attach types of those types of programs that have one.
var onlyAttachType = map[ProgramType]ProgramAttachType{
	ProgramTypeCgroupDevice:  AttachTypeCgroupDevice,
	ProgramTypeCgroupSysctl:  AttachTypeCgroupSysctl,
	ProgramTypeFlowDissector: AttachTypeFlowDissector,
	ProgramTypeSKLookup:      AttachTypeSKLookup,
	ProgramTypeSKMsg:         AttachTypeSKMsgVerdict,
	ProgramTypeSockOps:       AttachTypeCgroupSockOps,
}

// mustAttachType is the attach type to attach the program with.
func (p *programCore) mustAttachType() (ProgramAttachType, error) {
	if t, one := onlyAttachType[p.typ]; one {
		return t, nil
	}
	if t, known := p.loadedFor(); known {
		return t, nil
	}
	return 0, fault.Invalidf("the attach type that the program, of type %s, was loaded for is not known: "+
		"SetAttachType must say it", p.typ)
}

// checkType refuses a program that a place is not for, where the kernel's answer would be a bare EINVAL, or where libbpf
// would attach it to something else: it goes by the program's type, and would take a cgroup's descriptor for the number
// of a network device.
func (p *programCore) checkType(place string, types ...ProgramType) error {
	if !slices.Contains(types, p.typ) {
		return fault.Invalidf("%s takes no program of type %s", place, p.typ)
	}
	return nil
}

// checkAttachType is checkType for the program's attach type. Where that is not known, the kernel compares.
func (p *programCore) checkAttachType(place string, types ...ProgramAttachType) error {
	if t, known := p.loadedFor(); known && !slices.Contains(types, t) {
		return fault.Invalidf("%s takes no program whose attach type is %s", place, t)
	}
	return nil
}

// objectTo is the program with the place that it is to be attached to, for errors.
func (p *programCore) objectTo(place string) string {
	if place == "" {
		return p.String()
	}
	return p.String() + " to " + place
}

// attach makes a Link of the descriptor that f returns. f is given the program's. place is where, for errors, or "".
func (p *ProgramHandle) attach(place string, f func(fd C.int) (int, error)) (*Link, error) {
	return p.attachWith(place, f, newFDLink)
}

// attachWith is attach for links that link makes.
func (p *ProgramHandle) attachWith(
	place string, f func(fd C.int) (int, error), link func(parent *handle.Handle, fd int, what string) (*Link, error),
) (*Link, error) {
	const op = "attach"
	c := p.core()
	object := c.objectTo(place)
	if err := c.h.Acquire(); err != nil {
		return nil, &Error{Op: op, Object: object, Err: err}
	}
	defer c.h.Drop()
	fd := -1
	err := call(op, object, func() (err error) {
		fd, err = f(C.int(c.fd))
		return err
	})
	if err != nil {
		return nil, err
	}
	return link(nil, fd, "link of "+object)
}

// linkFD is what one of libbpf's functions that return a link's descriptor returned.
func linkFD(ret C.int) (int, error) { return int(ret), clib.FromRet(int(ret)) }
