package inventory

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/holders"
)

// Holding is what keeps an object in the kernel.
type Holding struct {
	Holders []holders.Process `json:"holders,omitempty"`
	Pins    []string          `json:"pins,omitempty"`
	HeldBy  []string          `json:"held_by,omitempty"` // other objects in the kernel, such as "link 3"
}

// Words say who holds the object.
func (h Holding) Words() string {
	var words []string
	for _, p := range h.Holders {
		words = append(words, fmt.Sprintf("%s(%d)", p.Comm, p.PID))
	}
	// "program 3" and "program 5" become "programs 3 5". What runs at several places, as "XDP of lo", has no numbers.
	for i := 0; i < len(h.HeldBy); {
		kind, ids := numbered(h.HeldBy[i])
		same := 1
		for ; ids != "" && i+same < len(h.HeldBy); same++ {
			next, id := numbered(h.HeldBy[i+same])
			if next != kind || id == "" {
				break
			}
			ids += " " + id
		}
		if same == 1 {
			words = append(words, h.HeldBy[i])
		} else {
			words = append(words, kind+"s "+ids)
		}
		i += same
	}
	words = append(words, h.Pins...)
	return strings.Join(words, ", ")
}

// numbered takes "program 3" apart. id is empty for words of another kind.
func numbered(words string) (kind, id string) {
	kind, id, _ = strings.Cut(words, " ")
	if strings.Trim(id, "0123456789") != "" {
		return kind, ""
	}
	return kind, id
}

func (h *Holding) heldBy(words string) {
	if !slices.Contains(h.HeldBy, words) {
		h.HeldBy = append(h.HeldBy, words)
	}
}

// hold notes who holds what, and where programs run.
func (r *Reader) hold(s *Snapshot, found *holders.Found) {
	s.Warnings = append(s.Warnings, found.Warnings...)
	take := func(h *Holding, kind holders.Kind, id uint32) {
		object := holders.Object{Kind: kind, ID: id}
		h.Holders, h.Pins = found.Processes[object], found.Pins[object]
	}
	for _, p := range s.Programs {
		take(&p.Holding, holders.Program, p.ID)
		for _, event := range found.PerfEvents[p.ID] {
			p.attach(perfEventWords(event.TaskFDInfo))
		}
		for _, id := range p.MapIDs {
			if m := s.Map(id); m != nil {
				m.ProgramIDs = append(m.ProgramIDs, p.ID)
				m.heldBy(fmt.Sprintf("program %d", p.ID))
			}
		}
	}
	for _, m := range s.Maps {
		take(&m.Holding, holders.Map, m.ID)
		r.holdByMap(s, m)
	}
	for _, l := range s.Links {
		take(&l.Holding, holders.Link, l.ID)
		if p := s.Program(l.ProgramID); p != nil {
			p.LinkIDs = append(p.LinkIDs, l.ID)
			p.attach(l.Target.Words)
			p.heldBy(fmt.Sprintf("link %d", l.ID))
		}
		if m := s.Map(l.Target.MapID); m != nil {
			m.heldBy(fmt.Sprintf("link %d", l.ID))
		}
		if p := s.Program(l.Target.ProgramID); p != nil {
			p.heldBy(fmt.Sprintf("link %d", l.ID))
		}
	}
	for _, b := range s.BTFs {
		take(&b.Holding, holders.BTF, b.ID)
		for _, p := range s.Programs {
			if p.BTFID == b.ID {
				b.ProgramIDs = append(b.ProgramIDs, p.ID)
				b.heldBy(fmt.Sprintf("program %d", p.ID))
			}
		}
		for _, m := range s.Maps {
			if m.BTFID == b.ID {
				b.MapIDs = append(b.MapIDs, m.ID)
				b.heldBy(fmt.Sprintf("map %d", m.ID))
			}
		}
	}
	r.attachWithoutLinks(s)
}

func (p *Program) attach(words string) {
	if !slices.Contains(p.Attached, words) {
		p.Attached = append(p.Attached, words)
	}
}

func perfEventWords(info libbpf.TaskFDInfo) string {
	where := info.Name
	if where == "" {
		where = hex(info.Address)
	}
	if info.Offset != 0 {
		where += fmt.Sprintf("+%#x", info.Offset)
	}
	return info.Type.String() + " " + where + " (perf event)"
}

// mostElements is how many elements of a map of maps or programs are looked at. A sparse array has millions of places.
const mostElements = 1 << 16

// holdByMap notes which maps and programs a map has as its elements.
func (r *Reader) holdByMap(s *Snapshot, m *Map) {
	programs := m.typ == libbpf.MapTypeProgArray
	if !programs && !m.typ.IsMapInMap() {
		return
	}
	h, err := libbpf.MapHandleFromID(m.ID)
	if err != nil {
		if !Gone(err) {
			s.warn(err)
		}
		return
	}
	defer h.Close()
	ids, more, err := elementIDs(h)
	s.warn(err)
	if more {
		s.Warnings = append(s.Warnings, fmt.Sprintf("only %d elements of map %d were looked at", mostElements, m.ID))
	}
	words := fmt.Sprintf("map %d", m.ID)
	for _, id := range ids {
		if p := s.Program(id); programs && p != nil {
			p.heldBy(words)
		}
		if inner := s.Map(id); !programs && inner != nil {
			inner.heldBy(words)
		}
	}
}

// elementIDs are the ids of the maps or programs in a map. more says that there are elements that were not looked at.
func elementIDs(h *libbpf.MapHandle) (ids []uint32, more bool, err error) {
	if h.ValueSize() != 4 {
		return nil, false, nil
	}
	if h.Type() == libbpf.MapTypeHashOfMaps {
		for _, value := range h.All(&err) {
			if len(ids) == mostElements {
				return ids, true, nil
			}
			ids = append(ids, binary.NativeEndian.Uint32(value))
		}
		return ids, false, err
	}
	n := min(h.MaxEntries(), mostElements)
	keys, values, found := make([]byte, 0, n*4), make([]byte, n*4), make([]bool, n)
	for i := range n {
		keys = binary.NativeEndian.AppendUint32(keys, i)
	}
	_, err = h.LookupMany(keys, values, found, libbpf.Any)
	for i, is := range found {
		if is {
			ids = append(ids, binary.NativeEndian.Uint32(values[i*4:]))
		}
	}
	return ids, h.MaxEntries() > n, err
}
