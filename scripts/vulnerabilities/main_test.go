package main

import (
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
		{config + strings.ReplaceAll(inModule, `"v0.2.0"`, `""`), "", "GO-2 in x v0.1.0, mended in no version"},
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

// A folder without reports would be a clean bill.
func TestNoReports(t *testing.T) {
	if err := run(t.TempDir(), "true", []string{"."}); err == nil || !strings.Contains(err.Error(), "no reports") {
		t.Errorf("%v", err)
	}
}
