package libbpf

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// explainTracefs explains the error of a missing file if the attachment needs tracefs and tracefs is not mounted.
func explainTracefs(err error, needed bool) error {
	if !needed || !errors.Is(err, unix.ENOENT) {
		return err
	}
	// libbpf looks in these places.
	for _, events := range []string{"/sys/kernel/tracing/events", "/sys/kernel/debug/tracing/events"} {
		if _, statErr := os.Stat(events); !errors.Is(statErr, os.ErrNotExist) {
			return err
		}
	}
	return fault.New("tracefs is not mounted (mount -t tracefs tracefs /sys/kernel/tracing)", err)
}

// legacyProbes reports whether libbpf makes probes of a kind, "kprobe" or "uprobe", as events in tracefs: because of
// the mode, or because the kernel supports no other way.
func legacyProbes(kind string, mode ProbeMode) bool {
	if mode == ProbeModeLegacy {
		return true
	}
	_, err := os.Stat("/sys/bus/event_source/devices/" + kind)
	return mode == ProbeModeDefault && errors.Is(err, os.ErrNotExist)
}
