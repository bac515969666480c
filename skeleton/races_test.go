package skeleton_test

import (
	"errors"
	"reflect"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/needs"
	"github.com/libbpf-go/libbpf-go/internal/testutil/races"
	"github.com/libbpf-go/libbpf-go/skeleton"
)

// TestRaces runs the methods of this package against each other, against those that set links and maps, and against
// Close. The other methods are those of the root's types.
func TestRaces(t *testing.T) {
	testutil.Root(t)
	needs.ToLoadFile(t, testutil.Object(t, "globals"))
	errs := []error{libbpf.ErrLoaded, libbpf.ErrInvalid, unix.EBUSY, unix.EEXIST, errors.ErrUnsupported}
	open := func(t testing.TB) *skeleton.OpenObject {
		var before opened
		o, err := spec(t, "globals").Open(libbpf.ObjectBuilder{}, &before)
		check(t, err)
		return o
	}
	races.Run(t, races.Table{
		Folder: ".",
		Types: []races.Type{
			{Name: "OpenObject", Only: []string{"Close", "Load", "SetGlobal", "Map"}, Errors: errs, Make: func(t testing.TB) races.Value {
				o := open(t)
				return races.Value{It: o, Close: o.Close}
			}, Methods: map[string]races.Method{
				"Load":      {Args: func(any) []any { return []any{new(loaded)} }},
				"SetGlobal": {Args: func(any) []any { return []any{"connection_stats", 1} }, Errors: []error{libbpf.ErrNotFound}},
				"Map":       {Args: func(any) []any { return []any{".bss.connection_stats"} }},
			}},
			{Name: "Object", Only: []string{"Close", "AttachTo", "Attach", "Map"}, Errors: errs, Make: func(t testing.TB) races.Value {
				o, err := open(t).Load(new(loaded))
				check(t, err)
				return races.Value{It: o, Close: o.Close}
			}, Methods: map[string]races.Method{
				"AttachTo": {Args: func(any) []any { return []any{new(loaded)} }},
				"Map":      {Args: func(any) []any { return []any{".bss.connection_stats"} }},
			}},
		},
		Values: []reflect.Type{reflect.TypeFor[skeleton.Spec]()},
		Stays:  []string{"String", "Name"},
	})
}
