package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What is found in modules fails, with the version that mends it. What is in Go's own library is told.
func TestTell(t *testing.T) {
	const config, inGo, inModule = `{"config": {}}`,
		`{"finding": {"osv": "GO-1", "fixed_version": "v1.26.10", "trace": [{"module": "stdlib", "version": "v1.26.8"}]}}`,
		`{"finding": {"osv": "GO-2", "fixed_version": "v0.2.0", "trace": [{"module": "x", "version": "v0.1.0"}]}}`
	for _, c := range []struct{ out, says, fails string }{
		{config, "", ""},
		{config + inGo, "Go 1.26.10", ""},
		{config + inGo + inModule + inModule, "Go 1.26.10", "GO-2 in x v0.1.0, mended in v0.2.0"},
		{"", "", "nothing"},
		{"{", "", "unexpected EOF"},
	} {
		var said strings.Builder
		found, err := findings([]byte(c.out))
		if err == nil {
			err = tell(&said, found)
		}
		switch {
		case (err == nil) != (c.fails == ""), err != nil && !strings.HasSuffix(err.Error(), c.fails):
			t.Errorf("%s: error %v, want %q", c.out, err, c.fails)
		case !strings.Contains(said.String(), c.says), c.says == "" && said.Len() > 0:
			t.Errorf("%s: said %q, want %q", c.out, said.String(), c.says)
		}
	}
}

func TestIndex(t *testing.T) {
	reports, database := t.TempDir(), t.TempDir()
	if err := index(reports, database); err == nil {
		t.Error("no reports are a database")
	}
	const text = `{"id": "GO-1", "modified": "2026-01-02T00:00:00Z", "affected": [{"package": {"name": "x"},
		"ranges": [{"events": [{"introduced": "0"}, {"fixed": "0.2.0"}, {"introduced": "1.0.0"}, {"fixed": "1.1.0"}]}]}]}`
	if err := os.WriteFile(filepath.Join(reports, "GO-1.json"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := index(reports, database); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"index/db.json":      `{"modified":"2026-01-02T00:00:00Z"}`,
		"index/modules.json": `[{"path":"x","vulns":[{"id":"GO-1","modified":"2026-01-02T00:00:00Z","fixed":"1.1.0"}]}]`,
		"ID/GO-1.json":       text,
	} {
		got, err := os.ReadFile(filepath.Join(database, name))
		if err != nil || string(got) != want {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
}
