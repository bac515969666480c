package libbpf

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// devicePlace is tcx or netkit: a place with two attach types, for one type of program.
type devicePlace struct {
	name  string
	place uint32
	types [2]ProgramAttachType
}

var (
	tcx    = devicePlace{"tcx", placeTCX, [2]ProgramAttachType{AttachTypeTCXIngress, AttachTypeTCXEgress}}
	netkit = devicePlace{"netkit", placeNetkit, [2]ProgramAttachType{AttachTypeNetkitPrimary, AttachTypeNetkitPeer}}
)

// attach attaches a program by libbpf's function for the place. That function knows only the program's own attach type;
// for the other attach type, attach calls bpf_link_create.
func (d *devicePlace) attach(p *Program, ifindex int, opts PlacementOptions) (*Link, error) {
	at, place := d.at(p.core(), ifindex, opts)
	if at.Type == p.AttachType() {
		return p.attach(place, func() (*cLink, error) {
			if err := d.check(&p.programCore, at, opts); err != nil {
				return nil, err
			}
			link, err := attachPlaced(p.ptr, d.place, ifindex, &opts)
			if link == nil {
				err = at.explain(err)
			}
			return link, err
		})
	}
	return p.attachFD(place, func() (int, error) {
		return d.link(&p.programCore, at, opts)
	})
}

// attachHandle is attach for a program without an object.
func (d *devicePlace) attachHandle(p *ProgramHandle, ifindex int, opts PlacementOptions) (*Link, error) {
	at, place := d.at(p.core(), ifindex, opts)
	return p.attach(place, func(int) (int, error) { return d.link(&p.programCore, at, opts) })
}

// at returns where the program is to be attached, and the name of that place for errors.
func (d *devicePlace) at(p *programCore, ifindex int, opts PlacementOptions) (at Hook, place string) {
	at = Hook{Type: opts.AttachType, IfIndex: ifindex}
	if at.Type == 0 {
		at.Type, _ = p.loadedFor()
	}
	if !at.onDevice() {
		return at, fmt.Sprintf("%s of device %d", d.name, ifindex)
	}
	return at, at.String()
}

// link makes the link by bpf_link_create. The program is acquired.
func (d *devicePlace) link(p *programCore, at Hook, opts PlacementOptions) (int, error) {
	if err := d.check(p, at, opts); err != nil {
		return -1, err
	}
	fd, err := linkPlaced(p.fd, at.IfIndex, at.Type, &opts)
	return fd, at.explain(err)
}

// check checks what is to be attached where.
func (d *devicePlace) check(p *programCore, at Hook, opts PlacementOptions) error {
	if err := p.checkType(d.name, ProgramTypeSchedCls); err != nil {
		return err
	}
	if !slices.Contains(d.types[:], at.Type) {
		if opts.AttachType == 0 {
			return fault.Invalidf("the program was not loaded for a known direction of %s: "+
				"AttachType must be %v or %v", d.name, d.types[0], d.types[1])
		}
		return fault.Invalidf("the attach type is %v, but must be %v or %v", at.Type, d.types[0], d.types[1])
	}
	if err := needs("bpf_program__attach_"+d.name, 1, 3); err != nil {
		return err
	}
	if err := opts.check(); err != nil {
		return err
	}
	return checkIfIndex(at.IfIndex)
}

// explain turns EINVAL into [errors.ErrUnsupported] where the kernel does not know the place at all. The kernel returns
// only EINVAL for that.
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
		return fault.Invalidf("%d is not a network device number: those begin at 1", ifindex)
	}
	return nil
}
