package libbpf

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// explainTracefs explains the error of a missing or forbidden file if the attachment needs tracefs, and tracefs is not
// mounted or this user can't read it.
func explainTracefs(err error, needed bool) error {
	missing, denied := errors.Is(err, unix.ENOENT), errors.Is(err, unix.EACCES)
	if !needed || !missing && !denied {
		return err
	}
	// libbpf looks in these places.
	for _, folder := range []string{"/sys/kernel/tracing", "/sys/kernel/debug/tracing"} {
		_, statErr := os.Stat(folder + "/events")
		switch {
		case errors.Is(statErr, os.ErrNotExist):
		case denied && errors.Is(statErr, os.ErrPermission):
			return fault.Newf(err, "this user can't read tracefs at %s", folder)
		default:
			return err
		}
	}
	if denied {
		return err
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
