package libbpf

import (
	"fmt"
	"strconv"
	"strings"

	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// LibraryVersion identifies the C library that a program runs with.
type LibraryVersion struct {
	Major, Minor int
	// Patch is -1 where the library is the system's, because libbpf does not tell its patch level.
	Patch int
	// Vendored: compiled from the sources that libbpf-go pins, not the system's library.
	Vendored bool
}

// Version is the version of the libbpf that is linked into the program (libbpf_version_string).
func Version() LibraryVersion {
	v := LibraryVersion{Patch: -1, Vendored: clib.Vendored()}
	numbers := []*int{&v.Major, &v.Minor, &v.Patch}
	for i, text := range strings.SplitN(clib.VersionString(), ".", len(numbers)) {
		if n, err := strconv.Atoi(text); err == nil {
			*numbers[i] = n
		}
	}
	return v
}

// String is such as "1.7.0 (vendored)" or "1.1 (system)".
func (v LibraryVersion) String() string {
	text := strconv.Itoa(v.Major) + "." + strconv.Itoa(v.Minor)
	if v.Patch >= 0 {
		text += "." + strconv.Itoa(v.Patch)
	}
	if v.Vendored {
		return text + " (vendored)"
	}
	return text + " (system)"
}

// needs is a [VersionError] for a function of libbpf's that the one that is linked does not have.
func needs(function string, major, minor int) error {
	if v := Version(); v.Major > major || v.Major == major && v.Minor >= minor {
		return nil
	}
	return &VersionError{Func: function, Needs: fmt.Sprintf("%d.%d", major, minor)}
}
