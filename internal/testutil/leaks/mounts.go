package leaks

import (
	"os"
	"strings"
)

type mount struct{ point, kind string }

// mounts are those that this process sees, the latest last.
func mounts() []mount {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil
	}
	var all []mount
	for line := range strings.Lines(string(text)) {
		head, tail, ok := strings.Cut(line, " - ")
		fields, kinds := strings.Fields(head), strings.Fields(tail)
		if ok && len(fields) > 4 && len(kinds) > 0 {
			point := strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(fields[4])
			all = append(all, mount{point, kinds[0]})
		}
	}
	return all
}
