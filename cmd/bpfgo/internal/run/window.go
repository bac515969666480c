package run

import (
	"errors"
	"time"
)

// moment is a time that the user gave: on the clock, or since the run began.
type moment struct {
	set   bool
	after time.Duration
	clock time.Time
}

// parseMoment reads "10s", which is since the beginning, "15:04:05", which is today, or a whole date with a time.
func parseMoment(text string, now time.Time) (moment, error) {
	if after, err := time.ParseDuration(text); err == nil && after >= 0 {
		return moment{set: true, after: after}, nil
	}
	for _, layout := range []string{"15:04", time.TimeOnly} {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			day := now.In(time.Local)
			t = time.Date(day.Year(), day.Month(), day.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.Local)
			return moment{set: true, clock: t}, nil
		}
	}
	for _, layout := range []string{time.DateTime, "2006-01-02 15:04", time.RFC3339} {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return moment{set: true, clock: t}, nil
		}
	}
	return moment{}, errors.New("must be a time since the beginning, such as 10s, or a time, such as 15:04:05, " +
		"2006-01-02 15:04:05 or 2006-01-02T15:04:05Z")
}

// since is how long after the beginning the moment is. It may be negative.
func (m moment) since(began time.Time) time.Duration {
	if m.clock.IsZero() {
		return m.after
	}
	return m.clock.Sub(began)
}

// window is the time that the user wants to see.
type window struct{ since, until moment }

func (w *window) set() bool { return w.since.set || w.until.set }

// has tells whether what happened so long after the beginning is in the window.
func (w *window) has(at time.Duration, began time.Time) bool {
	return (!w.since.set || at >= w.since.since(began)) && (!w.until.set || at < w.until.since(began))
}
