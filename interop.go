package libbpf

/*
#include <bpf/libbpf.h>

// Tells whether an object's programs were loaded, or its maps created: libbpf refuses to change these then, also to what
// they are already. An object with neither can't be told.
static int lbg_is_loaded(struct bpf_object *obj)
{
	struct bpf_program *prog = bpf_object__next_program(obj, NULL);
	struct bpf_map *map = bpf_object__next_map(obj, NULL);

	if (prog)
		return bpf_program__set_log_level(prog, bpf_program__log_level(prog)) != 0;
	if (map)
		return bpf_map__set_autocreate(map, bpf_map__autocreate(map)) != 0;
	return -1;
}
*/
import "C"

import (
	"fmt"
	"unsafe"

	"github.com/libbpf-go/libbpf-go/internal/fault"
	"github.com/libbpf-go/libbpf-go/internal/handle"
)

// C code in the same program can use what Go made, and Go what C code made. Each type has three ways to the other side:
//
//   - Pointer is libbpf's pointer, quick to write, and valid as long as Go holds the value open. UsePointer is given it
//     for the time of a function, during which nobody frees it.
//   - Adopt makes a Go value of C's pointer, which Go closes, once. Borrow makes one that C closes, after Release.
//   - Release ends Go's use of it, for good: C owns it then, and the Go value answers [ErrClosed]. It fails with unix.EBUSY,
//     and changes nothing, while operations are under way or something of Go's hangs on it.
//
// Go can't know whether a pointer of C's is valid, nor whether C frees what it lent, or gave, to Go.

// UsePointer runs f with the object's struct bpf_object, which nobody frees until f returns. f may use the object's
// methods. Neither C nor Go locks the object: C code that changes it, by attaching or pinning, must not run while Go does
// the same. f's error is returned as it is.
func (o *Object) UsePointer(f func(object unsafe.Pointer) error) error {
	if err := o.acquire("use", objectName(o.Name())); err != nil {
		return err
	}
	defer o.h.Drop()
	return f(unsafe.Pointer(o.ptr))
}

// Pointer is the object's struct bpf_object, or nil after Close, which frees it.
func (o *Object) Pointer() unsafe.Pointer { return pointerOf(o.UsePointer) }

// pointerOf is the pointer that use gives to its function.
func pointerOf(use func(func(unsafe.Pointer) error) error) (pointer unsafe.Pointer) {
	_ = use(func(p unsafe.Pointer) error {
		pointer = p
		return nil
	})
	return pointer
}

func objectName(name string) string { return fmt.Sprintf("object %q", name) }

// Release gives the object to C, which closes it with bpf_object__close from then on, and returns its struct bpf_object.
// Maps, programs and whatever else was made of it answer [ErrClosed] afterwards. It fails with unix.EBUSY while links are
// left: release or close them first, or let them outlive the object.
func (o *Object) Release() (unsafe.Pointer, error) {
	const op = "release"
	if o == nil {
		return nil, &Error{Op: op, Object: "object", Err: ErrClosed}
	}
	if err := o.h.CloseIdle(func() { o.ofC = true }); err != nil {
		return nil, &Error{Op: op, Object: objectName(o.name), Err: err}
	}
	return unsafe.Pointer(o.ptr), nil
}

// AdoptObject makes an Object of a struct bpf_object that C code has loaded. The Object owns it: its Close closes it, and
// C's pointers to its maps and programs end with it. errors.Is(err, [ErrInvalid]) when it was not loaded; it is still C's
// then. Links that C made are not the Object's: C destroys them before Close, or they are adopted, too.
func AdoptObject(object unsafe.Pointer) (*Object, error) { return objectOfC(object, false) }

// BorrowObject is [AdoptObject] of an object that remains C's: C closes it, but not before Release or, if nothing of it is
// under way, Close.
func BorrowObject(object unsafe.Pointer) (*Object, error) { return objectOfC(object, true) }

func objectOfC(object unsafe.Pointer, ofC bool) (*Object, error) {
	const op, what = "adopt", "loaded object"
	switch {
	case object == nil:
		return nil, &Error{Op: op, Object: what, Err: errNilPointer}
	case C.lbg_is_loaded((*C.struct_bpf_object)(object)) == 0:
		return nil, &Error{Op: op, Object: what, Err: fault.Invalidf("it was opened and not loaded: see AdoptOpenObject")}
	}
	described := &OpenObject{ptr: (*C.struct_bpf_object)(object), ofC: ofC}
	described.describe()
	o, err := newObject(described)
	if err != nil {
		return nil, &Error{Op: op, Object: described.what, Err: err}
	}
	return o, nil
}

var errNilPointer = fault.Invalidf("the pointer is nil")

