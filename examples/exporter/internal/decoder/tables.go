package decoder

import "time"

// Tables are what decoders know of the machine. All objects share them, so they are safe for concurrent use.
type Tables struct {
	Symbols    *Symbols
	Interfaces *Interfaces
	Devices    *Devices
	Cgroups    *Cgroups
	Pods       *Pods
}

// Places are where a machine has what decoders read. They differ in containers that see those of the host elsewhere.
type Places struct {
	Symbols string // /proc/kallsyms
	Cgroups string // the root of the cgroup hierarchy; empty to find it
	Devices string // /sys/dev/block
	Pods    string // /var/log/pods
	Logs    string // /var/log/containers
}

// DefaultPlaces are where a machine has it.
var DefaultPlaces = Places{
	Symbols: "/proc/kallsyms", Devices: "/sys/dev/block", Pods: "/var/log/pods", Logs: "/var/log/containers",
}

// NewTables makes empty tables.
func NewTables(places Places) *Tables {
	cgroups := &Cgroups{root: places.Cgroups}
	return &Tables{
		Symbols:    &Symbols{path: places.Symbols},
		Interfaces: &Interfaces{},
		Devices:    &Devices{root: places.Devices, names: map[uint64]string{}},
		Cgroups:    cgroups,
		Pods:       &Pods{cgroups: cgroups, pods: places.Pods, logs: places.Logs},
	}
}

// limit says when something may be read again: not for each thing that is not in it.
type limit struct {
	last time.Time
}

// patience is the time between two readings.
const patience = time.Second

func (l *limit) pass() bool {
	if now := time.Now(); l.last.IsZero() || now.Sub(l.last) >= patience {
		l.last = now
		return true
	}
	return false
}
