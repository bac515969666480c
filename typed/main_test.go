package typed_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"unsafe"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

func TestMain(m *testing.M) { os.Exit(testutil.Main(m)) }

func create(t testing.TB, typ libbpf.MapType, key, value, entries uint32) *libbpf.MapHandle {
	t.Helper()
	return createWith(t, typ, key, value, entries, libbpf.MapCreateOptions{})
}

// hashesTake tells whether the kernel reads and removes elements of hash tables in one step. TestLookupAndDelete of the
// package below says where that is missing.
func hashesTake(t testing.TB) bool {
	t.Helper()
	_, err := create(t, libbpf.MapTypeHash, 4, 4, 1).LookupAndDelete(make([]byte, 4))
	return !errors.Is(err, errors.ErrUnsupported)
}

func createWith(
	t testing.TB, typ libbpf.MapType, key, value, entries uint32, options libbpf.MapCreateOptions,
) *libbpf.MapHandle {
	t.Helper()
	testutil.Root(t)
	m, err := libbpf.CreateMap(typ, "typed", key, value, entries, options)
	if err != nil && testutil.Refused(err) {
		testutil.Skip(t, typ.String(), err)
	}
	check(t, err)
	t.Cleanup(func() { check(t, m.Close()) })
	return m
}

// must is f's result, which has no error.
func must[T any](t testing.TB) func(value T, err error) T {
	return func(value T, err error) T {
		t.Helper()
		check(t, err)
		return value
	}
}

var check, wantErr = testutil.Check, testutil.WantErr

// wantInvalid checks that an error is an ErrInvalid that has all of these in its text.
func wantInvalid(t testing.TB, err error, texts ...string) {
	t.Helper()
	wantErr(t, err, libbpf.ErrInvalid)
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("error %q does not say %q", err, text)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func equal[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// noAllocs checks that operations allocate nothing.
func noAllocs(t testing.TB, operations map[string]func()) {
	t.Helper()
	for name, f := range operations {
		if n := testutil.AllocsPerRun(200, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func sizeOf[T any](value T) int { return int(unsafe.Sizeof(value)) }
