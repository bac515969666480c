package btf

import (
	"fmt"
	"maps"
	"slices"

	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// Minimize makes the minimal types of a kernel for one or several objects: only what their CO-RE relocations need, as
// "bpftool gen min_core_btf" does. An object that was opened with them instead of the kernel's own types
// (ObjectBuilder.BTFCustom) gets the same relocations. They have some kilobytes, so that a program can bring them for
// each kernel that has no types in /sys/kernel/btf.
//
// The first result is for the kernel, and each next one for one of the modules: its types refer to the first result. If
// nothing is needed, a result has no types. The caller closes the results.
//
// A type that the objects only point to becomes void, and a struct has only the members that they use. Numbers of types
// are not those of the kernel any more: RelocateTypeIDTarget relocations, as of bpf_core_type_id_kernel, can't be used
// with minimal types. A relocation that libbpf can't apply needs nothing.
//
// errors.Is: [ErrClosed]; unix.EINVAL for a module of another kernel.
func Minimize(objects []*Relocations, kernel *BTF, modules ...*BTF) ([]*BTF, error) {
	targets, err := newCoreTargets(kernel, modules)
	if err != nil {
		return nil, err
	}
	defer targets.drop()
	need := make([]*needed, len(targets.all))
	for i, b := range targets.all {
		need[i] = &needed{
			b: b, members: make(map[TypeID]map[int]bool),
			shaped: make(map[dumpVisit]bool), matched: make(map[dumpVisit]bool),
		}
	}
	for _, o := range objects {
		resolved, err := o.Resolve(kernel, modules...)
		if err != nil {
			return nil, err
		}
		for _, r := range resolved {
			if r.In == nil || r.Err != nil {
				continue
			}
			if err := need[slices.Index(targets.all, r.In)].add(&r); err != nil {
				return nil, fmt.Errorf("btf: minimize %s: %w", r.In.what, err)
			}
		}
	}
	for _, module := range need[1:] { // what modules need of the kernel's
		module.moveTo(need[0])
	}
	var results []*BTF
	var base *minimal
	for _, n := range need {
		m, err := n.write(base)
		if err != nil {
			for _, b := range slices.Backward(results) {
				_ = b.Close()
			}
			return nil, fmt.Errorf("btf: minimize %s: %w", n.b.what, err)
		}
		if base == nil {
			base = m
		}
		results = append(results, m.types)
	}
	return results, nil
}

// needed are the types of one BTF that relocations need.
type needed struct {
	b       *BTF
	members map[TypeID]map[int]bool // of structs and unions; other types are here without any
	shaped  map[dumpVisit]bool      // where shape was, with and without pointers
	matched map[dumpVisit]bool      // where match was
}

// keep keeps a type, a struct without members.
func (n *needed) keep(id TypeID) {
	if _, ok := n.members[id]; !ok && id != 0 {
		n.members[id] = make(map[int]bool)
	}
}

// keepChain keeps a type and what it is a typedef or a qualifier of, and returns what is behind them.
func (n *needed) keepChain(id TypeID) (Type, error) {
	for range maxDumpDepth {
		t, err := n.b.typeByID(id)
		if err != nil {
			return nil, err
		}
		n.keep(id)
		switch t := t.(type) {
		case *Typedef:
			id = t.Target
		case *Modifier:
			id = t.Target
		default:
			return t, nil
		}
	}
	return nil, errCycle
}

// add keeps what a relocation needs.
func (n *needed) add(r *Resolution) error {
	switch {
	case r.Kind.ofField():
		return n.addField(r.Target, r.steps)
	case r.Kind == RelocateTypeMatches:
		return n.match(r.Target, false)
	default:
		return n.shape(r.Target, true)
	}
}

// addField keeps the way to a member, and the member's size.
func (n *needed) addField(id TypeID, steps []int) error {
	for i, step := range steps {
		t, err := n.keepChain(id)
		if err != nil {
			return err
		}
		if i == 0 {
			continue // as with a pointer to the type: an element of an array of it
		}
		switch t := t.(type) {
		case *Composite:
			if step < 0 || step >= len(t.Members) {
				return fault.Invalidf("type %d has no member %d", id, step)
			}
			n.members[t.ID()][step] = true
			id = t.Members[step].Type
		case *Array:
			if _, err := n.keepChain(t.Index); err != nil {
				return err
			}
			id = t.Elem
		default:
			return fault.Invalidf("type %d has no members", id)
		}
	}
	return n.shape(id, false)
}

// shape keeps a type with its size, and its kind. With pointers, also those of the types that it points to.
func (n *needed) shape(id TypeID, pointers bool) error {
	if n.shaped[dumpVisit{id, pointers}] {
		return nil
	}
	n.shaped[dumpVisit{id, pointers}] = true
	t, err := n.keepChain(id)
	if err != nil {
		return err
	}
	switch t := t.(type) {
	case *Ptr:
		if pointers {
			return n.shape(t.Target, pointers)
		}
	case *Array, *FuncProto:
		for _, next := range references(t) {
			if err := n.shape(next, pointers); err != nil {
				return err
			}
		}
	}
	return nil
}

// match keeps all that a type is compared by: members, and what pointers point to, but not the members of that.
func (n *needed) match(id TypeID, throughPtr bool) error {
	t, err := n.keepChain(id)
	if err != nil {
		return err
	}
	if n.matched[dumpVisit{t.ID(), throughPtr}] {
		return nil
	}
	n.matched[dumpVisit{t.ID(), throughPtr}] = true
	next, through := references(t), throughPtr
	switch t := t.(type) {
	case *Ptr:
		through = true
	case *Composite:
		if throughPtr {
			return nil
		}
		for i := range t.Members {
			n.members[t.ID()][i] = true
		}
	}
	for _, id := range next {
		if err := n.match(id, through); err != nil {
			return err
		}
	}
	return nil
}

// moveTo moves what a module needs of the kernel's types.
func (n *needed) moveTo(kernel *needed) {
	for id, members := range n.members {
		if int(id) > kernel.b.numTypes {
			continue
		}
		kernel.keep(id)
		maps.Copy(kernel.members[id], members)
		delete(n.members, id)
	}
}

// minimal is the minimal part of a BTF, with the new numbers of the types in it.
type minimal struct {
	types *BTF
	ids   map[TypeID]TypeID
}

// write writes the types that are needed, in their order. base is nil for a kernel's.
func (n *needed) write(base *minimal) (*minimal, error) {
	m := &minimal{ids: make(map[TypeID]TypeID)}
	var b *Builder
	if base == nil {
		b = NewBuilder()
	} else {
		b = NewSplitBuilder(base.types)
		maps.Copy(m.ids, base.ids)
	}
	defer b.Close()
	kept := slices.Sorted(maps.Keys(n.members))
	for i, id := range kept {
		m.ids[id] = b.NextID() + TypeID(i)
	}
	for _, id := range kept {
		if err := n.copy(b, m, id); err != nil {
			return nil, err
		}
	}
	var err error
	m.types, err = b.BTF()
	return m, err
}

// copy copies a type, with the new numbers of those that it refers to. What is not needed is void.
func (n *needed) copy(b *Builder, m *minimal, id TypeID) error {
	t, err := n.b.typeByID(id)
	if err != nil {
		return err
	}
	composite, ok := t.(*Composite)
	if !ok {
		added := b.AddType(n.b, id)
		b.do("renumber", func() error {
			renumber(b.c, added, m.ids)
			return nil
		})
		return b.Err()
	}
	var members []Member
	for i, member := range composite.Members {
		if n.members[id][i] {
			member.Type = m.ids[member.Type]
			members = append(members, member)
		}
	}
	add := b.AddStruct
	if t.Kind() == KindUnion {
		add = b.AddUnion
	}
	add(t.Name(), composite.Size, members...)
	return b.Err()
}
