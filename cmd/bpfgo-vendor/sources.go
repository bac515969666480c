package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// sources says which versions the user wants, and where to look for them.
type sources struct {
	pins    []pin
	want    map[string]string // a library's version; a library that is not in it may have any
	files   map[string]string // tarballs by their sha256
	archive string
}

// tarball is a file with the sources of a pinned version.
type tarball struct {
	pin
	file string
}

func newSources(pins []pin, r request) (*sources, error) {
	s := &sources{pins: pins, want: map[string]string{}, files: map[string]string{}, archive: r.archive}
	if r.libbpf != "" {
		s.want["libbpf"] = r.libbpf
		if _, pinned := s.find("libbpf", r.libbpf); !pinned {
			return nil, fmt.Errorf("libbpf %s is not pinned: %s", r.libbpf, versions(of(pins, "libbpf")))
		}
	}
	for _, path := range r.from {
		info, err := os.Stat(path)
		switch {
		case err != nil:
			return nil, err
		case info.IsDir():
			err = s.addFolder(path)
		default:
			err = s.addFile(path)
		}
		if err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *sources) find(library, version string) (pin, bool) {
	for _, p := range s.pins {
		if p.library == library && p.version == version {
			return p, true
		}
	}
	return pin{}, false
}

// addFile takes a tarball that the user names. It must be pinned, and its version is then the one to lay down.
func (s *sources) addFile(file string) error {
	sum, err := sumOf(file)
	if err != nil {
		return err
	}
	for _, p := range s.pins {
		if p.sha256 != sum {
			continue
		}
		if want := s.want[p.library]; want != "" && want != p.version {
			return fmt.Errorf("%s is %s, and %s is wanted", file, p, want)
		}
		s.want[p.library] = p.version
		s.files[sum] = file
		return nil
	}
	var known strings.Builder
	for _, p := range s.pins {
		fmt.Fprintf(&known, "\n  %s %s", p.sha256, p.base())
	}
	return fmt.Errorf("%s is not a pinned tarball: its sha256 is %s, and these are pinned:%s", file, sum, known.String())
}

// addFolder takes the tarballs of a folder that are pinned.
func (s *sources) addFolder(folder string) error {
	for _, p := range s.pins {
		file := filepath.Join(folder, p.base())
		sum, err := sumOf(file)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return err
		case sum != p.sha256:
			return fmt.Errorf("%s has the sha256 %s, and the pinned one is %s", file, sum, p.sha256)
		default:
			s.files[sum] = file
		}
	}
	return nil
}

// wants reports whether the user is content with these versions.
func (s *sources) wants(have []pin) bool {
	for _, p := range have {
		if want := s.want[p.library]; want != "" && want != p.version {
			return false
		}
	}
	return true
}

// candidates returns the versions of a library that the user is content with, the preferred one first.
func (s *sources) candidates(library string) []pin {
	pins := of(s.pins, library)
	if want := s.want[library]; want != "" {
		p, _ := s.find(library, want)
		return []pin{p}
	}
	return pins
}

// get returns a tarball for each library: the user's own before those of an archive.
func (s *sources) get(stage *stage, say func(string, ...any)) ([]tarball, error) {
	var tarballs []tarball
	var missing []pin
	archive := &archive{address: s.archive, stage: stage, say: say}
	for _, library := range libraries {
		candidates := s.candidates(library)
		if len(candidates) == 0 {
			return nil, fmt.Errorf("no version of %s is pinned", library)
		}
		found := s.local(candidates)
		if found == nil && len(missing) == 0 {
			var err error
			if found, err = archive.get(candidates); err != nil {
				return nil, err
			}
		}
		if found == nil {
			missing = append(missing, candidates[0])
			continue
		}
		tarballs = append(tarballs, *found)
	}
	if len(missing) > 0 {
		return nil, errors.New(whatHelps(missing))
	}
	return tarballs, nil
}

func (s *sources) local(candidates []pin) *tarball {
	for _, p := range candidates {
		if file := s.files[p.sha256]; file != "" {
			return &tarball{p, file}
		}
	}
	return nil
}

func whatHelps(missing []pin) string {
	var files strings.Builder
	for _, p := range missing {
		fmt.Fprintf(&files, "\n      %s  %s", p.sha256, p.file)
	}
	return versions(missing) + " could not be downloaded. One of these helps:" + `
  - Give this machine a way to its Debian or Ubuntu package archive, the one that apt is configured for, or name a
    Debian archive: "make vendor ARCHIVE=URL", or "bpfgo-vendor -archive URL".
  - Bring these files from a Debian archive, and run "make vendor FROM=FOLDER", or "bpfgo-vendor -from FOLDER".
    sha256, file:` + files.String() + `
  - Do without: install libbpf 1.1 or newer (Debian: apt-get install libbpf-dev). "go build" then links it.`
}
