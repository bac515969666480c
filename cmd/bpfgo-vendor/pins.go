package main

import (
	"fmt"
	"os"
	"path"
	"strings"
)

// libraries are those whose sources are laid down, in the order in which they are named.
var libraries = []string{"libbpf", "libelf", "zlib"}

// pin is a version of a library, and the tarball that has its sources.
type pin struct {
	library, version string
	file             string // in an archive
	sha256           string
}

func (p pin) String() string { return p.library + " " + p.version }

// base is the tarball's name.
func (p pin) base() string { return path.Base(p.file) }

// readPins reads a lock.
func readPins(file string) ([]pin, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var pins []pin
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0 || strings.HasPrefix(fields[0], "#"):
		case len(fields) != 4:
			return nil, fmt.Errorf("%s: %q has not four fields", file, strings.TrimSpace(line))
		default:
			pins = append(pins, pin{fields[0], fields[1], fields[2], fields[3]})
		}
	}
	return pins, nil
}

// of returns a library's pins.
func of(pins []pin, library string) []pin {
	var found []pin
	for _, p := range pins {
		if p.library == library {
			found = append(found, p)
		}
	}
	return found
}
