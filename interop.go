package libbpf

import (
	"fmt"
	"strconv"
	"unsafe"

	"github.com/libbpf-go/libbpf-go/internal/fault"
	"github.com/libbpf-go/libbpf-go/internal/handle"
)

// C code in the same program can use what Go made, and Go can use what C made. Each type has three ways to do that:
//
//   - Pointer returns libbpf's pointer. It is valid until Go closes the value. UsePointer passes it to a function, and
//     nobody frees it until the function returns.
//   - Adopt makes a Go value of C's pointer, and Go owns it: Close frees it. Borrow makes a Go value, but C still owns
//     the pointer, and frees it after Release.
//   - Release ends the use of the value in Go for good. C then owns the pointer, and the methods of the Go value return
//     [ErrClosed]. While operations are in progress, or other Go values depend on it, Release fails with unix.EBUSY and
//     changes nothing.
//
// Go can't check whether C's pointer is valid, nor whether C frees a pointer that Go still uses.

// UsePointer runs f with the object's struct bpf_object. Nobody frees it until f returns. f may use the object's
// methods. Neither C nor Go locks the object: C code that changes it, by attaching or pinning, must not run at the same
// time as Go code that does so. UsePointer returns f's error unchanged.
func (o *Object) UsePointer(f func(object unsafe.Pointer) error) error {
	if err := o.acquire("use", objectName(o.Name())); err != nil {
		return err
	}
	defer o.h.Drop()
	return f(unsafe.Pointer(o.ptr))
}

// Pointer returns the object's struct bpf_object, or nil after Close, which frees it.
func (o *Object) Pointer() unsafe.Pointer { return pointerOf(o.UsePointer) }

// pointerOf returns the pointer that use passes to its function.
func pointerOf(use func(func(unsafe.Pointer) error) error) (pointer unsafe.Pointer) {
	_ = use(func(p unsafe.Pointer) error {
		pointer = p
		return nil
	})
	return pointer
}

func objectName(name string) string { return "object " + strconv.Quote(name) }

// Release gives the object to C and returns its struct bpf_object. C then owns it, and closes it with
// bpf_object__close. The methods of the Object, its maps, programs and other values return [ErrClosed] afterwards.
// Release fails with unix.EBUSY while the object has links: release or close them first, or call [Link.OutliveObject].
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

// AdoptObject makes an Object of a struct bpf_object that C code has loaded. The Object owns it: Close frees it, and
// with it all maps and programs to which C has pointers. errors.Is(err, [ErrInvalid]) when it was not loaded; C then
// still owns it. The Object does not own the links that C made: C must destroy them before Close, or Go must adopt them
// too.
func AdoptObject(object unsafe.Pointer) (*Object, error) { return objectOfC(object, false) }

// BorrowObject is [AdoptObject], but C still owns the object. C may close it only after Release, or after Close when no
// operation is in progress.
func BorrowObject(object unsafe.Pointer) (*Object, error) { return objectOfC(object, true) }

func objectOfC(object unsafe.Pointer, ofC bool) (*Object, error) {
	const op, what = "adopt", "loaded object"
	switch {
	case object == nil:
		return nil, &Error{Op: op, Object: what, Err: errNilPointer}
	case objectIsLoaded((*cObject)(object)) == 0:
		return nil, &Error{Op: op, Object: what, Err: fault.Invalidf("it was not loaded: use AdoptOpenObject")}
	}
	described := &OpenObject{ptr: (*cObject)(object), ofC: ofC}
	described.setName()
	described.describe()
	o, err := newObject(described)
	if err != nil {
		return nil, &Error{Op: op, Object: described.what, Err: err}
	}
	return o, nil
}

var errNilPointer = fault.Invalidf("the pointer is nil")

// UsePointer runs f with the object's struct bpf_object. Nobody loads or frees it until f returns, so f must not use
// the object's methods. UsePointer returns f's error unchanged.
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
	o.describe()
	return f(unsafe.Pointer(o.ptr))
}

// Pointer returns the object's struct bpf_object, or nil once the object was loaded or closed.
func (o *OpenObject) Pointer() unsafe.Pointer { return pointerOf(o.UsePointer) }

// Release gives the object to C and returns its struct bpf_object. C then owns it, and loads or closes it. The buffers
// for kernel logs go with it, and are never freed. Release fails with unix.EBUSY when an attach target, an inner map or
// [ObjectBuilder.BTFCustom] was set, because Go owns their descriptors until the object is loaded.
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

// AdoptOpenObject makes an OpenObject of a struct bpf_object that C code has opened. The OpenObject owns it, until Load
// or Close. errors.Is(err, [ErrInvalid]) when it was loaded; C then still owns it.
func AdoptOpenObject(object unsafe.Pointer) (*OpenObject, error) { return openObjectOfC(object, false) }

// BorrowOpenObject is [AdoptOpenObject], but C still owns the object, also after Load. C may close it only after
// Release or Close, of the OpenObject or of the Object that Load made.
func BorrowOpenObject(object unsafe.Pointer) (*OpenObject, error) { return openObjectOfC(object, true) }

func openObjectOfC(object unsafe.Pointer, ofC bool) (*OpenObject, error) {
	const op, what = "adopt", "opened object"
	switch {
	case object == nil:
		return nil, &Error{Op: op, Object: what, Err: errNilPointer}
	case objectIsLoaded((*cObject)(object)) == 1:
		return nil, &Error{Op: op, Object: what, Err: fault.Invalidf("it was loaded: use AdoptObject")}
	}
	o := &OpenObject{ptr: (*cObject)(object), ofC: ofC, printer: ObjectBuilder{}.printer()}
	o.setName()
	if err := checkStructOps(o.ptr); err != nil {
		return nil, &Error{Op: op, Object: o.what, Err: err}
	}
	return o, nil
}

