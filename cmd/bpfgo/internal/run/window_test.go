package run

import (
	"testing"
	"time"
)

func TestWindow(t *testing.T) {
	began := time.Date(2026, 3, 4, 10, 0, 0, 0, time.Local)
	now := began.Add(time.Hour)
	for _, tt := range []struct {
		since, until string
		at           time.Duration
		want         bool
	}{
		{"", "", 0, true},
		{"10s", "", 9 * time.Second, false},
		{"10s", "", 10 * time.Second, true},
		{"", "10s", 10 * time.Second, false},
		{"10s", "20s", 15 * time.Second, true},
		{"10:00:05", "10:01", 4 * time.Second, false},
		{"10:00:05", "10:01", 5 * time.Second, true},
		{"10:00:05", "10:01", time.Minute, false},
		{"2026-03-04 10:00:05", "", 4 * time.Second, false},
		{"2026-03-04 10:00", "", 0, true},
		{"", began.Add(time.Second).Format(time.RFC3339), time.Second, false},
	} {
		var w window
		for text, m := range map[string]*moment{tt.since: &w.since, tt.until: &w.until} {
			if text == "" {
				continue
			}
			var err error
			if *m, err = parseMoment(text, now); err != nil {
				t.Fatal(err)
			}
		}
		if got := w.has(tt.at, began); got != tt.want {
			t.Errorf("since %q until %q has %v: %v", tt.since, tt.until, tt.at, got)
		}
	}
	for _, text := range []string{"", "x", "-5s", "25:00", "2026-03-04"} {
		if _, err := parseMoment(text, now); err == nil {
			t.Errorf("%q is a time", text)
		}
	}
}
