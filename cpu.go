package libbpf

/*
#include <bpf/libbpf.h>
*/
import "C"

import (
	"sync"

	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// PossibleCPUs is the number of CPUs that this machine can ever have, which is how many values a per-CPU map holds
// under each key: more than are online, often (libbpf_num_possible_cpus). It does not change while the kernel runs. Safe
// for concurrent use.
func PossibleCPUs() (int, error) { return possibleCPUs() }

var possibleCPUs = sync.OnceValues(func() (int, error) {
	var n C.int
	err := call("count possible CPUs", "", func() error {
		n = C.libbpf_num_possible_cpus()
		return clib.FromRet(int(n))
	})
	if err != nil {
		return 0, err
	}
	return int(n), nil
})
