package libbpf

// MapFDInfo is what /proc/self/fdinfo says about a map's descriptor. Some of it is not in [MapInfo].
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
	// OwnerProgramType and OwnerJITed describe the programs that a program array can hold. The first one decides.
	OwnerProgramType ProgramType
	OwnerJITed       bool
}

// FDInfo reads what /proc/self/fdinfo says about the map's descriptor, such as its memory and whether it is frozen.
func (m *mapCore) FDInfo() (MapFDInfo, error) {
	const op = "get fdinfo of"
	if err := m.h.Acquire(); err != nil {
		return MapFDInfo{}, m.fail(op, err)
	}
	defer m.h.Drop()
	info, err := mapFDInfo(m.fd)
	if err != nil {
		return MapFDInfo{}, m.fail(op, err)
	}
	return info, nil
}

func mapFDInfo(fd int) (MapFDInfo, error) { return parseMapFDInfo(readFDInfo(fd)) }

// parseMapFDInfo skips the lines that it does not know. A field whose line is absent stays zero.
func parseMapFDInfo(text string, err error) (MapFDInfo, error) {
	var info MapFDInfo
	err = eachOfFDInfo(text, err, func(name string, number func(bits int) uint64) {
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
	})
	return info, err
}
