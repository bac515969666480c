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
	last  time.Time
	asked map[uint64]time.Time // what had to wait
}

// turn is what to do for a thing that is not known.
type turn uint8

const (
	look  turn = iota // read again
	wait              // that is too early
	given             // it was read since the thing was asked for first: it is not there
)

// ask asks for a thing that is not known.
func (l *limit) ask(id uint64) turn {
	if l.pass() {
		return look
	}
	if since, ok := l.asked[id]; ok && l.last.After(since) {
		return given
	} else if !ok {
		if l.asked == nil || len(l.asked) > 1<<16 {
			l.asked = map[uint64]time.Time{}
		}
		l.asked[id] = time.Now()
	}
	return wait
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
