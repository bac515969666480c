package libbpf

import (
	"errors"
	"strings"
	"testing"
)

func TestIterOptionRules(t *testing.T) {
	for rule, opts := range map[string]IterOptions{
		"PID is -1 and must be from 0":                 {PID: -1},
		"TID, PID and PIDFD exclude one another":       {PID: 1, TID: 1},
		"an iterator over cgroups needs a CgroupOrder": {CgroupID: 1},
		"there is no CgroupOrder 99":                   {CgroupOrder: 99},
		"CgroupFD and CgroupID exclude one another":    {CgroupOrder: 1, CgroupFD: 3, CgroupID: 1},
		"only for cgroups or only for tasks":           {CgroupOrder: 1, PID: 1},
	} {
		if err := opts.check(); !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), rule) {
			t.Errorf("error %v, want %q", err, rule)
		}
	}
	if err := (IterOptions{CgroupOrder: CgroupIterChildren, CgroupFD: 3}).check(); err != nil {
		t.Error(err)
	}
}
