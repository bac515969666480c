package libbpf

import (
	"fmt"
	"os"
	"strings"

	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// PossibleCPUs returns the number of CPUs that the machine can have, which is often more than are online
// (libbpf_num_possible_cpus). A per-CPU map has this many values for each key. The number does not change while the
// kernel runs, and libbpf caches it after the first success. PossibleCPUs is safe for concurrent use.
func PossibleCPUs() (n int, err error) {
	err = call("count possible CPUs", "", func() error {
		n = int(possibleCPUs())
		return clib.FromRet(n)
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// onlineCPUs returns the numbers of the CPUs that are online.
func onlineCPUs() ([]int, error) {
	text, err := os.ReadFile("/sys/devices/system/cpu/online")
	if err != nil {
		return nil, err
	}
	return parseCPUs(string(text))
}

// parseCPUs parses a list such as "0-3,8".
func parseCPUs(list string) (cpus []int, err error) {
	for part := range strings.SplitSeq(strings.TrimSpace(list), ",") {
		var first, last int
		if _, err := fmt.Sscanf(part, "%d-%d", &first, &last); err != nil {
			if _, err := fmt.Sscanf(part, "%d", &first); err != nil {
				return nil, fmt.Errorf("list of CPUs %q: %w", list, err)
			}
			last = first
		}
		for cpu := first; cpu <= last; cpu++ {
			cpus = append(cpus, cpu)
		}
	}
	return cpus, nil
}
