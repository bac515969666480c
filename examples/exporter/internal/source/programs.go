package source

import (
	"time"

	"github.com/libbpf-go/libbpf-go"
)

// Program is how a program does.
type Program struct {
	Name     string
	Attached bool
	Runs     uint64        // while the kernel's statistics are on
	Time     time.Duration // the same
}

// Programs are the programs that were loaded.
func (l *Loaded) Programs() (all []Program) {
	attached := l.links.attached()
	for p := range l.obj.Programs() {
		info, err := p.Info(0)
		if err != nil { // it was not loaded
			continue
		}
		all = append(all, Program{p.Name(), attached[p.Name()], info.RunCount, info.RunTime})
	}
	return all
}

// Statistics makes the kernel measure the run time of all programs until it is closed. That needs CAP_SYS_ADMIN.
func Statistics() (*libbpf.RunTimeStats, error) { return libbpf.EnableRunTimeStats() }
