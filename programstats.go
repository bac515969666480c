package libbpf

import (
	"github.com/libbpf-go/libbpf-go/internal/handle"
	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// RunTimeStats keeps run time statistics enabled in the kernel. Close it when done.
type RunTimeStats struct{ h *handle.Handle }

// EnableRunTimeStats makes the kernel count how often and how long programs run, for all programs of the system, until
// Close (bpf_enable_stats, Linux 5.8): see [ProgramInfo.RunTime]. Each run of a program takes about 20 ns longer
// meanwhile. It needs CAP_SYS_ADMIN. If others have enabled statistics too, the kernel counts until the last of them is
// done.
func EnableRunTimeStats() (*RunTimeStats, error) {
	const runTime = 0 // BPF_STATS_RUN_TIME
	var fd cInt
	err := call("enable", "run time statistics", func() error {
		fd = enableStats(runTime)
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
	return closing("run time statistics", s.h.Close())
}
