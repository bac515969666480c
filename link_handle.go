package libbpf

import (
	"slices"

	"github.com/libbpf-go/libbpf-go/internal/fault"
	"github.com/libbpf-go/libbpf-go/internal/handle"
	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// AttachType is the attach type that the program was loaded with, and whether the handle knows it. The handle of a
// program from an [Object] or from [LoadProgram] knows it. The kernel does not report it for other programs: see
// [ProgramHandle.SetAttachType].
func (p *ProgramHandle) AttachType() (t ProgramAttachType, known bool) { return p.loadedFor() }

// SetAttachType tells the handle the attach type that the program was loaded with: its section's attach type or
// [ProgramLoadOptions.ExpectedAttachType]. Use it for a handle that was opened by a pin, an id or a descriptor. It
// changes nothing in the kernel.
//
// Only program types with several attach types need it, and only these methods: [ProgramHandle.AttachCgroup] for
// cgroup_skb, cgroup_sock, cgroup_sock_addr and cgroup_sockopt, [ProgramHandle.AttachSockmap] for sk_skb, and
// [ProgramHandle.AttachTrace] with a cookie. They fail when the attach type is not known: errors.Is(err, [ErrInvalid]).
// Set the right attach type: the kernel does not always refuse a wrong one, and may then run the program at the wrong
// place.
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

// onlyAttachType has the attach type of each program type that has exactly one.
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
	return 0, fault.Invalidf("the attach type of the program, which has type %s, is not known: "+
		"call SetAttachType", p.typ)
}

// checkType refuses a program whose type does not fit the place. The kernel would return a bare EINVAL. libbpf chooses
// the place by the program's type, and could attach the program elsewhere: it would take a cgroup's descriptor for the
// number of a network device.
func (p *programCore) checkType(place string, types ...ProgramType) error {
	if !slices.Contains(types, p.typ) {
		return fault.Invalidf("%s takes no program of type %s", place, p.typ)
	}
	return nil
}

// checkAttachType is checkType for the program's attach type. Where the attach type is not known, the kernel checks it.
func (p *programCore) checkAttachType(place string, types ...ProgramAttachType) error {
	if t, known := p.loadedFor(); known && !slices.Contains(types, t) {
		return fault.Invalidf("%s takes no program with attach type %s", place, t)
	}
	return nil
}

// objectTo names the program and the place that it is to be attached to, for errors.
func (p *programCore) objectTo(place string) string {
	if place == "" {
		return p.String()
	}
	return p.String() + " to " + place
}

// attach makes a Link of the descriptor that f returns. f gets the program's descriptor. place says where, for errors,
// or is "".
func (p *ProgramHandle) attach(place string, f func(fd int) (int, error)) (*Link, error) {
	return p.attachWith(place, f, newFDLink)
}

// attachWith is attach with the function link, which makes the Link.
func (p *ProgramHandle) attachWith(
	place string, f func(fd int) (int, error), link func(parent *handle.Handle, fd int, what string) (*Link, error),
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
		fd, err = f(c.fd)
		return err
	})
	if err != nil {
		return nil, err
	}
	return link(nil, fd, "link of "+object)
}

// linkFD returns the result of a libbpf function that returns a link's descriptor.
func linkFD(ret cInt) (int, error) { return int(ret), clib.FromRet(int(ret)) }
