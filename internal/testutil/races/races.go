// Package races runs the methods of a package's exported types against each other and against Close, and after Close.
// A table says how to make a value of each type, and what its methods get. A type or a method that is missing in the
// table is a failure, so nothing new is left out.
//
// While a value is closed, canaries take the numbers of its descriptors: see canary. So an operation that reaches a
// descriptor that it does not own any more leaves a trace, even if it returns no error.
package races

import (
	"fmt"
	"os"
	"reflect"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Table has the exported types of a package.
type Table struct {
	Folder string // the package's
	Types  []Type
	// Values are types that own nothing: their methods have nothing that could be closed. The others run nothing.
	Values []reflect.Type
	// Args makes arguments by their type.
	Args map[reflect.Type]func() any
	// Stays are the methods that return the same after Close, of all types. The others return an error then that
	// matches os.ErrClosed, or a zero.
	Stays []string
}

// Type is how to make a value of a type.
type Type struct {
	// Name is of the subtest. It is the name of the type, and behind a slash what is special about the value.
	Name string
	// Make returns a pointer to a new value. Its clean-up belongs to Close.
	Make func(t testing.TB) Value
	// Only are the methods that the value is for. None: all.
	Only []string
	// Methods says more about methods that need it.
	Methods map[string]Method
	// Errors are what all methods may return, as what they are for does not fit the value. EBADF is none of them.
	Errors []error
}

// Value is a value of a type, and what closes it, or what owns it. Close can be called more than once.
type Value struct {
	It    any
	Close func() error
	// End, if there is one, frees the rest: what does not belong to the value.
	End func()
}

// Method says what a method gets, and what else than success and os.ErrClosed it may return.
type Method struct {
	Args   func(it any) []any
	Errors []error
	// Closed are errors after Close that do not match os.ErrClosed; a nil is success.
	Closed []error
	// Stays: as in the Table, for this method.
	Stays bool
	// Done gets the results, for those that need more than Close.
	Done func(results []any)
	// Alone says why the method does not run at the same time as itself and others.
	Alone string
}

// roundsVariable says how often each pair of methods runs. Without it, no pairs run, but each method with Close, and all
// at once, twice.
const roundsVariable = "LIBBPF_GO_RACES"

func rounds() int {
	if n, err := strconv.Atoi(os.Getenv(roundsVariable)); err == nil {
		return n
	}
	return 0
}

// Run runs the table.
func Run(t *testing.T, table Table) {
	table.complete(t)
	n := rounds()
	stop := collectGarbage()
	defer stop()
	canaries := newCanaries(t)
	for _, typ := range table.Types {
		t.Run(typ.Name, func(t *testing.T) {
			r := &runner{t: t, table: table, typ: typ, canaries: canaries}
			r.methods = typ.methods(t)
			t.Run("after Close", func(t *testing.T) { r.on(t).afterClose() })
			t.Run("with Close", func(t *testing.T) {
				for _, name := range r.methods {
					for range max(n, 2) {
						r.on(t).race(true, name)
					}
				}
			})
			t.Run("all at once", func(t *testing.T) {
				for range max(n/10, 2) {
					r.on(t).race(true, r.methods...)
				}
			})
			t.Run("pairs", func(t *testing.T) {
				for i, one := range r.methods {
					for _, other := range r.methods[i:] {
						for range n {
							r.on(t).race(false, one, other)
						}
					}
				}
			})
		})
	}
	t.Logf("%d calls; canaries had the numbers of %d descriptors", calls.Load(), canaries.taken.Load())
}

// calls counts the calls of methods.
var calls atomic.Int64

// collectGarbage keeps the garbage collector busy until stop.
func collectGarbage() (stop func()) {
	done := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(time.Millisecond):
				runtime.GC()
			}
		}
	})
	return func() {
		close(done)
		all.Wait()
	}
}

// patience is how long a race may take before it counts as a hang.
const patience = 2 * time.Minute

// watchdog ends the process, with the stacks of all goroutines, if stop does not come.
func watchdog(what string) (stop func() bool) {
	return time.AfterFunc(patience, func() {
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		fmt.Fprintf(os.Stderr, "%s hangs\n%s\n", what, stacks)
		os.Exit(2)
	}).Stop
}
