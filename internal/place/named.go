package place

import (
	"strings"

	"github.com/libbpf-go/libbpf-go/btf"
)

// Named finds a type by a name such as "event" or "struct event". A name without a keyword is that of the first of the
// kinds that has it.
func Named(types *btf.BTF, name string, kinds ...btf.Kind) (btf.Type, error) {
	if keyword, rest, found := strings.Cut(name, " "); found {
		switch keyword {
		case "struct":
			return types.TypeByName(rest, btf.KindStruct)
		case "union":
			return types.TypeByName(rest, btf.KindUnion)
		case "enum":
			return types.TypeByName(rest, btf.KindEnum, btf.KindEnum64)
		case "typedef":
			return types.TypeByName(rest, btf.KindTypedef)
		}
	}
	return types.TypeByName(name, kinds...) // "unsigned int" is a name
}
