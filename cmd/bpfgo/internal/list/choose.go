package list

import (
	"slices"

	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/inventory"
)

// choose leaves in a snapshot what the flags want, in the wanted order.
func (l *lister) choose(s *inventory.Snapshot) {
	if l.process != "" {
		l.chooseProcess(s)
	}
	s.Programs = slices.DeleteFunc(s.Programs, func(p *inventory.Program) bool {
		return !matches(l.typ, p.Type) || !matches(l.name, p.Name)
	})
	s.Maps = slices.DeleteFunc(s.Maps, func(m *inventory.Map) bool {
		return !matches(l.typ, m.Type) || !matches(l.name, m.Name)
	})
	s.Links = slices.DeleteFunc(s.Links, func(k *inventory.Link) bool {
		return !matches(l.typ, k.Type) || !matches(l.name, k.ProgramName)
	})
	s.BTFs = slices.DeleteFunc(s.BTFs, func(b *inventory.BTF) bool {
		return !matches(l.typ, b.Kind) || !matches(l.name, b.Name)
	})
	s.Programs = order(s.Programs, programColumns, l.sort, l.top)
	s.Maps = order(s.Maps, mapColumns, l.sort, l.top)
	s.Links = order(s.Links, linkColumns, l.sort, l.top)
	s.BTFs = order(s.BTFs, btfColumns, l.sort, l.top)
}

// chooseProcess leaves what a process holds: by a descriptor of its own, or by one of a link or a program that keeps it.
func (l *lister) chooseProcess(s *inventory.Snapshot) {
	held := func(h inventory.Holding) bool {
		for _, p := range h.Holders {
			if l.isProcess(p.PID, p.Comm) {
				return true
			}
		}
		return false
	}
	links, programs, maps := map[uint32]bool{}, map[uint32]bool{}, map[uint32]bool{}
	for _, k := range s.Links {
		if links[k.ID] = held(k.Holding); links[k.ID] {
			programs[k.ProgramID] = true
		}
	}
	for _, p := range s.Programs {
		if programs[p.ID] = programs[p.ID] || held(p.Holding); programs[p.ID] {
			for _, id := range p.MapIDs {
				maps[id] = true
			}
		}
	}
	for _, m := range s.Maps {
		maps[m.ID] = maps[m.ID] || held(m.Holding)
	}
	any := func(ids []uint32, wanted map[uint32]bool) bool {
		return slices.ContainsFunc(ids, func(id uint32) bool { return wanted[id] })
	}
	s.Links = slices.DeleteFunc(s.Links, func(k *inventory.Link) bool { return !links[k.ID] })
	s.Programs = slices.DeleteFunc(s.Programs, func(p *inventory.Program) bool { return !programs[p.ID] })
	s.Maps = slices.DeleteFunc(s.Maps, func(m *inventory.Map) bool { return !maps[m.ID] })
	s.BTFs = slices.DeleteFunc(s.BTFs, func(b *inventory.BTF) bool {
		return !held(b.Holding) && !any(b.ProgramIDs, programs) && !any(b.MapIDs, maps)
	})
}
