package libbpf

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// MapFDInfo is what /proc tells of a map's descriptor, some of which Info does not have.
type MapFDInfo struct {
	Type       MapType
	ID         uint32
	KeySize    uint32 // bytes
	ValueSize  uint32 // bytes
	MaxEntries uint32
	Flags      MapCreateFlags
	Extra      uint64
	// Memlock is the memory that the kernel holds for the map, in bytes. It can be more than 4 GiB.
	Memlock uint64
	Frozen  bool
	// OwnerProgramType and OwnerJITed are of the programs that a map of programs is for, once it has one.
	OwnerProgramType ProgramType
	OwnerJITed       bool
}

func (m *mapCore) fdInfo() (MapFDInfo, error) {
	const op = "get fdinfo of"
	if err := m.h.acquire(); err != nil {
		return MapFDInfo{}, m.fail(op, err)
	}
	defer m.h.drop()
	info, err := mapFDInfo(m.fd)
	if err != nil {
		return MapFDInfo{}, m.fail(op, err)
	}
	return info, nil
}

func mapFDInfo(fd int) (MapFDInfo, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", fd))
	if err != nil {
		return MapFDInfo{}, err
	}
	return parseMapFDInfo(string(text))
}

// parseMapFDInfo leaves out what the kernel does not write, and what it writes beside.
func parseMapFDInfo(text string) (info MapFDInfo, err error) {
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), ":")
		if !ok {
			continue
		}
		number := func(bits int) uint64 {
			n, failed := strconv.ParseUint(strings.TrimSpace(value), 0, bits)
			if failed != nil && err == nil {
				err = fmt.Errorf("%s: %w", name, failed)
			}
			return n
		}
		switch name {
		case "map_type":
			info.Type = MapType(number(32))
		case "map_id":
			info.ID = uint32(number(32))
		case "key_size":
			info.KeySize = uint32(number(32))
		case "value_size":
			info.ValueSize = uint32(number(32))
		case "max_entries":
			info.MaxEntries = uint32(number(32))
		case "map_flags":
			info.Flags = MapCreateFlags(number(32))
		case "map_extra":
			info.Extra = number(64)
		case "memlock":
			info.Memlock = number(64)
		case "frozen":
			info.Frozen = number(8) != 0
		case "owner_prog_type":
			info.OwnerProgramType = ProgramType(number(32))
		case "owner_jited":
			info.OwnerJITed = number(8) != 0
		}
	}
	return info, err
}
