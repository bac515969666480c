package libbpf

/*
#include <bpf/btf.h>
#include <bpf/libbpf.h>

// lbg_map_name is the name of a map. For global data it is the section's name, if the object's BTF has it: libbpf cuts
// and cleans some of these names, so that two sections may get the same one.
static const char *lbg_map_name(const struct bpf_object *obj, const struct bpf_map *map)
{
	const char *name = bpf_map__name(map);
	const struct btf_type *type;

	if (!bpf_map__is_internal(map) || !bpf_map__btf_value_type_id(map) || !name || name[0] != '.')
		return name;
	type = btf__type_by_id(bpf_object__btf(obj), bpf_map__btf_value_type_id(map));
	return type && btf_is_datasec(type) ? btf__name_by_offset(bpf_object__btf(obj), type->name_off) : name;
}
*/
import "C"

import (
	"strings"
)

// mapIndex finds an object's maps by name.
type mapIndex struct {
	byMap  map[*C.struct_bpf_map]int
	byName map[string]int // by what Name returns
}

// add adds the next map and returns its name.
func (x *mapIndex) add(object *C.struct_bpf_object, m *C.struct_bpf_map) string {
	if x.byMap == nil {
		x.byMap, x.byName = make(map[*C.struct_bpf_map]int), make(map[string]int)
	}
	name := C.GoString(C.lbg_map_name(object, m))
	if _, taken := x.byName[name]; !taken {
		x.byName[name] = len(x.byMap)
	}
	x.byMap[m] = len(x.byMap)
	return name
}

// find finds a map by its name or, for global data, by the name of its section (bpf_object__find_map_by_name).
func (x *mapIndex) find(object *C.struct_bpf_object, name string) (int, bool) {
	if strings.IndexByte(name, 0) < 0 {
		var c cArgs
		defer c.Free()
		if i, ok := x.byMap[C.bpf_object__find_map_by_name(object, c.Of("name", name))]; ok {
			return i, true
		}
	}
	i, ok := x.byName[name]
	return i, ok
}
