package testutil

import (
	"errors"
	"testing"
)

// Check fails the test if there is an error, and shows all that the error has to say.
func Check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%+v", err)
	}
}

// WantErr fails the test if there is no error, or one that does not match all targets.
func WantErr(t testing.TB, err error, targets ...error) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %v", targets)
	}
	for _, target := range targets {
		if !errors.Is(err, target) {
			t.Fatalf("error %q is not %v", err, target)
		}
	}
}
