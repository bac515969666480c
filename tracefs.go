package libbpf

import (
	"errors"
	"os"
	"strings"

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
	var system unix.Statfs_t
	switch statErr := unix.Statfs("/sys/kernel/tracing", &system); {
	case denied:
		return err
	case statErr == nil && system.Type == unix.TRACEFS_MAGIC && lockedDown("confidentiality"):
		return fault.New("tracefs has no events: the kernel is locked down for confidentiality", err)
	case statErr == nil && system.Type == unix.TRACEFS_MAGIC:
		return fault.New("tracefs has no events", err)
	}
	return fault.New("tracefs is not mounted (mount -t tracefs tracefs /sys/kernel/tracing)", err)
}

// lockedDown reports whether the kernel says that it is locked down so.
func lockedDown(mode string) bool {
	text, err := os.ReadFile("/sys/kernel/security/lockdown")
	return err == nil && strings.Contains(string(text), "["+mode+"]")
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
