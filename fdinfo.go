package libbpf

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// readFDInfo reads /proc/self/fdinfo for a descriptor.
func readFDInfo(fd int) (string, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", fd))
	return string(text), err
}

// eachOfFDInfo calls f for each line with a name, a colon and a value; number parses the value. It returns err if err
// is not nil, so it can follow readFDInfo.
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
