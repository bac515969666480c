package run

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/privilege"
)

// attachClock attaches the programs of the section perf_event to a clock on each CPU: their sections do not say to what.
func (s *session) attachClock() error {
	var programs []*libbpf.Program
	for p := range s.obj.Programs() {
		if p.Type() == libbpf.ProgramTypePerfEvent {
			programs = append(programs, p)
		}
	}
	if len(programs) == 0 {
		return nil
	}
	cpus, err := libbpf.PossibleCPUs()
	if err != nil {
		return err
	}
	for cpu := range cpus {
		event, err := unix.PerfEventOpen(&unix.PerfEventAttr{
			Type: unix.PERF_TYPE_SOFTWARE, Config: unix.PERF_COUNT_SW_CPU_CLOCK, Size: uint32(unsafe.Sizeof(unix.PerfEventAttr{})),
			Sample: uint64(s.opts.frequency), Bits: unix.PerfBitFreq | unix.PerfBitDisabled,
		}, -1, cpu, -1, unix.PERF_FLAG_FD_CLOEXEC)
		if err == unix.ENODEV { // the CPU is off
			continue
		}
		if err != nil {
			return privilege.Need(fmt.Errorf("open the clock of CPU %d: %w", cpu, err), privilege.Perfmon)
		}
		for _, p := range programs {
			link, err := p.AttachPerfEvent(event, libbpf.PerfEventOptions{})
			if err != nil {
				_ = unix.Close(event)
				return err
			}
			s.links = append(s.links, link)
		}
		if err := unix.Close(event); err != nil {
			return err
		}
	}
	return nil
}
