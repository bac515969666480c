package run

import (
	"time"

	"github.com/libbpf-go/libbpf-go"
)

// cost is what a program has cost so far.
type cost struct {
	name string
	runs uint64
	time time.Duration
}

// measure has the kernel count how long programs run, where somebody looks at it.
func (s *session) measure() {
	if s.opts.metrics == "" && !s.opts.watch {
		return
	}
	var err error
	if s.stats, err = libbpf.EnableRunTimeStats(); err != nil {
		s.env.Note("what programs cost is not known: %v", err)
	}
}

// costs tells what the programs have cost, or nothing if the kernel does not count that.
func (s *session) costs() []cost {
	if s.stats == nil {
		return nil
	}
	var all []cost
	for p := range s.obj.Programs() {
		info, err := p.Info(0)
		if err != nil { // not loaded
			continue
		}
		all = append(all, cost{p.Name(), info.RunCount, info.RunTime})
	}
	return all
}
