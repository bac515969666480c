package inventory

import (
	"time"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/privilege"
)

// Meter measures what programs do. The kernel counts as long as it is open.
type Meter struct {
	stats  *libbpf.RunTimeStats
	at     time.Time
	before map[uint32]counts
}

type counts struct {
	runTime time.Duration
	runs    uint64
}

// NewMeter makes the kernel count.
func NewMeter() (*Meter, error) {
	stats, err := libbpf.EnableRunTimeStats()
	if err != nil {
		return nil, privilege.Need(err, privilege.SysAdmin)
	}
	m := &Meter{stats: stats}
	m.Look()
	return m, nil
}

// Look measures the time since the last look, and returns the rates by the programs' ids. Programs that came or went
// meanwhile are left out.
func (m *Meter) Look() map[uint32]Rates {
	now, counted := time.Now(), map[uint32]counts{}
	rates := map[uint32]Rates{}
	seconds := now.Sub(m.at).Seconds()
	for info := range libbpf.ProgramInfos(0, nil) {
		c := counts{info.RunTime, info.RunCount}
		counted[info.ID] = c
		before, known := m.before[info.ID]
		// The counters of another program with the same id may be lower.
		if !known || c.runs < before.runs || c.runTime < before.runTime || seconds <= 0 {
			continue
		}
		r := Rates{
			CPUPercent:    100 * (c.runTime - before.runTime).Seconds() / seconds,
			RunsPerSecond: float64(c.runs-before.runs) / seconds,
		}
		if runs := c.runs - before.runs; runs > 0 {
			r.NSPerRun = float64(c.runTime-before.runTime) / float64(runs)
		}
		rates[info.ID] = r
	}
	m.at, m.before = now, counted
	return rates
}

// Close lets the kernel stop counting.
func (m *Meter) Close() error { return m.stats.Close() }
