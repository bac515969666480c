// Package names finds the whole names of programs and maps. The kernel cuts them at 15 characters; the BTF that came
// with a program or a map has them whole.
package names

import (
	"strings"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/btf"
)

// Cut is the number of characters of a name that the kernel keeps.
const Cut = 15

// Types reads the BTF of programs and maps, each only once. The zero value is ready. Close frees what was read.
type Types struct {
	byID map[uint32]*btf.BTF // nil for BTF that can't be read
}

// Get is the BTF with this id in the kernel, or nil if it can't be read. Types keeps it: do not close it.
func (t *Types) Get(id uint32) *btf.BTF {
	if id == 0 {
		return nil
	}
	if types, known := t.byID[id]; known {
		return types
	}
	if t.byID == nil {
		t.byID = map[uint32]*btf.BTF{}
	}
	types, err := btf.FromID(id)
	if err != nil {
		types = nil
	}
	t.byID[id] = types
	return types
}

// Keep closes all BTF but these, as programs come and go while a list of them is shown again and again.
func (t *Types) Keep(ids map[uint32]bool) {
	for id, types := range t.byID {
		if !ids[id] {
			_ = types.Close()
			delete(t.byID, id)
		}
	}
}

// Close frees all BTF.
func (t *Types) Close() { t.Keep(nil) }

// Name is a name, and whether it is known to be whole.
type Name struct {
	Text  string
	Whole bool
}

// Program is the name of a program. info must have FuncInfo.
func (t *Types) Program(info libbpf.ProgramInfo) Name {
	if len(info.Name) < Cut {
		return Name{info.Name, true}
	}
	if len(info.FuncInfo) > 0 {
		if whole := Type(t.Get(info.BTFID), info.FuncInfo[0].TypeID); strings.HasPrefix(whole, info.Name) {
			return Name{whole, true}
		}
	}
	return Name{info.Name, false}
}

// Type is the name of a type, or "" if types is nil or has no such type.
func Type(types *btf.BTF, id btf.TypeID) string {
	if types == nil {
		return ""
	}
	found, err := types.TypeByID(id)
	if err != nil {
		return ""
	}
	return found.Name()
}

// Map is the name of a map. Objects list their maps in the section ".maps" of their BTF. If several of them begin with
// what the kernel kept, the name stays cut.
func (t *Types) Map(info libbpf.MapInfo) Name {
	if len(info.Name) < Cut {
		return Name{info.Name, true}
	}
	types := t.Get(info.BTFID)
	if types == nil {
		return Name{info.Name, false}
	}
	// The maps of variables are named after their sections, and the objects' names are cut to make room.
	if section := Type(types, info.BTFValueTypeID); info.BTFKeyTypeID == 0 && section != "" &&
		strings.HasSuffix(info.Name, section) {
		return Name{info.Name, true}
	}
	section, err := types.TypeByName(".maps", btf.KindDatasec)
	if err != nil {
		return Name{info.Name, false}
	}
	whole := ""
	for _, v := range section.(*btf.Datasec).Vars {
		switch name := Type(types, v.Type); {
		case !strings.HasPrefix(name, info.Name):
		case whole != "":
			return Name{info.Name, false}
		default:
			whole = name
		}
	}
	if whole == "" {
		return Name{info.Name, false}
	}
	return Name{whole, true}
}
