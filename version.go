package libbpf

import (
	"strconv"

	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// LibraryVersion is the version of the linked libbpf.
type LibraryVersion struct {
	Major, Minor int
	// Patch is -1 for the system's library: libbpf does not report its patch level.
	Patch int
	// Vendored reports that libbpf was compiled from the sources in libbpf-go, and is not the system's library.
	Vendored bool
}

// Version returns the version of the libbpf that is linked into the program (libbpf_version_string).
func Version() LibraryVersion {
	v := LibraryVersion{Vendored: clib.Vendored()}
	v.Major, v.Minor, v.Patch = clib.VersionNumbers()
	return v
}

// String returns versions such as "1.7.0 (vendored)" or "1.1 (system)".
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

// needs returns a [VersionError] if the linked libbpf is older than the version that has this function.
func needs(function string, major, minor int) error { //nolint:unparam // a version has two parts
	return clib.Needs(function, major, minor)
}
