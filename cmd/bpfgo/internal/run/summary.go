package run

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/libbpf-go/libbpf-go"

	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/setting"
)

// lostVariable is the global variable in which programs count the events that did not fit into a buffer.
const lostVariable = "lost_events"

// summarize prints how many events were seen and, if known, lost.
func (s *session) summarize(command *child) error {
	var parts []string
	if len(s.events.streams) > 0 {
		lost, err := s.losses()
		if err != nil {
			return err
		}
		parts = append(parts, fmt.Sprintf("%s, %s", s.events.counts(), lost))
	}
	if command != nil {
		parts = append(parts, command.outcome())
	}
	summary := strings.Join(parts, "; ")
	if summary != "" {
		fmt.Fprintf(s.env.Stderr, "bpfgo: %s\n", cli.Safe(summary))
	}
	return s.endRecording(summary)
}

// losses is what is known about lost events.
type losses struct {
	rings, perfs bool // which buffers there are

	byPerfs    uint64
	incomplete bool // byPerfs only has what the kernel reported with a later record

	counted    uint64 // by the object's programs, in lostVariable
	hasCounter bool
}

// losses counts the lost events. The programs must be detached, and all events must have been read.
func (s *session) losses() (losses, error) {
	l := losses{rings: s.rings != nil, perfs: len(s.perfs) > 0}
	for _, perf := range s.perfs {
		lost, err := perf.Lost()
		switch {
		case errors.Is(err, errors.ErrUnsupported):
			l.incomplete = true
		case err != nil:
			return losses{}, err
		}
		l.byPerfs += lost
	}
	if l.incomplete {
		l.byPerfs = s.told.Load()
	}
	l.counted, l.hasCounter = s.lostByPrograms()
	return l, nil
}

func (l losses) String() string {
	const noCounter = "the object has no variable " + lostVariable
	perfs := fmt.Sprintf("%d lost", l.byPerfs)
	if l.incomplete {
		perfs = "at least " + perfs
	}
	switch {
	case !l.perfs && !l.hasCounter:
		return "an unknown number lost: " + noCounter
	case !l.perfs:
		return fmt.Sprintf("%d lost", l.counted)
	case l.hasCounter && !l.incomplete && l.byPerfs+l.counted == 0:
		return "0 lost"
	case l.hasCounter:
		// The numbers are not added up, because programs may also count what perf buffers lost.
		return fmt.Sprintf("%s by perf buffers, %d counted in %s", perfs, l.counted, lostVariable)
	case l.rings:
		return perfs + " by perf buffers, and an unknown number by ring buffers: " + noCounter
	default:
		return perfs
	}
}

// lostByPrograms is what the object's programs counted, if they did.
func (s *session) lostByPrograms() (count uint64, known bool) {
	for v := range setting.Variables(s.btf) {
		if v.Name != lostVariable {
			continue
		}
		m, err := s.obj.Map(v.Section)
		if err != nil {
			continue
		}
		value, err := m.Lookup(make([]byte, 4), libbpf.Any)
		if err != nil || v.Offset+v.Size > len(value) {
			continue
		}
		switch variable := value[v.Offset:][:v.Size]; v.Size {
		case 8:
			return binary.NativeEndian.Uint64(variable), true
		case 4:
			return uint64(binary.NativeEndian.Uint32(variable)), true
		}
	}
	return 0, false
}
