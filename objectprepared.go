package libbpf

import (
	"iter"
	"sync"

	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// PreparedObject is an object whose maps are in the kernel, and whose programs are not verified yet. The maps can be
// filled and frozen before the verifier runs. The verifier treats the content of a frozen map that is read-only for
// programs ([CreateReadOnlyProgram]) as constant, and removes code that this content makes unreachable.
//
// All methods are safe for concurrent use.
type PreparedObject struct {
	open *OpenObject // its load is in progress
	obj  *Object

	mu   sync.Mutex
	over error // why it can no longer be used
}

// Prepare creates the object's maps, pins those that have a pin path, and applies relocations (bpf_object__prepare,
// libbpf 1.6). It takes over the OpenObject as Load does. The caller owns the result: load it or close it.
// errors.Is(err, [errors.ErrUnsupported]) before libbpf 1.6.
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
		return o.prepareObject()
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

// Map returns the map with that name, as [Object.Map] does. It stays valid when the object is loaded.
func (p *PreparedObject) Map(name string) (*Map, error) { return p.object().Map(name) }

// Maps iterates over the object's maps, as [Object.Maps] does.
func (p *PreparedObject) Maps() iter.Seq[*Map] { return p.object().Maps() }

// Load verifies the programs and loads them into the kernel (bpf_object__load). It takes over the PreparedObject,
// whether it succeeds or not: later uses return [ErrLoaded], and Close does nothing. The errors are those of
// [OpenObject.Load].
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

// load is Load, once nobody else can use the PreparedObject.
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

// end makes later uses return why. If an earlier use ended the object, it returns that one's why.
func (p *PreparedObject) end(why error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over != nil {
		return p.over
	}
	p.over = why
	return nil
}

// letGo frees what the OpenObject still owns. The Object owns the rest.
func (p *PreparedObject) letGo() {
	p.open.ptr = nil
	p.open.endLoad()
}

// Close frees the object and its maps, unless Load has taken it over (bpf_object__close). It is idempotent.
func (p *PreparedObject) Close() error {
	if p == nil || p.end(ErrClosed) != nil {
		return nil
	}
	defer p.letGo()
	return p.obj.Close()
}