// UsePointer runs f with the map's struct bpf_map. Nobody loads or frees it until f returns, so f must not use methods
// of the object or the map. UsePointer returns f's error unchanged.
func (m *OpenMap) UsePointer(f func(m unsafe.Pointer) error) error {
	if m == nil {
		return &Error{Op: "use", Object: "map", Err: ErrClosed}
	}
	return m.o.UsePointer(func(unsafe.Pointer) error { return f(unsafe.Pointer(m.ptr)) })
}

// Pointer returns the map's struct bpf_map, or nil once the object was loaded or closed.
func (m *OpenMap) Pointer() unsafe.Pointer { return pointerOf(m.UsePointer) }

// UsePointer runs f with the program's struct bpf_program. Nobody loads or frees it until f returns, so f must not use
// methods of the object or the program. UsePointer returns f's error unchanged.
func (p *OpenProgram) UsePointer(f func(p unsafe.Pointer) error) error {
	if p == nil {
		return &Error{Op: "use", Object: "program", Err: ErrClosed}
	}
	return p.o.UsePointer(func(unsafe.Pointer) error { return f(unsafe.Pointer(p.ptr)) })
}

// Pointer returns the program's struct bpf_program, or nil once the object was loaded or closed.
func (p *OpenProgram) Pointer() unsafe.Pointer { return pointerOf(p.UsePointer) }

// UsePointer runs f with the link's struct bpf_link. Nobody destroys it until f returns. UsePointer returns f's error
// unchanged. A link that was opened by its id or descriptor has no struct bpf_link: errors.Is(err, [ErrInvalid]).
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

// Pointer returns the link's struct bpf_link. It is nil after Close, which destroys it, and for a link that was opened
// by its id or descriptor.
func (l *Link) Pointer() unsafe.Pointer { return pointerOf(l.UsePointer) }

// Release gives the link to C and returns its struct bpf_link. C then owns it, and destroys it with bpf_link__destroy;
// Close of the object does not. If the link is of USDT or of a struct_ops map, C must destroy it before the object is
// closed.
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

// AdoptLink makes a Link of a struct bpf_link that C code made. The Link owns it: Close destroys it.
func AdoptLink(link unsafe.Pointer) (*Link, error) { return linkOfC(link, false) }

// BorrowLink is [AdoptLink], but C still owns the link. C may destroy it only after Release, or after Close when no
// operation is in progress.
func BorrowLink(link unsafe.Pointer) (*Link, error) { return linkOfC(link, true) }

func linkOfC(link unsafe.Pointer, ofC bool) (*Link, error) {
	const what = "link from C"
	if link == nil {
		return nil, &Error{Op: "adopt", Object: what, Err: errNilPointer}
	}
	l, err := newLink(nil, nil, (*cLink)(link), what)
	if err != nil {
		return nil, err
	}
	l.ofC = ofC
	return l, nil
}

// OutliveObject makes the link independent of its object: Close of the object does not close the link. errors.Is(err,
// [ErrInvalid]) for links that libbpf can't destroy without the object: those of USDT, and of a struct_ops map outside
// of section ".struct_ops.link".
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

// LinkFromFD makes a Link of a link's descriptor, such as one from C code or another process. LinkFromFD duplicates the
// descriptor; the caller still owns fd. errors.Is(err, [ErrInvalid]) when fd is not a link's, errors.Is(err,
// unix.EBADF) when it is not open. After Close, the program stays attached while the link is pinned or open elsewhere.
func LinkFromFD(fd int) (*Link, error) {
	own, err := dupFD("link", fd, linkFDKinds)
	if err != nil {
		return nil, err
	}
	return newFDLink(nil, own, fmt.Sprintf("link with descriptor %d", fd))
}

// UseFD runs f with the link's file descriptor. The descriptor stays open until f returns, even if the link is closed
// during f. The Link owns it. errors.Is(err, [errors.ErrUnsupported]) when the attachment is not a link in the kernel.
// UseFD returns f's error unchanged.
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

// UseFD runs f with the map's file descriptor. The descriptor stays open until f returns, even if the map is closed
// during f. The map owns it. UseFD returns f's error unchanged.
func (m *mapCore) UseFD(f func(fd int) error) error {
	if err := m.h.Acquire(); err != nil {
		return m.fail("use", err)
	}
	defer m.h.Drop()
	return f(m.fd)
}

// UseFD runs f with the token's file descriptor. The descriptor stays open until f returns, even if the token is closed
// during f. The Token owns it. UseFD returns f's error unchanged.
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

// UsePointer runs f with the map's struct bpf_map. Nobody frees it until f returns. UsePointer returns f's error
// unchanged.
func (m *Map) UsePointer(f func(m unsafe.Pointer) error) error {
	return m.UseFD(func(int) error { return f(unsafe.Pointer(m.ptr)) })
}

// Pointer returns the map's struct bpf_map, or nil after Close of the object, which frees it.
func (m *Map) Pointer() unsafe.Pointer { return pointerOf(m.UsePointer) }

// UsePointer runs f with the program's struct bpf_program. Nobody frees it until f returns. UsePointer returns f's
// error unchanged.
func (p *Program) UsePointer(f func(p unsafe.Pointer) error) error {
	return p.UseFD(func(int) error { return f(unsafe.Pointer(p.ptr)) })
}

// Pointer returns the program's struct bpf_program, or nil after Close of the object, which frees it.
func (p *Program) Pointer() unsafe.Pointer { return pointerOf(p.UsePointer) }
