package libbpf

/*
#include <bpf/bpf.h>
*/
import "C"

import (
	"github.com/libbpf-go/libbpf-go/internal/handle"
	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// RunTimeStats keeps the kernel counting how often, and for how long, programs run. Close it when done.
type RunTimeStats struct{ h *handle.Handle }

// EnableRunTimeStats makes the kernel count, for all programs of the system, until Close: see [ProgramInfo.RunTime]
// (bpf_enable_stats, Linux 5.8). Each run of a program takes some 20 ns longer meanwhile. It needs CAP_SYS_ADMIN. Others
// may have it enabled as well: then it lasts until the last of them is done.
func EnableRunTimeStats() (*RunTimeStats, error) {
	const runTime = 0 // BPF_STATS_RUN_TIME
	var fd C.int
	err := call("enable", "run time statistics", func() error {
		fd = C.bpf_enable_stats(runTime)
		return clib.FromRet(int(fd))
	})
	if err != nil {
		return nil, err
	}
	return &RunTimeStats{ownFD(int(fd))}, nil
}

// Close stops counting. It is idempotent, and safe for concurrent use.
func (s *RunTimeStats) Close() error {
	if s == nil {
		return nil
	}
	return s.h.Close()
}
