package source

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/libbpf-go/libbpf-go"

	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/config"
)

// Loaded is an object in the kernel.
type Loaded struct {
	*Opened
	shared map[string]bool // the maps that are those of the object that it replaces
	obj    *libbpf.Object
	links  *links
	taken  []taken
}

// taken is a link that was that of another object.
type taken struct {
	from *Loaded
	at   config.Attach
}

// Load loads an object, and takes o over. It uses the maps of old that are the same, if old is not nil. Nothing is
// attached yet.
func (o *Opened) Load(old *Loaded) (*Loaded, error) {
	l := &Loaded{Opened: o, shared: map[string]bool{}, links: newLinks()}
	err := errors.Join(o.pinMaps(), l.share(old))
	if err == nil {
		l.obj, err = o.open.Load()
	}
	if err != nil {
		o.Close()
		return nil, o.Conf.At.Errorf("object %q can't be loaded: %v", o.Conf.Name, err)
	}
	return l, nil
}

// pinMaps gives the maps of metrics a place where they outlive the exporter.
func (o *Opened) pinMaps() error {
	if o.Conf.Pin == "" {
		return nil
	}
	if err := os.MkdirAll(o.Conf.Pin, 0o700); err != nil {
		return err
	}
	for _, t := range o.Targets {
		if strings.HasPrefix(t.Map, ".") {
			continue
		}
		m, err := o.open.Map(t.Map)
		if err == nil {
			err = m.SetPinPath(filepath.Join(o.Conf.Pin, t.Map))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// share makes the object use the maps of another one that are the same.
func (l *Loaded) share(old *Loaded) error {
	if old == nil {
		return nil
	}
	for _, t := range l.Targets {
		before := old.target(t.Map)
		if before == nil || !t.same(before) || strings.HasPrefix(t.Map, ".") {
			continue
		}
		existing, err := old.obj.Map(t.Map)
		if err != nil {
			return err
		}
		if t.Definition.Compatible(existing) != nil {
			continue
		}
		m, err := l.open.Map(t.Map)
		if err == nil {
			err = m.Reuse(existing)
		}
		if err != nil {
			return err
		}
		l.shared[t.Map] = true
	}
	return nil
}

func (l *Loaded) target(name string) *Target {
	for _, t := range l.Targets {
		if t.Map == name {
			return t
		}
	}
	return nil
}

// With is the same object in the kernel, with the targets of another configuration, which it takes over. Only one of the
// two is used from then on, and closed.
func (l *Loaded) With(o *Opened) *Loaded {
	o.Close()
	return &Loaded{Opened: o, obj: l.obj, links: l.links}
}

// Shares tells whether a map is the same as that of the object that this one replaces.
func (l *Loaded) Shares(old *Loaded, name string) bool { return l.obj == old.obj || l.shared[name] }

// Map is the map of a target.
func (l *Loaded) Map(t *Target) (*libbpf.Map, error) { return l.obj.Map(t.Map) }

// Attach attaches the programs. Where an old object has the same program at the same cgroup or interface, the kernel
// replaces it there: no event is missed, and none counted twice. Where it can't do so, both programs are attached until
// the old object is closed: none is missed.
func (l *Loaded) Attach(old []*Loaded) error {
	if len(l.Conf.Attach) == 0 {
		links, err := l.obj.Attach()
		if err != nil {
			return l.Conf.At.Errorf("object %q can't be attached: %v", l.Conf.Name, err)
		}
		l.links.setRest(links)
		return nil
	}
	for _, a := range l.Conf.Attach {
		if err := l.attach(a, old); err != nil {
			l.GiveBack()
			return a.Program.Errorf("program %q can't be attached: %v", a.Program.Text, err)
		}
	}
	return nil
}

func (l *Loaded) attach(a config.Attach, old []*Loaded) error {
	p, err := l.obj.Program(a.Program.Text)
	if err != nil {
		return err
	}
	same := a
	same.Program.Place = config.Place{}
	var refused error
	for _, from := range old {
		if a.Cgroup == "" && a.Interface == "" {
			break
		}
		link := from.links.get(same)
		if link == nil {
			continue
		}
		if err := link.OutliveObject(); err != nil {
			return err
		}
		if refused = link.UpdateProgram(p); refused == nil {
			from.links.remove(same)
			l.links.put(same, link)
			l.taken = append(l.taken, taken{from, same})
			return nil
		}
	}
	link, err := attachTo(p, a)
	if err != nil {
		return errors.Join(err, refused)
	}
	l.links.put(same, link)
	return nil
}

// GiveBack makes the programs of old objects run again where Attach has replaced them.
func (l *Loaded) GiveBack() {
	for _, t := range l.taken {
		link := l.links.get(t.at)
		l.links.remove(t.at)
		p, err := t.from.obj.Program(t.at.Program.Text)
		if err == nil {
			err = link.UpdateProgram(p)
		}
		if err != nil { // the old object has gone meanwhile: nobody needs the link
			_ = link.Close()
			continue
		}
		t.from.links.put(t.at, link)
	}
	l.taken = nil
}

func attachTo(p *libbpf.Program, a config.Attach) (*libbpf.Link, error) {
	switch {
	case a.Cgroup != "":
		folder, err := os.Open(a.Cgroup)
		if err != nil {
			return nil, err
		}
		defer folder.Close()
		return p.AttachCgroup(int(folder.Fd()), libbpf.PlacementOptions{})
	case a.Interface != "":
		i, err := net.InterfaceByName(a.Interface)
		if err != nil {
			return nil, fmt.Errorf("interface %s: %w", a.Interface, err)
		}
		if p.Type() == libbpf.ProgramTypeXDP {
			return p.AttachXDP(i.Index, libbpf.XDPLinkOptions{})
		}
		return p.AttachTCX(i.Index, libbpf.PlacementOptions{})
	}
	return p.Attach()
}

// Detach detaches the programs. Their maps can still be read.
func (l *Loaded) Detach() {
	for _, link := range l.links.all() {
		_ = link.Close()
	}
}

// Close detaches the programs and unloads the object.
func (l *Loaded) Close() {
	l.Detach()
	_ = l.obj.Close()
	l.Opened.Close()
}
