package btf

import (
	"iter"
	"slices"
)

// Reachable iterates over these types and all types that they need, each once and without void. The order is that of a
// C header: a type comes after the types that its definition needs, and a named struct to which a pointer leads, which
// a declaration is enough for, may come later. Where types refer to each other in a circle in other ways, one of them
// comes first. Tags of declarations, and sections of data, refer to types, and not the other way round: they only come
// if ids has them.
//
// If an error ends the loop, such as [ErrNotFound] or [ErrClosed], it is in *err; otherwise *err is nil. err may be
// nil.
func (b *BTF) Reachable(err *error, ids ...TypeID) iter.Seq[Type] {
	return b.iterate(err, func(yield func(Type) bool) error {
		w := graphWalk{
			b: b, yield: yield, queue: slices.Clone(ids),
			seen: make(map[dumpVisit]bool), yielded: make(map[TypeID]bool),
		}
		return w.run()
	})
}

// graphWalk visits types depth first. It has a stack of its own, because types may be nested as deep as there are
// types.
type graphWalk struct {
	b       *BTF
	yield   func(Type) bool
	seen    map[dumpVisit]bool
	yielded map[TypeID]bool
	stack   []graphFrame
	queue   []TypeID // what was asked for, and then named structs and unions to which pointers lead
}

// graphFrame is a type whose needs are being visited.
type graphFrame struct {
	t     Type
	needs []dumpVisit // those that are left
}

func (w *graphWalk) run() error {
	for len(w.queue) > 0 {
		id := w.queue[0]
		w.queue = w.queue[1:]
		if err := w.push(dumpVisit{id, false}); err != nil {
			return err
		}
		if done, err := w.finish(); done || err != nil {
			return err
		}
	}
	return nil
}

// push begins the visit of a type that was not visited.
func (w *graphWalk) push(v dumpVisit) error {
	if v.id == 0 || w.seen[v] {
		return nil
	}
	w.seen[v] = true
	t, err := w.b.typeByID(v.id)
	if err != nil {
		return err
	}
	if composite, ok := t.(*Composite); ok && v.throughPtr && composite.Name() != "" {
		w.queue = append(w.queue, v.id)
		return nil
	}
	_, isPtr := t.(*Ptr)
	frame := graphFrame{t: t}
	for _, id := range references(t) {
		// A member is needed as a whole, also if a pointer leads to its struct.
		_, isComposite := t.(*Composite)
		frame.needs = append(frame.needs, dumpVisit{id, isPtr || v.throughPtr && !isComposite})
	}
	w.stack = append(w.stack, frame)
	return nil
}

// finish ends all visits that have begun. done is true if the loop's body does not want more.
func (w *graphWalk) finish() (done bool, err error) {
	for len(w.stack) > 0 {
		top := &w.stack[len(w.stack)-1]
		if len(top.needs) > 0 {
			next := top.needs[0]
			top.needs = top.needs[1:]
			if err := w.push(next); err != nil {
				return false, err
			}
			continue
		}
		t := top.t
		w.stack = w.stack[:len(w.stack)-1]
		if w.yielded[t.ID()] {
			continue
		}
		w.yielded[t.ID()] = true
		if !w.yield(t) {
			return true, nil
		}
	}
	return false, nil
}
