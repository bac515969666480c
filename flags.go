package libbpf

import (
	"strconv"
	"strings"
)

// flagsText returns the names of the flags that are set, with "|" between them. names has the names of the bits, from
// the lowest bit on, with "" for a bit without a name. Bits without a name come last, as one hexadecimal number.
func flagsText(flags uint64, names ...string) string {
	var set []string
	rest := flags
	for i, name := range names {
		if bit := uint64(1) << i; flags&bit != 0 && name != "" {
			set = append(set, name)
			rest &^= bit
		}
	}
	if rest != 0 || flags == 0 {
		set = append(set, "0x"+strconv.FormatUint(rest, 16))
	}
	return strings.Join(set, "|")
}
