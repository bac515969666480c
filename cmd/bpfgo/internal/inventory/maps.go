package inventory

import (
	"errors"
	"strings"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/names"
)

// Map is a map in the kernel.
type Map struct {
	ID          uint32   `json:"id"`
	Type        string   `json:"type"`
	Name        string   `json:"name,omitempty"`
	NameCut     bool     `json:"name_cut,omitempty"` // the name may go on: the kernel kept its first 15 characters
	KeySize     uint32   `json:"key_size"`
	ValueSize   uint32   `json:"value_size"`
	MaxEntries  uint32   `json:"max_entries"`
	Flags       []string `json:"flags,omitempty"`
	Extra       uint64   `json:"extra,omitempty"`
	Frozen      bool     `json:"frozen,omitempty"`
	MemoryBytes uint64   `json:"memory_bytes,omitempty"`
	KeyType     string   `json:"key_type,omitempty"`
	ValueType   string   `json:"value_type,omitempty"`
	BTFID       uint32   `json:"btf_id,omitempty"`
	ProgramIDs  []uint32 `json:"program_ids,omitempty"` // the programs that use it
	OffloadedTo string   `json:"offloaded_to,omitempty"`
	Holding

	typ libbpf.MapType
}

// maps reads all maps. Those that can't be read are in the error.
func (r *Reader) maps() ([]*Map, error) {
	var all []*Map
	var failed []error
	var walk error
	for id := range libbpf.MapIDs(&walk) {
		m, err := r.mapWithID(id)
		switch {
		case err == nil:
			all = append(all, m)
		case !Gone(err):
			failed = append(failed, err)
		}
	}
	if walk != nil {
		failed = append(failed, walk)
	}
	return all, errors.Join(failed...)
}

func (r *Reader) mapWithID(id uint32) (*Map, error) {
	h, err := libbpf.MapHandleFromID(id)
	if err != nil {
		return nil, err
	}
	defer h.Close()
	info, err := h.Info()
	if err != nil {
		return nil, err
	}
	name := r.types.Map(info)
	m := &Map{
		ID: info.ID, Type: info.Type.String(), Name: name.Text, NameCut: !name.Whole, KeySize: info.KeySize,
		ValueSize: info.ValueSize, MaxEntries: info.MaxEntries, Flags: flagNames(info.Flags.String()), Extra: info.Extra,
		BTFID: info.BTFID, typ: info.Type,
	}
	if info.IfIndex != 0 {
		m.OffloadedTo = deviceWords(info.IfIndex, deviceName(info.IfIndex))
	}
	if types := r.types.Get(info.BTFID); types != nil {
		if info.BTFKeyTypeID != 0 {
			m.KeyType, _ = types.Declaration(info.BTFKeyTypeID, "")
		}
		if info.BTFValueTypeID != 0 {
			if m.ValueType, err = types.Declaration(info.BTFValueTypeID, ""); err != nil {
				m.ValueType = names.Type(types, info.BTFValueTypeID) // a section of variables
			}
		}
	}
	// Some maps have no such file, as those that are offloaded.
	if more, err := h.FDInfo(); err == nil {
		m.MemoryBytes, m.Frozen = more.Memlock, more.Frozen
	}
	return m, nil
}

// flagNames are the names of flags, of which text is the list.
func flagNames(text string) []string {
	if text == "" || text == "0x0" {
		return nil
	}
	return strings.Split(text, "|")
}
