// Command vulnerabilities runs govulncheck in modules, with a copy of the Go vulnerability database that came as a
// module. So it needs no other host than the module proxy. It fails for a vulnerability in a module that is built
// in. One of Go's own library is only told: who builds with a newer Go does not have it.
package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	reports := flag.String("osv", "", "folder with the reports, as in golang.org/x/vulndb/data/osv")
	flag.Parse()
	if flag.NArg() < 2 {
		fmt.Fprintln(os.Stderr, "usage: vulnerabilities -osv FOLDER GOVULNCHECK MODULE...")
		os.Exit(2)
	}
	if err := run(*reports, flag.Arg(0), flag.Args()[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "vulnerabilities:", err)
		os.Exit(1)
	}
}

func run(reports, govulncheck string, modules []string) error {
	// Of a folder without reports, govulncheck says that nothing is vulnerable.
	if paths, err := filepath.Glob(filepath.Join(reports, "GO-*.json")); err != nil || len(paths) == 0 {
		return fmt.Errorf("no reports in %q", reports)
	}
	folder, err := filepath.Abs(reports)
	if err != nil {
		return err
	}
	var all []finding
	for _, module := range modules {
		cmd := exec.Command(govulncheck, "-C", module, "-format", "json", "-db", "file://"+folder, "-test", "./...")
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			return fmt.Errorf("in %s: %w", module, err)
		}
		found, err := findings(out)
		if err != nil {
			return fmt.Errorf("in %s: %w", module, err)
		}
		all = append(all, found...)
	}
	return tell(os.Stdout, all)
}

// finding is a vulnerability in something that is built in. The trace begins with what is vulnerable: a module, a package
// of it that is imported, or a function that is called.
type finding struct {
	ID    string `json:"osv"`
	Fixed string `json:"fixed_version"`
	Trace []struct {
		Module   string `json:"module"`
		Version  string `json:"version"`
		Package  string `json:"package"`
		Function string `json:"function"`
	} `json:"trace"`
}

// findings reads what govulncheck has written. An output without its configuration is none.
func findings(out []byte) ([]finding, error) {
	var all []finding
	scanned := false
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var message struct {
			Config  *struct{} `json:"config"`
			Finding *finding  `json:"finding"`
		}
		err := decoder.Decode(&message)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("govulncheck's output: %w", err)
		}
		scanned = scanned || message.Config != nil
		if message.Finding != nil && len(message.Finding.Trace) > 0 {
			all = append(all, *message.Finding)
		}
	}
	if !scanned {
		return nil, errors.New("govulncheck has scanned nothing")
	}
	return all, nil
}

func tell(out io.Writer, found []finding) error {
	const library = "stdlib"
	inGo := make(map[string]bool)
	newer := ""
	var failed []string
	for _, f := range found {
		at := f.Trace[0]
		if at.Module == library {
			inGo[f.ID] = true
			if newer == "" || len(f.Fixed) > len(newer) || len(f.Fixed) == len(newer) && f.Fixed > newer {
				newer = f.Fixed
			}
			continue
		}
		text := fmt.Sprintf("%s in %s %s, mended in %s", f.ID, at.Module, at.Version, cmp.Or(f.Fixed, "no version"))
		if !slices.Contains(failed, text) {
			failed = append(failed, text)
		}
	}
	if len(inGo) > 0 {
		fmt.Fprintf(out, "note: this Go's own library has %d known vulnerabilities, which Go %s has not\n", len(inGo),
			strings.TrimPrefix(newer, "v"))
	}
	if len(failed) > 0 {
		return errors.New(strings.Join(failed, "\n    "))
	}
	return nil
}
