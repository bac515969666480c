//go:build cgo

package clib

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// VersionError says that the linked libbpf is too old for an operation. It matches [errors.ErrUnsupported].
type VersionError struct {
	Func  string // what is missing: a function, or a feature such as `section "tcx/ingress"`
	Needs string // the first libbpf that has it, such as "1.5"
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("%s needs libbpf %s, and %s is linked", e.Func, e.Needs, VersionString())
}

// Is reports whether target is [errors.ErrUnsupported].
func (e *VersionError) Is(target error) bool { return target == errors.ErrUnsupported }

// VersionNumbers returns the numbers of [VersionString]. patch is -1 if it is not known.
func VersionNumbers() (major, minor, patch int) {
	patch = -1
	numbers := []*int{&major, &minor, &patch}
	for i, text := range strings.SplitN(VersionString(), ".", len(numbers)) {
		if n, err := strconv.Atoi(text); err == nil {
			*numbers[i] = n
		}
	}
	return major, minor, patch
}

// Needs returns a [VersionError] if the linked libbpf is older than the version that has this function.
func Needs(function string, major, minor int) error {
	if hasMajor, hasMinor, _ := VersionNumbers(); hasMajor > major || hasMajor == major && hasMinor >= minor {
		return nil
	}
	return &VersionError{Func: function, Needs: fmt.Sprintf("%d.%d", major, minor)}
}