// UsePointer runs f with the object's struct bpf_object, which nobody loads or frees until f returns: f must not use the
// object's methods. f's error is returned as it is.
func (o *OpenObject) UsePointer(f func(object unsafe.Pointer) error) error {
	const op = "use"
	if o == nil || o.printer == nil {
		return &Error{Op: op, Object: "object", Err: ErrClosed}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ended != nil {
		return &Error{Op: op, Object: o.what, Err: o.ended}
	}
	return f(unsafe.Pointer(o.ptr))
}

// Pointer is the object's struct bpf_object, or nil once it was loaded or closed.
func (o *OpenObject) Pointer() unsafe.Pointer { return pointerOf(o.UsePointer) }

// Release gives the object to C, which loads or closes it from then on, and returns its struct bpf_object. The buffers of
// kernel logs go along, and are never freed. It fails with unix.EBUSY when an attach target or an inner map was set: the
// descriptors are Go's until it is loaded.
func (o *OpenObject) Release() (object unsafe.Pointer, err error) {
	const op = "release"
	err = o.UsePointer(func(p unsafe.Pointer) error {
		if len(o.lentFDs) > 0 {
			return &Error{Op: op, Object: o.what, Err: handle.ErrInUse}
		}
		object = p
		o.ended, o.ptr = ErrClosed, nil
		o.free()
		return nil
	})
	return object, err
}

// AdoptOpenObject makes an OpenObject of a struct bpf_object that C code has opened. The OpenObject owns it: Load takes it
// over, or Close closes it. errors.Is(err, [ErrInvalid]) when it was loaded; it is still C's then.
func AdoptOpenObject(object unsafe.Pointer) (*OpenObject, error) { return openObjectOfC(object, false) }

// BorrowOpenObject is [AdoptOpenObject] of an object that remains C's. The Object that Load makes is borrowed, too. C closes
// it, but not before Release or Close of the one or the other.
func BorrowOpenObject(object unsafe.Pointer) (*OpenObject, error) { return openObjectOfC(object, true) }

func openObjectOfC(object unsafe.Pointer, ofC bool) (*OpenObject, error) {
	const op, what = "adopt", "opened object"
	switch {
	case object == nil:
		return nil, &Error{Op: op, Object: what, Err: errNilPointer}
	case C.lbg_is_loaded((*C.struct_bpf_object)(object)) == 1:
		return nil, &Error{Op: op, Object: what, Err: fault.Invalidf("it was loaded: see AdoptObject")}
	}
	o := &OpenObject{ptr: (*C.struct_bpf_object)(object), ofC: ofC, printer: ObjectBuilder{}.printer()}
	o.describe()
	if err := o.checkStructOps(); err != nil {
		return nil, &Error{Op: op, Object: o.what, Err: err}
	}
	return o, nil
}

// UsePointer runs f with the map's struct bpf_map, which nobody loads or frees until f returns: f must not use methods of the
// object's or the map's. f's error is returned as it is.
func (m *OpenMap) UsePointer(f func(m unsafe.Pointer) error) error {
	if m == nil {
		return &Error{Op: "use", Object: "map", Err: ErrClosed}
	}
	return m.o.UsePointer(func(unsafe.Pointer) error { return f(unsafe.Pointer(m.ptr)) })
}

// Pointer is the map's struct bpf_map, or nil once the object was loaded or closed.
func (m *OpenMap) Pointer() unsafe.Pointer { return pointerOf(m.UsePointer) }

// UsePointer runs f with the program's struct bpf_program, which nobody loads or frees until f returns: f must not use
// methods of the object's or the program's. f's error is returned as it is.
func (p *OpenProgram) UsePointer(f func(p unsafe.Pointer) error) error {
	if p == nil {
		return &Error{Op: "use", Object: "program", Err: ErrClosed}
	}
	return p.o.UsePointer(func(unsafe.Pointer) error { return f(unsafe.Pointer(p.ptr)) })
}

// Pointer is the program's struct bpf_program, or nil once the object was loaded or closed.
func (p *OpenProgram) Pointer() unsafe.Pointer { return pointerOf(p.UsePointer) }

// UsePointer runs f with the link's struct bpf_link, which nobody destroys until f returns. f's error is returned as it is.
// A link that was opened by its id or descriptor has none: errors.Is(err, [ErrInvalid]).
func (l *Link) UsePointer(f func(link unsafe.Pointer) error) error {
	const op = "use"
	if l == nil {
		return l.fail(op, ErrClosed)
	}
	if err := l.h.Acquire(); err != nil {
		return l.fail(op, err)
	}
	defer l.h.Drop()
	if l.ptr == nil {
		return l.fail(op, errNoPointer)
	}
	return f(unsafe.Pointer(l.ptr))
}

var errNoPointer = fault.Invalidf("libbpf has no struct for a link that was opened by its id or descriptor")

// Pointer is the link's struct bpf_link, or nil after Close, which destroys it, and for one that was opened by its id or
// descriptor.
func (l *Link) Pointer() unsafe.Pointer { return pointerOf(l.UsePointer) }

// Release gives the link to C, which destroys it with bpf_link__destroy from then on, and returns its struct bpf_link. Its
// object does not close it any more. C must destroy it before the object is closed if it is of USDT or a struct_ops.
func (l *Link) Release() (unsafe.Pointer, error) {
	const op = "release"
	if l == nil {
		return nil, l.fail(op, ErrClosed)
	}
	if l.ptr == nil {
		return nil, l.fail(op, errNoPointer)
	}
	if err := l.h.CloseIdle(func() { l.ofC = true }); err != nil {
		return nil, l.fail(op, err)
	}
	return unsafe.Pointer(l.ptr), nil
}

// AdoptLink makes a Link of a struct bpf_link that C code has. Close destroys it.
func AdoptLink(link unsafe.Pointer) (*Link, error) { return linkOfC(link, false) }

// BorrowLink is [AdoptLink] of a link that remains C's: C destroys it, but not before Release or, if nothing of it is under
// way, Close.
func BorrowLink(link unsafe.Pointer) (*Link, error) { return linkOfC(link, true) }

func linkOfC(link unsafe.Pointer, ofC bool) (*Link, error) {
	const what = "link of C's"
	if link == nil {
		return nil, &Error{Op: "adopt", Object: what, Err: errNilPointer}
	}
	l, err := newLink(nil, nil, (*C.struct_bpf_link)(link), what)
	if err != nil {
		return nil, err
	}
	l.ofC = ofC
	return l, nil
}

// OutliveObject makes the link independent of its object: Close of the object does not close it. errors.Is(err, [ErrInvalid])
// for links that libbpf can't destroy without the object: those of USDT, and of a struct_ops that is not in section
// ".struct_ops.link".
func (l *Link) OutliveObject() error {
	const op = "separate"
	if l == nil {
		return l.fail(op, ErrClosed)
	}
	if err := l.h.Acquire(); err != nil {
		return l.fail(op, err)
	}
	defer l.h.Drop()
	if l.needsObject {
		return l.fail(op, fault.Invalidf("libbpf needs the object to destroy it"))
	}
	l.h.LeaveParent()
	return nil
}

// LinkFromFD makes a link of a descriptor that came from elsewhere, as from C code or another process. The descriptor is
// duplicated and remains the caller's. errors.Is(err, [ErrInvalid]) when it is not a link's, errors.Is(err, unix.EBADF)
// when it is not open. Close leaves the link attached as long as anybody else has it open or pinned.
func LinkFromFD(fd int) (*Link, error) {
	own, err := dupFD("link", fd, linkFDKinds)
	if err != nil {
		return nil, err
	}
	return newFDLink(nil, own, fmt.Sprintf("link with descriptor %d", fd))
}

// UseFD runs f with the link's file descriptor, which remains open and the link's until f returns, also when the link is
// closed meanwhile. errors.Is(err, [errors.ErrUnsupported]) for what the kernel has no link for. f's error is returned as
// it is.
func (l *Link) UseFD(f func(fd int) error) error {
	const op = "use"
	if l == nil {
		return l.fail(op, ErrClosed)
	}
	if err := l.h.Acquire(); err != nil {
		return l.fail(op, err)
	}
	defer l.h.Drop()
	l.mu.Lock()
	fd := int(l.fd())
	l.mu.Unlock()
	if err := checkLinkFD(fd); err != nil {
		return l.fail(op, err)
	}
	return f(fd)
}

// UseFD runs f with the map's file descriptor, which remains open and the map's until f returns, also when it is
// closed meanwhile. f's error is returned as it is.
func (m *mapCore) UseFD(f func(fd int) error) error {
	if err := m.h.Acquire(); err != nil {
		return m.fail("use", err)
	}
	defer m.h.Drop()
	return f(m.fd)
}

// UseFD runs f with the token's file descriptor, which remains open and the token's until f returns, also when the token is
// closed meanwhile. f's error is returned as it is.
func (t *Token) UseFD(f func(fd int) error) error {
	const op = "use"
	if t == nil {
		return &Error{Op: op, Object: "token", Err: ErrClosed}
	}
	if err := t.h.Acquire(); err != nil {
		return &Error{Op: op, Object: t.what, Err: err}
	}
	defer t.h.Drop()
	return f(t.fd)
}

// UsePointer runs f with the map's struct bpf_map, which nobody frees until f returns. f's error is returned as it is.
func (m *Map) UsePointer(f func(m unsafe.Pointer) error) error {
	return m.UseFD(func(int) error { return f(unsafe.Pointer(m.ptr)) })
}

// Pointer is the map's struct bpf_map, or nil after Close of the object, which frees it.
func (m *Map) Pointer() unsafe.Pointer { return pointerOf(m.UsePointer) }

// UsePointer runs f with the program's struct bpf_program, which nobody frees until f returns. f's error is returned as it
// is.
func (p *Program) UsePointer(f func(p unsafe.Pointer) error) error {
	return p.UseFD(func(int) error { return f(unsafe.Pointer(p.ptr)) })
}

// Pointer is the program's struct bpf_program, or nil after Close of the object, which frees it.
func (p *Program) Pointer() unsafe.Pointer { return pointerOf(p.UsePointer) }
