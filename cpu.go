package libbpf

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/libbpf-go/libbpf-go/internal/fault"
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

// maxCPU is more than any kernel supports. The text may come from a container's own /sys.
const maxCPU = 1<<16 - 1

// parseCPUs parses a list in ascending order, such as "0-3,8".
func parseCPUs(list string) (cpus []int, err error) {
	next := 0
	for part := range strings.SplitSeq(strings.TrimSpace(list), ",") {
		from, to, isRange := strings.Cut(part, "-")
		if !isRange {
			to = from
		}
		first, err := strconv.ParseUint(from, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("list of CPUs %q: %w", list, err)
		}
		last, err := strconv.ParseUint(to, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("list of CPUs %q: %w", list, err)
		}
		if int64(first) < int64(next) || last < first || last > maxCPU {
			return nil, fault.Invalidf("list of CPUs %q: %q is out of order", list, part)
		}
		for next = int(first); next <= int(last); next++ {
			cpus = append(cpus, next)
		}
	}
	return cpus, nil
}
