// Command sbom writes the bill of materials of a program that has libbpf-go, as CycloneDX in JSON: its Go modules, as
// the program itself names them, and the C libraries that "make vendor" laid down and cgo compiled in, with the hashes of
// their sources. The same program gives the same bytes.
package main

import (
	"bufio"
	"cmp"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

const help = `usage: sbom [-upstream FOLDER] PROGRAM

Writes the bill of materials of a program, as CycloneDX in JSON.

  -upstream FOLDER  where "make vendor" laid down the C libraries that the program was built with
                    (default: libbpf/upstream)
`

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("sbom", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	upstream := flags.String("upstream", "libbpf/upstream", "")
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		_, err := io.WriteString(out, help)
		return err
	case err != nil:
		return fmt.Errorf("%w; -help prints the usage", err)
	case flags.NArg() != 1:
		return errors.New("one program, please; -help prints the usage")
	}
	bom, err := bill(flags.Arg(0), *upstream)
	if err != nil {
		return err
	}
	encoder := cdx.NewBOMEncoder(out, cdx.BOMFileFormatJSON).SetPretty(true).SetEscapeHTML(false)
	return encoder.EncodeVersion(bom, cdx.SpecVersion1_6)
}

func bill(program, upstream string) (*cdx.BOM, error) {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return nil, err
	}
	if err := hasVendored(info); err != nil {
		return nil, fmt.Errorf("%s: %w", program, err)
	}
	sum, err := hash(program)
	if err != nil {
		return nil, err
	}
	libraries, err := vendored(filepath.Join(upstream, "PIN"))
	if err != nil {
		return nil, err
	}
	main := module(&info.Main)
	main.Type, main.Name = cdx.ComponentTypeApplication, filepath.Base(program)
	main.Hashes = sha256sum(sum)
	components := []cdx.Component{standardLibrary(info.GoVersion)}
	for _, dep := range info.Deps {
		components = append(components, module(dep))
	}
	components = append(components, libraries...)
	var all []string
	for _, c := range components {
		all = append(all, c.BOMRef)
	}
	bom := cdx.NewBOM()
	bom.SerialNumber = "" // it would differ each time, as the time would
	bom.Metadata = &cdx.Metadata{Component: &main}
	bom.Components = &components
	bom.Dependencies = &[]cdx.Dependency{{Ref: main.BOMRef, Dependencies: &all}}
	return bom, nil
}

// hasVendored fails for a program that was built to link the system's libbpf, or none.
func hasVendored(info *debug.BuildInfo) error {
	for _, s := range info.Settings {
		if s.Key == "-tags" && slices.Contains(strings.Split(s.Value, ","), "libbpf_system") ||
			s.Key == "CGO_ENABLED" && s.Value == "0" {
			return fmt.Errorf("it was built with %s=%s, without the C libraries that \"make vendor\" lays down", s.Key, s.Value)
		}
	}
	return nil
}

// module is a Go module. What replaces it is what was built.
func module(m *debug.Module) cdx.Component {
	built := m
	if m.Replace != nil {
		built = m.Replace
	}
	version := strings.TrimPrefix(built.Version, "(devel)") // of a build from a clone
	c := cdx.Component{Type: cdx.ComponentTypeLibrary, Name: m.Path, Version: version, Scope: cdx.ScopeRequired}
	if !strings.HasPrefix(built.Path, ".") && !filepath.IsAbs(built.Path) { // not a folder
		c.PackageURL = "pkg:golang/" + built.Path
		if version != "" {
			c.PackageURL += "@" + version
		}
	}
	c.BOMRef = cmp.Or(c.PackageURL, m.Path)
	if built.Sum != "" { // of go.sum, which is no hash of a file
		c.Properties = &[]cdx.Property{{Name: "go:sum", Value: built.Sum}}
	}
	return c
}

func standardLibrary(version string) cdx.Component {
	version = strings.TrimPrefix(version, "go")
	purl := "pkg:golang/std@" + version
	return cdx.Component{BOMRef: purl, Type: cdx.ComponentTypeLibrary, Name: "std", Version: version, PackageURL: purl,
		Scope: cdx.ScopeRequired}
}

// known is what PIN does not say of a library. CPEs are the names that lists of vulnerabilities use.
var known = map[string]struct{ cpe, licence, about string }{
	"libbpf": {"cpe:2.3:a:libbpf_project:libbpf:%s:*:*:*:*:*:*:*", "LGPL-2.1-only OR BSD-2-Clause", "libbpf"},
	"libelf": {"cpe:2.3:a:elfutils_project:elfutils:%s:*:*:*:*:*:*:*", "LGPL-3.0-or-later OR GPL-2.0-or-later",
		"libelf, of elfutils"},
	"zlib": {"cpe:2.3:a:zlib:zlib:%s:*:*:*:*:*:*:*", "Zlib", "zlib"},
}

// vendored reads the file in which each line has a library, its version, and the sha256 of the archive of its sources.
func vendored(pin string) ([]cdx.Component, error) {
	file, err := os.Open(pin)
	if err != nil {
		return nil, fmt.Errorf("the C libraries: %w", err)
	}
	defer file.Close()
	var all []cdx.Component
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) != 3 {
			return nil, fmt.Errorf("%s: %q is no library", pin, lines.Text())
		}
		name, version, sum := fields[0], fields[1], fields[2]
		k, ok := known[name]
		if !ok {
			return nil, fmt.Errorf("%s: %q is an unknown library", pin, name)
		}
		purl := fmt.Sprintf("pkg:generic/%s@%s?checksum=sha256:%s", name, version, sum)
		all = append(all, cdx.Component{
			BOMRef: purl, Type: cdx.ComponentTypeLibrary, Name: name, Version: version, PackageURL: purl,
			CPE: fmt.Sprintf(k.cpe, version), Hashes: sha256sum(sum), Scope: cdx.ScopeRequired,
			Licenses:    &cdx.Licenses{{Expression: k.licence}},
			Description: k.about + ", compiled by cgo. The hash is that of the archive of its sources.",
		})
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(all) != len(known) {
		return nil, fmt.Errorf("%s names %d libraries, not %d", pin, len(all), len(known))
	}
	return all, nil
}

func sha256sum(sum string) *[]cdx.Hash {
	return &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: sum}}
}

func hash(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	h := sha256.New()
	if _, err := io.Copy(h, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
