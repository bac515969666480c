package libbpf

import "strings"

// mapIndex finds an object's maps by name.
type mapIndex struct {
	byMap  map[*cMap]int
	byName map[string]int // by what Name returns
}

// add adds the next map and returns its name.
func (x *mapIndex) add(object *cObject, m *cMap) string {
	if x.byMap == nil {
		x.byMap, x.byName = make(map[*cMap]int), make(map[string]int)
	}
	name := objectMapName(object, m)
	if _, taken := x.byName[name]; !taken {
		x.byName[name] = len(x.byMap)
	}
	x.byMap[m] = len(x.byMap)
	return name
}

// find finds a map by its name or, for global data, by the name of its section (bpf_object__find_map_by_name).
func (x *mapIndex) find(object *cObject, name string) (int, bool) {
	if strings.IndexByte(name, 0) < 0 {
		var c cArgs
		defer c.Free()
		if i, ok := x.byMap[findMap(object, c.Of("name", name))]; ok {
			return i, true
		}
	}
	i, ok := x.byName[name]
	return i, ok
}
