package holders

import (
	"os"
	"strconv"
	"strings"

	"github.com/libbpf-go/libbpf-go"
)

func (f *Found) findPins() {
	mounts, err := Mounts("bpf")
	if err != nil {
		f.warn("pins are not known: %v", err)
		return
	}
	for _, mount := range mounts {
		var failed error
		for pin := range libbpf.Pins(mount, &failed) {
			object := Object{ID: pin.ID()}
			switch pin.Kind {
			case libbpf.PinnedMap:
				object.Kind = Map
			case libbpf.PinnedProgram:
				object.Kind = Program
			case libbpf.PinnedLink:
				object.Kind = Link
			}
			f.Pins[object] = append(f.Pins[object], pin.Path)
		}
		if failed != nil {
			f.warn("%v", failed)
		}
	}
}

// Mounts are the places where file systems of a type are mounted. A file system that is mounted several times has one
// place: where its root is, if it is anywhere.
func Mounts(fsType string) ([]string, error) {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	return mounts(string(text), fsType), nil
}

// mounts reads the text of /proc/self/mountinfo.
func mounts(text, fsType string) []string {
	type place struct {
		root bool
		path string
	}
	var order []string // the devices
	byDevice := map[string]place{}
	for line := range strings.Lines(text) {
		// "36 35 98:0 /root /path options [more ...] - type source options"
		mount, system, found := strings.Cut(line, " - ")
		fields := strings.Fields(mount)
		if typ, _, _ := strings.Cut(system, " "); !found || typ != fsType || len(fields) < 5 {
			continue
		}
		device, here := fields[2], place{fields[3] == "/", unescape(fields[4])}
		known, seen := byDevice[device]
		switch {
		case !seen:
			order = append(order, device)
			byDevice[device] = here
		case here.root && !known.root:
			byDevice[device] = here
		}
	}
	var paths []string
	for _, device := range order {
		paths = append(paths, byDevice[device].path)
	}
	return paths
}

// unescape reads a path of mountinfo, where spaces and others are octal, as \040.
func unescape(text string) string {
	var path strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+3 < len(text) {
			if c, err := strconv.ParseUint(text[i+1:i+4], 8, 8); err == nil {
				path.WriteByte(byte(c))
				i += 3
				continue
			}
		}
		path.WriteByte(text[i])
	}
	return path.String()
}
