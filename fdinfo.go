package libbpf

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// readFDInfo reads what /proc tells of a descriptor.
func readFDInfo(fd int) (string, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", fd))
	return string(text), err
}

// eachOfFDInfo calls f for the lines that are a name, a colon and a value; number is the value. It passes err on, so that it
// can follow readFDInfo.
func eachOfFDInfo(text string, err error, f func(name string, number func(bits int) uint64)) error {
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), ":")
		if !ok {
			continue
		}
		f(name, func(bits int) uint64 {
			n, failed := strconv.ParseUint(strings.TrimSpace(value), 0, bits)
			if failed != nil && err == nil {
				err = fmt.Errorf("%s: %w", name, failed)
			}
			return n
		})
	}
	return err
}
