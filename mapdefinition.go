package libbpf

import (
	"fmt"
	"strings"

	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// MapDefinition has the properties with which a map is created.
type MapDefinition struct {
	Name       string
	Type       MapType
	KeySize    uint32 // bytes
	ValueSize  uint32 // bytes
	MaxEntries uint32 // elements, or bytes for a ring buffer
	Flags      MapCreateFlags
	Extra      uint64
	NUMANode   uint32
}

// Create creates a map with these properties, as [CreateMap] does and with its errors (bpf_map_create); the caller closes
// it. Maps of maps and local storage need more than a definition has, the inner map or BTF: create them with CreateMap.
func (d MapDefinition) Create() (*MapHandle, error) {
	return CreateMap(d.Type, d.Name, d.KeySize, d.ValueSize, d.MaxEntries, MapCreateOptions{
		Flags: d.Flags, Extra: d.Extra, NUMANode: d.NUMANode,
	})
}

// Compatible reports whether a map can be used instead of one with this definition. It must have the same type, sizes,
// max entries, flags and extra, as libbpf requires of a pinned map that an object uses; the name may differ. If not,
// the error matches [ErrInvalid] and says all differences. If the map is closed, it matches [ErrClosed].
func (d MapDefinition) Compatible(m MapCore) error {
	const op = "compare"
	c, err := coreOf(m)
	if err != nil {
		return &Error{Op: op, Object: "map", Err: err}
	}
	info, err := c.Info()
	if err != nil {
		return err
	}
	if differ := d.differences(info); differ != "" {
		return c.fail(op, fault.Invalidf("it has %s", differ))
	}
	return nil
}

// differences says how a map differs from the definition, or "".
func (d MapDefinition) differences(info MapInfo) string {
	if d.Type == MapTypeDevMap || d.Type == MapTypeDevMapHash {
		info.Flags &^= CreateReadOnlyProgram // the kernel adds it
	}
	var differ []string
	for _, p := range []struct {
		what         string
		theirs, ours any
	}{
		{"type", info.Type, d.Type},
		{"key size", info.KeySize, d.KeySize},
		{"value size", info.ValueSize, d.ValueSize},
		{"max entries", info.MaxEntries, d.MaxEntries},
		{"flags", info.Flags, d.Flags},
		{"extra", info.Extra, d.Extra},
	} {
		if p.theirs != p.ours {
			differ = append(differ, fmt.Sprintf("%s %v instead of %v", p.what, p.theirs, p.ours))
		}
	}
	return strings.Join(differ, ", ")
}
