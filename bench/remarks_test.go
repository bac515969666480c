package main

import "testing"

func TestRemarks(t *testing.T) {
	o, err := readOutcome("results.json")
	if err != nil {
		t.Fatal(err)
	}
	used := make(map[string]bool)
	for _, table := range o.Tables {
		if table.remark() == "" {
			t.Errorf("no remark on %q", table.Title)
		}
		used[table.remark()] = true
	}
	if len(used) < 5 {
		t.Errorf("all tables have the same %d remarks", len(used))
	}
}

func TestCount(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 100000: "100,000", 1234567: "1,234,567"} {
		if got := count(n); got != want {
			t.Errorf("count(%d) is %q, not %q", n, got, want)
		}
	}
}
