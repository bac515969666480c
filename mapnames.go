package libbpf

import (
	"slices"
	"strings"
)

// mapIndex finds an object's maps by name. An object has few maps: to look at each is faster than to hash a name.
type mapIndex []namedMap

// namedMap is a map and what Name returns.
type namedMap struct {
	ptr  *cMap
	name string
}

// find finds a map by its name or, for global data, by the name of its section (bpf_object__find_map_by_name).
func (x mapIndex) find(object *cObject, name string) (int, bool) {
	if strings.IndexByte(name, 0) < 0 {
		var c cArgs
		defer c.Free()
		if found := findMap(object, c.Of("name", name)); found != nil {
			if i := slices.IndexFunc(x, func(m namedMap) bool { return m.ptr == found }); i >= 0 {
				return i, true
			}
		}
	}
	i := slices.IndexFunc(x, func(m namedMap) bool { return m.name == name })
	return i, i >= 0
}
