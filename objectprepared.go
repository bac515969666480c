package libbpf

/*
#include <bpf/libbpf.h>

// Where libbpf has no such function, Go does not call this.
static int lbg_object_prepare(struct bpf_object *obj)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 6
	return bpf_object__prepare(obj);
#else
	(void)obj;
	return 0;
#endif
}
*/
import "C"

import (
	"iter"
	"sync"

	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// PreparedObject is an object whose maps are in the kernel, and whose programs are not verified yet: the maps can be filled,
// and frozen, before the verifier looks at them. It takes what is in a map that is frozen and read-only for programs
// ([CreateReadOnlyProgram]) as known, and leaves out what depends on it.
//
// All methods are safe for concurrent use.
type PreparedObject struct {
	open *OpenObject // its load is under way
	obj  *Object

	mu   sync.Mutex
	over error // why it can't be used any more
}

// Prepare creates the object's maps, pins those that ask for it, and applies relocations (bpf_object__prepare, libbpf 1.6).
// It takes the OpenObject over as Load does. The caller loads the result, or closes it.
func (o *OpenObject) Prepare() (*PreparedObject, error) {
	const op = "prepare"
	if o == nil || o.printer == nil {
		return nil, &Error{Op: op, Object: "object", Err: ErrClosed}
	}
	if err := needs("bpf_object__prepare", 1, 6); err != nil {
		return nil, &Error{Op: op, Object: o.what, Err: err}
	}
	p, said, err := o.prepare(op)
	complete := false
	defer func() {
		if !complete {
			_ = p.Close()
		}
	}()
	o.printer.Deliver(said)
	complete = true
	return p, err
}

func (o *OpenObject) prepare(op string) (*PreparedObject, []clib.Message, error) {
	if err := o.beginLoad(); err != nil {
		return nil, nil, &Error{Op: op, Object: o.what, Err: err}
	}
	o.arena()
	said, err := capturing(o.printer, op, o.what, func() error {
		return clib.FromRet(int(C.lbg_object_prepare(o.ptr)))
	})
	if err != nil {
		o.endLoad()
		return nil, said, err
	}
	obj, err := newObject(o)
	if err != nil {
		o.endLoad()
		said, err := failedSaying(said, op, o.what, err)
		return nil, said, err
	}
	obj.prepared.Store(true)
	return &PreparedObject{open: o, obj: obj}, said, nil
}

// Name is the object's name.
func (p *PreparedObject) Name() string { return p.object().Name() }

func (p *PreparedObject) object() *Object {
	if p == nil {
		return nil
	}
	return p.obj
}

// Map is the map of that name, as in [Object.Map]. It goes on being that map when the object is loaded.
func (p *PreparedObject) Map(name string) (*Map, error) { return p.object().Map(name) }

// Maps iterates over the object's maps, as [Object.Maps] does.
func (p *PreparedObject) Maps() iter.Seq[*Map] { return p.object().Maps() }

// Load verifies the programs and puts them into the kernel (bpf_object__load). It takes the PreparedObject over, whether it
// succeeds or not: later uses return [ErrLoaded], and Close does nothing. Errors are as for [OpenObject.Load].
func (p *PreparedObject) Load() (*Object, error) {
	const op = "load"
	if p == nil {
		return nil, &Error{Op: op, Object: "object", Err: ErrClosed}
	}
	if err := p.end(ErrLoaded); err != nil {
		return nil, &Error{Op: op, Object: p.open.what, Err: err}
	}
	said, err := p.load(op)
	complete := false
	defer func() {
		if !complete {
			_ = p.obj.Close()
		}
	}()
	p.open.printer.Deliver(said)
	if err != nil {
		return nil, err
	}
	complete = true
	return p.obj, nil
}

// load is Load of what can't be used by others any more.
func (p *PreparedObject) load(op string) ([]clib.Message, error) {
	defer p.letGo()
	o, from := p.obj, p.open
	if err := o.acquire(op, from.what); err != nil {
		return nil, err
	}
	defer o.h.Drop()
	said, err := capturing(from.printer, op, from.what, from.loadObject)
	if err != nil {
		return said, verifierError(withoutSkeleton(err), from.userLog)
	}
	for _, program := range o.programs {
		program.readFD()
	}
	for i, m := range o.maps {
		m.setGlobals(from.maps[i])
	}
	o.prepared.Store(false)
	return said, nil
}

// end makes later uses return why, and returns why an earlier one did.
func (p *PreparedObject) end(why error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over != nil {
		return p.over
	}
	p.over = why
	return nil
}

// letGo frees what the OpenObject still has. The rest is the Object's.
func (p *PreparedObject) letGo() {
	p.open.ptr = nil
	p.open.endLoad()
}

// Close frees the object, and its maps with it, unless Load has taken it over (bpf_object__close). It is idempotent.
func (p *PreparedObject) Close() error {
	if p == nil || p.end(ErrClosed) != nil {
		return nil
	}
	defer p.letGo()
	return p.obj.Close()
}
