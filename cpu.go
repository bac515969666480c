package libbpf

/*
#include <bpf/libbpf.h>
*/
import "C"

import (
	"fmt"
	"os"
	"strings"

	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// PossibleCPUs is the number of CPUs that this machine can ever have, which is how many values a per-CPU map holds
// under each key: more than are online, often (libbpf_num_possible_cpus). It does not change while the kernel runs:
// libbpf remembers it, once it was able to find out. Safe for concurrent use.
func PossibleCPUs() (n int, err error) {
	err = call("count possible CPUs", "", func() error {
		n = int(C.libbpf_num_possible_cpus())
		return clib.FromRet(n)
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// onlineCPUs are the numbers of the CPUs that run now.
func onlineCPUs() ([]int, error) {
	text, err := os.ReadFile("/sys/devices/system/cpu/online")
	if err != nil {
		return nil, err
	}
	return parseCPUs(string(text))
}

// parseCPUs reads a list such as "0-3,8".
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
