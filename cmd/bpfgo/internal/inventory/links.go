package inventory

import (
	"errors"

	"github.com/libbpf-go/libbpf-go"
)

// Link is a link in the kernel.
type Link struct {
	ID          uint32 `json:"id"`
	Type        string `json:"type"`
	ProgramID   uint32 `json:"program_id,omitempty"`
	ProgramName string `json:"program_name,omitempty"`
	Target      Target `json:"target"`
	Holding

	info libbpf.LinkInfo
}

// links reads all links. Those that can't be read are in the error. The snapshot must have the programs and the maps.
func (r *Reader) links(s *Snapshot) ([]*Link, error) {
	var all []*Link
	var failed error
	t := targets{reader: r, snapshot: s}
	for info := range libbpf.LinkInfos(&failed) {
		l := &Link{ID: info.ID, Type: info.Type.String(), ProgramID: info.ProgramID, info: info}
		if p := s.Program(info.ProgramID); p != nil {
			l.ProgramName = p.Name
		}
		l.Target = t.of(info)
		all = append(all, l)
	}
	if errors.Is(failed, errors.ErrUnsupported) {
		failed = nil // before Linux 5.8 there are no links with ids
	}
	return all, failed
}
